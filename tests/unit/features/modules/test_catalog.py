"""The owner knows catalog and settings as they are when something is asked for, and soon after."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Language
from aiserver_tray.core import upkeep
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Json, Peer
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.views import OperationView, Snapshot
from aiserver_tray.system.files import write_private
from tests.support.stack import service, write
from tests.support.surroundings import Recorded

CLIENT = Peer("window", "en", lambda _message: None)
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
    answer = api.invoke("ai/snapshot/get", None, CLIENT)
    return {module["name"]: module for module in answer["data"]["modules"]}


def test_modules_come_change_and_go(app: App, core: Core, tmp_path: Path) -> None:
    api, catalog = Api(app, core, Recorded()), tmp_path / "catalog"
    assert "wiki" not in shown(api)
    write(catalog, "wiki", {"wiki": service()}, kind="feature")
    other = App(tmp_path / "home", [catalog], f"unix://{tmp_path}/none.sock")
    assert other.is_served_by(api.invoke("ai/app/about", None, CLIENT)["data"])
    assert shown(api)["wiki"]["title"] == "wiki"
    settings = {"WIKI_PORT": {"type": "port", "default": 18900}}
    write(catalog, "wiki", {"wiki": service()}, kind="feature", title="Wiki", settings=settings)
    assert shown(api)["wiki"]["title"] == "Wiki"
    assert api.invoke("ai/config/get", {"name": "wiki.WIKI_PORT"}, CLIENT)["success"]
    (catalog / "wiki/compose.yaml").write_text("services: [", encoding="utf-8")
    assert "compose.yaml:2: " in shown(api)["wiki"]["problem"]
    shutil.rmtree(catalog / "wiki")
    assert "wiki" not in shown(api)


@pytest.mark.parametrize(
    ("language", "neighbours"),
    [("en", ["n8n", "Object storage (S3)"]), ("zh", ["zoo", "对象存储（S3）"])],
)
def test_modules_come_by_the_title_that_is_read(
    app: App, core: Core, tmp_path: Path, language: Language, neighbours: list[str]
) -> None:
    api, reader = Api(app, core, Recorded()), Peer("window", language, CLIENT.send)
    write(tmp_path / "catalog", "animals", {"animals": service()}, kind="basic", title="zoo")
    snapshot = api.invoke("ai/snapshot/get", None, reader)["data"]
    titles = [module["title"] for module in snapshot["modules"]]
    assert titles == sorted(titles, key=str.casefold)
    assert titles[(at := titles.index(neighbours[0])) : at + 2] == neighbours
    listed = api.invoke("ai/modules/list", {}, reader)["data"]["items"]
    assert [module["title"] for module in listed] == titles


@pytest.mark.parametrize("is_foreign", [False, True], ids=["own", "of another process"])
def test_an_operation_ends_with_the_catalog_that_it_began_with(
    app: App, core: Core, tmp_path: Path, *, is_foreign: bool
) -> None:
    api, work = Api(app, core, Recorded()), replace(WORK, is_foreign=is_foreign)
    core.store.put(OperationChanged(work))
    core.store.flush()
    write(tmp_path / "catalog", "wiki", {"wiki": service()}, kind="feature")
    assert ("wiki" in shown(api)) == is_foreign
    core.store.put(OperationChanged(replace(work, status="succeeded")))
    core.store.flush()
    assert "wiki" in shown(api)


@pytest.fixture
def host(app: App, core: Core, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """One that looks after the files often."""
    monkeypatch.setattr(upkeep, "_POLL_SECONDS", 0.05)
    with closing(Api(app, core, Recorded())) as host:
        host.start()
        yield host


@pytest.fixture
def watched(host: Api, core: Core) -> Callable[[str], list[str]]:
    """Waits until a module reads so, as nobody asks for anything; gives what all read."""

    def shows(title: str) -> list[str]:
        return titles(core.store.wait_until(lambda snapshot: title in titles(snapshot), 20))

    return shows


def titles(snapshot: Snapshot) -> list[str]:
    return [module.title_in("en") for module in snapshot.modules]


def test_changes_of_the_catalog_and_of_unreadable_settings_show(
    watched: Callable[[str], list[str]], tmp_path: Path, core: Core
) -> None:
    catalog = tmp_path / "catalog"
    watched("web")
    write(catalog, "wiki", {"wiki": service()}, kind="feature")
    watched("wiki")
    write(catalog, "wiki", {"wiki": service()}, kind="feature", title="Encyclopedia")
    watched("Encyclopedia")
    shutil.rmtree(catalog / "wiki")
    write(catalog, "blog", {"blog": service()}, kind="feature")
    assert "Encyclopedia" not in watched("blog")
    file = tmp_path / "home/settings.json"
    write_private(file, b'{"version": 99}')
    write(tmp_path / "catalog", "wiki", {"wiki": service()}, kind="feature")
    core.store.wait_until(lambda found: "wiki" in [module.name for module in found.modules], 20)
    write_private(file, b'{"version": 1, "chosen": ["wiki"]}')
    core.store.wait_until(lambda snapshot: snapshot.chosen == ("wiki",), 20)


def test_changes_of_settings_by_another_process_show_without_a_request(
    host: Api, watched: Callable[[str], list[str]], core: Core, tmp_path: Path
) -> None:
    watched("web")
    settings = {"WEB_TOKEN": {"type": "secret"}}
    more = {"kind": "feature", "title": "Shop", "settings": settings}
    write(tmp_path / "catalog", "web", {"web": service()}, **more)
    watched("Shop")
    other = App(tmp_path / "home", [tmp_path / "catalog"], "unix:///elsewhere.sock")
    other.settings.choose(["web"])
    core.store.wait_until(lambda snapshot: snapshot.chosen == ("web",), 20)
    for address, value in (("app.language", "zh"), ("web.WEB_TOKEN", "a-secret-of-the-user")):
        shown(host)  # which waits for a look that is under way, so that all of it is told
        before = core.store.snapshot.seq
        other.settings.change(other.declared, {address: value})
        core.store.wait_until(lambda snapshot, was=before: snapshot.seq > was, 20)  # type: ignore[misc]


def test_unchanged_files_and_unreadable_settings(app: App, core: Core, tmp_path: Path) -> None:
    api, catalog = Api(app, core, Recorded()), app.catalog
    shown(api)
    before = core.store.snapshot.seq
    for channel in ("ai/snapshot/get", "ai/config/get", "ai/modules/list"):
        assert api.invoke(channel, None, CLIENT)["success"]
    assert core.store.snapshot.seq == before
    assert app.catalog is catalog
    write_private(tmp_path / "home/settings.json", b'{"version": 99}')
    assert api.invoke("ai/snapshot/get", None, CLIENT)["success"]
    assert api.invoke("ai/operation/list", None, CLIENT)["success"]
    assert api.invoke("ai/config/get", None, CLIENT)["code"] == "E_SETTING"
