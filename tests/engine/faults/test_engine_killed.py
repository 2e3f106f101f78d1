"""The engine is killed in the middle of an operation, and comes back."""

from pathlib import Path

import docker
import pytest

from tests.engine.faults.objects import kept, nothing_of, running
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.stack import service, slow_to_stop, write
from tests.support.waiting import eventually


def test_up_reports_a_killed_engine_and_completes_once_it_is_back(
    lab: Place, client: docker.DockerClient, cli: CommandLine
) -> None:
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        assert up.is_running
        lab_engine.kill(lab)
        up.wait().failed("E_ENGINE_DOWN", lab.host, "Start it")

    assert cli.status()["state"] == "engine_down"
    cli.run("up", "web").failed("E_ENGINE_DOWN", lab.host)
    lifecycle.up(lab)
    assert cli.run("up", "web").succeeded()
    assert cli.module("web")["state"] == "running"


def test_down_reports_a_killed_engine_and_completes_once_it_is_back(
    lab: Place, client: docker.DockerClient, cli: CommandLine, catalog: Path
) -> None:
    # What still runs then ends with the engine: however long that takes, `down` is at work.
    db = slow_to_stop(seconds=60) | {"volumes": ["data:/data"]}
    write(catalog, "web", {"db": db, "web": service("db")})
    cli.run("up", "web").succeeded()
    made = kept(client, "ai-web-data")
    with cli.started("down", "web") as down:
        eventually(lambda: len(running(client, "web")) < 2, "a stopped container of web")
        assert down.is_running
        lab_engine.kill(lab)
        down.wait().failed("E_ENGINE_DOWN", lab.host, "Start it")

    lifecycle.up(lab)
    cli.run("down", "web").succeeded()
    assert nothing_of(client, "web")
    assert kept(client, "ai-web-data") == made


@pytest.mark.parametrize("words", [["up", "web"], ["down", "web"], ["stop"]])
def test_operations_without_an_engine_report_it(
    lab: Place, cli: CommandLine, words: list[str]
) -> None:
    lab_engine.kill(lab)

    cli.run(*words).failed("E_ENGINE_DOWN", lab.host, "Start it")

    lifecycle.up(lab)
