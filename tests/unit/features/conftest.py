"""The channels of a core without an engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.owner.api import Api
from tests.support.surroundings import Recorded


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], f"unix://{tmp_path}/none.sock")


@pytest.fixture
def core(app: App) -> Iterator[Core]:
    core = app.core()
    yield core
    core.store.close()


@pytest.fixture
def api(app: App, core: Core) -> Api:
    return Api(app, core, Recorded())
