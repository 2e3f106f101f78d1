"""Connections to an engine elsewhere that are killed, cut, or silent: nothing is lost, and
everything comes back by itself."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import docker
import pytest

from aiserver_tray.engine import stdio
from aiserver_tray.features.logs import collector
from aiserver_tray.owner.owner import Owner
from tests.engine.elsewhere import WAYS, Elsewhere
from tests.lab.fixtures import have_image
from tests.support.host_process import hosted
from tests.support.installation import Installation, script
from tests.support.kept_logs import kept
from tests.support.observed import said
from tests.support.stack import IMAGE
from tests.support.surroundings import NoWindows
from tests.support.waiting import eventually

LINES = int(os.environ.get("AISERVER_SOAK_LINES", "10000"))
KILLS = 5


@WAYS
def test_followed_logs_lose_and_double_no_line_when_ssh_is_killed(
    elsewhere: Elsewhere, engine: docker.DockerClient, tmp_path: Path, way: str
) -> None:
    have_image(engine, IMAGE)
    elsewhere.use(way)
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    here.write("web", {"web": script(f"seq {LINES}; exec sleep 86400", stop_signal="SIGKILL")})
    here.cli.run("up", "web").succeeded()
    with here.cli.started("logs", "web", "-f", "--tail", "all") as following:
        assert following.process.stdout
        read = []
        for line in following.process.stdout:
            read.append(int(line.split()[-1]))
            if len(read) % (LINES // KILLS) == 0:
                for one in elsewhere.children():
                    os.kill(one, signal.SIGKILL)
            if read[-1] == LINES:
                break
    assert read == [*range(1, LINES + 1)]


QUIET = "echo begin; until [ -e /go ]; do sleep 0.1; done; echo more; exec sleep 86400"


def test_quiet_logs_share_a_connection(
    elsewhere: Elsewhere,
    engine: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have_image(engine, IMAGE)
    elsewhere.use("children")
    monkeypatch.setattr(collector, "_QUIET_SECONDS", 2.0)
    monkeypatch.setattr(stdio, "_IDLE_SECONDS", 2.0)
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    names = [f"quiet-{number}" for number in range(6)]
    here.write("web", {name: script(QUIET, stop_signal="SIGKILL") for name in names})
    here.cli.run("up", "web").succeeded()
    with Owner(here.app, NoWindows()):
        eventually(lambda: kept(here.home, "web") == ["begin"] * 6, "their first lines")
        # The other one has the events.
        eventually(lambda: len(elsewhere.children()) <= 2, "one child for all of them")
        said(engine, f"ai-web-{names[0]}", "touch", "/go")
        eventually(lambda: kept(here.home, "web") == ["begin"] * 6 + ["more"], "a new line")


COUNTING = "n=0; while sleep 0.5; do n=$((n+1)); echo $n; done"


def test_an_outage_is_waited_for_and_no_line_is_lost(
    elsewhere: Elsewhere, engine: docker.DockerClient, tmp_path: Path
) -> None:
    have_image(engine, IMAGE)
    elsewhere.notice_silence_soon()
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    here.write("web", {"web": script(COUNTING, stop_signal="SIGKILL")})

    def last() -> int:
        return int(kept(here.home, "web")[-1])

    with hosted(here.cli) as (client, owner):
        here.cli.run("up", "web").succeeded()
        eventually(lambda: kept(here.home, "web"), "its first line")

        def is_lost() -> bool:
            return bool(client.request("ai/snapshot/get")["engine"]["reconnecting"])

        with here.cli.started("logs", "web", "-f", "--json") as following:
            for outage in (stalled, cut_off, asleep):
                with outage(elsewhere, owner.pid):
                    if outage is cut_off:
                        eventually(is_lost, "it is noticed")
                before = last()
                eventually(lambda: last() > before, f"lines after it was {outage.__name__}")  # noqa: B023 - called here
            assert following.is_running
            following.interrupt()
            followed = following.wait()
    numbers = [int(text) for text in kept(here.home, "web")]
    assert numbers == [*range(1, numbers[-1] + 1)]
    shown = [int(json.loads(line)["message"]) for line in followed.output.splitlines()]
    assert all(two == one + 1 for one, two in pairwise(shown))
    assert "The connection to the engine is lost." in followed.errors


@contextmanager
def stalled(elsewhere: Elsewhere, _owner: int) -> Iterator[None]:
    """The server's side of each connection stands still, and is replaced by new ones."""
    sessions = [one for one in elsewhere.processes() if one.name() != "sshd"]
    ssh = elsewhere.children()
    assert sessions
    assert ssh
    for one in sessions:
        one.suspend()
    yield
    eventually(lambda: not {*ssh} & {*elsewhere.children()}, "the end of its ssh")
    for one in sessions:
        one.kill()


@contextmanager
def cut_off(elsewhere: Elsewhere, _owner: int) -> Iterator[None]:
    """The server's network has no address for a while."""
    network = elsewhere.container.attrs["NetworkSettings"]["Networks"]["bridge"]
    address = f"{network['IPAddress']}/{network['IPPrefixLen']}"
    inside = ["nsenter", "-n", "-t", str(elsewhere.processes()[0].pid)]
    for verb in ("delete", "add"):
        change = ["ip", "address", verb, address, "dev", "eth0"]
        subprocess.run([*inside, *change], check=True)
        if verb == "delete":
            yield


@contextmanager
def asleep(elsewhere: Elsewhere, owner: int) -> Iterator[None]:
    """This computer sleeps: neither the *owner* nor its ssh runs. The server forgets them."""
    stopped = [owner, *elsewhere.children()]
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    elsewhere.container.restart(timeout=0)
    yield
    for process in stopped:
        os.kill(process, signal.SIGCONT)
