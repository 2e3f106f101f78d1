"""A host knows the catalog as it is when something is asked for."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aiserver_tray.api.api import Api
from aiserver_tray.api.front import Front
from aiserver_tray.app import App
from aiserver_tray.contract import Caller, Json
from aiserver_tray.core import Core
from aiserver_tray.model import OperationView
from aiserver_tray.state.facts import OperationChanged
from tests.contract.host import Recorded
from tests.engine.faults.stack import service, write

CALLER = Caller("en", lambda _event, _payload: None)
WORK = OperationView("1", "up", ("web",), status="running")


@pytest.fixture
def app(tmp_path: Path) -> App:
    write(tmp_path / "catalog", "web", {"web": service()}, kind="feature")
    return App(tmp_path / "home", [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")


@pytest.fixture
def core(app: App) -> Iterator[Core]:
    core = app.core()
    core.publish_modules()
    yield core
    core.store.close()


def shown(api: Api) -> dict[str, Json]:
    """The modules that a client is told of."""
    answer = api.invoke("ai/snapshot/get", None, CALLER)
    return {module["name"]: module for module in answer["data"]["modules"]}


def test_modules_that_came_changed_and_went_are_taken_up(
    app: App, core: Core, tmp_path: Path
) -> None:
    api, catalog = Api(app, core), tmp_path / "catalog"
    assert "wiki" not in shown(api)

    write(catalog, "wiki", {"wiki": service()}, kind="feature")
    assert shown(api)["wiki"]["title"] == "wiki"

    settings = {"WIKI_PORT": {"type": "port", "default": 18900}}
    write(catalog, "wiki", {"wiki": service()}, kind="feature", title="Wiki", settings=settings)
    assert shown(api)["wiki"]["title"] == "Wiki"
    assert api.invoke("ai/config/get", {"name": "wiki.WIKI_PORT"}, CALLER)["success"]

    (catalog / "wiki/compose.yaml").write_text("services: [", encoding="utf-8")
    assert "compose.yaml:2: " in shown(api)["wiki"]["problem"]

    shutil.rmtree(catalog / "wiki")
    assert "wiki" not in shown(api)


def test_who_asks_the_host_about_itself_finds_the_catalog_as_it_is(
    app: App, core: Core, tmp_path: Path
) -> None:
    front = Front(app, Api(app, core), Recorded())
    write(tmp_path / "catalog", "wiki", {"wiki": service()}, kind="feature")

    about = front.invoke("ai/app/about", None, CALLER)["data"]

    other = App(tmp_path / "home", [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")
    assert about["catalogStamp"] == other.identity["catalogStamp"]


@pytest.mark.parametrize("is_foreign", [False, True], ids=["own", "of another process"])
def test_an_operation_ends_with_the_catalog_that_it_began_with(
    app: App, core: Core, tmp_path: Path, *, is_foreign: bool
) -> None:
    api, work = Api(app, core), replace(WORK, is_foreign=is_foreign)
    core.store.put(OperationChanged(work))
    core.store.flush()
    write(tmp_path / "catalog", "wiki", {"wiki": service()}, kind="feature")

    assert ("wiki" in shown(api)) == is_foreign

    core.store.put(OperationChanged(replace(work, status="succeeded")))
    core.store.flush()
    assert "wiki" in shown(api)


def test_a_catalog_that_did_not_change_is_not_read_again(app: App, core: Core) -> None:
    api, catalog = Api(app, core), app.catalog
    shown(api)
    assert app.catalog is catalog
