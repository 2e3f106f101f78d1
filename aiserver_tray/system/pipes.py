"""Local connections: Unix sockets, and between the user's own processes named pipes on Windows."""

import errno
import os
import socket
import struct
import sys
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Protocol, cast

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text

_MAX_PATH_BYTES = 103
"""Bytes of a Unix socket's path (macOS; Linux takes a few more)."""

_BACKLOG = 64


def address(folder: Path, name: str) -> str:
    """The address to listen at for *name*: in the user-only *folder*, or in the namespace of all
    pipes on Windows, where *name* must be unique to the user.

    Raises:
        SettingError: the folder's path is too long.
    """
    if sys.platform == "win32":
        return rf"\\.\pipe\aiserver-tray-{name}"
    place = str(folder / name)
    if len(os.fsencode(place)) > _MAX_PATH_BYTES:
        why = Text("its path is too long for a socket. Set XDG_RUNTIME_DIR to a shorter path")
        raise SettingError(str(folder), why)
    return place


class Listening(Protocol):
    """A server that accepts connections at an address."""

    def accept(self) -> "Connection": ...
    def close(self) -> None: ...


def listen(place: str) -> Listening:
    """Listen at *place*. The caller must hold a lock for it, because leftovers of a killed process
    are removed. Only the user can connect.

    Raises:
        OSError: the address can't be used.
    """
    if sys.platform == "win32":
        from aiserver_tray.system.windows_owner import OwnersPipe  # noqa: PLC0415 - on Windows only

        return OwnersPipe(place)
    Path(place).unlink(missing_ok=True)
    listener = Listener(place, backlog=_BACKLOG)
    Path(place).chmod(0o600)
    return listener


def connect(place: str, seconds: float) -> "Connection":
    """Connect to the server at *place*. If its queue is full, wait at most *seconds* (on Windows,
    the library's 20).

    Raises:
        OSError: nobody listens, or takes connections.
    """
    if sys.platform == "win32":
        return cast("Connection", Client(place))  # one of a pipe, with the same methods
    with socket.socket(socket.AF_UNIX) as own:
        # With Python's own timeout, a full queue would fail at once; 0 means no timeout.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(max(seconds, 0.001)))
        own.connect(place)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(0))
        return Connection(own.detach())


def unix_socket(path: str, timeout: float | None = None) -> socket.socket:
    """A connection to the Unix socket at *path*.

    Raises:
        OSError: there is none.
    """
    if (family := getattr(socket, "AF_UNIX", None)) is None:  # on Windows
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.settimeout(timeout)
        found.connect(path)
    except OSError:
        found.close()
        raise
    return found


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))


def sever(connection: "Connection") -> None:
    """Close *connection* for both sides at once, even for threads that are blocked in it."""
    if sys.platform == "win32":
        connection.close()
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as own:
        own.shutdown(socket.SHUT_RDWR)
