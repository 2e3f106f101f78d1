"""Tests here run against the lab's real Docker Engine."""

from tests.engine.oneapi import oneapi
from tests.engine.second_lab import second
from tests.lab.fixtures import engine, lab
from tests.support.installation import here

__all__ = ["engine", "here", "lab", "oneapi", "second"]
