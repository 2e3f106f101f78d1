"""The command line as a user runs it: a process with an exit status and two streams."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import forked
from tests.support.limits import stretched

LIMIT = stretched(300.0)
"""Seconds after which a call that has not ended is a failure."""


@dataclass(frozen=True)
class Done:
    """A call that ended: exit status, standard output, standard error."""

    code: int
    output: str
    errors: str

    def succeeded(self) -> "Done":
        """Itself. Raises ``AssertionError`` where it failed, or had something to complain of."""
        assert self.code == 0, str(self)  # whole, which an object is not
        assert not self.failures, str(self)
        return self

    def failed(self, code: str, *words: str) -> "Done":
        """Itself. Raises ``AssertionError`` where it did anything but fail with this one error,
        whose text has *words*."""
        assert self.code == 1, str(self)
        assert self.failures == [code], str(self)
        missing = [word for word in words if word not in self.errors]
        assert not missing, (missing, self)
        return self

    def cancelled(self) -> "Done":
        """Itself. Raises ``AssertionError`` where it did not end as a cancelled call does."""
        assert self.code == 130, str(self)
        return self

    @property
    def failures(self) -> list[str]:
        """The codes on standard error. Raises ``AssertionError`` where there is a traceback."""
        assert "Traceback" not in self.errors, self.errors
        return re.findall(r"^(E_[A-Z_]+): ", self.errors, re.MULTILINE)


@dataclass(frozen=True)
class Running:
    """A call that may still run."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it at once, as a crash would. Raises ``AssertionError`` where it had ended."""
        assert self.is_running, self.wait()
        self.process.kill()
        self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == -signal.SIGKILL

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait(self) -> Done:
        """Its end. Raises ``subprocess.TimeoutExpired`` where it does not come."""
        output, errors = self.process.communicate(timeout=LIMIT)
        return Done(self.process.returncode, output, errors)


_PROGRAM = (sys.executable, "-m", "aiserver_tray")


@dataclass(frozen=True)
class CommandLine:
    """``aiserver-tray`` for one installation, with one further catalog folder, on the engine at
    *host*."""

    home: Path
    catalog: Path
    host: str

    @property
    def options(self) -> list[str]:
        return ["--home", str(self.home), "--catalog", str(self.catalog), "--engine", self.host]

    def advice(self, words: str) -> str:
        """The command *words*, as one of this installation is told to give it."""
        return shlex.join(("aiserver-tray", *self.options, *words.split()))

    @contextmanager
    def started(self, *words: str) -> Iterator[Running]:
        """A call that is ended with the block, if it has not ended itself."""
        command = [*_PROGRAM, *self.options, *words]
        with subprocess.Popen(
            command,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    def run(self, *words: str) -> Done:
        """A call, to its end."""
        return Done(*forked.run([*self.options, *words], os.environ | {"LC_ALL": "C.UTF-8"}, LIMIT))

    def call(self, *arguments: object, env: Mapping[str, str] | None = None) -> Done:
        """A call of *arguments* alone, to its end. It finds the home in its environment, which has
        little else but *env*; catalog and engine are those that the program uses by default."""
        bare = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "AISERVER_HOME": str(self.home)}
        done = subprocess.run(
            [*_PROGRAM, *map(str, arguments)],
            env=bare | dict(env or {}),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def status(self) -> dict[str, Any]:
        """What ``status --json`` says."""
        status: dict[str, Any] = json.loads(self.run("status", "--json").output)
        return status

    def module(self, name: str) -> dict[str, Any]:
        """What ``status --json`` says of a module."""
        found = [module for module in self.status()["modules"] if module["name"] == name]
        assert len(found) == 1, (name, found)
        return dict(found[0])
