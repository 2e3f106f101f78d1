"""The installation of an engine as clients see it. What installs it is a fake."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    EngineDownError,
    EngineNotInstalledError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.engine import setup as engine_setup
from aiserver_tray.features.engine.events import ENGINE_INSTALL
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Json, Peer
from aiserver_tray.state.facts import EngineDown, EngineUp
from aiserver_tray.system import engine_install
from aiserver_tray.system.engine_install import Progress
from tests.support.surroundings import Recorded
from tests.support.waiting import eventually

CLIENT = Peer("window", "en", lambda _message: None)


class Installer:
    """Takes the place of `EngineInstallation`: downloads until it ``may_end``."""

    last: "Installer"
    made = 0
    failure: Exception | None = None

    def __init__(
        self,
        _prefix: Sequence[str],
        on_progress: Callable[[Progress], None],
        packages: Sequence[str],
    ) -> None:
        self.packages = packages
        Installer.last, Installer.made = self, Installer.made + 1
        self.progress = Progress("download", 50.0, ("Get:1",))
        self.may_end = Event()
        self._on_progress = on_progress

    def run(self) -> None:
        self._on_progress(self.progress)
        assert self.may_end.wait(30)
        if self.failure:
            raise self.failure

    def cancel(self) -> bool:
        self.failure = CancelledError()
        self.may_end.set()
        return True


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = App(tmp_path / "home", [], "unix:///nowhere.sock").core()
    yield core
    core.store.close()


@pytest.fixture
def api(tmp_path: Path, core: Core, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(engine_setup, "EngineInstallation", Installer)
    monkeypatch.setattr(engine_setup, "has_package", lambda: True)
    monkeypatch.setattr(engine_install, "prefix_without_terminal", lambda: ())
    monkeypatch.setattr(engine_install, "group_member", lambda: "ada")
    monkeypatch.setattr(Installer, "made", 0)
    return Api(App(tmp_path / "home", [], "unix:///nowhere.sock"), core, Recorded())


def setup(api: Api) -> Json:
    data: Json = api.invoke("ai/engine/setup", None, CLIENT)["data"]
    return data


def test_an_installation_is_seen_by_all_and_joined(api: Api) -> None:
    seen: list[str] = []
    client = Peer("window", "en", lambda message: seen.append(message.event))
    api.subscribe(client, [ENGINE_INSTALL.name])
    assert setup(api)["install"] is None
    assert setup(api)["packages"]["user"] == "ada"
    assert api.invoke("ai/engine/install", None, CLIENT)["success"]
    eventually(lambda: (setup(api)["install"] or {}).get("percent") == 50.0, "its progress")
    assert api.invoke("ai/engine/install", None, CLIENT)["success"]
    assert Installer.made == 1
    Installer.last.may_end.set()
    eventually(lambda: setup(api)["install"]["status"] == "succeeded", "its end")
    assert set(seen) == {ENGINE_INSTALL.name}


def test_a_cancelled_one_and_a_failed_one_end_as_that(api: Api) -> None:
    api.invoke("ai/engine/install", None, CLIENT)
    assert api.invoke("ai/engine/cancelInstall", None, CLIENT)["success"]
    eventually(lambda: setup(api)["install"]["status"] == "cancelled", "its end")
    api.invoke("ai/engine/install", None, CLIENT)
    Installer.last.failure = EngineNotInstalledError("unix:///nowhere.sock", Text("no network"))
    Installer.last.may_end.set()
    eventually(lambda: setup(api)["install"]["status"] == "failed", "its end")
    assert setup(api)["error"]["message"] == "no network"


@pytest.mark.parametrize(
    ("error", "packages"),
    [
        (EngineNotInstalledError("unix:///nowhere.sock"), engine_install.PACKAGES),
        (EngineDownError.forbidden("unix:///nowhere.sock"), ()),
    ],
)
def test_setup_of_an_installed_engine_only_gives_the_user_access(
    api: Api, core: Core, error: AiServerError, packages: Sequence[str]
) -> None:
    core.store.put(EngineDown(error))
    core.store.flush()
    api.invoke("ai/engine/install", None, CLIENT)
    assert Installer.last.packages == packages
    Installer.last.may_end.set()
    eventually(lambda: setup(api)["install"]["status"] == "succeeded", "its end")


def test_setup_needs_a_way_to_root(api: Api, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_install, "prefix_without_terminal", lambda: None)
    assert setup(api)["packages"]["possible"] is False
    assert "usermod -aG docker ada" in setup(api)["packages"]["command"]
    assert api.invoke("ai/engine/install", None, CLIENT)["code"] == EngineNotInstalledError.code
    core.store.put(EngineUp("ID", "1.0", cpus=2, memory=1))
    core.store.flush()
    assert api.invoke("ai/engine/install", None, CLIENT)["success"]
    assert Installer.made == 0
