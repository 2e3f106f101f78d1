"""Tests here run against the lab's real Docker Engine."""

from tests.engine.oneapi import oneapi
from tests.engine.operating import here
from tests.lab.fixtures import engine, lab

__all__ = ["engine", "here", "lab", "oneapi"]
