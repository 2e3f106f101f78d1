"""An engine's answers over a Unix socket, for engines that can't be had in the tests."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from uuid import uuid4

import pytest

IMAGE = {"Id": "sha256:1", "Size": 1, "RepoTags": ["x:1"]}

_INFO = {
    "Name": "machine",
    "BuildahVersion": "1",
    "ServerVersion": "0",
    "NCPU": 1,
    "MemTotal": 1,
    "DockerRootDir": "/",
    "OperatingSystem": "",
    "KernelVersion": "",
    "Plugins": {"Log": ["k8s-file", "none", "passthrough", "journald"]},  # as Podman says
}

needs_unix_sockets = pytest.mark.skipif(not Path("/proc").exists(), reason="Unix sockets")


class Asked(BaseHTTPRequestHandler):
    """A request to the stand-in, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    version = "1.45"
    answer: Callable[["Asked", bytes], None]

    def do_GET(self) -> None:
        body = self._body()
        if self.path.endswith("/_ping"):
            self.say({})
        elif self.path.endswith("/info"):
            self.say(_INFO | {"ID": uuid4().hex})  # another one each time, as of Podman
        else:
            type(self).answer(self, body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def do_POST(self) -> None:
        self.do_GET()

    def say(self, content: object, status: int = 200) -> None:
        """A whole answer."""
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Api-Version", self.version)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        """An answer of many messages, until `end`."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def message(self, **content: object) -> None:
        """One of them."""
        data = json.dumps(content).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """No more messages; of no effect where nobody waits for them."""
        with suppress(OSError):
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "local"


@contextmanager
def standin(
    folder: Path, answer: Callable[[Asked, bytes], None], version: str = "1.45"
) -> Iterator[str]:
    """The address of an engine whose answers *answer* gives, ping and info excepted."""
    if not Path("/proc").exists():  # on macOS, a test's folder has too long a name for one
        pytest.skip("Unix sockets")
    path = folder / "engine.sock"
    handler = type("Handler", (Asked,), {"answer": staticmethod(answer), "version": version})
    with socketserver.ThreadingUnixStreamServer(str(path), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
