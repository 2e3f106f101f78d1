"""One installation on the lab whose operations run in this process, so that a test sees exactly
what they did."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.state.views import ModuleView, OperationView
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.consents import trust_all
from tests.support.limits import LIMIT

IMAGE = "busybox:1.37.0"

Service = dict[str, Any]


def idle(**more: object) -> Service:
    """A service that does nothing, ready at once and ended at once."""
    return {"image": IMAGE, "command": ["sleep", "86400"], "init": True, **more}


def script(text: str, **more: object) -> Service:
    """A service that runs a shell script as its first process."""
    # Compose reads `$` as the begin of a variable.
    return {"image": IMAGE, "command": ["sh", "-c", text.replace("$", "$$")], **more}


def last_words(text: str, code: int) -> str:
    """A shell script that runs *text* and exits with *code* half a second later. A busy engine
    loses all output of a container that exits in its first moments: Docker 26 that of 2 in 40, with
    ten busy processes on two processors, and of none after a third of a second."""
    return f"{text}; sleep 0.5; exit {code}"


def checked(test: str, **more: object) -> Service:
    """An idle service that is healthy when the shell command *test* succeeds."""
    return _checked(test, "100ms", more)


def gated(**more: object) -> Service:
    """A service that is healthy only once the test has created ``/tmp/ready`` in its container."""
    # Checked every 100 ms, one that is held took a third of a processor.
    return _checked("test -e /tmp/ready", "300ms", more)


def _checked(test: str, every: str, more: Mapping[str, object]) -> Service:
    check = {
        "test": ["CMD-SHELL", test.replace("$", "$$")],
        "interval": "30s",  # once healthy: a check costs the engine a tenth of a second
        "start_period": "60s",
        "start_interval": every,
    }
    return idle(healthcheck=check, **more)


def after(condition: str, *services: str, **more: object) -> Mapping[str, Any]:
    """``depends_on`` of *services*: ``started``, ``healthy`` or ``completed_successfully``."""
    return {name: {"condition": f"service_{condition}", **more} for name in services}


def write_file(
    catalog: Path,
    module: str,
    services: Mapping[str, Service],
    top: Mapping[str, Any] | None = None,
) -> Path:
    """The Compose file of a module in *catalog*, which nobody has allowed yet. Its folder."""
    folder = catalog / module
    folder.mkdir(parents=True, exist_ok=True)
    content = {"services": services, **(top or {})}
    (folder / "compose.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return folder


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
        folder. The user allows it."""
        extension = {"kind": "feature", **extension}
        return self.write_plain(module, services, {"x-aiserver": extension, **(top or {})})

    def write_plain(
        self, module: str, services: Mapping[str, Service], top: Mapping[str, Any] | None = None
    ) -> Path:
        """As `write`, but a plain Compose file."""
        folder = write_file(self.catalog, module, services, top)
        self.trust()
        return folder

    def trust(self) -> None:
        """Allow all modules what they ask for now."""
        trust_all(self.home, self.catalog)

    @property
    def app(self) -> App:
        """The application, as a new process would have it."""
        return App(self.home, [self.catalog], self.host)

    @property
    def cli(self) -> CommandLine:
        """Its command line."""
        return CommandLine(self.home, self.catalog, self.host)

    def set(self, setting: str, value: str) -> None:
        """Give a setting a value."""
        self.set_all({setting: value})

    def set_all(self, values: Mapping[str, str]) -> None:
        """Give settings values, by address. The catalog is read once for them."""
        app = self.app
        app.settings.change(app.declared, values)

    @contextmanager
    def core(self) -> Iterator[Core]:
        """The running core, as a new process would have it."""
        with self.app.core() as core:
            yield core

    def run(self, kind: OperationKind, *modules: str, **options: Any) -> OperationView:  # noqa: ANN401 - a `Request`'s
        """How an operation ended."""
        with self.core() as core:
            return ended(core.operations.start(Request(kind, modules, **options)))

    def revive(self) -> OperationView:
        """How the start of the desired modules ended."""
        with self.core() as core:
            return ended(core.operations.start(Revival()))

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
    have_image(engine, IMAGE)
    (tmp_path / "catalog").mkdir()
    return Installation(tmp_path / "home", tmp_path / "catalog", lab.host)


def ended(operation: Operation) -> OperationView:
    """The end of *operation*. Raises ``AssertionError`` where it does not come."""
    view = operation.wait(LIMIT)
    assert view.is_over, view
    return view
