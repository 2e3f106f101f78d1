"""A module that is open to the network: requests through the gateway beside its own port, opening
and closing beside a restart, and the gateway's memory."""

import http.client
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import docker

from tests.bench.result import Figure, Results, compare
from tests.bench.sides import Tray
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import Installation
from tests.support.ports import free_port
from tests.support.second_host import second_host

REQUESTS = 500
IMAGE = "nginx:1.31.2-alpine"


def write(here: Installation, port: int) -> None:
    """A module with a small page, which knows its address."""
    shop = {
        "image": IMAGE,
        "ports": [f"{port}:80"],
        "networks": ["ai-net"],
        "environment": {"ADDRESS": "${SHOP_ADDRESS:-none}"},
        "stop_signal": "SIGKILL",
    }
    here.write(
        "shop",
        {"shop": shop},
        top={"networks": {"ai-net": {"external": True}}},
        access={"port": 80, "variables": {"SHOP_ADDRESS": "{url}"}, "first_account": "at-start"},
    )
    for address, setting in here.app.declared.items():
        if setting.type == "port" and address.startswith("gateway."):
            here.set(address, str(free_port()))


def fetch(connection: http.client.HTTPConnection) -> None:
    """One request after the other, over one connection."""
    for _ in range(REQUESTS):
        connection.request("GET", "/")
        assert b"nginx" in connection.getresponse().read()


@contextmanager
def _staged(lab: Place) -> Iterator[tuple[Tray, int, str, docker.DockerClient]]:
    """The command line, the module's port, the address in the network, and the engine."""
    with tempfile.TemporaryDirectory() as name, borrowed(lab) as client, second_host() as device:
        here = Installation(Path(name, "home"), Path(name, "catalog"), lab.host)
        have_image(client, IMAGE)
        port = free_port()
        write(here, port)
        with hosted(here.cli):
            tray = Tray(here.home, here.catalog, here.host)
            tray.run("up", "shop")
            yield tray, port, device.ours, client


def _gateway(tray: Tray, open_: Callable[[], object]) -> http.client.HTTPSConnection:
    open_()
    shown = tray.run("access", "shop", "--json")
    host, port = shown.partition('"ipUrl": "https://')[2].partition('"')[0].split(":")
    # The certificate costs the handshake alone, and is checked by tests.
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection(host, int(port), context=context)


def _memory(client: docker.DockerClient) -> float:
    """MiB of the gateway's processes, without files that the kernel keeps for it."""
    stats = cast("dict[str, Any]", client.containers.get("ai-gateway").stats(stream=False))
    found = stats["memory_stats"]["stats"]
    return float(found["anon" if "anon" in found else "rss"]) / (1 << 20)  # version 2 or 1


def access(lab: Place, pairs: int) -> Results:
    """See the head of this file. Opening and closing each recreate the module with its address."""
    with _staged(lab) as (tray, port, address, client):
        restart = partial(tray.run, "restart", "shop")
        open_ = partial(tray.run, "access", "shop", "network", "--address", address, "--yes")

        def switch() -> None:
            open_()
            tray.run("access", "shop", "off")

        switched = compare(switch, restart, pairs)
        through = _gateway(tray, open_)
        direct = http.client.HTTPConnection("127.0.0.1", port)
        return {
            "access-switch": switched,
            "access-requests": compare(partial(fetch, through), partial(fetch, direct), pairs),
            "access-memory": Figure(_memory(client), "MiB", limit=64),
        }
