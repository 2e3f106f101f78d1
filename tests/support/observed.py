"""What the tests of this level read from the lab's engine, and the gate that they open there."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import docker


def open_gate(client: docker.DockerClient, container: str) -> None:
    """Make the `gated` service of *container* healthy."""
    assert client.containers.get(container).exec_run(["touch", "/tmp/ready"]).exit_code == 0


@dataclass(frozen=True)
class Fact:
    """What of a container shows that it is the same one, and was left alone."""

    id: str
    started_at: str
    status: str


def facts(client: docker.DockerClient, *names: str) -> dict[str, Fact]:
    """Of each of the containers *names*, as inspect tells it."""
    found = {name: client.api.inspect_container(name) for name in names}
    return {
        name: Fact(one["Id"], one["State"]["StartedAt"], one["State"]["Status"])
        for name, one in found.items()
    }


def names(client: docker.DockerClient) -> set[str]:
    """All containers of the engine, but for one that is removed just now."""
    return {found.name for found in client.containers.list(all=True, ignore_removed=True)}


def environment(client: docker.DockerClient, container: str) -> dict[str, str]:
    """The environment of a container."""
    lines = client.api.inspect_container(container)["Config"]["Env"]
    return dict(line.split("=", 1) for line in lines)


def said(client: docker.DockerClient, container: str, *command: str) -> str:
    """What *command* prints in a container. Raises ``AssertionError`` where it fails."""
    result = client.containers.get(container).exec_run(list(command))
    assert result.exit_code == 0, result.output
    return str(result.output.decode().strip())


def events(
    client: docker.DockerClient, since: float, until: float, **filters: Sequence[str]
) -> list[dict[str, Any]]:
    """What the engine says that happened between two times (seconds since 1970), in order.

    It knows its last 256 events: where health checks run, see `heard`.
    """
    found = client.api.events(
        since=f"{since:.6f}", until=f"{until:.6f}", filters=filters, decode=True
    )
    return list(found)


@contextmanager
def heard(client: docker.DockerClient, *actions: str) -> Iterator[list[dict[str, Any]]]:
    """What the engine says of *actions* that happen in the block, in order; all of it at the end.

    It is listened to from before the block, since health checks, of three events each, soon push
    the others out of what the engine remembers.
    """
    filters = {"event": [*actions, "destroy"]}
    told = client.api.events(since=f"{time.time():.6f}", filters=filters, decode=True)
    found: list[dict[str, Any]] = []
    try:
        yield found
        last = client.volumes.create()
        last.remove()
        before = takewhile(lambda event: event["Actor"]["ID"] != last.name, told)
        found += [event for event in before if event["Action"] in actions]
    finally:
        told.close()


def created(told: Sequence[Mapping[str, Any]], module: str) -> list[str]:
    """Names of the module's containers of which *told*, that is `heard`, says that they were
    created, as often as they were."""
    about = [event["Actor"]["Attributes"] for event in told if event["Action"] == "create"]
    return sorted(one["name"] for one in about if one.get("io.aiserver.module") == module)
