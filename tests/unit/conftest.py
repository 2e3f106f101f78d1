"""An installation of its own for each test that uses the command line."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", tmp_path / "home/modules", "unix:///nowhere")
