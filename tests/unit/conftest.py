"""An installation of its own for each test that uses the command line, and a machine that has no
programs but those of every Debian."""

import json
import os
from pathlib import Path

import pytest

from developer.machine import DEBIAN
from developer.packages import INSTALLER, LAB, TESTS
from tests.support.command_line import CommandLine

BASE = {"e2fsprogs", "iproute2", "util-linux"}
"""Packages of Debian's base system, which no machine lacks."""


@pytest.fixture(scope="session")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH without the programs that only other levels may use."""
    tables = [INSTALLER, json.loads(LAB.read_text(encoding="utf-8")), *TESTS.values()]
    hidden = {name for table in tables for name in table if table[name] not in BASE}

    def bare(folder: Path) -> Path:
        # `su` leaves the folders of the user before, which may be closed to this one.
        is_open = os.access(folder, os.R_OK | os.X_OK) and folder.is_dir()
        programs = list(folder.iterdir()) if is_open else []
        if hidden.isdisjoint(program.name for program in programs):
            return folder
        links = tmp_path_factory.mktemp("programs")
        for program in programs:
            if program.name not in hidden:
                (links / program.name).symlink_to(program)
        return links

    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(str(bare(Path(folder))) for folder in folders)


@pytest.fixture(autouse=True)
def bare_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that runs a program which nothing has installed for this level."""
    if DEBIAN:
        monkeypatch.setenv("PATH", request.getfixturevalue("bare_path"))


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", tmp_path / "home/modules", "unix:///nowhere")
