"""``aiserver-tray serve`` as a user runs it, on a machine whose engine is down."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.carriers.http import server
from aiserver_tray.carriers.http.httpd import Server
from aiserver_tray.carriers.http.server import Binding
from aiserver_tray.core.app import App
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from tests.support.ending import on_hang_up
from tests.support.limits import LIMIT
from tests.support.surroundings import Recorded
from tests.support.systems import on_unix
from tests.support.visitor import Listener, Visitor
from tests.support.waiting import eventually

ENGINE = "unix:///nonexistent/docker.sock"
SERVE = [sys.executable, "-m", "aiserver_tray", "--host", ENGINE]


def run(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*SERVE, "--home", str(home), "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], Visitor]]:
    """The process, and a visitor that was let in."""
    command = [*SERVE, "--home", str(home), "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            visitor = Visitor(process.stdout.readline().strip())
            visitor.enter()
            yield process, visitor
        finally:
            process.kill()


def owner(visitor: Visitor) -> tuple[str, int]:
    """The process that owns the core of *visitor*'s page."""
    about = visitor.invoke({"channel": "ai/app/about"}).json["data"]
    return about["owner"], about["pid"]


def is_closed(visitor: Visitor) -> bool:
    """Whether nobody serves *visitor*'s page."""
    try:
        visitor.connect().close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def listening(visitor: Visitor) -> Iterator[Listener]:
    """A page that was sent the state, which has all modules."""
    listener = Listener(visitor, "page")
    try:
        modules = listener.next(SNAPSHOT)["modules"]
        assert {"n8n", "postgres", "redis"} <= {module["name"] for module in modules}
        yield listener
    finally:
        listener.close()


@on_unix
@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_serves_until_it_is_ended(tmp_path: Path, ending: str) -> None:
    with (
        on_hang_up(signal.SIG_DFL),
        serving(tmp_path) as (process, visitor),
        listening(visitor) as listener,
    ):
        assert owner(visitor) == ("serve", process.pid)
        process.send_signal(signal.Signals[ending])
        assert process.wait(LIMIT) == 0
        listener.wait_for_end()


def test_a_client_can_end_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, visitor):
        assert visitor.invoke({"channel": "ai/app/quit"}).json["success"]
        assert process.wait(LIMIT) == 0


@on_unix
def test_serve_under_nohup_survives_its_terminal(tmp_path: Path) -> None:
    """As ``nohup`` tells it."""
    with on_hang_up(signal.SIG_IGN), serving(tmp_path) as (process, visitor):
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        assert owner(visitor) == ("serve", process.pid)
        process.terminate()
        assert process.wait(LIMIT) == 0


def test_a_second_one_is_the_firsts_client_and_then_its_heir(tmp_path: Path) -> None:
    with serving(tmp_path) as (first, _), serving(tmp_path) as (second, visitor):
        with listening(visitor) as listener:
            assert owner(visitor) == ("serve", first.pid)
            first.kill()
            first.wait()
            listener.wait_for_end()
        eventually(lambda: owner(visitor) == ("serve", second.pid), "the heir")
        with listening(visitor):
            pass


@on_unix
def test_a_second_one_that_is_ended_takes_its_address_along(tmp_path: Path) -> None:
    with serving(tmp_path) as (first, stays), serving(tmp_path) as (second, goes):
        with listening(goes) as listener:
            second.send_signal(signal.SIGINT)
            assert second.wait(LIMIT) == 0
            listener.wait_for_end()
        eventually(lambda: is_closed(goes), "the end of its server")
        assert owner(stays) == ("serve", first.pid)


def test_pages_stay_at_their_address_while_a_tray_owns_the_core(tmp_path: Path) -> None:
    app = App(tmp_path, [], ENGINE)
    with serving(tmp_path) as (process, visitor):
        with listening(visitor) as before, Claim(app) as claim:
            claim.take_over(Event())
            with Owner(app, Recorded()):
                before.wait_for_end()
                eventually(lambda: owner(visitor) == ("tray", os.getpid()), "the tray")
                with listening(visitor):
                    pass
        eventually(lambda: owner(visitor) == ("serve", process.pid), "the old owner")
        with listening(visitor):
            pass


def test_it_waits_until_the_system_has_freed_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, is_refused, listening_at = App(tmp_path, [], ENGINE), Event(), server._listening

    def refuse(binding: Binding) -> Server:
        try:
            return listening_at(binding)
        except SettingError:
            is_refused.set()
            raise

    monkeypatch.setattr(server, "_listening", refuse)
    with serving(tmp_path) as (process, visitor), Claim(app) as claim:
        claim.take_over(Event())
        with socket.create_server(visitor.place), Owner(app, Recorded()):
            assert is_refused.wait(LIMIT)
        with Owner(app, Recorded()):
            eventually(lambda: owner(visitor) == ("tray", os.getpid()), "the tray")
        assert process.poll() is None


def test_an_address_that_cannot_be_served_is_reported(tmp_path: Path) -> None:
    for address in ("localhost", "192.0.2.1"):
        ended = run(tmp_path, "--dangerously-bind", address, "--yes")
        assert ended.returncode == 1
        assert ended.stderr.startswith("E_SETTING: ")
    for option, address, told in (
        ("--bind", "0.0.0.0", "--dangerously-bind"),
        ("--bind", "192.0.2.1", "--dangerously-bind"),
        ("--dangerously-bind", "0.0.0.0", "--tls-cert"),
    ):
        ended = run(tmp_path, option, address)
        assert (ended.returncode, told in ended.stderr) == (2, True)
    (tmp_path / "control.key").unlink(missing_ok=True)
    (tmp_path / "control.key").mkdir()
    ended = run(tmp_path)
    assert (ended.returncode, ended.stdout) == (1, ""), "without a core no address is printed"
    assert ended.stderr.startswith("E_SETTING: ")
