"""A module that has nothing but a page of its own."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.waiting import POLL_SECONDS


class _Module(BaseHTTPRequestHandler):
    """Knows who has logged in, by a cookie."""

    def do_GET(self) -> None:
        self.server.module.visits.append(self.headers["User-Agent"])  # type: ignore[attr-defined]
        if self.path == "/report":
            self._attach(b"figures")
            return
        cookie = self.headers.get("Cookie", "nobody")
        page = (
            f"<title>Work</title><p>This is {self.path} for {cookie}</p>"
            "<a id=inner href=/inner>inner</a>"
            "<a id=report href=/report>report</a>"
            "<a id=outer target=_blank href=http://127.0.0.1:9/outer>outer</a>"
            "<a id=named target=help href=http://127.0.0.1:9/named>named</a>"
            "<a id=named-program target=help href=ms-program:run>program</a>"
            "<a id=program target=_blank href=ms-program:run>program</a>"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Set-Cookie", "login=ann; Max-Age=100000; Path=/")
        self.end_headers()
        self.wfile.write(page.encode())

    def _attach(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Disposition", "attachment; filename=report.bin")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class Module:
    """A module that can be started and stopped. ``visits``: what came to it, in order: the name of
    the browser engine, or None for a look whether it answers."""

    def __init__(self) -> None:
        self.visits: list[str | None] = []
        # Nobody else is given the port, though nothing listens there until the module starts.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.port = int(self._kept.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Module)
        self._server.module = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,)).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def close(self) -> None:
        """Give the port back."""
        self.stop()
        self._kept.close()
