"""How the developer's entry point gets TypeScript's compiler: checked, once, and from a registry
that the developer may name. The registry is a local server with a small archive: no test may
depend on the real one."""

import base64
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from developer import npm, typescript
from developer.machine import WINDOWS
from tests.support.systems import on_unix

SCRIPT = b"#!/bin/sh\necho compiled\n"


def archive() -> bytes:
    """A package like the compiler's, of a script."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as members:
        member = tarfile.TarInfo("package/lib/tsc.exe" if WINDOWS else "package/lib/tsc")
        member.mode, member.size = 0o755, len(SCRIPT)
        members.addfile(member, io.BytesIO(SCRIPT))
    return packed.getvalue()


class Registry(HTTPServer):
    """Answers every request with `archive`, and notes its target."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.archive = archive()
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.archive)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    """The registry, for a machine that has no compiler yet."""
    with Registry() as server:
        digest = base64.b64encode(hashlib.sha512(server.archive).digest()).decode()
        monkeypatch.setattr(typescript, "SHA512", {"linux-x64": digest})
        monkeypatch.setattr(typescript, "platform_name", lambda: "linux-x64")
        monkeypatch.setattr(npm, "VENV", tmp_path)
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{server.url}/")
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


PATH = f"/@typescript/typescript-linux-x64/-/typescript-linux-x64-{typescript.VERSION}.tgz"


@on_unix
def test_the_compiler_is_downloaded_once(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = typescript.set_up()
    assert subprocess.run([compiler], capture_output=True, check=True).stdout == b"compiled\n"
    assert capsys.readouterr().err == f"dev.py: downloading TypeScript {typescript.VERSION}\n"
    assert typescript.set_up() == compiler
    assert capsys.readouterr().err == ""
    assert registry.asked == [PATH]


def test_an_interrupted_download_is_repeated(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "chmod", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            typescript.set_up()
    assert typescript.set_up().exists()
    assert registry.asked == [PATH] * 2


@pytest.mark.usefixtures("registry")
def test_download_that_another_process_overtakes_leaves_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unpack = npm.unpack

    def overtaken(archive: bytes, folder: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(npm, "unpack", unpack)
            typescript.set_up().with_name("in use").touch()
        unpack(archive, folder)

    monkeypatch.setattr(npm, "unpack", overtaken)
    assert typescript.set_up().with_name("in use").exists()


def test_another_archive_than_the_expected_one_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    registry.archive += b"more"
    with pytest.raises(SystemExit, match="wrong hash"):
        typescript.set_up()
    assert not list(tmp_path.iterdir())


def test_the_proxy_of_the_environment_is_used(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://registry.invalid")
    monkeypatch.setenv("http_proxy", registry.url)
    typescript.set_up()
    assert registry.asked == [f"http://registry.invalid{PATH}"]


@pytest.mark.usefixtures("registry")
def test_without_a_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://registry.invalid")
    with pytest.raises(SystemExit) as error:
        typescript.set_up()
    fact, advice = str(error.value).splitlines()
    assert fact.startswith(f"dev.py: http://registry.invalid{PATH} could not be downloaded: ")
    assert "HTTPS_PROXY" in advice
    assert "NPM_CONFIG_REGISTRY" in advice


def test_each_platform_has_its_compiler_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for system, machine, name in (
        ("linux", "x86_64", "linux-x64"),
        ("linux", "aarch64", "linux-arm64"),
        ("darwin", "arm64", "darwin-arm64"),
        ("win32", "AMD64", "win32-x64"),
        ("linux", "sparc64", None),
    ):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        if name:
            assert typescript.platform_name() == name
        else:
            with pytest.raises(SystemExit, match="no TypeScript compiler for linux-sparc64"):
                typescript.platform_name()
