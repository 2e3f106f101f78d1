"""An installation of its own for each test that uses the command line."""

from pathlib import Path

import pytest

from tests.unit.command_line import Tray


@pytest.fixture
def tray(tmp_path: Path) -> Tray:
    return Tray(tmp_path / "home")
