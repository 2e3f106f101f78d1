"""A small server that stands for a hub with models: it tells size, SHA-256 and commit of a file as
Hugging Face does, or lists them as ModelScope does, and sends its bytes, from where it is asked.

What goes wrong is staged by attributes. As a program, ``model_hub.py FILE RATE`` prints its
address.
"""

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

from tests.support.limits import LIMIT

COMMIT = "a" * 40
REPOSITORY = "someone/small-GGUF"
_PIECE = 1 << 16


class ModelHub(ThreadingHTTPServer):
    """The hub, with one file."""

    daemon_threads = True
    request_queue_size = 20

    def __init__(self, file: Path, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.file = file
        self.name = name
        self.size = file.stat().st_size
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        self.cuts: list[int] = []
        """After how many bytes of its file the next answers break off."""
        self.garbles = False
        """Whether it sends other bytes than it has announced."""
        self.pauses_at: int | None = None
        """After how many bytes an answer waits."""
        self.paused, self.goes_on = Event(), Event()
        self.rate = 0
        """Bytes each second; 0: as fast as it can."""
        self.has_ranges = True
        """Whether it sends a part of its file."""
        self.refuses: int | None = None
        """The status of its next answers in place of the bytes."""
        self.authorizations: list[str | None] = []
        """The header of each request for size and hash."""
        self.revisions: list[str] = []
        """Of which commits it was asked for the files."""
        self.begins: list[int] = []
        """Where it was asked to begin, each time."""

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def source(self) -> str:
        """What a person types for its file."""
        return f"{REPOSITORY}/{self.name}"


class _Handler(BaseHTTPRequestHandler):
    server: ModelHub

    def do_HEAD(self) -> None:
        self.server.authorizations.append(self.headers.get("Authorization"))
        if self._exists():
            self.send_response(302)  # to where the bytes are
            self.send_header("Location", f"{self.server.address}/bytes")
            self.send_header("X-Linked-Size", str(self.server.size))
            self.send_header("X-Linked-Etag", f'"{self.server.sha256}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == f"/api/v1/models/{REPOSITORY}/repo/files":
            hub = self.server
            hub.revisions += query.get("Revision", [])
            found = {"Path": hub.name, "Size": hub.size, "Sha256": hub.sha256, "Revision": COMMIT}
            self._json({"Code": 200, "Data": {"Files": [found]}})
        elif path == "/bytes":
            self._send()
        elif self._exists():
            self.send_response(302)
            self.send_header("Location", f"{self.server.address}/bytes")
            self.end_headers()

    def _exists(self) -> bool:
        path = urlsplit(self.path).path.removeprefix("/models")
        if re.fullmatch(rf"/{REPOSITORY}/resolve/(main|master|{COMMIT})/{self.server.name}", path):
            return True
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _send(self) -> None:
        hub = self.server
        begin = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        if hub.refuses:
            self._json({}, hub.refuses)
            return
        hub.begins.append(begin)
        begin = begin if hub.has_ranges else 0
        self.send_response(206 if hub.has_ranges else 200)
        self.send_header("Content-Length", str(hub.file.stat().st_size - begin))
        if hub.has_ranges:
            self.send_header("Content-Range", f"bytes {begin}-{hub.size - 1}/{hub.size}")
        self.end_headers()
        cut = hub.cuts.pop(0) if hub.cuts else None
        begun, sent = time.monotonic(), 0
        with hub.file.open("rb") as file:
            file.seek(begin)
            while piece := file.read(_PIECE):
                if hub.pauses_at is not None and begin + sent >= hub.pauses_at:
                    hub.paused.set()
                    hub.goes_on.wait(LIMIT)
                if cut is not None and sent >= cut:
                    self.close_connection = True
                    return
                self.wfile.write(piece[::-1] if hub.garbles else piece)
                sent += len(piece)
                if hub.rate:
                    time.sleep(max(0.0, begun + sent / hub.rate - time.monotonic()))

    def _json(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def model_hub(file: Path, name: str) -> Iterator[ModelHub]:
    """A hub with *file*, called *name* there."""
    with ModelHub(file, name) as hub:
        Thread(target=hub.serve_forever, daemon=True).start()
        try:
            yield hub
        finally:
            hub.goes_on.set()
            hub.shutdown()


if __name__ == "__main__":
    with ModelHub(Path(sys.argv[1]), Path(sys.argv[1]).name) as served:
        served.rate = int(sys.argv[2])
        print(served.address, flush=True)  # noqa: T201 - its result
        served.serve_forever()
