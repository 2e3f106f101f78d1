"""The ways to start and stop a stack that are measured beside each other."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiserver_tray.core.core import Core
from aiserver_tray.operations.request import Request


class Side(Protocol):
    """Starts and stops one stack; returns when it is done."""

    @property
    def label(self) -> str:
        """What all of its containers have."""

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


def project_label(project: str) -> str:
    """What Compose and we put on the containers of a *project*."""
    return f"com.docker.compose.project={project}"


@dataclass(frozen=True)
class Theirs:
    """``docker compose``."""

    project: str
    file: Path
    host: str

    @property
    def label(self) -> str:
        return project_label(self.project)

    def up(self) -> None:
        self._run("up", "-d", "--wait")

    def down(self) -> None:
        self._run("down")

    def _run(self, *words: str) -> None:
        run(["docker-compose", "-f", self.file, "-p", self.project, *words], self.host)


@dataclass(frozen=True)
class Tray:
    """Our command line: one installation with one further catalog folder. ``program`` is what
    Python runs."""

    home: Path
    catalog: Path
    host: str
    program: Sequence[str] = ("-m", "aiserver_tray")

    def command(self, *words: str) -> list[object]:
        """The whole command of one call."""
        options = ["--home", self.home, "--catalog", self.catalog, "--host", self.host]
        return [sys.executable, *self.program, *options, *words]

    def run(self, *words: str) -> str:
        """Standard output of one call."""
        return run(self.command(*words), self.host)


@dataclass(frozen=True)
class WholeProcess:
    """Ours, with the start of Python: these modules, or all."""

    tray: Tray
    label: str
    modules: tuple[str, ...] = ()

    def up(self) -> None:
        self.tray.run("up", *(self.modules or ["--all"]))

    def down(self) -> None:
        self.tray.run("down", *self.modules)


@dataclass(frozen=True)
class InProcess:
    """Ours, in a process that runs already: these modules, or all."""

    core: Core
    label: str
    modules: tuple[str, ...] = ()

    def up(self) -> None:
        self._run(Request("up", self.modules, all=not self.modules))

    def down(self) -> None:
        self._run(Request("down", self.modules))

    def _run(self, request: Request) -> None:
        view = self.core.operations.start(request).wait()
        if view.error:
            raise view.error
