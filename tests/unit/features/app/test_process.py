"""What the owner's process answers about itself, and that no bug reaches a client."""

import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from aiserver_tray.base.errors import (
    AlreadyRunningError,
    EngineDownError,
    NoDesktopError,
    SettingError,
)
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.app.channels import AppFeature
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import Actor
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.channel import channel, dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, CallerKind, Envelope, Json, Peer
from aiserver_tray.state.facts import ContainersListed, ModulesChanged, OperationChanged
from aiserver_tray.state.views import OperationView
from tests.support import made
from tests.support.places import place
from tests.support.surroundings import Recorded


def peer(kind: CallerKind = "window") -> Peer:
    return Peer(kind, "en", lambda _message: None)


PAGE = peer()
CALLER = Caller(PAGE, "en")
WORK = OperationView("1", "up", ("web",), status="running")


@pytest.fixture
def process() -> Recorded:
    return Recorded()


@pytest.fixture
def api(app: App, core: Core, process: Recorded) -> Api:
    return Api(app, core, process)


class Begun:
    """An operation that has ended."""

    id = "1"

    def __init__(self, view: OperationView) -> None:
        self._view = view

    def wait(self) -> OperationView:
        return self._view


def test_quit_with_stop_does_not_quit_if_the_stop_fails(
    api: Api, process: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [
        replace(WORK, status="failed", error=EngineDownError("here", "gone")),
        replace(WORK, status="succeeded"),
    ]
    requests: list[Request] = []

    def begin(request: Request, actor: Actor) -> Operation:
        assert actor == CALLER.actor
        requests.append(request)
        return cast(Operation, Begun(ends.pop(0)))

    monkeypatch.setattr(api.place.feature(StackFeature), "begin", begin)
    told = api.invoke("ai/app/quit", {"stop": True}, PAGE)
    assert (told["code"], process.quits) == ("E_ENGINE_DOWN", 0)
    assert api.invoke("ai/app/quit", {"stop": True}, PAGE)["success"]
    assert process.quits == 1
    assert requests == [Request("stop")] * 2
    assert api.invoke("ai/app/quit", None, PAGE)["success"]
    assert process.quits == 2


def test_only_commands_and_tray_can_show_the_dashboard(api: Api, process: Recorded) -> None:
    assert api.invoke("ai/window/show", None, peer("command"))["success"]
    assert api.invoke("ai/window/show", {"page": "logs/web"}, peer("tray"))["success"]
    assert api.invoke("ai/window/show", None, PAGE)["code"] == "E_REQUEST"
    assert process.pages == ["home", "logs/web"]


def test_a_module_is_opened_by_its_title_in_the_clients_language(app: App, core: Core) -> None:
    opened: list[tuple[str, ...]] = []

    class Noting(Recorded):
        def open_module(self, name: str, title: str, address: str) -> None:
            opened.append((name, title, address))

    handlers = handlers_of([AppFeature(place(app, core, Noting()))])
    url = "http://localhost:18100"
    web = made.model(title={"en": "Web", "zh": "网页"}, open=url)
    core.store.put(ContainersListed((made.container("web/app"), made.container("wiki/app"))))
    core.store.put(made.UP)
    core.store.put(ModulesChanged((web, made.model("wiki"))))
    core.store.flush()

    def answered(name: str) -> Envelope:
        return dispatch(handlers, "ai/module/open", {"name": name}, Caller(PAGE, "zh"))

    assert answered("web")["data"] == {"url": url}
    assert [answered(name)["code"] for name in ("wbe", "wiki")] == ["E_UNKNOWN", "E_REQUEST"]
    assert opened == [("web", "网页", url)]


def test_a_process_without_windows_says_so(app: App, core: Core) -> None:
    class Bare(Recorded):
        def show_dashboard(self, page: str) -> None:
            raise NoDesktopError(page)

    api = Api(app, core, Bare())
    assert api.invoke("ai/window/show", {}, peer("command"))["code"] == "E_NO_DESKTOP"


@pytest.mark.parametrize("kind", ["tray", "serve"])
def test_it_says_which_process_it_is(app: App, core: Core, kind: str) -> None:
    process = Recorded(kind="tray" if kind == "tray" else "serve")
    about = Api(app, core, process).invoke("ai/app/about", None, PAGE)["data"]
    assert (about["owner"], about["home"]) == (kind, str(app.settings.folder))


def test_it_says_so_although_no_engine_could_be_found_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "unix:///nowhere.sock"
    monkeypatch.setenv("DOCKER_HOST", address)
    app = App(tmp_path / "home", [])
    core = app.core()
    api = Api(app, core, Recorded())
    monkeypatch.setenv("DOCKER_HOST", "no address")
    with pytest.raises(SettingError):
        app.engine()
    about = api.invoke("ai/app/about", None, PAGE)["data"]
    origin = f"The engine at {address} is set by DOCKER_HOST."
    assert (about["engine"], about["engineOrigin"]) == (address, origin)
    core.store.close()


def test_the_language_that_was_chosen_counts_before_the_clients_own_from_then_on(
    app: App, api: Api
) -> None:
    def spoken() -> set[str]:
        told = api.invoke("ai/module/open", {"name": "none"}, PAGE)["message"]
        return {
            api.invoke("ai/snapshot/get", None, PAGE)["data"]["language"],
            api.invoke("ai/app/about", None, PAGE)["data"]["language"],
            "zh" if re.search("[一-鿿]", told) else "en",
        }

    assert spoken() == {"en"}
    app.settings.change(app.declared, {"app.language": "zh"})
    assert spoken() == {"zh"}
    app.settings.change(app.declared, {"app.language": None})
    assert spoken() == {"en"}


@pytest.mark.parametrize("kind", ["window", "browser", "command"])
def test_only_a_tray_is_given_the_core(api: Api, process: Recorded, kind: CallerKind) -> None:
    assert api.invoke("owner/yield", None, peer(kind))["code"] == "E_REQUEST"
    assert not process.given_up.is_set()
    assert api.invoke("owner/yield", None, peer("tray"))["success"]
    assert process.given_up.is_set()


def test_the_core_is_kept_until_the_operations_of_this_process_have_ended(
    api: Api, core: Core, process: Recorded
) -> None:
    def ask_after(view: OperationView) -> Envelope:
        core.store.put(OperationChanged(view))
        core.store.flush()
        return api.invoke("owner/yield", None, peer("tray"))

    told = ask_after(WORK)
    assert (told["code"], told["data"]["module"]) == ("E_BUSY", "web")
    assert not process.given_up.is_set()
    assert ask_after(replace(WORK, status="succeeded"))["success"]
    assert ask_after(replace(WORK, id="2", is_foreign=True))["success"]


def test_no_operation_begins_once_the_core_is_given_up(api: Api, process: Recorded) -> None:
    assert api.invoke("owner/yield", None, peer("tray"))["success"]
    refused = api.invoke("ai/operation/start", {"kind": "stop"}, PAGE)
    assert (refused["success"], refused["code"]) == (False, "E_BUSY")


def test_owner_that_keeps_the_core_goes_on(app: App, core: Core) -> None:
    class Keeping(Recorded):
        def give_up_core(self) -> None:
            raise AlreadyRunningError(None)

    api = Api(app, core, Keeping())
    assert api.invoke("owner/yield", None, peer("tray"))["code"] == "E_BUSY"
    assert api.invoke("ai/operation/start", {"kind": "stop"}, PAGE)["success"]


class Broken:
    @channel("zero")
    def _zero(self) -> Json:
        raise ZeroDivisionError("a path and a password")

    @channel("key")
    def _key(self) -> Json:
        raise KeyError("a password")


@pytest.mark.parametrize("name", ["zero", "key"])
def test_a_bug_becomes_an_answer_without_what_it_knows(name: str) -> None:
    told = dispatch(handlers_of([Broken()]), name, {}, CALLER)
    assert (told["success"], told["code"]) == (False, "E_RUNTIME")
    assert "password" not in str(told)
    assert "Traceback" not in str(told)
    assert "bug" in told["message"]
