"""Dify on the lab's engine, started by our own operations, and what its tests ask it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import docker

from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.installation import Installation
from tests.support.limits import LIMIT, SECONDS
from tests.support.observed import said
from tests.support.ports import free_port
from tests.support.waiting import eventually

CONTAINER = "ai-dify-"
JOBS = {"dify-database", "dify-storage", "dify-migration", "dify-sandbox-packages"}
SERVICES = {
    *("api", "worker", "worker_beat", "api_websocket", "web", "plugin_daemon", "sandbox"),
    *("ssrf_proxy", "agent_backend", "local_sandbox", "agent_ssrf_proxy", "nginx"),
    "dify-qdrant",
}
"""What runs with the default answers."""
SSRF = ("-x", "http://ssrf_proxy:3128")
"""Options of `Dify.fetch`: through the proxy that keeps workflows from the inner networks."""
# Shells are told to ask for their own addresses without it; who wants to asks it all the same.
AGENT = ("--noproxy", "", "-x", "http://agent_ssrf_proxy:3128")
"""Options of `Dify.fetch`: through the proxy that keeps agents from the inner networks."""


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Dify:
    """An installation in which Dify's page is at *port* of this machine."""

    here: Installation
    client: docker.DockerClient
    port: int
    started: set[str] = field(default_factory=set)
    """The containers after its first start."""

    def get(self, path: str, **headers: str) -> Answer:
        """What its page answers; *headers* with ``_`` for ``-``."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=named)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        finally:
            connection.close()

    def id(self, service: str) -> str:
        """The container of a service."""
        return str(self.client.api.inspect_container(CONTAINER + service)["Id"])

    def ids(self) -> dict[str, str]:
        """The containers of all services and jobs, of Dify alone."""
        found = self.client.containers.list(all=True, filters={"label": "io.aiserver.module=dify"})
        return {one.name.removeprefix(CONTAINER): one.id for one in found}

    def states(self) -> dict[str, str]:
        """The health of what runs, and the exit status of what has ended."""
        found = {}
        for service, container in self.ids().items():
            state = self.client.api.inspect_container(container)["State"]
            health = state.get("Health", {}).get("Status", "unchecked")
            found[service] = health if state["Running"] else f"exited {state['ExitCode']}"
        return found

    def says(self, service: str, *command: str) -> str:
        """What a command prints in the container of *service*."""
        return said(self.client, CONTAINER + service, *command)

    def shell(self, service: str, script: str) -> str:
        """What a script prints in the container of *service*, whose environment it has."""
        return self.says(service, "sh", "-c", script)

    def ask(self, service: str, url: str, header: str, value: str) -> int:
        """The status that the container of *service* gets with a header; both *url* and *value*
        name variables of its environment (``{NAME}``)."""
        script = (
            "import http.client, os, urllib.parse\n"
            f"url = urllib.parse.urlsplit({url!r}.format(**os.environ))\n"
            "server = http.client.HTTPConnection(url.netloc, timeout=60)\n"
            f"headers = {{{header!r}: {value!r}.format(**os.environ)}}\n"
            "server.request('GET', url.path, headers=headers)\n"
            "print(server.getresponse().status)\n"
        )
        return int(self.says(service, "python3", "-c", script))

    def fetch(self, service: str, url: str, *options: str) -> int:
        """The status that curl gets in the container of *service*; 0 where there is no answer."""
        command = [
            "curl",
            "-gs",
            "-o",
            "/dev/null",
            "-m",
            "60",
            "-w",
            "%{http_code}",
            *options,
            url,
        ]
        container = self.client.containers.get(CONTAINER + service)

        def told() -> str:
            return str(container.exec_run(command).output.decode())

        # A busy engine may lose the output of a command that ends at once: curl always has some.
        return int(eventually(told, "curl's status")[-3:])


EXPECTED = dict.fromkeys(SERVICES, "healthy") | dict.fromkeys(JOBS, "exited 0")
"""`Dify.states` where all is well, with the default answers."""


@contextmanager
def installed(lab: Place, folder: Path) -> Iterator[Dify]:
    """Dify in a home of its own, not yet started."""
    (folder / "catalog").mkdir()
    here = Installation(folder / "home", folder / "catalog", lab.host)
    port = free_port()
    here.set("dify.DIFY_HOST_PORT", str(port))
    for address in ("postgres.POSTGRES", "redis.REDIS", "qdrant.QDRANT", "qdrant.QDRANT_GRPC"):
        here.set(f"{address}_HOST_PORT", str(free_port()))
    with borrowed(lab) as client:
        yield Dify(here, client, port)


def until(fact: str, found: Any, wanted: Any, limit: float = SECONDS) -> None:  # noqa: ANN401 - any two
    """Waits until ``found()`` is *wanted*.

    Raises:
        AssertionError: it was not within *limit* seconds; says what it was instead of the *fact*.
    """

    def is_so() -> bool:
        last = found()
        assert last == wanted, f"{last!r} instead of {wanted!r}"
        return True

    eventually(is_so, fact, limit)


def choose_usual_store(dify: Dify) -> None:
    """Let the next start have the usual vector store, whatever a test did before."""
    app = dify.here.app
    app.settings.change(app.declared, {"dify.DIFY_VECTOR_STORE": None})


def runs(dify: Dify, wanted: dict[str, str]) -> None:
    """Wait until all of it runs as *wanted*. The page stays when the API is recreated; its health
    depends on the API, and is checked again only some seconds later."""
    until("what runs", dify.states, wanted)
