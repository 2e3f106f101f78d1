"""The parts of `build/dev.py verify-images` that need no engine."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from verifier.images import images_of, with_required
from verifier.log_ins import LOG_INS
from verifier.registry import Published, RegistryError, Repository, record
from verify_images import Verification, forget

CATALOG = load_catalog([built_in_catalog()])
AMD, ARM = "linux/amd64", "linux/arm64"


def manifest(*sizes: int) -> dict[str, Any]:
    return {"config": {"digest": "sha256:0", "size": 7}, "layers": [{"size": s} for s in sizes]}


def entry(os: str, architecture: str, digest: str) -> dict[str, Any]:
    return {"digest": digest, "platform": {"os": os, "architecture": architecture}}


INDEX = {
    "manifests": [
        entry("linux", "amd64", "sha256:1"),
        entry("linux", "s390x", "sha256:none"),
        {**entry("linux", "arm64", "sha256:2"), "variant": "v8"},
        entry("unknown", "unknown", "sha256:attestation"),
    ]
}
HELD = {
    "/v2/team/one/manifests/1.0": INDEX,
    "/v2/team/one/manifests/sha256:1": manifest(100, 20),
    "/v2/team/one/manifests/sha256:2": manifest(90),
    "/v2/library/two/manifests/latest": manifest(5),
    "/v2/library/two/blobs/sha256:0": {"os": "linux", "architecture": "arm64"},
}


# A fake: the lab's registry asks for no token, and holds no index.
class Handler(BaseHTTPRequestHandler):
    """A registry like Docker Hub's."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="hub",scope="pull"'
        if path == "/token":
            self.answer(200, {"token": "yes"} if query == "service=hub&scope=pull" else {})
        elif self.headers["Authorization"] != "Bearer yes":
            self.answer(401, {}, {"WWW-Authenticate": realm})
        else:
            self.answer(200 if path in HELD else 404, HELD.get(path, {}))

    def answer(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Its URL, for a user without a log-in."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving() as url:
        yield url


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_index_of_an_image_gives_its_digest_and_the_download_of_each_platform(hub: str) -> None:
    found = Repository("team/one:1.0", hub).published()

    digest = hashlib.sha256(json.dumps(INDEX).encode()).hexdigest()
    assert found == Published(f"sha256:{digest}", {AMD: 120, ARM: 90})


def test_image_without_an_index_has_the_platform_of_its_configuration(hub: str) -> None:
    assert Repository("two", hub).published().downloads == {ARM: 5}
    with pytest.raises(RegistryError, match="404"):
        Repository("team/three:1.0", hub).published()


def test_record_is_sorted_and_keeps_what_is_still_true(tmp_path: Path) -> None:
    file, first, second = tmp_path / "images.json", date(2026, 1, 1), date(2026, 2, 2)
    images = {"b:1", "a:1", "unread:1"}
    one, two = Published("sha256:1", {ARM: 2, AMD: 1}), Published("sha256:2", {AMD: 1})
    record(file, {"b:1": one, "a:1": one, "unread:1": one, "gone:1": one}, images, first)

    record(file, {"a:1": one, "b:1": two}, images, second)

    text = file.read_text(encoding="utf-8")
    found = json.loads(text)
    assert text == json.dumps(found, indent=2, sort_keys=True) + "\n"
    assert {name: found[name]["recorded"] for name in found} == {
        "a:1": "2026-01-01",
        "b:1": "2026-02-02",
        "unread:1": "2026-01-01",
    }
    assert found["b:1"]["platforms"] == {AMD: {"download": 1}}
    assert found["a:1"]["digest"] == "sha256:1"


def test_modules_come_with_what_they_require_in_the_order_of_the_catalog() -> None:
    assert with_required(CATALOG, ["n8n"]) == ["postgres", "n8n"]
    assert with_required(CATALOG, [*CATALOG.modules]) == [*CATALOG.modules]


def test_every_module_of_the_catalog_has_a_log_in() -> None:
    assert LOG_INS.keys() == CATALOG.modules.keys()


def test_images_that_only_a_choice_uses_are_checked_too() -> None:
    images = images_of(CATALOG, CATALOG.modules)
    assert not images["postgres:15.19-alpine"].services, "none uses it by default"
    assert images["postgres:15.19-alpine"].checks == images["postgres:17.11-alpine"].checks


def test_a_removal_that_is_interrupted_keeps_the_home_for_the_next_check(tmp_path: Path) -> None:
    # A fake engine: no test can interrupt a real removal at a known moment.
    def interrupt() -> None:
        raise KeyboardInterrupt

    engine = SimpleNamespace(containers=SimpleNamespace(summaries=interrupt))
    app = SimpleNamespace(settings=SimpleNamespace(installation_id="id"))
    work = Verification(cast("Any", app), cast("Any", SimpleNamespace(engine=engine)), [])
    with pytest.raises(KeyboardInterrupt):
        work.remove()
    forget(tmp_path, work.left)
    assert tmp_path.exists()
