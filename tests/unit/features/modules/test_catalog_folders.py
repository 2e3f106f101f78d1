"""Adding a folder with modules of the user, and removing it again."""

from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Json, Peer
from tests.support.stack import service, write
from tests.support.systems import is_root, on_unix

CLIENT = Peer("window", "en", lambda _message: None)
BROWSER = Peer("browser", "en", lambda _message: None)


def ask(api: Api, channel: str, folder: object) -> Json:
    return api.invoke(channel, {"folder": str(folder)}, CLIENT)


def names(api: Api) -> set[str]:
    modules = api.invoke("ai/snapshot/get", None, CLIENT)["data"]["modules"]
    return {module["name"] for module in modules}


@pytest.mark.parametrize("inner", ["own:1", "own:1/wiki"], ids=["of modules", "a module's"])
def test_a_folder_is_added_and_removed(api: Api, app: App, tmp_path: Path, inner: str) -> None:
    write(tmp_path / "own:1", "wiki", {"wiki": service()}, kind="feature")
    report = ask(api, "ai/catalog/check", tmp_path / inner)["data"]
    assert (report["modules"], report["problems"]) == (["wiki"], [])
    assert "wiki" not in names(api)
    added = ask(api, "ai/catalog/add", tmp_path / inner)["data"]
    assert added == {"folder": str(tmp_path / inner), "modules": ["wiki"]}
    assert "wiki" in names(api)
    assert ask(api, "ai/catalog/add", tmp_path / inner)["success"], "twice is no mistake"
    # A command of another process finds the same modules, and works through this owner.
    about = api.invoke("ai/app/about", None, CLIENT)["data"]
    client = App(tmp_path / "home", [], f"unix://{tmp_path}/none.sock")
    assert client.is_served_by(about)
    assert "settings" not in vars(client), "it need not read them"
    assert ask(api, "ai/catalog/remove", added["folder"])["success"]
    assert "wiki" not in names(api)
    assert app.settings.app.module_folders == ()


def test_wrong_catalog_folder_is_refused_with_its_problems(api: Api, tmp_path: Path) -> None:
    write(tmp_path / "own", "n8n", {"web": service()}, kind="feature")
    [problem, *_] = ask(api, "ai/catalog/check", tmp_path / "own")["data"]["problems"]
    assert Path(problem["file"]) == tmp_path / "own/n8n/compose.yaml"
    assert ask(api, "ai/catalog/add", tmp_path / "own")["code"] == "E_CATALOG"
    too_long = tmp_path / ("x" * 300)
    for folder in (tmp_path / "none", too_long, "relative", "~nobody-here/own", tmp_path):
        assert ask(api, "ai/catalog/add", folder)["code"] == "E_REQUEST"


def test_folders_are_listed_for_a_browser_here(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    write(folder, "wiki", {"wiki": service()})
    for name in ("Album", ".cache", ".cache/inner"):
        (folder / name).mkdir()
    (folder / "notes.txt").touch()

    def listed(asked: object, client: Peer = BROWSER) -> Json:
        return api.invoke("ai/catalog/folders", {"folder": str(asked)}, client)

    assert listed(folder)["data"] == {
        "folder": str(folder),
        "parent": str(folder.parent),
        "hasFile": False,
        "folders": [{"name": "Album", "hasFile": False}, {"name": "wiki", "hasFile": True}],
    }
    assert listed(folder / "wiki")["data"]["hasFile"]
    inner = listed(folder / ".cache")["data"]["folders"]
    assert [one["name"] for one in inner] == ["inner"], "one that is typed"
    home = api.invoke("ai/catalog/folders", None, BROWSER)["data"]
    assert home["folder"] == str(Path.home().resolve()), "where it begins"
    assert listed(Path.home().anchor)["data"]["parent"] is None
    assert listed(folder / "none")["code"] == "E_REQUEST"
    elsewhere = Peer("browser", "en", lambda _message: None, is_local=False)
    for client in (CLIENT, elsewhere):
        answer = listed(tmp_path, client)
        assert (answer["code"], answer["data"].get("folders")) == ("E_REQUEST", None)


@on_unix
@pytest.mark.skipif(is_root(), reason="root may read everything")
def test_a_folder_that_may_not_be_read_says_so(api: Api, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    for channel in ("ai/catalog/check", "ai/catalog/add"):
        assert ask(api, channel, tmp_path / "closed/inner")["code"] == "E_REQUEST"
    answer = api.invoke("ai/catalog/folders", {"folder": str(tmp_path / "closed")}, BROWSER)
    assert answer["message"] == f"Can't read the folder {tmp_path / 'closed'}: Permission denied"
