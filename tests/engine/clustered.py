"""Modules for a cluster: one keeps what it hears in a volume, another passes on what it hears."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from docker.models.containers import Container

from tests.lab.swarm import NODES, Swarm
from tests.support.command_line import Done
from tests.support.installation import Installation, Service, gated, idle, script
from tests.support.waiting import eventually

_REGISTERED_SECONDS = 90.0
KEPT = "/data/kept"
PORT = 18777

_ANSWER = "printf 'Content-Type: text/plain\\r\\n\\r\\n'"
_KEEP = f"""#!/bin/sh
{_ANSWER}
echo "$QUERY_STRING" >> {KEPT} && sync -d {KEPT} && echo kept"""
_PASS = f"""#!/bin/sh
{_ANSWER}
wget -T 5 -qO- "http://store:8080/cgi-bin/keep?$QUERY_STRING\""""


def _served(name: str, cgi: str, before: str = ":") -> Service:
    """A web server whose program *name* is *cgi*."""
    text = f"""{before}
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/{name} <<'END'
{cgi}
END
chmod +x /www/cgi-bin/{name}
touch /www/index.html
exec httpd -f -p 8080 -h /www"""
    check = {
        "test": ["CMD", "wget", "-qO-", "http://127.0.0.1:8080/"],
        "interval": "30s",
        "start_period": "60s",
        "start_interval": "200ms",
    }
    return script(text, init=True, healthcheck=check, restart="unless-stopped")


def write_modules(here: Installation) -> None:
    """``store`` with a volume; ``front``, which requires it and publishes `PORT`."""
    shared = {"networks": {"ai-net": {"external": True}}}
    store = _served("keep", _KEEP) | {"volumes": ["data:/data"], "networks": ["ai-net"]}
    here.write("store", {"store": store}, top={"volumes": {"data": {}}, **shared}, kind="basic")
    front = _served("pass", _PASS, "test $MODE = good || exit 3") | {
        "networks": ["ai-net"],
        "environment": {"MODE": "${FRONT_MODE}"},
        "ports": ["${FRONT_PORT}:8080"],
    }
    settings = {
        "FRONT_PORT": {"type": "port", "default": PORT},
        "FRONT_MODE": {"type": "text", "default": "good"},
    }
    here.write(
        *("front", {"front": front}),
        top=shared,
        requires=["store"],
        open="http://localhost:${FRONT_PORT}",
        settings=settings,
    )


def write_gated(here: Installation) -> None:
    """``gated``, whose second service gets healthy when a test says so."""
    moves = {"restart": "unless-stopped"}  # Swarm leaves any other on a node that is lost
    here.write("gated", {"a": idle(**moves), "b": gated(depends_on=["a"], **moves)})


def write_noted(here: Installation) -> None:
    """``noted``, which keeps notes in a volume and in a database of PostgreSQL."""
    owned = {"module": "postgres", "database": "noted", "user": "noted", "secret": "NOTED_PASSWORD"}
    here.write(
        "noted",
        {"noted": idle(volumes=["data:/data"], stop_signal="SIGKILL")},
        top={"volumes": {"data": {}}},
        requires=["postgres"],
        databases=[owned],
        settings={"NOTED_PASSWORD": {"type": "secret", "generate": "hex32"}},
    )


class Load:
    """Tells ``front`` one number after the other, wherever it is, and remembers those for which it
    got an answer."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._end = threading.Event()
        self.acknowledged: list[int] = []

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """It goes on within the block."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        number, node = 0, NODES[0]
        with self._swarm.inside():
            while not self._end.wait(0.05):
                number += 1
                if self._tell(node, number):
                    self.acknowledged.append(number)
                else:
                    node = node % len(NODES) + 1

    def _tell(self, node: int, number: int) -> bool:
        address = f"http://{self._swarm.address(node)}:{PORT}/cgi-bin/pass?{number}"
        try:
            return requests.get(address, timeout=2).text == "kept\n"
        except requests.RequestException:
            return False


@dataclass(frozen=True)
class Cluster:
    """The installation *here* with the cluster of *swarm*."""

    here: Installation
    swarm: Swarm

    def run(self, *words: str) -> Done:
        """``cluster …`` to its end."""
        return self.here.cli.run("cluster", *words)

    def view(self) -> dict[str, Any]:
        """What ``cluster status --json`` says."""
        return dict(json.loads(self.run("status", "--json").output))

    @property
    def is_whole(self) -> bool:
        """Whether each node says that all are ready, active and reachable."""
        for number in NODES:
            with self.swarm.client(number) as client:
                for node in client.api.nodes():
                    is_active = node["Spec"]["Availability"] == "active"
                    is_reached = node["ManagerStatus"]["Reachability"] == "reachable"
                    if node["Status"]["State"] != "ready" or not (is_active and is_reached):
                        return False
        return bool(self.view()["state"] == "ok")

    def get_whole(self) -> None:
        """Wait until all nodes are there. Swarm may count a node out in the very moment in which it
        registers, after a leader was lost, and leaves it at that: such a node starts again."""
        what = "three managers that answer"
        try:
            eventually(lambda: self.is_whole, what, _REGISTERED_SECONDS)
        except AssertionError:
            for name in (one["name"] for one in self.view()["nodes"] if one["state"] != "ready"):
                self.swarm.kill(int(name[-1]))
            self.swarm.mend()
            eventually(lambda: self.is_whole, what)

    def modules(self) -> dict[str, dict[str, Any]]:
        """The modules that are deployed, by name."""
        return {one["module"]: one for one in self.view()["modules"]}

    def service(self, module: str, service: str) -> dict[str, Any]:
        """A service of a module."""
        services = self.modules()[module]["services"]
        return dict(next(one for one in services if one["name"] == service))

    def node_of(self, module: str, service: str) -> str:
        """The node on which a service runs."""
        tasks = self.service(module, service)["tasks"]
        running = [t for t in tasks if t["state"] == "running" and not t["unknown"]]
        assert len(running) == 1, tasks
        return str(running[0]["node"])

    @contextmanager
    def container(self, service: str) -> Iterator[Container]:
        """The container of a *service* (its name on the cluster), on whatever node it runs."""
        label = f"com.docker.swarm.service.name={service}"
        for number in self.swarm.alive:
            with self.swarm.client(number) as client:
                for found in client.containers.list(filters={"label": label}):
                    yield found
                    return
        raise LookupError(service)

    def output(self, service: str, *command: str) -> str:
        """What *command* prints in the container of a service."""
        with self.container(service) as container:
            done = container.exec_run(list(command))
        assert done.exit_code == 0, done
        return str(done.output.decode())

    def sql(self, database: str, text: str) -> str:
        """What PostgreSQL answers."""
        return self.output("ai-postgres", "psql", "-U", "postgres", "-qAt", database, "-c", text)
