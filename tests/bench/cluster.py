"""Modules on a Docker Swarm of three engines: how soon 30 services run, beside `docker stack`,
and what an owner pays for a cluster while nothing happens."""

import json
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.result import Comparison, Figure, Results, alternating, seconds
from tests.bench.sides import run
from tests.lab import swarm as lab_swarm
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, idle

SERVICES, NAME = 30, "thirty"
ROUNDS = 3
SETTLED_SECONDS, IDLE_SECONDS = 15.0, 120.0
"""Idle: four times as long as between two questions to a cluster."""
MEBIBYTE = 2**20


def cluster(lab: Place, _pairs: int) -> Results:
    """Deployments and removals in turn, then an owner without and with the cluster."""
    with tempfile.TemporaryDirectory() as name:
        here = Installation(Path(name, "home"), Path(name, "catalog"), lab.host)
        services = {f"s{number}": idle(stop_signal="SIGKILL") for number in range(SERVICES)}
        here.write(NAME, services)
        stack = Path(name, "stack.json")
        stack.write_text(json.dumps(_stack()), encoding="utf-8")
        with lab_swarm.running(lab) as swarm:
            without = _owner(here)
            _cluster(here, "add", *map(swarm.host, lab_swarm.NODES), "--name", "lab")
            found = _deployments(here, swarm, stack)
            _cluster(here, "deploy", NAME)
            with_cluster = _owner(here)
    return {
        "cluster-thirty": found,
        "owner-memory-no-cluster": Figure(without[0], "MiB"),
        "owner-memory-cluster": Figure(with_cluster[0], "MiB"),
        "owner-cpu-no-cluster": Figure(without[1], "% of a core"),
        "owner-cpu-cluster": Figure(with_cluster[1], "% of a core", 0.5),
    }


def _stack() -> dict[str, object]:
    service = {
        "image": IMAGE,
        "command": ["sleep", "86400"],
        "init": True,
        "stop_signal": "SIGKILL",
        "deploy": {"endpoint_mode": "dnsrr"},
    }
    return {"version": "3.8", "services": {f"s{n}": service for n in range(SERVICES)}}


def _cluster(here: Installation, *words: str) -> None:
    here.cli.run("cluster", *words).succeeded()


def _deployments(here: Installation, swarm: lab_swarm.Swarm, stack: Path) -> Comparison:
    for number in lab_swarm.NODES:
        with swarm.client(number) as client:
            client.images.pull(IMAGE)
    docker = ["docker", "stack", "deploy", "--detach=false", "--quiet", "--resolve-image=never"]
    theirs = [*docker, "-c", stack, NAME]
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(ROUNDS):
        for side in alternating((*took,), number):
            if side == "ours":
                took[side].append(seconds(lambda: _cluster(here, "deploy", NAME)))
                _cluster(here, "remove", NAME, "--yes")
            else:
                took[side].append(seconds(lambda: run(theirs, swarm.host(1))))
                run(["docker", "stack", "rm", "--detach=false", NAME], swarm.host(1))
    return Comparison(tuple(took["ours"]), tuple(took["theirs"]))


def _owner(here: Installation) -> tuple[float, float]:
    """Memory and share of a core of an owner in which nothing happens."""
    with hosted(here.cli) as (_, process):
        watched = psutil.Process(process.pid)
        time.sleep(SETTLED_SECONDS)
        begun = watched.cpu_times()
        time.sleep(IDLE_SECONDS)
        ended = watched.cpu_times()
        busy = ended.user + ended.system - begun.user - begun.system
        return watched.memory_info().rss / MEBIBYTE, 100 * busy / IDLE_SECONDS
