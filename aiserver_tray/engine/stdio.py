"""An engine behind the stdio of a program: on a computer elsewhere by ssh, or inside WSL.

Each connection is a child process whose stdin and stdout are the engine's socket. An address is

- ``ssh://[USER@]MACHINE[:PORT]``: the ``docker`` command there connects, or with a path behind it
  (``ssh://MACHINE/run/user/1000/docker.sock``) ssh alone;
- ``wsl://DISTRIBUTION``.

A child that is not used is kept for the next request of any thread: to start one takes several
round trips. Where ssh can listen on a Unix socket of ours, which its version for Windows can't
(https://github.com/PowerShell/openssh-portable/issues/850), one child forwards the engine's socket
for all connections, and another one connections to ports of the computer.
"""

import atexit
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system import pipes
from aiserver_tray.system.child_stdio import BridgeError, Child, shell
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

_IDLE_KEPT: Final = 6
_IDLE_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 60.0
_STARTING: Final = threading.BoundedSemaphore(3)
"""For children that have not answered yet: sshd drops some of those that log in at once
(``MaxStartups``)."""
_USELESS_SECONDS: Final = 300.0
"""Seconds for which a socket that is elsewhere, or not for the user, is not tried again."""
_GREETING: Final = b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


def command(host: str) -> list[str]:
    """The command whose stdio is the socket of the engine at *host*."""
    parts = urlsplit(host)
    if parts.scheme == "wsl":
        return [str(wsl_program()), "-d", parts.netloc, "-u", "root", "--exec", *_DIAL]
    machine = f"ssh://{parts.netloc}"
    path = parts.path.rstrip("/")
    return [*SSH_ALONE, *(["-W", path, machine] if path else ["--", machine, *_DIAL])]


def _shell_command(host: str) -> list[str]:
    """The command whose stdio is a shell on the computer of the engine at *host*."""
    parts = urlsplit(host)
    if parts.scheme == "wsl":
        return [str(wsl_program()), "-d", parts.netloc, "-u", "root", "--exec", "sh"]
    return [*SSH_ALONE, "--", f"ssh://{parts.netloc}", "sh"]


def ping(engine: socket.socket) -> None:
    """Wait until the *engine* answers.

    Raises:
        OSError, HTTPException: it does not.
    """
    engine.sendall(_GREETING)
    with closing(HTTPResponse(engine, method="GET")) as answer:
        answer.begin()
        answer.read()


class Children:
    """The children for the engine at *host*, for all threads. The newest idle one is used first."""

    def __init__(self, host: str) -> None:
        self._argv = command(host)
        self._idle: list[Child] = []
        self._lock = threading.Lock()
        self._dropped = 0

    def take(self) -> Child:
        """A child through which the engine answers.

        Raises:
            BridgeError: it does not.
        """
        while child := self._idle_one():
            if child.is_usable and time.monotonic() - child.used_at < _IDLE_SECONDS:
                return child
            child.end()
        dropped = self._dropped
        with _STARTING:
            child = Child(self._argv)
            child.meet(ping)
        child.series = dropped
        return child

    def _idle_one(self) -> Child | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give(self, child: Child) -> None:
        """*child* is not used any more."""
        child.used_at = now = time.monotonic()
        with self._lock:
            # Nobody would end one that was in use while all others were dropped.
            is_known = child.series == self._dropped and child.is_usable
            known = [*self._idle, child] if is_known else [*self._idle]
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
            self._dropped += 1
            dropped, self._idle = self._idle, []
        for child in dropped:
            child.end()


class _Forwarding:
    """One child of ssh that listens at a socket of ours, and forwards it with *option*, in which
    ``{path}`` stands for the socket. It ends with this process, because it runs a shell there,
    which then has no input any more."""

    def __init__(self, host: str, *option: str) -> None:
        name = hashlib.sha256(" ".join([host, *option]).encode()).hexdigest()[:12]
        folder = runtime_folder("ssh")
        self._path = pipes.address(folder, f"{os.getpid()}-{name}")
        _remove_left(folder)
        forward = [*_FORWARDING, *(word.format(path=self._path) for word in option)]
        self._argv = [*_SSH, *forward, "--", f"ssh://{urlsplit(host).netloc}", "sh"]
        self._child: Child | None = None
        self._starting: Child | None = None
        self._lock = threading.Lock()
        self._dropped = 0

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The lock. Who has waited for it while all was dropped begins nothing new.

        Raises:
            BridgeError: that is so.
        """
        before = self._dropped
        with self._lock:
            if self._dropped != before:
                raise BridgeError(Text("the connection was closed"))
            yield

    @property
    def path(self) -> str:
        """Of our socket. A new child listens there if the last one has ended.

        Raises:
            BridgeError: it does not.
        """
        with self._held():
            if not self._is_up():
                self._begin()
            return self._path

    def _is_up(self) -> bool:
        return self._child is not None and self._child.is_usable

    def _begin(self) -> None:
        self._end()
        with _STARTING:
            self._starting = child = Child(self._argv)
            child.meet(shell)
        self._child, self._starting = child, None

    def renew(self) -> None:
        """End the child if its connection is dead. One that is just starting is not waited for."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._child and not self._child.answers_soon:
                self._end()
        finally:
            self._lock.release()

    def drop(self) -> None:
        """End the child, also one that is just starting."""
        self._dropped += 1
        if starting := self._starting:
            starting.kill()
        with self._lock:
            self._end()

    def kill(self) -> None:
        """End the child without waiting for who holds the lock."""
        for child in (self._starting, self._child):
            if child:
                child.kill()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            child.end()
            Path(self._path).unlink(missing_ok=True)


class Tunnel(_Forwarding):
    """Forwards the socket of the engine at *host*."""

    def __init__(self, host: str) -> None:
        there = urlsplit(host).path.rstrip("/") or _SOCKET
        super().__init__(host, "-L", f"{{path}}:{there}")
        self._useless_until = 0.0

    @property
    def works(self) -> bool:
        """Whether the engine answers behind it. Otherwise its socket is elsewhere, or not for this
        user.

        Raises:
            BridgeError: nobody can log in there.
        """
        with self._held():
            if time.monotonic() < self._useless_until:
                return False
            if not self._is_up():
                self._begin()
                if not self._has_engine():
                    self._end()
                    self._useless_until = time.monotonic() + _USELESS_SECONDS
                    return False
            return True

    def _has_engine(self) -> bool:
        try:
            with closing(pipes.unix_socket(self._path, _ANSWER_SECONDS)) as found:
                ping(found)
        except (OSError, HTTPException):
            return False
        return True

    def run(self, script: str) -> str | None:
        """The output of *script* on that computer; None: no child is there to run it."""
        with self._lock:
            if self._child is None or not self._is_up():
                return None
            output: list[str] = []
            self._child.meet(lambda there: output.append(shell(there, script)))
            return output[0]

    def drop(self) -> None:
        self._useless_until = 0.0
        super().drop()


class _Dialler(_Forwarding):
    """Connects to any port of the computer of the engine at *host*."""

    def __init__(self, host: str) -> None:
        super().__init__(host, "-D", "{path}")

    def dial(self, address: str, port: int) -> socket.socket:
        """A connection to the *port* at *address* there, by ssh's SOCKS 5 (RFC 1928).

        Raises:
            OSError: there is none.
        """
        found = pipes.unix_socket(self.path, _ANSWER_SECONDS)
        try:
            found.sendall(b"\5\1\0")
            name = address.encode()
            place = bytes([len(name)]) + name + port.to_bytes(2, "big")
            if found.recv(2) == b"\5\0":
                found.sendall(b"\5\1\0\3" + place)
                if found.recv(10, socket.MSG_WAITALL)[:2] == b"\5\0":
                    return found
        except OSError:
            found.close()
            raise
        found.close()
        raise ConnectionRefusedError(f"{address}:{port}")


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
_diallers: dict[str, _Dialler] = {}
_known = threading.Lock()


@atexit.register
def _end_forwardings() -> None:
    """By itself, ssh waits for the end of connections that it forwards: minutes for one in which
    the engine reads no more."""
    for one in [*_tunnels.values(), *_diallers.values()]:
        one.kill()


def children(host: str) -> Children:
    """The children of this process for the engine at *host*."""
    with _known:
        return _children.setdefault(host, Children(host))


def tunnel(host: str) -> Tunnel | None:
    """The tunnel of this process to the engine at *host*; None: this system has none for it."""
    if not _can_forward(host):
        return None
    with _known, suppress(SettingError):  # a folder with too long a name has no sockets
        return _tunnels.get(host) or _tunnels.setdefault(host, Tunnel(host))
    return None


def has_child_each(host: str) -> bool:
    """Whether each connection to the engine at *host* is a child of its own.

    Raises:
        BridgeError: nobody can log in there.
    """
    found = tunnel(host)
    return not (found and found.works)


def _can_forward(host: str) -> bool:
    return host.startswith("ssh:") and hasattr(socket, "AF_UNIX")


@contextmanager
def connected(host: str, address: str, port: int) -> Iterator[socket.socket]:
    """A connection to the *port* at *address*, as the computer of the engine at *host* sees it.

    Raises:
        OSError: there is none. Where each connection has an ssh of its own, it just ends.
    """
    dialler = None
    if _can_forward(host):
        with _known, suppress(SettingError):
            dialler = _diallers.get(host) or _diallers.setdefault(host, _Dialler(host))
    if dialler:
        with closing(dialler.dial(address, port)) as found:
            yield found
        return
    there = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    child = Child([*SSH_ALONE, "-W", there, "--", f"ssh://{urlsplit(host).netloc}"])
    try:
        yield child.sock
    finally:
        child.end()


def run(host: str, script: str) -> str:
    """The output of the shell's *script* on the computer of the engine at *host*.

    Raises:
        BridgeError: it has no shell, or can't be reached.
    """
    found = tunnel(host)
    if found and (said := found.run(script)) is not None:
        return said
    output: list[str] = []
    with _STARTING:
        child = Child(_shell_command(host))
        child.meet(lambda there: output.append(shell(there, script)))
    child.end()
    return output[0]


def renew(host: str) -> None:
    """The connection to the engine at *host* may be dead: end what leads there and is."""
    for one in _leading_to(host):
        one.renew()


def drop(host: str) -> None:
    """End what leads to the engine at *host*, but for what is in use alone."""
    for one in _leading_to(host):
        one.drop()


def _leading_to(host: str) -> list[Children | _Forwarding]:
    with _known:
        known = (_children.get(host), _tunnels.get(host), _diallers.get(host))
        return [one for one in known if one]
