"""The ways to start and stop a stack that are measured beside each other."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiserver_tray.core import Core
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from tests.bench.shapes import Shape


class Side(Protocol):
    """Starts and stops one shape; returns when it is done."""

    @property
    def project(self) -> str:
        """The value of Compose's project label on its containers."""

    def up(self) -> None: ...

    def down(self) -> None: ...


def run(command: Sequence[object], host: str = "") -> str:
    """Standard output of *command* on the engine at *host*. Raises ``RuntimeError`` with what it
    said where it fails."""
    words = [str(word) for word in command]
    environment = os.environ | {"DOCKER_HOST": host}
    # As where it is installed: a shell that asks for no bytecode has it compiled at each start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Theirs:
    """``docker compose``."""

    shape: Shape
    file: Path
    host: str

    @property
    def project(self) -> str:
        return f"theirs-{self.shape.name}"

    def up(self) -> None:
        self._run("up", "-d", "--wait")

    def down(self) -> None:
        self._run("down")

    def _run(self, *words: str) -> None:
        run(["docker-compose", "-f", self.file, "-p", self.project, *words], self.host)


@dataclass(frozen=True)
class Tray:
    """Our command line: one installation with one further catalog folder."""

    home: Path
    catalog: Path
    host: str

    def command(self, *words: str) -> list[object]:
        """The whole command of one call."""
        options = ["--home", self.home, "--catalog", self.catalog, "--host", self.host]
        return [sys.executable, "-m", "aiserver_tray", *options, *words]

    def run(self, *words: str) -> str:
        """Standard output of one call."""
        return run(self.command(*words), self.host)


@dataclass(frozen=True)
class WholeProcess:
    """Ours, with the start of Python."""

    shape: Shape
    tray: Tray

    @property
    def project(self) -> str:
        return f"aiserver-{self.shape.name}"

    def up(self) -> None:
        self.tray.run("up", self.shape.name)

    def down(self) -> None:
        self.tray.run("down", self.shape.name)


@dataclass(frozen=True)
class InProcess:
    """Ours, in a process that runs already."""

    shape: Shape
    core: Core

    @property
    def project(self) -> str:
        return f"aiserver-{self.shape.name}"

    def up(self) -> None:
        self._run("up")

    def down(self) -> None:
        self._run("down")

    def _run(self, kind: OperationKind) -> None:
        view = self.core.operations.start(Request(kind, (self.shape.name,))).wait()
        if view.error:
            raise view.error
