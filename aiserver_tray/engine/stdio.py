"""An engine behind the stdio of a program: on a computer elsewhere by ssh, or inside WSL.

Each connection is a child process whose stdin and stdout are the engine's socket. An address is

- ``ssh://[USER@]MACHINE[:PORT]``: the ``docker`` command there connects, or with a path behind it
  (``ssh://MACHINE/run/user/1000/docker.sock``) ssh alone;
- ``wsl://DISTRIBUTION``.

A child that is not used is kept for the next request of any thread: to start one takes several
round trips.
"""

import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.parse import urlsplit

from aiserver_tray.base.i18n import Text
from aiserver_tray.system.child_stdio import start

_DIAL: Final = ("docker", "system", "dial-stdio")
_SSH: Final = (
    "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ControlMaster=no",
    "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
)  # fmt: skip
"""Asks for nothing: a question would have no terminal."""

_IDLE_KEPT: Final = 4
_IDLE_SECONDS: Final = 60.0
_START_SECONDS: Final = 60.0
"""Seconds until the engine must answer a new child: a virtual machine may have to start first."""
_STARTING: Final = threading.BoundedSemaphore(4)
"""For children that have not answered yet: sshd drops some of those that log in at once
(``MaxStartups``)."""
_WORDS_BYTES: Final = 4096
_LAST_WORDS_SECONDS: Final = 1.0
_WSL_SECONDS: Final = 2.0
"""Seconds in which ``wsl.exe`` ends by itself: processes inside may survive one that is killed
(https://github.com/microsoft/WSL/issues/12159)."""
_GREETING: Final = b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


class BridgeError(OSError):
    """A child can't connect; ``why``: in its own words, or ours."""

    def __init__(self, why: Text | str) -> None:
        super().__init__(str(why))
        self.why = why


def command(host: str) -> list[str]:
    """The command whose stdio is the socket of the engine at *host*."""
    parts = urlsplit(host)
    if parts.scheme == "wsl":
        return ["wsl.exe", "-d", parts.netloc, "-u", "root", "--exec", *_DIAL]
    machine = f"ssh://{parts.netloc}"
    path = parts.path.rstrip("/")
    return [*_SSH, *(["-W", path, machine] if path else ["--", machine, *_DIAL])]


class Child:
    """A running program: ``sock`` leads to its stdio."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads may fill
        self._may_survive = argv[0] == "wsl.exe"
        self.used_at = time.monotonic()
        try:
            self._process, self.sock = start(argv, self._words)
        except OSError as error:
            self._words.close()
            why = Text(
                "can't run {program} ({reason})",
                program=argv[0],
                reason=error.strerror or error,
            )
            raise BridgeError(why) from None

    @property
    def is_usable(self) -> bool:
        """It runs, and sends nothing that nobody has asked for, such as its end."""
        return self._process.poll() is None and self.sock.is_quiet()

    def greet(self) -> None:
        """Wait until the engine answers, so that no slow request keeps other children from
        starting.

        Raises:
            BridgeError: it does not.
        """
        self.sock.settimeout(_START_SECONDS)
        try:
            self.sock.sendall(_GREETING)
            with closing(HTTPResponse(self.sock, method="GET")) as answer:
                answer.begin()
                answer.read()
        except (OSError, HTTPException) as error:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WORDS_SECONDS)
            why = self._said() or str(error) or type(error).__name__
            self.end()
            raise BridgeError(why) from None  # not what it comes from, which says less

    def _said(self) -> str:
        """The end of what it wrote to its stderr."""
        self._words.seek(0)
        text = self._words.read()[-_WORDS_BYTES:]
        return text.decode("utf-16-le" if b"\0" in text else "utf-8", "replace").strip()

    def end(self) -> None:
        """End it at once, even if it hangs."""
        self.sock.close()
        if self._may_survive:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_WSL_SECONDS)
        self._process.kill()
        self._process.wait()
        self._words.close()


class Children:
    """The children for the engine at *host*, for all threads. The newest idle one is used first."""

    def __init__(self, host: str) -> None:
        self._argv = command(host)
        self._idle: list[Child] = []
        self._lock = threading.Lock()

    def take(self) -> Child:
        """A child through which the engine answers.

        Raises:
            BridgeError: it does not.
        """
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                with _STARTING:
                    child = Child(self._argv)
                    child.greet()
                return child
            if child.is_usable:
                return child
            child.end()

    def give(self, child: Child) -> None:
        """*child* is not used any more."""
        child.used_at = now = time.monotonic()
        with self._lock:
            known = [*self._idle, child] if child.is_usable else [*self._idle]
            recent = [one for one in known if now - one.used_at < _IDLE_SECONDS]
            self._idle = recent[-_IDLE_KEPT:]
            gone = {*known, child} - {*self._idle}
        for one in gone:
            one.end()

    def drop(self) -> None:
        """End all that are idle: they may be dead."""
        with self._lock:
            dropped, self._idle = self._idle, []
        for child in dropped:
            child.end()


_known: dict[str, Children] = {}
_known_lock = threading.Lock()


def children(host: str) -> Children:
    """The children of this process for the engine at *host*."""
    with _known_lock:
        return _known.setdefault(host, Children(host))
