"""An engine behind the stdio of a program: on a computer elsewhere by ssh, or inside WSL.

Each connection is a child process whose stdin and stdout are the engine's socket. An address is

- ``ssh://[USER@]MACHINE[:PORT]``: the ``docker`` command there connects, or with a path behind it
  (``ssh://MACHINE/run/user/1000/docker.sock``) ssh alone;
- ``wsl://DISTRIBUTION``.

A child that is not used is kept for the next request of any thread: to start one takes several
round trips. Where ssh can listen on a Unix socket of ours, which its version for Windows can't
(https://github.com/PowerShell/openssh-portable/issues/850), one child forwards the engine's socket
for all connections.
"""

import hashlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system import pipes
from aiserver_tray.system.child_stdio import Duplex, start
from aiserver_tray.system.paths import runtime_folder
from aiserver_tray.system.wsl import wsl_program

_DIAL: Final = ("docker", "system", "dial-stdio")
_SSH: Final = (
    "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ControlPath=none",
    "-o", "RemoteCommand=none", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
)  # fmt: skip
"""Asks for nothing: a question would have no terminal. Shares no connection of the user's, which
may be dead, and would outlive us."""
SSH_ALONE: Final = (*_SSH, "-o", "ClearAllForwardings=yes")
"""The ports that the user's configuration forwards are for the user's own sessions."""

_FORWARDING: Final = ("-o", "StreamLocalBindUnlink=yes", "-o", "StreamLocalBindMask=0177")
_SOCKET: Final = "/var/run/docker.sock"

_IDLE_KEPT: Final = 4
_IDLE_SECONDS: Final = 60.0
_START_SECONDS: Final = 60.0
"""Seconds until the engine must answer a new child: a virtual machine may have to start first."""
_STARTING: Final = threading.BoundedSemaphore(4)
"""For children that have not answered yet: sshd drops some of those that log in at once
(``MaxStartups``)."""
_SOON_SECONDS: Final = 3.0
_USELESS_SECONDS: Final = 300.0
"""Seconds for which a socket that is elsewhere, or not for the user, is not tried again."""
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
        return [str(wsl_program()), "-d", parts.netloc, "-u", "root", "--exec", *_DIAL]
    machine = f"ssh://{parts.netloc}"
    path = parts.path.rstrip("/")
    return [*SSH_ALONE, *(["-W", path, machine] if path else ["--", machine, *_DIAL])]


def ping(engine: socket.socket) -> None:
    """Wait until the *engine* answers.

    Raises:
        OSError, HTTPException: it does not.
    """
    engine.sendall(_GREETING)
    with closing(HTTPResponse(engine, method="GET")) as answer:
        answer.begin()
        answer.read()


def _echo(program: Duplex) -> None:
    """Wait until *program* returns what it is sent, behind what a shell may say first.

    Raises:
        OSError, EOFError: it does not.
    """
    token, said = f"{uuid4()}\n".encode(), b""
    program.sendall(token)
    while token not in said:
        piece = bytearray(_WORDS_BYTES)
        if not (size := program.recv_into(piece)):
            raise EOFError
        said = said[-len(token) :] + piece[:size]


class Child:
    """A running program: ``sock`` leads to its stdio."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads may fill
        self._may_survive = argv[0].endswith("wsl.exe")
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
        self._meet(ping)

    def echo(self) -> None:
        """Wait until the program returns what it is sent.

        Raises:
            BridgeError: it does not.
        """
        self._meet(_echo)

    @property
    def echoes_soon(self) -> bool:
        """Whether the program returns what it is sent, within a few seconds."""
        self.sock.settimeout(_SOON_SECONDS)
        with suppress(OSError, EOFError):
            _echo(self.sock)
            return True
        return False

    def _meet(self, meet: Callable[[Duplex], object]) -> None:
        self.sock.settimeout(_START_SECONDS)
        try:
            meet(self.sock)
        except (OSError, EOFError, HTTPException) as error:
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

    def kill(self) -> None:
        """End it without waiting: a thread that waits for it gets an error."""
        self._process.kill()

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
        while child := self._idle_one():
            if child.is_usable and time.monotonic() - child.used_at < _IDLE_SECONDS:
                return child
            child.end()
        with _STARTING:
            child = Child(self._argv)
            child.greet()
        return child

    def _idle_one(self) -> Child | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

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

    def renew(self) -> None:
        """End all that are idle: they may be dead."""
        self.drop()

    def drop(self) -> None:
        """End all that are idle."""
        with self._lock:
            dropped, self._idle = self._idle, []
        for child in dropped:
            child.end()


class Tunnel:
    """One child that forwards the socket of the engine at *host* to a socket of ours. It ends with
    this process, because it runs ``cat`` there, which then has no input any more."""

    def __init__(self, host: str) -> None:
        parts = urlsplit(host)
        name = hashlib.sha256(host.encode()).hexdigest()[:12]
        folder = runtime_folder("ssh")
        self._path = pipes.address(folder, f"{os.getpid()}-{name}")
        _remove_left(folder)
        there = parts.path.rstrip("/") or _SOCKET
        forward = [*_FORWARDING, "-L", f"{self._path}:{there}"]
        self._argv = [*_SSH, *forward, "--", f"ssh://{parts.netloc}", "cat"]
        self._child: Child | None = None
        self._starting: Child | None = None
        self._useless_until = 0.0
        self._lock = threading.Lock()

    @property
    def works(self) -> bool:
        """Whether the engine answers behind it. Otherwise its socket is elsewhere, or not for this
        user.

        Raises:
            BridgeError: nobody can log in there.
        """
        with self._lock:
            if time.monotonic() < self._useless_until:
                return False
            if not self._is_up():
                self._begin()
                if not self._has_engine():
                    self._end()
                    self._useless_until = time.monotonic() + _USELESS_SECONDS
                    return False
            return True

    @property
    def path(self) -> str:
        """Of our socket. A new child listens there if the last one has ended.

        Raises:
            BridgeError: it does not.
        """
        with self._lock:
            if not self._is_up():
                self._begin()
            return self._path

    def _is_up(self) -> bool:
        return self._child is not None and self._child.is_usable

    def _begin(self) -> None:
        self._end()
        with _STARTING:
            self._starting = child = Child(self._argv)
            child.echo()
        self._child, self._starting = child, None

    def _has_engine(self) -> bool:
        try:
            with closing(pipes.unix_socket(self._path, _START_SECONDS)) as found:
                ping(found)
        except (OSError, HTTPException):
            return False
        return True

    def renew(self) -> None:
        """End the child if its connection is dead. One that is just starting is not waited for."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._child and not self._child.echoes_soon:
                self._end()
        finally:
            self._lock.release()

    def drop(self) -> None:
        """End the child, also one that is just starting."""
        if starting := self._starting:
            starting.kill()
        with self._lock:
            self._useless_until = 0.0
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            child.end()
            Path(self._path).unlink(missing_ok=True)


def _remove_left(folder: Path) -> None:
    """Remove the sockets of processes that were killed."""
    for left in folder.iterdir():
        with suppress(OSError, ValueError):
            try:
                os.kill(int(left.name.partition("-")[0]), 0)
            except ProcessLookupError:
                left.unlink()


_children: dict[str, Children] = {}
_tunnels: dict[str, Tunnel] = {}
_known = threading.Lock()


def children(host: str) -> Children:
    """The children of this process for the engine at *host*."""
    with _known:
        return _children.setdefault(host, Children(host))


def tunnel(host: str) -> Tunnel | None:
    """The tunnel of this process to the engine at *host*; None: this system has none for it."""
    if not (host.startswith("ssh:") and hasattr(socket, "AF_UNIX")):
        return None
    with _known, suppress(SettingError):  # a folder with too long a name has no sockets
        return _tunnels.get(host) or _tunnels.setdefault(host, Tunnel(host))
    return None


def renew(host: str) -> None:
    """The connection to the engine at *host* may be dead: end what leads there and is."""
    for one in _leading_to(host):
        one.renew()


def drop(host: str) -> None:
    """End what leads to the engine at *host*, but for what is in use alone."""
    for one in _leading_to(host):
        one.drop()


def _leading_to(host: str) -> list[Children | Tunnel]:
    with _known:
        return [one for one in (_children.get(host), _tunnels.get(host)) if one]
