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
from aiserver_tray.model import Actor, OwnerKind
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


@pytest.fixture
def process() -> Recorded:
    return Recorded()


@pytest.fixture
def api(app: App, core: Core, process: Recorded) -> Api:
    return Api(app, core, process)


PAGE = peer()
CALLER = Caller(PAGE, "en")
WORK = OperationView("1", "up", ("web",), status="running")


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


def test_the_dashboard_is_shown_where_there_are_windows(app: App, core: Core) -> None:
    class Bare(Recorded):
        def show_dashboard(self, page: str) -> None:
            raise NoDesktopError(page)

    process, command = Recorded(), peer("command")
    api = Api(app, core, process)
    assert api.invoke("ai/window/show", None, command)["success"]
    assert api.invoke("ai/window/show", {"page": "logs/web"}, peer("tray"))["success"]
    assert process.pages == ["home", "logs/web"]
    bare = Api(app, core, Bare())
    assert bare.invoke("ai/window/show", {}, command)["code"] == "E_NO_DESKTOP"


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


@pytest.mark.parametrize("kind", ["tray", "serve"])
def test_it_says_which_process_it_is(app: App, core: Core, kind: OwnerKind) -> None:
    about = Api(app, core, Recorded(kind=kind)).invoke("ai/app/about", None, PAGE)["data"]
    assert (about["owner"], about["home"]) == (kind, str(app.settings.folder))


def test_it_says_so_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_chosen_language_counts_before_the_clients_own(app: App, api: Api) -> None:
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


def test_the_core_is_kept_for_operations(api: Api, core: Core, process: Recorded, app: App) -> None:
    def ask_after(view: OperationView) -> Envelope:
        core.store.put(OperationChanged(view))
        core.store.flush()
        return api.invoke("owner/yield", None, peer("tray"))

    told = ask_after(WORK)
    assert (told["code"], told["data"]["module"]) == ("E_BUSY", "web")
    assert not process.given_up.is_set()
    assert ask_after(replace(WORK, status="succeeded"))["success"]
    assert process.given_up.is_set()
    refused = api.invoke("ai/operation/start", {"kind": "stop"}, PAGE)
    assert (refused["success"], refused["code"]) == (False, "E_BUSY"), "it is another's now"
    assert ask_after(replace(WORK, id="2", is_foreign=True))["success"]

    class Keeping(Recorded):
        def give_up_core(self) -> None:
            raise AlreadyRunningError(None)

    keeping = Api(app, core, Keeping())
    assert keeping.invoke("owner/yield", None, peer("tray"))["code"] == "E_BUSY"
    assert keeping.invoke("ai/operation/start", {"kind": "stop"}, PAGE)["success"], "it goes on"


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError])
def test_a_bug_becomes_an_answer_without_what_it_knows(error: type[Exception]) -> None:
    class Broken:
        @channel("broken")
        def _broken(self) -> Json:
            raise error("a path and a password")

    told = dispatch(handlers_of([Broken()]), "broken", {}, CALLER)
    assert (told["success"], told["code"]) == (False, "E_RUNTIME")
    assert not [word for word in ("password", "Traceback") if word in str(told)]
    assert "bug" in told["message"]


CLIENT = Peer("window", "en", lambda _message: None)


def ask(api: Api, channel: str, payload: Json | None = None) -> Json:
    data: Json = api.invoke(channel, payload, CLIENT)["data"]
    return data


def test_they_open_until_they_are_left(api: Api) -> None:
    assert [ask(api, "ai/app/welcome")["pending"] for _ in range(2)] == [True, True]
    assert ask(api, "ai/app/welcome", {"done": True}) == {"pending": False}
    assert ask(api, "ai/app/welcome") == {"pending": False}


def test_first_steps_are_over_once_a_module_is_chosen_or_started(app: App, api: Api) -> None:
    with app.settings.engines.update("ENGINE") as state:
        state.desired = ["n8n"]
    assert ask(api, "ai/app/welcome") == {"pending": False}
    with app.settings.engines.update("ENGINE") as state:
        state.desired = []
    assert ask(api, "ai/app/welcome") == {"pending": True}
    ask(api, "ai/config/choose", {"modules": []})
    assert ask(api, "ai/app/welcome") == {"pending": False}


def test_each_built_in_module_says_what_it_takes(api: Api) -> None:
    modules = ask(api, "ai/modules/needs")["modules"]
    assert {"n8n", "dify", "oneapi", "ragflow", "postgres"} <= {one["name"] for one in modules}
    assert all(one["download"] and one["memory"] and one["disk"] for one in modules)
    n8n = next(one for one in modules if one["name"] == "n8n")
    assert n8n["memory"] == 1024**3
