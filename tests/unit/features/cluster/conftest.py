"""Targets of Compose files that stand in the tests."""

from tests.unit.spec.conftest import target_of

__all__ = ["target_of"]
