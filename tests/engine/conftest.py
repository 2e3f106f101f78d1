"""Tests here run against the lab's real Docker Engine."""

from tests.engine.elsewhere import elsewhere
from tests.engine.oneapi import oneapi
from tests.engine.second_lab import cut_off, second
from tests.lab.fixtures import engine, lab
from tests.support.installation import here

__all__ = ["cut_off", "elsewhere", "engine", "here", "lab", "oneapi", "second"]
