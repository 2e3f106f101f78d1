"""The standard library's WSGI server, held to limits. A connection is a thread and one request."""

import json
import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from threading import Condition, Thread
from typing import IO, Any, Final, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.carriers.http.page import HEADERS

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


HEAD_BYTES: Final = 32 * 1024
BODY_BYTES: Final = 1024 * 1024
_DISCARD_BYTES: Final = 16 * 1024
"""At once."""
POLL_SECONDS = 0.5
"""Seconds between two checks for overdue clients and for the exit."""

_WRITE_SECONDS: Final = 10.0
"""Seconds after which a client that does not read is disconnected."""

_SOFTWARE: Final = "aiserver-tray"
"""The ``Server`` header. The libraries would name their versions and Python's."""

_logger = logging.getLogger(__name__)

Application = Callable[..., Any]
"""The environment of WSGI."""


class Server(ThreadingMixIn, WSGIServer):
    """Binds *address* at once; serves from `start` to `close`. With *tls*, only over TLS.

    Raises:
        OSError: the address can't be had.
    """

    daemon_threads = True
    # A client that finds the queue full tries again only after a second.
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        tls: ssl.SSLContext | None = None,
        connections: Connections | None = None,
    ) -> None:
        self._tls = tls
        self.connections = connections or Connections()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self._thread = Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), name="http", daemon=True
        )

    def start(self, application: Application) -> None:
        """Serve *application* in its own threads."""
        self.set_app(application)
        self._thread.start()

    def close(self) -> None:
        """Close all connections. Only after `start`."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        self.connections.cut_all()

    def server_bind(self) -> None:
        # The other option of Windows would let a second program use the same port.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:
            self.allow_reuse_address = False
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        # Not HTTPServer's method, which looks up the host name: that may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        if self._tls:
            # Shaking hands is left to the connection's own thread.
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, client

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            super().shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        self.connections.gone(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        self.connections.cut_overdue()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Ignore clients that disconnect or send invalid data."""
        _logger.debug("a connection was given up", exc_info=True)


class _TooMuchError(Exception):
    """A request's head is too long."""


class _Head:
    """Reads lines, *left* bytes of them at most."""

    def __init__(self, source: IO[bytes], left: int) -> None:
        self._source = source
        self._left = left

    def readline(self, limit: int = -1) -> bytes:
        line = self._source.readline(min(limit, self._left + 1) if limit >= 0 else self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise _TooMuchError
        return line


class _Body:
    """The body of a request, *size* bytes long. It is read only when the application, which knows
    who asks, wants it. *on_end* is called when nothing of it is left."""

    def __init__(self, source: IO[bytes], size: int, on_end: Callable[[], None]) -> None:
        self._source = source
        self._left = size
        self._on_end = on_end
        self.read(0)

    def read(self, most: int = -1) -> bytes:
        """The next *most* bytes, or all; fewer if the client goes away."""
        found = self._source.read(self._left if most < 0 else min(most, self._left))
        self._left -= len(found)
        if not self._left:
            self._on_end()
        return found

    def discard(self) -> None:
        """Drop what was not read. A connection that is closed before that is reset, and its client
        may lose the answer."""
        while self._left and self.read(_DISCARD_BYTES):
            pass


class _Handler(WSGIRequestHandler):
    timeout = _WRITE_SECONDS
    # Until the request's first line was read. Version 0.9 would mean an answer without a head.
    requestline = command = ""
    request_version = default_request_version = "HTTP/1.0"
    server: Server

    def handle(self) -> None:
        size = self._size() if self._read_head() else None
        if size is None:
            return
        source, out = cast(IO[bytes], self.rfile), cast(IO[bytes], self.wfile)
        body = _Body(source, size, lambda: self.server.connections.has_asked(self.request))
        handler = _Answer(cast(IO[bytes], body), out, self.get_stderr(), self.get_environ())
        handler.request_handler = self  # type: ignore[attr-defined]  # as wsgiref's own does
        handler.run(cast(Application, self.server.get_app()))
        body.discard()

    def _read_head(self) -> bool:
        """Whether the request is valid; otherwise the client got an error."""
        whole = self.rfile
        self.rfile = _Head(cast(IO[bytes], whole), HEAD_BYTES)  # type: ignore[assignment]
        try:
            self.raw_requestline = self.rfile.readline(HEAD_BYTES + 1)
            return bool(self.raw_requestline) and self.parse_request()
        except _TooMuchError:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        finally:
            self.rfile = whole

    def _size(self) -> int | None:
        """Of the body; None: the request was refused."""
        size = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (size.isascii() and size.isdecimal()):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return None
        if len(size) > 12 or int(size) > BODY_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return int(size)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """An envelope, like every other answer."""
        self.send_response(code)
        for name, value in {**HEADERS, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(failed(HTTPStatus(code).phrase))

    def version_string(self) -> str:
        return _SOFTWARE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
        """Log nothing: the first address contains the token."""


class _Answer(ServerHandler):
    server_software = _SOFTWARE
    error_status = "500 Internal Server Error"
    error_headers = [*HEADERS.items(), ("Content-Type", "application/json")]  # noqa: RUF012
    wsgi_multithread = True

    def error_output(self, environ: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401
        super().error_output(environ, start_response)
        return [failed("This is a bug of AI-Server Tray. Its log tells more.")]

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401
        bug = exc_info[1]
        if not isinstance(bug, OSError):  # the client went away, or takes nothing
            log_bug(_logger, "a page's request failed", bug)


def failed(message: str) -> bytes:
    """The envelope of an error before the reader's language is known."""
    code = "E_REQUEST"
    return json.dumps({"success": False, "code": code, "message": message, "data": {}}).encode()
