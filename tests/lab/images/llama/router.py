"""llama.cpp's router, as far as the catalog relies on it (tools/server/README.md, "Using multiple
models"): the package from PyPI has llama.cpp's server, but leaves its router out. Each model has
a process with the real server; this one checks the key, lists, loads, unloads, and passes on.

As a program of its own: ``router.py --serve PORT FILE SECTION``.
"""

import configparser
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

KEY = os.environ.get("LLAMA_API_KEY", "")
USAGE = "error: invalid argument: "


def options(words: Sequence[str]) -> dict[str, str]:
    """The options of the command line. Exits with an unknown one, as the real server does."""
    with_value = "host port models-preset models-max cache-ram sleep-idle-seconds threads ctx-size"
    found: dict[str, str] = {}
    left = list(words)
    while left:
        name = left.pop(0).removeprefix("--")
        if name in with_value.split():
            found[name] = left.pop(0)
        elif name in ("metrics", "jinja", "no-webui"):
            found[name] = "true"
        else:
            sys.exit(USAGE + name)
    return found


def presets(path: str) -> dict[str, dict[str, str]]:
    """The sections of the file with models."""
    parser = configparser.ConfigParser(default_section="*", interpolation=None)
    with Path(path).open() as file:
        text = "\n".join(
            line for line in file.read().splitlines() if not line.startswith("version")
        )
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


class Instance:
    """A process with one model."""

    def __init__(self, preset: Mapping[str, str], common: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.used = time.monotonic()
        words = [
            sys.executable,
            __file__,
            "--serve",
            str(self.port),
            json.dumps({**common, **preset}),
        ]
        self.process = subprocess.Popen(words)
        self.ready = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while self.process.poll() is None and not self.ready.is_set():
            if self.ask("/health") == 200:
                self.ready.set()
            time.sleep(0.05)

    def ask(self, path: str) -> int:
        try:
            near = HTTPConnection("127.0.0.1", self.port, timeout=5)
            near.request("GET", path)
            return near.getresponse().status
        except OSError:
            return 0


class Router:
    """All models, and which of them are loaded."""

    def __init__(self, common: Mapping[str, str]) -> None:
        self.common = common
        self.lock = threading.RLock()
        self.running: dict[str, Instance] = {}
        self.failed: dict[str, int] = {}
        self.presets = presets(common["models-preset"])
        threading.Thread(target=self._sleep, daemon=True).start()

    def reload(self) -> None:
        with self.lock:
            new = presets(self.common["models-preset"])
            for name in [n for n in self.running if new.get(n) != self.presets.get(n)]:
                self.unload(name)
            self.presets = new

    def status(self, name: str) -> dict[str, object]:
        found = self.running.get(name)
        if found and found.process.poll() is not None:
            self.failed[name] = self.running.pop(name).process.returncode
            found = None
        if found:
            return {"value": "loaded" if found.ready.is_set() else "loading"}
        failed = self.failed.get(name)
        return {"value": "unloaded", **({"failed": True, "exit_code": failed} if failed else {})}

    def load(self, name: str) -> Instance | None:
        """The process with the model, once it is ready; None if it ends before."""
        with self.lock:
            if name not in self.running:
                most = int(self.common.get("models-max", 4))
                while len(self.running) >= most:
                    self.unload(min(self.running, key=lambda one: self.running[one].used))
                self.failed.pop(name, None)
                self.running[name] = Instance(self.presets[name], self.common)
            found = self.running[name]
        while not found.ready.wait(0.1):
            if found.process.poll() is not None:
                self.status(name)
                return None
        found.used = time.monotonic()
        return found

    def unload(self, name: str) -> None:
        if found := self.running.pop(name, None):
            found.process.kill()
            found.process.wait()

    def _sleep(self) -> None:
        idle = float(self.common.get("sleep-idle-seconds", -1))
        while idle > 0:
            time.sleep(min(1.0, idle))
            with self.lock:
                late = [n for n, one in self.running.items() if time.monotonic() - one.used > idle]
                for name in late:
                    self.unload(name)


class Handler(BaseHTTPRequestHandler):
    """A request to the router."""

    router: Router

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in ("/health", "/v1/health"):
            self.answer(200, {"status": "ok"})
        elif self.is_allowed():
            if parts.path in ("/models", "/v1/models"):
                self.list(parse_qs(parts.query))
            else:
                self.miss()

    def list(self, query: Mapping[str, Sequence[str]]) -> None:
        if query.get("reload") == ["1"]:
            self.router.reload()
        with self.router.lock:
            names = [*self.router.presets]
            data = [{"id": n, "object": "model", "status": self.router.status(n)} for n in names]
        self.answer(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        if not self.is_allowed():
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            name = json.loads(body)["model"]
        except (ValueError, LookupError):
            self.refuse("model name is missing from the request")
            return
        if name not in self.router.presets:
            self.refuse(f"model '{name}' not found")
        elif self.path == "/models/unload":
            self.router.unload(name)
            self.answer(200, {"success": True})
        else:
            self.with_model(name, body)

    def with_model(self, name: str, body: bytes) -> None:
        found = self.router.load(name)
        if found is None:
            message = f"model '{name}' failed to load"
            self.answer(500, {"error": {"message": message, "code": 500}})
        elif self.path == "/models/load":
            self.answer(200, {"success": True})
        else:
            self.relay(found, body)

    def miss(self) -> None:
        self.answer(404, {"error": {"message": "File Not Found", "code": 404}})

    def relay(self, instance: Instance, body: bytes) -> None:
        near = HTTPConnection("127.0.0.1", instance.port, timeout=600)
        near.request("POST", self.path, body, {"Content-Type": "application/json"})
        response = near.getresponse()
        self.send_response(response.status)
        self.send_header("Content-Type", response.getheader("Content-Type", "application/json"))
        self.end_headers()
        while piece := response.read1(1 << 16):
            self.wfile.write(piece)
            self.wfile.flush()
        instance.used = time.monotonic()

    def is_allowed(self) -> bool:
        if not KEY or self.headers.get("Authorization") == f"Bearer {KEY}":
            return True
        self.answer(401, {"error": {"message": "Invalid API Key", "code": 401}})
        return False

    def refuse(self, message: str) -> None:
        self.answer(
            400, {"error": {"message": message, "code": 400, "type": "invalid_request_error"}}
        )

    def answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve(port: int, preset: Mapping[str, str]) -> None:
    """One model, on *port* of 127.0.0.1."""
    import xllamacpp  # type: ignore[import-not-found]  # noqa: PLC0415 - takes memory

    parameters = xllamacpp.CommonParams()
    parameters.model.path = preset["model"]
    parameters.hostnames, parameters.port = ["127.0.0.1"], port
    parameters.n_ctx, parameters.n_parallel = int(preset.get("ctx-size", 2048)), 1
    # More that wait for each other are five times slower on a busy machine.
    parameters.cpuparams.n_threads = 1
    parameters.warmup = False
    if preset.get("embeddings") == "true":
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if preset.get("reranking") == "true":
        parameters.embedding = True
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    server = xllamacpp.Server(parameters)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        common = options(sys.argv[1:])
        Handler.router = Router(common)
        address = common.get("host", "127.0.0.1"), int(common.get("port", 9931))
        print(f"main: router server is listening on {address}", flush=True)  # noqa: T201 - its log
        ThreadingHTTPServer(address, Handler).serve_forever()
