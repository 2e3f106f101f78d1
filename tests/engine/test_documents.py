"""The commands of README, guide and the page of the command line, typed by a reader.

The basic services and OneAPI are those of the catalog. The other features are one small service
each, with the settings that the documents name, so that the whole course takes seconds.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.engine.oneapi import OneApiStack
from tests.support.documents import GUIDE, PROGRAM, README, REFERENCE, typed
from tests.support.installation import Installation, script
from tests.support.markdown import ROOT
from tests.support.ports import free_port
from tests.support.terminal import Terminal, on_terminal

T = TypeVar("T")
TALKS = "echo 'level=warn status=503 msg=\"a timeout\"'; exec sleep 86400"
CTRL_C = "\x03"
DIALOGUES = {
    "logs .*--follow": [("a timeout", CTRL_C)],
    "stats .*--watch": [("CPU %", CTRL_C)],
    "serve": [("http://", CTRL_C)],
    r"exec \S+ sh": [("# ", "exit\n")],
    r"exec \S+ psql": [("=# ", "\\q\n")],
    "down .*--volumes": [("[y/N]", "y\n"), ("Delete them, too?", "y\n")],
}
"""The beginning of a command -> what a reader waits for, and the keys then."""
STATUS = {"(logs|stats) .*--(follow|watch)": 130}
"""The beginning of a command -> its exit status, if that is not 0."""


def write_feature(catalog: Path, name: str, *requires: str) -> None:
    """The small module *name*, which can use OneAPI."""
    prefix = name.upper()
    settings = {
        f"{prefix}_HOST_PORT": {"type": "port", "default": free_port()},
        f"{prefix}_DB_PASSWORD": {"type": "secret", "generate": "alnum32"},
        f"{prefix}_ONEAPI_TOKEN": {"type": "secret", "token_of": "oneapi"},
        f"{prefix}_MODELS": {
            "type": "choice",
            "default": "none",
            "choices": {"none": {}, "oneapi": {"requires": ["oneapi"]}},
        },
    }
    service = script(
        TALKS,
        init=True,
        ports=[f"${{{prefix}_HOST_PORT}}:80"],
        volumes=["data:/data"],  # for the commands of backups
        environment={"TOKEN": f"${{{prefix}_ONEAPI_TOKEN}}"},
    )
    module = Installation(catalog, catalog, "")
    services = {name: service, "worker": script(TALKS, init=True)}
    top: dict[str, object] = {"volumes": {"data": {}}}
    module.write(name, services, top=top, settings=settings, requires=requires)


class Reader:
    """Types commands in a shell with this *environment*, and *ports* in place of others."""

    def __init__(self, environment: Mapping[str, str], ports: Mapping[str, str]) -> None:
        self._environment = environment
        self._ports = ports

    def type(self, line: str) -> None:
        """Type *line* and what it asks for. Raises ``AssertionError`` if it fails."""
        for old, new in self._ports.items():
            line = line.replace(old, new)
        with self.shell(line) as shown:
            for expected, keys in _of(DIALOGUES, line, ()):
                shown.wait_for(expected)
                shown.type(keys)
            status = shown.end()
        assert status == _of(STATUS, line, 0), (line, status, shown.text)
        assert "Traceback" not in shown.text, (line, shown.text)

    def shell(self, line: str) -> AbstractContextManager[Terminal]:
        """A terminal in which *line* was typed."""
        return on_terminal("bash", "-c", line, **self._environment)


def _of(table: Mapping[str, T], line: str, default: T) -> T:
    """The value for the beginning of the command *line*."""
    words = line.removeprefix(f"{PROGRAM} ")
    return next((value for key, value in table.items() if re.match(key, words)), default)


@pytest.fixture
def reader(oneapi: OneApiStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """With a program whose catalog is small, in a new home."""
    copy = tmp_path / "program"
    for kind in ("basic/postgres", "basic/redis", "basic/local-models", "features/oneapi"):
        shutil.copytree(ROOT / "orchestration" / kind, copy / "orchestration" / kind)
    for name, *requires in (("n8n", "postgres"), ("dify", "postgres", "redis"), ("ragflow",)):
        write_feature(copy / "orchestration/features", name, *requires)
    for name in ("aiserver_tray", "ui"):
        (copy / name).symlink_to(ROOT / name)
    command = copy / "bin" / PROGRAM
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m aiserver_tray "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # a support bundle goes there
    environment = {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy),
        "DOCKER_HOST": oneapi.host,
        "AISERVER_HOME": str(oneapi.home),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),  # `autostart`
        "DISPLAY": ":9",
    }
    return Reader(environment, {port: str(free_port()) for port in ("18101", "8700")})


def test_each_command_of_the_documents_works(reader: Reader) -> None:
    """While the applet runs, and n8n before each page of the guide."""
    with reader.shell(f"{PROGRAM} serve") as applet:
        applet.wait_for("http://")
        for page in (README, *GUIDE, REFERENCE):
            if page in GUIDE:
                reader.type(f"{PROGRAM} up n8n")
            for line in typed(page):
                reader.type(line)
        applet.type(CTRL_C)
        assert applet.end() == 0, applet.text
