"""Containers that somebody else kills, pauses or removes."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from tests.engine.faults.objects import foreign, kept, nothing_of, ours, running
from tests.support.command_line import CommandLine
from tests.support.stack import OPEN, held, write
from tests.support.waiting import eventually

BY_HAND: dict[str, Callable[[Container], object]] = {
    "killed": lambda container: container.kill(),
    "paused": lambda container: container.pause(),
    "removed": lambda container: container.remove(force=True),
}


def ids(client: docker.DockerClient) -> dict[str, str]:
    """Name -> id of each container of `web`."""
    return {name: container["Id"] for name, container in ours(client, "web").items()}


@pytest.mark.parametrize("victim", ["ai-web-db", "ai-web-api"])
def test_status_shows_a_container_changed_by_hand_and_up_repairs_it(
    client: docker.DockerClient, cli: CommandLine, victim: str
) -> None:
    cli.run("up", "web").succeeded()
    made = kept(client, "ai-web-data")
    untouched = {name: id for name, id in ids(client).items() if name != victim}
    for how, act in BY_HAND.items():
        act(client.containers.get(victim))

        module = cli.module("web")
        assert module["state"] == "degraded", how
        assert victim.removeprefix("ai-web-") in module["reason"], how
        assert module["ready"] == module["total"] - 1, how
        cli.run("up", "web").succeeded()
        module = cli.module("web")
        assert (module["state"], module["reason"]) == ("running", None), how
        assert untouched.items() <= ids(client).items(), how
        assert kept(client, "ai-web-data") == made, how


@pytest.mark.parametrize("operation", ["stop", "down"])
def test_stop_and_down_work_after_changes_by_hand(
    client: docker.DockerClient, cli: CommandLine, operation: str
) -> None:
    made = ""
    for how, act in BY_HAND.items():
        cli.run("up", "web").succeeded()
        made = made or kept(client, "ai-web-data")
        act(client.containers.get("ai-web-api"))

        cli.run(operation, "web").succeeded()

        assert cli.module("web")["state"] == "stopped", how
        left = {name: c["State"] for name, c in ours(client, "web").items()}
        if operation == "down":
            assert nothing_of(client, "web"), how
        else:
            assert set(left.values()) == {"exited"}, how
        assert kept(client, "ai-web-data") == made, how


@pytest.mark.parametrize("how", ["killed", "removed"])
def test_up_fails_at_once_if_the_awaited_service_is_killed(
    client: docker.DockerClient, cli: CommandLine, catalog: Path, how: str
) -> None:
    write(catalog, "web", {"web": held()})
    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        BY_HAND[how](client.containers.get("ai-web"))
        # The engine kills what it removes, which may be seen first.
        up.wait().failed("E_EXITED", "web", "137" if how == "killed" else "removed")


def test_up_keeps_waiting_for_a_service_that_was_paused(
    client: docker.DockerClient, cli: CommandLine, catalog: Path
) -> None:
    write(catalog, "web", {"web": held()})

    def is_opened() -> bool:
        with suppress(APIError):  # the engine takes a moment to see that it goes on
            return bool(container.exec_run(OPEN).exit_code == 0)
        return False

    with cli.started("up", "web") as up:
        eventually(lambda: running(client, "web"), "a running container of web")
        container = client.containers.get("ai-web")
        container.pause()
        container.unpause()
        eventually(is_opened, "a container that runs commands again")
        up.wait().succeeded()


def test_stop_and_down_leave_foreign_objects_with_similar_names(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    before = foreign(client)
    for words in (["stop"], ["down"], ["down", "--volumes", "--yes"]):
        cli.run("up", "web").succeeded()

        cli.run(*words).succeeded()

        assert all(entry["State"] == "exited" for entry in ours(client, "web").values()), words
        volumes = {volume.name for volume in client.volumes.list()}
        assert ("ai-web-data" in volumes) is ("--volumes" not in words)
        assert foreign(client) == before, words


def test_a_foreign_container_of_our_name_is_reported_and_left(
    client: docker.DockerClient, cli: CommandLine
) -> None:
    theirs = client.containers.create("busybox:1.37.0", name="ai-web-api")

    cli.run("up", "web").failed("E_NAME_CONFLICT", "ai-web-api", "did not create it")

    assert not ours(client, "web")
    assert client.containers.get("ai-web-api").id == theirs.id
