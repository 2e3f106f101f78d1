"""A scripted registry of images: no real one on this machine wants a token, lies, or has images for
several platforms."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs


class Registry(ThreadingHTTPServer):
    """``wants``: the challenge for those who come without the ``token``; ``issues``: the answer to
    those who ask for a token; ``asked``: all paths; ``logins``: the headers with which a token was
    asked for; ``sent``: all of these headers; ``forms``: all forms; ``redirects``: where paths that
    begin so are redirected; ``silent``: no answer until then; ``content``: the answers by path, an
    error without one; ``next``: the page after a page; ``digests``: of manifests, by path."""

    daemon_threads = True

    def __init__(self, content: Mapping[str, object], following: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.wants, self.token = "", ""
        self.issues: object = None
        self.asked: list[str] = []
        self.logins: list[str | None] = []
        self.sent: list[str | None] = []
        self.forms: list[dict[str, list[str]]] = []
        self.redirects: dict[str, str] = {}
        self.silent: threading.Event | None = None
        self.content = {**content}
        self.next = {**following}
        self.digests: dict[str, str] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.forms.append(parse_qs(form))
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.sent.append(self.headers["Authorization"])
        if self.server.silent:
            self.server.silent.wait(10)
        ways = [way for path, way in self.server.redirects.items() if self.path.startswith(path)]
        if ways:
            self.send_response(307)
            self.send_header("Location", ways[0] + self.path)
            self.end_headers()
        elif self.path.startswith("/token"):
            self.server.logins.append(self.headers["Authorization"])
            token = {"token": self.server.token.removeprefix("Bearer ")}
            self._answer(200, self.server.issues or token)
        elif self.server.wants and self.headers["Authorization"] != self.server.token:
            self._answer(401, {}, self.server.wants)
        else:
            found = self.server.content.get(self.path)
            self._answer(200 if found else 404, found)

    def _answer(self, status: int, content: object, wants: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if wants:
            self.send_header("WWW-Authenticate", wants)
        if self.path in self.server.next:
            self.send_header("Link", f'<{self.server.next[self.path]}>; rel="next"')
        if self.path in self.server.digests:
            self.send_header("Docker-Content-Digest", self.server.digests[self.path])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests ask `Registry.asked`."""


@contextmanager
def registry_with(
    content: Mapping[str, object], following: Mapping[str, str], folder: Path | None = None
) -> Iterator[Registry]:
    """A registry with this *content* and pages *following* others. *folder*: it speaks TLS with
    the certificate there."""
    with Registry(content, following) as server:
        if folder:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()
