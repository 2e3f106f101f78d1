"""Modules on a Docker Swarm of three engines: how soon 30 services run, beside bare calls of the
Engine API, and what an owner pays for a cluster while nothing happens."""

import re
import tempfile
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import docker
import psutil
from docker.errors import APIError
from docker.types import EndpointSpec

from tests.bench.result import Comparison, Figure, Results, alternating, seconds
from tests.lab import swarm as lab_swarm
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, idle
from tests.support.relay import Relay
from tests.support.waiting import eventually

SERVICES, NAME = 30, "thirty"
ROUNDS = 3
SETTLED_SECONDS, IDLE_SECONDS = 10.0, 60.0
"""Idle: twice as long as between two questions to a cluster."""
MEBIBYTE = 2**20
_REQUEST = re.compile(rb"^[A-Z]+ /\S* HTTP/1\.1\r$", re.MULTILINE)


class _Counter(Relay):
    """Counts the requests to a manager."""

    requests = 0

    def _see(self, data: bytes) -> None:
        self.requests += len(_REQUEST.findall(data))


def cluster(lab: Place, _pairs: int) -> Results:
    """Deployments and removals in turn, between an owner without and one with the cluster."""
    with (
        tempfile.TemporaryDirectory() as name,
        lab_swarm.running(lab) as swarm,
        ExitStack() as stack,
    ):
        here = Installation(Path(name, "home"), Path(name, "catalog"), lab.host)
        services = {f"s{number}": idle(stop_signal="SIGKILL") for number in range(SERVICES)}
        here.write(NAME, services)
        managers = [
            stack.enter_context(
                _Counter(Path(name, str(n)), Path(swarm.host(n).removeprefix("unix://")))
            )
            for n in lab_swarm.NODES
        ]
        hosts = [f"unix://{name}/{number}" for number in lab_swarm.NODES]
        for _ in range(2):  # the first two owners of a home fill caches, and need more memory
            with hosted(here.cli):
                time.sleep(SETTLED_SECONDS)
        without = _owner(here, managers)
        _cluster(here, "add", *hosts, "--name", "lab")
        found = _deployments(here, swarm)
        _cluster(here, "deploy", NAME)
        with_cluster = _owner(here, managers)
    figures: dict[str, Comparison | Figure] = {"cluster-thirty": found}
    for kind, (memory, busy, requests) in (("cluster", with_cluster), ("no-cluster", without)):
        figures[f"owner-memory-{kind}"] = Figure(memory, "MiB")
        figures[f"owner-cpu-{kind}"] = Figure(busy, "% of a core", 0.5)
        limit = None if kind == "cluster" else 0.0
        figures[f"owner-requests-{kind}"] = Figure(requests, f"in {IDLE_SECONDS:.0f} s", limit)
    return figures


def _cluster(here: Installation, *words: str) -> None:
    here.cli.run("cluster", *words).succeeded()


def _deployments(here: Installation, swarm: lab_swarm.Swarm) -> Comparison:
    for number in lab_swarm.NODES:
        with swarm.client(number) as client:
            client.images.pull(IMAGE)
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    with swarm.client(1) as client:
        for number in range(ROUNDS):
            for side in alternating((*took,), number):
                if side == "ours":
                    took[side].append(seconds(lambda: _cluster(here, "deploy", NAME)))
                    _cluster(here, "remove", NAME, "--yes")
                else:
                    took[side].append(seconds(lambda: _create(client)))
                    _remove(client, swarm)
    return Comparison(tuple(took["ours"]), tuple(took["theirs"]))


def _create(client: docker.DockerClient) -> None:
    """A network and the services, until all of them run."""
    client.networks.create(NAME, driver="overlay")
    for number in range(SERVICES):
        client.services.create(
            IMAGE,
            name=f"{NAME}-{number}",
            command=["sleep", "86400"],
            init=True,
            networks=[NAME],
            stop_signal="SIGKILL",
            endpoint_spec=EndpointSpec(mode="dnsrr"),
        )
    while sum(one["Status"]["State"] == "running" for one in client.api.tasks()) < SERVICES:
        time.sleep(0.1)


def _remove(client: docker.DockerClient, swarm: lab_swarm.Swarm) -> None:
    for service in client.services.list():
        service.remove()
    for number in lab_swarm.NODES:
        with swarm.client(number) as node:
            eventually(partial(_is_empty, node), "no container")
    eventually(lambda: _without_network(client), "no network")


def _is_empty(node: docker.DockerClient) -> bool:
    return not node.containers.list(all=True)


def _without_network(client: docker.DockerClient) -> bool:
    """Whether it is gone, also where containers were in it."""
    for network in client.networks.list(names=[NAME]):
        with suppress(APIError):  # not yet
            network.remove()
    return not client.networks.list(names=[NAME])


def _owner(here: Installation, managers: list[_Counter]) -> tuple[float, float, int]:
    """Memory in MiB and share of a core of an owner in which nothing happens, and its requests to
    the managers."""
    with hosted(here.cli) as (_, process):
        watched = psutil.Process(process.pid)
        time.sleep(SETTLED_SECONDS)
        asked = sum(one.requests for one in managers)
        begun = watched.cpu_times()
        time.sleep(IDLE_SECONDS)
        ended = watched.cpu_times()
        busy = ended.user + ended.system - begun.user - begun.system
        asked = sum(one.requests for one in managers) - asked
        return watched.memory_info().rss / MEBIBYTE, 100 * busy / IDLE_SECONDS, asked
