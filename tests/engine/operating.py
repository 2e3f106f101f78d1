"""One installation on the lab whose operations run in this process, so that a test sees exactly
what they did."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.app import App
from aiserver_tray.core import Core
from aiserver_tray.model import ModuleView, OperationKind, OperationView
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.service import Operation
from tests.engine.faults.tray import Tray
from tests.lab.place import Place

IMAGE = "busybox:1.37.0"
LIMIT = 120.0
"""Seconds after which what has not happened is a failure."""

Service = dict[str, Any]


def idle(**more: object) -> Service:
    """A service that does nothing, ready at once and ended at once."""
    return {"image": IMAGE, "command": ["sleep", "86400"], "init": True, **more}


def script(text: str, **more: object) -> Service:
    """A service that runs a shell script as its first process."""
    # Compose reads `$` as the begin of a variable.
    return {"image": IMAGE, "command": ["sh", "-c", text.replace("$", "$$")], **more}


def checked(test: str, **more: object) -> Service:
    """An idle service that is healthy when the shell command *test* succeeds."""
    check = {
        "test": ["CMD-SHELL", test.replace("$", "$$")],
        "interval": "200ms",
        "start_period": "60s",
        "start_interval": "100ms",
    }
    return idle(healthcheck=check, **more)


def gated(**more: object) -> Service:
    """A service that is healthy only once the test says so with `open_gate`."""
    return checked("test -e /tmp/ready", **more)


def open_gate(client: docker.DockerClient, container: str) -> None:
    """Make the `gated` service of *container* healthy."""
    assert client.containers.get(container).exec_run(["touch", "/tmp/ready"]).exit_code == 0


def after(condition: str, *services: str, **more: object) -> Mapping[str, Any]:
    """``depends_on`` of *services*: ``started``, ``healthy`` or ``completed_successfully``."""
    return {name: {"condition": f"service_{condition}", **more} for name in services}


@dataclass(frozen=True)
class Installation:
    """A home with one further catalog folder, on the engine at *host*."""

    home: Path
    catalog: Path
    host: str

    def write(
        self,
        module: str,
        services: Mapping[str, Service],
        *,
        top: Mapping[str, Any] | None = None,
        **extension: object,
    ) -> Path:
        """The module's Compose file, in JSON, which is YAML: its *services*, what else stands at
        the *top*, and *extension* under x-aiserver (a feature, if nothing else is said). Its
        folder."""
        extension = {"kind": "feature", **extension}
        return self.write_plain(module, services, {"x-aiserver": extension, **(top or {})})

    def write_plain(
        self, module: str, services: Mapping[str, Service], top: Mapping[str, Any] | None = None
    ) -> Path:
        """As `write`, but a plain Compose file."""
        folder = self.catalog / module
        folder.mkdir(parents=True, exist_ok=True)
        content = {"services": services, **(top or {})}
        (folder / "compose.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")
        return folder

    @property
    def app(self) -> App:
        """The application, as a new process would have it."""
        return App(self.home, [self.catalog], self.host)

    @property
    def tray(self) -> Tray:
        """Its command line."""
        return Tray(self.home, self.catalog, self.host)

    def set(self, setting: str, value: str) -> None:
        """Give a setting a value."""
        app = self.app
        app.settings.set(app.declared, setting, value)

    @contextmanager
    def core(self) -> Iterator[Core]:
        """The running core, as a new process would have it."""
        with self.app.core() as core:
            yield core

    def run(self, kind: OperationKind, *modules: str, **options: Any) -> OperationView:  # noqa: ANN401 - a `Request`'s
        """How an operation ended."""
        with self.core() as core:
            return ended(core.operations.start(Request(kind, modules, **options)))

    def done(self, kind: OperationKind, *modules: str, **options: Any) -> list[str]:  # noqa: ANN401
        """What an operation that succeeded did: its steps as ``kind object``.

        Raises:
            AssertionError: it did not succeed.
        """
        view = self.run(kind, *modules, **options)
        assert view.status == "succeeded", view.error
        return [f"{step.kind} {step.subject}" for step in view.steps if step.status == "done"]

    def failed(self, kind: OperationKind, *modules: str, **options: Any) -> Any:  # noqa: ANN401 - an error, or several
        """Why an operation failed.

        Raises:
            AssertionError: it did not.
        """
        view = self.run(kind, *modules, **options)
        assert view.status == "failed", view
        assert view.error is not None
        return view.error

    def module(self, name: str) -> ModuleView:
        """What is shown of a module."""
        with self.core() as core:
            core.publish_modules()
            core.store.flush()
            found = [module for module in core.store.snapshot.modules if module.name == name]
        assert len(found) == 1, (name, found)
        return found[0]


@pytest.fixture
def here(lab: Place, engine: docker.DockerClient, tmp_path: Path) -> Installation:
    """A new installation, on an engine that has the image of `idle`."""
    engine.images.pull(IMAGE)
    (tmp_path / "catalog").mkdir()
    return Installation(tmp_path / "home", tmp_path / "catalog", lab.host)


def ended(operation: Operation) -> OperationView:
    """The end of *operation*. Raises ``AssertionError`` where it does not come."""
    view = operation.wait(LIMIT)
    assert view.is_over, view
    return view


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
    """All containers of the engine."""
    return {found.name for found in client.containers.list(all=True)}


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
