"""``aiserver-tray serve`` as a user runs it, on a machine whose engine is down."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiserver_tray.contract.http.events import HELLO_EVENT
from tests.support.visitor import Listener, Visitor

SERVE = [sys.executable, "-m", "aiserver_tray", "--host", "unix:///nonexistent/docker.sock"]


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


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended(tmp_path: Path, ending: signal.Signals) -> None:
    with serving(tmp_path) as (process, visitor):
        listener = Listener(visitor, "page")
        assert listener.next(HELLO_EVENT)["language"] in ("en", "zh")
        about = visitor.invoke({"channel": "ai/app/about"}).json["data"]
        assert (about["host"], about["pid"]) == ("serve", process.pid)
        process.send_signal(ending)
        assert process.wait(20) == 0
        listener.wait_for_end()
        listener.close()


def test_a_client_can_end_it(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, visitor):
        assert visitor.invoke({"channel": "ai/app/quit"}).json["success"]
        assert process.wait(20) == 0


def test_a_second_one_is_the_firsts_client_and_then_its_heir(tmp_path: Path) -> None:
    with serving(tmp_path) as (first, _), serving(tmp_path) as (_, visitor):
        listener = Listener(visitor, "page")
        names = {"n8n", "postgres", "redis"}
        while not names <= {m["name"] for m in listener.modules()}:
            listener.hear()
        first.kill()
        first.wait()
        while listener.modules():
            listener.hear()
        while not names <= {m["name"] for m in listener.modules()}:
            listener.hear()
        listener.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--bind", "0.0.0.0"], "--dangerously-bind"),
        (["--bind", "192.0.2.1"], "--dangerously-bind"),
        (["--dangerously-bind", "0.0.0.0"], "--tls-cert"),
    ],
)
def test_other_machines_are_not_let_in_by_accident(
    tmp_path: Path, options: list[str], told: str
) -> None:
    ended = run(tmp_path, *options)
    assert ended.returncode == 2
    assert told in ended.stderr


def test_what_is_no_address_of_ours_is_told(tmp_path: Path) -> None:
    for address in ("localhost", "192.0.2.1"):
        ended = run(tmp_path, "--dangerously-bind", address, "--yes")
        assert ended.returncode == 1
        assert ended.stderr.startswith("E_SETTING: ")
