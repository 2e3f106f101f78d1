"""The connections of a server, so that none can keep the others out."""

import socket
import time
from contextlib import suppress
from threading import Condition

MAX_CONNECTIONS = 256
"""At once. A page asks for several files at once, and each connection is for one request."""

REQUEST_SECONDS = 10.0
"""In which a client has to have sent its request, however slowly it sends."""

CLOSE_TIMEOUT_SECONDS = 0.5
"""Seconds to send remaining data to clients before the exit."""


class Connections:
    """The open connections, and those without a complete request yet."""

    def __init__(self, most: int = MAX_CONNECTIONS, seconds: float = REQUEST_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._changed = Condition()
        self._all: set[socket.socket] = set()
        self._asking: dict[socket.socket, float] = {}

    def admit(self, connection: socket.socket) -> bool:
        """Add *connection*. If there are too many, close the one that has waited the longest
        without a complete request. False: all of them are being served."""
        with self._changed:
            if len(self._all) >= self._most:
                if not self._asking:
                    return False
                self._cut(next(iter(self._asking)))
            self._all.add(connection)
            self._asking[connection] = time.monotonic() + self._seconds
            return True

    def has_asked(self, connection: socket.socket) -> None:
        """Its request is there."""
        with self._changed:
            self._asking.pop(connection, None)

    def gone(self, connection: socket.socket) -> None:
        """Remove a closed connection."""
        with self._changed:
            self._asking.pop(connection, None)
            self._all.discard(connection)
            self._changed.notify_all()

    def cut_overdue(self) -> None:
        """Cut those that take too long to ask."""
        now = time.monotonic()
        with self._changed:
            for connection in [c for c, until in self._asking.items() if until < now]:
                self._cut(connection)

    def cut_all(self) -> None:
        """Close every connection. Those with a complete request get their response first, within a
        limit: the client that requested the exit must get its response."""
        with self._changed:
            for connection in tuple(self._asking):
                self._cut(connection)
            self._changed.wait_for(lambda: not self._all, CLOSE_TIMEOUT_SECONDS)
            for connection in tuple(self._all):
                self._cut(connection)

    def _cut(self, connection: socket.socket) -> None:
        self._asking.pop(connection, None)
        self._all.discard(connection)
        with suppress(OSError):
            # Of the socket itself: closing TLS first would wait for the other side.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
