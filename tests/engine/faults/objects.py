"""What is on the engine: ours, and what must not be touched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import NotFound

from tests.support.stack import IMAGE, KEPT
from tests.support.waiting import eventually

T = TypeVar("T")
Foreign = Mapping[tuple[str, str], object]

_OTHER = {
    "io.aiserver.module": "web",
    "io.aiserver.service": "web",
    "io.aiserver.installation": "00000000-another",
}
_COMPOSE = {"com.docker.compose.project": "aiserver-web", "com.docker.compose.service": "web"}
CONTAINERS: Mapping[str, Mapping[str, str]] = {
    "ai-web-old": {},
    "my-ai-web": _COMPOSE,
    "ai-webshop-web": _OTHER,
}
"""Names that look like ours, with labels that nearly are."""


def make_foreign(client: docker.DockerClient) -> None:
    """Containers, volumes and networks of other people, named and labelled almost like ours."""
    for name, labels in CONTAINERS.items():
        client.networks.create(f"{name}-net", labels=dict(labels))
        client.volumes.create(f"{name}-data", labels=dict(labels))
        client.containers.run(
            IMAGE,
            ["sh", "-c", f"echo {name} > /data/of; exec sleep 86400"],
            name=name,
            labels=dict(labels),
            network=f"{name}-net",
            volumes=[f"{name}-data:/data"],
            restart_policy={"Name": "unless-stopped"},
            init=True,
            detach=True,
        )
    client.volumes.create("ai-web-data-2", labels=dict(_COMPOSE))
    # They have been started, and their commands may not have come to that yet.
    files = [_file_of(client, name) for name in CONTAINERS]
    eventually(
        lambda: all(file.exists() and file.read_bytes() for file in files),
        "the files of the foreign containers",
    )


def foreign(client: docker.DockerClient) -> Foreign:
    """Everything of those objects that a touch would change, files in the volumes included.

    Not what an engine changes itself when it starts anew: process ids, times, addresses.
    """
    api = client.api
    found: dict[tuple[str, str], object] = {}
    for name in CONTAINERS:
        container = client.containers.get(name)
        attributes = container.attrs
        # An engine that starts anew writes an empty list where there was none.
        host = {key: value or None for key, value in attributes["HostConfig"].items()}
        found["container", name] = (
            {key: attributes[key] for key in ("Id", "Created", "Config", "Mounts")} | host,
            container.status,
            sorted(attributes["NetworkSettings"]["Networks"]),
        )
        network = api.inspect_network(f"{name}-net")
        found["network", name] = {k: network[k] for k in ("Id", "Created", "Labels", "Options")}
        volume = api.inspect_volume(f"{name}-data")
        found["volume", name] = (volume, _file_of(client, name).read_bytes())
    found["volume", "ai-web-data-2"] = api.inspect_volume("ai-web-data-2")
    return found


def _file_of(client: docker.DockerClient, container: str) -> Path:
    """What a foreign container has written into its volume."""
    return Path(client.api.inspect_volume(f"{container}-data")["Mountpoint"], "of")


def started(client: docker.DockerClient) -> Mapping[str, str]:
    """When the foreign containers were started, which an engine that ended changes."""
    return {n: client.containers.get(n).attrs["State"]["StartedAt"] for n in CONTAINERS}


def ours(client: docker.DockerClient, module: str) -> dict[str, dict[str, Any]]:
    """Container's name -> the engine's list entry, of a module's containers."""
    label = f"com.docker.compose.project=aiserver-{module}"
    found = client.api.containers(all=True, filters={"label": label})
    by_name = {entry["Names"][0].removeprefix("/"): entry for entry in found}
    return {name: entry for name, entry in by_name.items() if name not in CONTAINERS}


def running(client: docker.DockerClient, module: str) -> set[str]:
    """Names of the module's containers that run."""
    return {name for name, entry in ours(client, module).items() if entry["State"] == "running"}


def nothing_of(client: docker.DockerClient, module: str) -> bool:
    """Whether neither a container nor a network of the module is left."""
    try:
        client.api.inspect_network(f"ai-{module}")
    except NotFound:
        return not ours(client, module)
    return False


def kept(client: docker.DockerClient, volume: str) -> str:
    """What a service wrote into its volume when that was empty."""
    folder = Path(client.api.inspect_volume(volume)["Mountpoint"])
    return (folder / Path(KEPT).name).read_text(encoding="ascii")
