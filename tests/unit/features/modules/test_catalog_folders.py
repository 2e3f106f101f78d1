"""Adding a folder with modules of the user, and removing it again."""

from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Json, Peer
from tests.support.stack import service, write

CLIENT = Peer("window", "en", lambda _message: None)


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
    for folder in (tmp_path / "none", "relative", "~nobody-here/own", tmp_path):
        assert ask(api, "ai/catalog/add", folder)["code"] == "E_REQUEST"
