"""The connections beneath our requests. The only module that uses private parts of urllib3:
tests/unit/test_private_parts.py lists them."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.connection import HTTPConnection

from aiserver_tray.system.pipes import unix_socket

if TYPE_CHECKING:
    from aiserver_tray.engine.stdio import Children, Tunnel
    from aiserver_tray.system.child_stdio import Child

_CLOSED = (109, 232, 233)
"""ERROR_BROKEN_PIPE, ERROR_NO_DATA and ERROR_PIPE_NOT_CONNECTED."""
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds until a silent connection is tested (macOS has its own name for it), seconds between
tests, and the number of failed tests until it is closed."""


class UnixPool(HTTPConnectionPool):
    """Connections over the Unix socket *host*, as in ``DOCKER_HOST``."""

    def __init__(self, host: str) -> None:
        super().__init__("localhost")
        # Docker's SDK and command line accept unix://PATH without a leading slash.
        self._path = "/" + host.removeprefix("unix:").strip().lstrip("/")

    def _new_conn(self) -> "_Connection":
        return _Connection(self._path)


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = unix_socket(self._path, self.timeout)


class TunnelPool(HTTPConnectionPool):
    """Connections over *tunnel*."""

    def __init__(self, tunnel: "Tunnel") -> None:
        super().__init__("localhost")
        self._tunnel = tunnel

    def _new_conn(self) -> "_TunnelConnection":
        return _TunnelConnection(self._tunnel)


class _TunnelConnection(HTTPConnection):
    def __init__(self, tunnel: "Tunnel") -> None:
        super().__init__("localhost")
        self._tunnel_to = tunnel

    def connect(self) -> None:
        self.sock = unix_socket(self._tunnel_to.path, self.timeout)


class StdioPool(HTTPConnectionPool):
    """Connections over the stdio of *children*. One that is idle is given back to them, for all
    clients; but not a pinned one, which another thread may still shut down."""

    def __init__(self, children: "Children") -> None:
        super().__init__("localhost")
        self._children = children
        self._pinned: _StdioConnection | None = None

    def pin(self, connection: "_StdioConnection") -> None:
        """Use *connection* for the next request, and for no other."""
        self._pinned = connection
        connection.is_pinned = True

    def _get_conn(self, timeout: float | None = None) -> "_StdioConnection":  # noqa: ARG002
        connection, self._pinned = self._pinned, None
        return connection or _StdioConnection(self._children)

    def _put_conn(self, connection: Any) -> None:  # noqa: ANN401 - as the method has it
        if connection and connection.is_pinned:
            connection.close()
        elif connection and (child := connection.release()):
            self._children.give(child)

    def close(self) -> None:
        connection, self._pinned = self._pinned, None
        if connection:
            connection.close()


class _StdioConnection(HTTPConnection):
    def __init__(self, children: "Children") -> None:
        super().__init__("localhost")
        self._children = children
        self._child: Child | None = None
        self.is_pinned = False

    def connect(self) -> None:
        self._child = self._children.take()
        self.sock = self._child.sock
        self.sock.settimeout(self.timeout)

    def release(self) -> "Child | None":
        """The child, which this connection does not use any more."""
        child, self._child, self.sock = self._child, None, None
        return child

    def close(self) -> None:
        child = self.release()
        super().close()
        if child:
            child.end()


def connect(pool: HTTPConnectionPool, timeout: float) -> Any:  # noqa: ANN401 - a socket, or the SDK's pipe
    """Connect now, for the next request of *pool*. Returns the socket, through which another thread
    can end the request even before a response."""
    connection: Any = pool._get_conn()
    connection.timeout = timeout
    connection.connect()
    if isinstance(pool, StdioPool):
        pool.pin(connection)
        return connection.sock
    if not isinstance(connection.sock, socket.socket):
        connection.sock.sendall = _sending(connection.sock.sendall)
    pool._put_conn(connection)
    return connection.sock


def _sending(send: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """*send* of a Windows pipe, with Python's error when the other side has closed it. urllib3 then
    reads the response: an engine that refuses a request in the middle of its body says why."""

    def sendall(data: bytes) -> object:
        try:
            return send(data)
        except Exception as error:
            if getattr(error, "winerror", None) in _CLOSED:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
            raise

    return sendall


def reader_of(response: HTTPResponse) -> Any:  # noqa: ANN401 - io.BufferedReader
    """The reader that read the headers of *response*. It may have buffered what follows them."""
    return response._fp.fp  # type: ignore[union-attr]


def keep_alive(pool: HTTPConnectionPool) -> None:
    """Enable tests of silent connections. Otherwise a client would wait for ever for a remote
    engine that disappeared."""
    pool.conn_kw["socket_options"] = [*HTTPConnection.default_socket_options, *_alive()]


def _alive() -> Iterator[tuple[int, int, int]]:
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    for name, value in _KEEPALIVE.items():
        if option := getattr(socket, name, None):  # not every system has each
            yield socket.IPPROTO_TCP, option, value
