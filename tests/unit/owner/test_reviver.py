"""What was asked for comes up again, where that is wanted."""

from collections.abc import Iterator
from queue import SimpleQueue
from types import SimpleNamespace
from typing import cast

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.core.upkeep import Reviver
from aiserver_tray.operations.request import Request, Revival
from aiserver_tray.state.facts import EngineDown
from aiserver_tray.state.store import Store
from tests.support import made
from tests.support.limits import LIMIT

REVIVAL = Revival()


class Engine:
    """An engine that comes and goes, in a real store; what is begun is only noted."""

    def __init__(self, app: App) -> None:
        self.store = Store()
        self.begun: SimpleQueue[Request] = SimpleQueue()
        core = cast(Core, SimpleNamespace(store=self.store))
        self.reviver = Reviver(app.settings, lambda: app.names, core, self.begun.put)

    def comes(self) -> None:
        self.store.put(made.UP)
        self.store.flush()

    def goes(self) -> None:
        self.store.put(EngineDown(EngineDownError("unix:///none", "")))
        self.store.flush()


@pytest.fixture
def engine(app: App) -> Iterator[Engine]:
    found = Engine(app)
    yield found
    found.reviver.close()
    found.store.close()


def want(app: App, *names: str) -> None:
    """That these were asked for on the engine of `Engine`."""
    with app.settings.engines.update(made.UP.id) as state:
        state.desired = list(names)


def test_start_of_the_owner_starts_the_desired_modules(app: App, engine: Engine) -> None:
    want(app, "web", "no more in the catalog")
    engine.reviver.start()
    engine.comes()
    assert engine.begun.get(timeout=LIMIT) == REVIVAL


def test_with_start_desired_off_only_an_engine_restart_starts_modules(
    app: App, engine: Engine
) -> None:
    want(app, "web")
    app.settings.change(app.declared, {"app.start_desired": "false"})
    engine.reviver.start()
    engine.comes()
    for _ in range(2):
        engine.goes()
        engine.comes()
        assert engine.begun.get(timeout=LIMIT) == REVIVAL
    engine.reviver.close()
    assert engine.begun.empty()


def test_without_desired_modules_nothing_starts(app: App, engine: Engine) -> None:
    engine.reviver.start()
    engine.comes()
    engine.goes()
    want(app, "web")
    engine.comes()
    assert engine.begun.get(timeout=LIMIT) == REVIVAL
