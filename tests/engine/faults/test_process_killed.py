"""Our own process is killed, or cancelled, in the middle of an operation."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from tests.engine.faults.objects import kept, nothing_of, ours, running
from tests.support.command_line import CommandLine, Running
from tests.support.stack import held, service, slow_to_stop, write
from tests.support.waiting import eventually

ALL = {"ai-web", "ai-web-api", "ai-web-db"}


@pytest.fixture
def slow(catalog: Path) -> None:
    """Makes of `web` one whose services end slowly, one after the other."""
    services = {"db": slow_to_stop(), "api": slow_to_stop("db"), "web": slow_to_stop("api")}
    services["db"]["volumes"] = ["data:/data"]
    write(catalog, "web", services)


def test_up_completes_a_killed_up(client: docker.DockerClient, cli: CommandLine) -> None:
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        up.kill()
    assert running(client, "web") < ALL

    cli.run("up", "web").succeeded()

    assert running(client, "web") == ALL
    assert cli.module("web")["state"] == "running"


def test_down_removes_everything_of_a_killed_up(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        up.kill()

    cli.run("down", "web").succeeded()

    assert nothing_of(client, "web")
    assert cli.module("web")["state"] == "stopped"


@pytest.mark.usefixtures("slow")
def test_up_and_down_complete_an_interrupted_down(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    cli.run("up", "web").succeeded()
    made = kept(client, "ai-web-data")
    with half_down(client, cli) as down:
        down.kill()
    assert ours(client, "web")
    cli.run("up", "web").succeeded()
    assert kept(client, "ai-web-data") == made
    assert cli.module("web")["state"] == "running"
    assert running(client, "web") == ALL

    with half_down(client, cli) as down:
        down.kill()
    assert ours(client, "web")
    cli.run("down", "web").succeeded()
    assert kept(client, "ai-web-data") == made
    assert nothing_of(client, "web")

    cli.run("up", "web").succeeded()
    with half_down(client, cli) as down:
        down.interrupt()
        down.wait().cancelled()
    assert ours(client, "web")
    cli.run("down", "web").succeeded()
    assert nothing_of(client, "web")


@contextmanager
def half_down(client: docker.DockerClient, cli: CommandLine) -> Iterator[Running]:
    """A `down` that has stopped a container, and is still at work."""
    with cli.started("down", "web") as down:
        eventually(lambda: running(client, "web") < ALL, "a stopped container of web")
        yield down


@pytest.mark.parametrize("again", ["up", "down"])
def test_up_and_down_work_after_a_cancelled_up(
    client: docker.DockerClient, cli: CommandLine, again: str
) -> None:
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        up.interrupt()
        assert up.wait().cancelled().failures == ["E_CANCELLED"]
    assert running(client, "web") < ALL

    cli.run(again, "web").succeeded()

    if again == "up":
        assert cli.module("web")["state"] == "running"
    else:
        assert nothing_of(client, "web")


def test_cancelled_up_does_not_wait_for_an_unhealthy_service(
    client: docker.DockerClient, cli: CommandLine, catalog: Path
) -> None:
    write(catalog, "web", {"web": held(), "after": service("web")})
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        up.interrupt()
        up.wait().cancelled()

    cli.run("down", "web").succeeded()
    assert nothing_of(client, "web")
