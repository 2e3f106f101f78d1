"""Several processes of one installation at once."""

from contextlib import ExitStack
from pathlib import Path

import docker
import pytest

from tests.engine.faults.objects import nothing_of, running
from tests.support.command_line import CommandLine, Running
from tests.support.observed import created, heard
from tests.support.stack import OPEN, held, service, write
from tests.support.waiting import eventually

ALL = ["ai-web", "ai-web-api", "ai-web-db"]


@pytest.fixture
def gate(catalog: Path) -> None:
    """Adds `slow`, which is up only when the test says so, and `quick`."""
    write(catalog, "slow", {"slow": held()})
    write(catalog, "quick", {"quick": service()})


def has_begun(client: docker.DockerClient) -> None:
    eventually(lambda: running(client, "slow"), "a running container of slow")


def open_gate(client: docker.DockerClient) -> None:
    assert client.containers.get("ai-slow").exec_run(OPEN).exit_code == 0


def test_the_same_up_in_two_processes_makes_each_container_once(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    with heard(client, "create") as told, ExitStack() as stack:
        calls = [stack.enter_context(cli.started("up", "web")) for _ in range(2)]
        for call in calls:
            call.wait().succeeded()

    assert created(told, "web") == ALL
    assert cli.module("web")["state"] == "running"


def test_module_that_two_ups_require_is_created_once(
    client: docker.DockerClient, cli: CommandLine, catalog: Path
) -> None:
    write(catalog, "base", {"base": service()}, kind="basic")
    for name in ("left", "right"):
        write(catalog, name, {name: service()}, kind="feature", requires=["base"])
    with heard(client, "create") as told, ExitStack() as stack:
        calls = [stack.enter_context(cli.started("up", name)) for name in ("left", "right")]
        for call in calls:
            call.wait().succeeded()

    assert created(told, "base") == ["ai-base"]
    assert {cli.module(name)["state"] for name in ("base", "left", "right")} == {"running"}


@pytest.mark.usefixtures("gate")
def test_unrelated_module_starts_and_stops_during_an_up(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    with cli.started("up", "slow") as slow:
        has_begun(client)
        cli.run("up", "quick", "--no-wait").succeeded()
        cli.run("down", "quick", "--no-wait").succeeded()
        assert slow.is_running
        open_gate(client)
        slow.wait().succeeded()


@pytest.mark.usefixtures("gate")
def test_no_wait_names_the_process_that_has_the_module(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    with cli.started("up", "slow") as slow:
        has_begun(client)
        cli.run("down", "slow", "--no-wait").failed("E_BUSY", str(slow.process.pid), "up")
        open_gate(client)
        slow.wait().succeeded()


@pytest.mark.usefixtures("gate")
def test_down_waits_for_the_up_before_it(client: docker.DockerClient, cli: CommandLine) -> None:
    with cli.started("up", "slow") as slow:
        has_begun(client)
        with cli.started("down", "slow") as down:
            said = _said(down)
            assert str(slow.process.pid) in said, said
            open_gate(client)
            slow.wait().succeeded()
            down.wait().succeeded()

    assert nothing_of(client, "slow")


def _said(call: Running) -> str:
    """The first line of a call's standard error: what it waits for."""
    assert call.process.stderr is not None
    return call.process.stderr.readline()


@pytest.mark.usefixtures("gate")
def test_waiting_command_can_be_cancelled(client: docker.DockerClient, cli: CommandLine) -> None:
    with cli.started("up", "slow") as slow:
        has_begun(client)
        with cli.started("down", "slow") as down:
            _said(down)
            down.interrupt()
            down.wait().cancelled()
        assert slow.is_running
        open_gate(client)
        slow.wait().succeeded()
    assert cli.module("slow")["state"] == "running"


@pytest.mark.usefixtures("gate")
def test_killed_process_blocks_no_other_command(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    with cli.started("up", "slow") as slow:
        has_begun(client)
        slow.kill()

    cli.run("down", "slow", "--no-wait").succeeded()

    assert nothing_of(client, "slow")
