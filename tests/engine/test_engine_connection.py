"""Reaching the engine, and losing it."""

import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from urllib3 import HTTPConnectionPool

from aiserver_tray.base.errors import EngineDownError, SettingError
from aiserver_tray.engine.engine import Engine
from tests.engine.our_engine import core, run
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.certificates import certificates
from tests.support.forwarding import forwarded
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

__all__ = ["core"]

ROOT = Path(__file__).parents[2]


def test_the_engine_shows_what_it_is(core: Engine, engine: docker.DockerClient) -> None:
    told = engine.info()
    found = core.info()
    assert (found.id, found.version) == (told["ID"], told["ServerVersion"])
    assert (found.cpus, found.memory) == (told["NCPU"], told["MemTotal"])
    assert found.data_root == told["DockerRootDir"]
    assert {"local", "json-file"} < {*found.log_drivers}
    assert found.api_version >= (1, 44)
    assert (found.is_local, found.shares_kernel) == (True, True)
    core.ping()


def test_the_address_is_that_of_the_environment(
    lab: Place, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", lab.host)
    with closing(Engine()) as found:
        assert found.host == lab.host
        found.ping()


def test_many_threads_ask_at_once_and_the_version_is_asked_for_once(
    core: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = run(core, "ai-asked")
    asked: list[str] = []
    urlopen = HTTPConnectionPool.urlopen

    def spy(
        pool: HTTPConnectionPool, method: str, url: str, *args: object, **more: object
    ) -> object:
        asked.append(url)
        return urlopen(pool, method, url, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", spy)
    found: list[str] = []
    with closing(Engine(core.host)) as fresh:

        def ask() -> None:
            for _ in range(10):
                found.append(fresh.containers.inspect(created).id)
            fresh.info()

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [created] * 120
    assert [url for url in asked if "ping" in url] == ["/_ping"]
    assert len([url for url in asked if url.endswith("/info")]) == 1
    assert len(asked) == 122


def test_making_an_engine_asks_nothing_of_it(tmp_path: Path) -> None:
    with closing(Engine(f"unix://{tmp_path}/none.sock")) as absent:
        assert absent.host == f"unix://{tmp_path}/none.sock"


# -- an engine that is not there ---------------------------------------------------------------


def test_no_socket_and_a_closed_port_are_an_engine_that_is_down(tmp_path: Path) -> None:
    for host, why in (
        (f"unix://{tmp_path}/none.sock", "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
    ):
        with closing(Engine(host)) as absent, pytest.raises(EngineDownError) as caught:
            absent.ping()
        assert host in str(caught.value)
        assert why in str(caught.value)
        assert "Start it" in str(caught.value)


def test_a_socket_of_another_program_is_no_engine() -> None:
    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        other = Engine(f"tcp://127.0.0.1:{server.server_port}")
        with pytest.raises(EngineDownError, match="is not from a Docker engine"):
            other.info()
        other.close()
        server.shutdown()
        thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_engine_without_permission_says_which_group_to_join(
    lab: Place, engine: docker.DockerClient
) -> None:
    # Only then, because others may not be able to read a project in root's home.
    code = (
        "import os\n"
        "from aiserver_tray.engine.engine import Engine\n"
        "from aiserver_tray.base.errors import EngineDownError\n"
        f"engine = Engine({lab.host!r})\n"
        "os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "try: engine.ping()\n"
        "except EngineDownError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "don't have permission" in told.stdout
    assert "usermod -aG docker" in told.stdout


def test_certificates_that_are_missing_are_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with closing(Engine("tcp://127.0.0.1:1")) as absent, pytest.raises(SettingError):
        absent.ping()


def test_a_damaged_configuration_of_docker_is_a_setting(
    lab: Place, engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for damaged in ({"auths": {"x": {"auth": "no base 64!"}}}, {"auths": {"x": "text"}}):
        (tmp_path / "config.json").write_text(json.dumps(damaged))
        with closing(Engine(lab.host)) as found, pytest.raises(SettingError, match="docker login"):
            found.ping()


# -- an engine that goes away ------------------------------------------------------------------


def test_an_engine_killed_in_the_middle_of_a_request_is_down_at_once_and_comes_back(
    core: Engine, lab: Place
) -> None:
    created = run(
        core, "ai-slow", "trap '' TERM; echo deaf; while :; do sleep 1; done", StopSignal=""
    )
    eventually(lambda: core.containers.tail(created, 1) == ["deaf"], "the first line of the log")
    before = core.info()
    errors: list[Exception] = []

    def stop() -> None:
        try:
            core.containers.stop(created, 300)
        except EngineDownError as error:
            errors.append(error)

    thread = threading.Thread(target=stop)
    with closing(core.events("nobody")):
        thread.start()
        lab_engine.kill(lab)
        thread.join(LIMIT)
    assert not thread.is_alive()
    assert "does not respond" in str(errors[0])
    with pytest.raises(EngineDownError):
        core.info()
    lifecycle.up(lab)
    # The lab's registry is at another port now.
    assert replace(core.info(), access=before.access) == before
    assert core.containers.inspect(created).name == "ai-slow"


# -- over the network --------------------------------------------------------------------------


def test_an_engine_over_tcp(core: Engine, lab: Place) -> None:
    with forwarded(lab, "127.0.0.1") as host, closing(Engine(host)) as remote:
        assert remote.info().is_local
        assert remote.info().access.is_local
        with closing(Engine(host.replace("127.0.0.1", "0.0.0.0"))) as elsewhere:  # by its address
            assert not elsewhere.info().access.is_local
        with closing(remote.events("me")) as events:
            created = run(remote, "ai-tcp", Labels={"io.aiserver.installation": "me"})
            assert next(iter(events)).id == created
        killer = threading.Thread(target=remote.containers.kill, args=(created,))
        killer.start()
        with remote.containers.logs(created, follow="follow") as log:
            assert list(log) == []
        killer.join()


@contextmanager
def behind_tls(lab: Place, folder: Path) -> Iterator[str]:
    """The engine behind TLS, for one connection at a time; clients need the certificate too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=_serve_tls, args=(server, context, str(lab.socket)))
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve_tls(server: socket.socket, context: ssl.SSLContext, engine: str) -> None:
    while True:
        try:
            plain, _ = server.accept()
        except OSError:  # over
            return
        with closing(plain), closing(socket.socket(socket.AF_UNIX)) as far:
            try:
                near = context.wrap_socket(plain, server_side=True)
            except OSError:  # a client without the certificate
                continue
            far.connect(engine)
            with closing(near):
                while request := near.recv(65536):  # small ones, each in one piece
                    far.sendall(request)
                    near.sendall(far.recv(65536))


def test_an_engine_behind_tls(
    core: Engine, lab: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates(tmp_path, "127.0.0.1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with behind_tls(lab, tmp_path) as host:
        with closing(Engine(host)) as remote:
            remote.ping()
        monkeypatch.delenv("DOCKER_TLS_VERIFY")
        monkeypatch.delenv("DOCKER_CERT_PATH")
        with closing(Engine(host)) as remote, pytest.raises(EngineDownError):
            remote.ping()
