"""A registry on loopback where every repository has one small image, and how it goes wrong: the
last part of the repository's name says.

- ``good``, or any other: it does not.
- ``missing``: it has no such image.
- ``busy``, ``broken``: it answers 429 and 500.
- ``gradual``: it sends the layer in small pieces until ``Registry.enough`` is set.
- ``silent``: it accepts the connection and says nothing.
- ``half``: it breaks off in the middle of the layer, each time.
- ``stuck``: it sends half the layer and then nothing more.

What it speaks: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import base64
import gzip
import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LAYER_SIZE = 200_000
"""Bytes, more than the engine's buffers hold back."""

_PIECE_SIZE = 1000
_PIECE_SECONDS = 0.05
"""All pieces take 10 s. The engine and we report the progress every 0.1 s."""

_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_BLOB_TYPE = "application/octet-stream"
_ERRORS = {
    "missing": (HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown"),
    "busy": (HTTPStatus.TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "too many pulls"),
    "broken": (HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN", "the registry is broken"),
}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Image:
    """One layer with a file of random bytes, its configuration and its manifest."""

    def __init__(self) -> None:
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            entry = tarfile.TarInfo("random")
            entry.size = LAYER_SIZE
            archive.addfile(entry, io.BytesIO(random.randbytes(LAYER_SIZE)))
        self.layer = gzip.compress(tar.getvalue())
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(tar.getvalue())]},
        }
        self.config = json.dumps(config).encode()
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST_TYPE,
                "config": self._entry("container.image.v1+json", self.config),
                "layers": [self._entry("image.rootfs.diff.tar.gzip", self.layer)],
            }
        ).encode()
        self.digest = _digest(self.manifest)
        self.blobs = {_digest(content): content for content in (self.config, self.layer)}

    @staticmethod
    def _entry(kind: str, content: bytes) -> dict[str, object]:
        media_type = f"application/vnd.docker.{kind}"
        return {"mediaType": media_type, "size": len(content), "digest": _digest(content)}


class Registry(ThreadingHTTPServer):
    """The server. ``asked`` are the paths that it was asked for; ``waiting`` is set when it keeps
    the engine waiting; ``enough`` is set when the test has seen a part of the download; ``login``:
    the user and password that it wants (``me:secret``)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.login: str | None = None
        self._failing: dict[str, str] = {}
        self._images: dict[str, Image] = {}
        self.asked: list[str] = []
        self.waiting = threading.Event()
        self.enough = threading.Event()

    @property
    def address(self) -> str:
        """``host:port``, as in the name of an image."""
        return f"127.0.0.1:{self.server_port}"

    def fail(self, repository: str, behaviour: str) -> None:
        """Let *repository* go wrong like *behaviour*, whatever it is called."""
        self._failing[repository] = behaviour

    def behaviour(self, repository: str) -> str:
        """How *repository* goes wrong."""
        return self._failing.get(repository) or repository.rpartition("/")[2]

    def image(self, repository: str) -> Image:
        """The image of *repository*, no other's."""
        return self._images.setdefault(repository, Image())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if not self._is_allowed():
            self._refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "authentication required")
        elif self.path == "/v2/":
            self._answer(HTTPStatus.OK, b"{}", "application/json")
        else:
            self._serve()

    def _is_allowed(self) -> bool:
        given = base64.b64encode((self.server.login or "").encode()).decode()
        return self.server.login is None or self.headers["Authorization"] == f"Basic {given}"

    def _serve(self) -> None:
        repository, kind, reference = self.path.removeprefix("/v2/").rsplit("/", 2)
        behaviour = self.server.behaviour(repository)
        image = self.server.image(repository)
        if kind == "blobs":
            self._blob(behaviour, image, image.blobs[reference])
        elif behaviour in _ERRORS:
            self._refuse(*_ERRORS[behaviour])
        elif behaviour == "silent":
            self._say_nothing()
        else:
            self._answer(HTTPStatus.OK, image.manifest, _MANIFEST_TYPE, image.digest)

    def _blob(self, behaviour: str, image: Image, content: bytes) -> None:
        if behaviour not in ("gradual", "half", "stuck") or content != image.layer:
            self._answer(HTTPStatus.OK, content, _BLOB_TYPE)
            return
        self._begin(HTTPStatus.OK, len(content), _BLOB_TYPE)
        if behaviour == "gradual":
            self._send_gradually(content)
            return
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if behaviour == "stuck":
            self._say_nothing()
        self.close_connection = True

    def _send_gradually(self, content: bytes) -> None:
        for start in range(0, len(content), _PIECE_SIZE):
            self.wfile.write(content[start : start + _PIECE_SIZE])
            self.server.enough.wait(_PIECE_SECONDS)

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        body = {"errors": [{"code": code, "message": message}]}
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, digest: str = "") -> None:
        self._begin(status, len(body), kind, digest)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self, status: HTTPStatus, length: int, kind: str, digest: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()

    def _say_nothing(self) -> None:
        """Until the other side hangs up."""
        self.server.waiting.set()
        with suppress(OSError):  # the server is being closed
            self.connection.recv(1)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests ask `Registry.asked`."""


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry that runs."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, name="registry")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
