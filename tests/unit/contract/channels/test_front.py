"""What a process answers about itself, and that no bug reaches a client."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.app import App
from aiserver_tray.base.errors import NoDesktopError, NotRunningError
from aiserver_tray.contract.channels.dispatch import dispatch
from aiserver_tray.contract.channels.front import Front
from aiserver_tray.contract.contract import Caller, Envelope, Json, answer
from aiserver_tray.contract.owner.no_core import NoCore
from tests.support import states
from tests.support.scripted import Scripted
from tests.support.surroundings import Recorded

CALLER = Caller("en", lambda _event, _payload: None)
NO: Envelope = {"success": False, "code": "E_EXITED", "message": "it ended", "data": {"lines": [1]}}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


def test_where_nothing_can_be_stopped_it_does_not_quit(app: App) -> None:
    core, around = Scripted(states.running()), Recorded()
    front = Front(app, core, around)
    core.answers["ai/operation/start"] = NO
    assert front.invoke("ai/app/quit", {"stop": True}, CALLER) == NO
    assert around.quits == 0
    core.answers["ai/operation/start"] = answer(operationId="1")
    assert front.invoke("ai/app/quit", {"stop": True}, CALLER)["success"]
    assert around.quits == 1
    asked = [payload for channel, payload in core.calls if channel == "ai/operation/start"]
    assert asked == [{"kind": "stop", "untilEnd": True}] * 2


def test_without_a_core_the_process_still_answers_for_itself(app: App) -> None:
    around = Recorded()
    front = Front(app, NoCore(None), around)
    for channel in ("ai/window/show", "ai/app/about", "ai/app/quit"):
        assert front.invoke(channel, None, CALLER)["success"]
    assert (around.pages, around.quits) == (["home"], 1)
    assert front.invoke("ai/module/open", {"name": "n8n"}, CALLER)["code"] == "E_UNKNOWN"
    assert front.invoke("ai/module/start", {"name": "n8n"}, CALLER)["code"] == "E_NOT_RUNNING"


def test_a_process_without_windows_says_so(app: App) -> None:
    class Bare(Recorded):
        def show_dashboard(self, page: str) -> None:
            raise NoDesktopError(page)

    front = Front(app, NoCore(None), Bare())
    assert front.invoke("ai/window/show", {}, CALLER)["code"] == "E_NO_DESKTOP"


def test_the_language_that_was_chosen_counts_before_the_callers_own_from_then_on(app: App) -> None:
    front = Front(app, NoCore(NotRunningError()), Recorded())

    def spoken() -> set[str]:
        said = front.invoke("ai/module/open", {"name": "n8n"}, CALLER)["message"]
        passed_on = front.invoke("ai/module/start", {"name": "n8n"}, CALLER)["message"]
        why = front.snapshot("en")["engine"]["error"]["message"]
        told = front.snapshot("en")["language"]
        return {
            told,
            *("zh" if re.search("[一-鿿]", text) else "en" for text in (said, passed_on, why)),
        }

    assert spoken() == {"en"}
    app.settings.set(app.declared, "app.language", "zh")
    assert spoken() == {"zh"}
    app.settings.unset(app.declared, "app.language")
    assert spoken() == {"en"}


def _broken(_asked: object, _caller: Caller) -> Json:
    raise ZeroDivisionError("a path and a password")


def _missing(_asked: object, _caller: Caller) -> Json:
    raise KeyError("a password")


@pytest.mark.parametrize("handler", [_broken, _missing])
def test_a_bug_becomes_an_answer_without_what_it_knows(
    handler: Callable[[object, Caller], Json],
) -> None:
    told = dispatch({"ai/app/about": handler}, "ai/app/about", {}, CALLER)
    assert (told["success"], told["code"]) == (False, "E_RUNTIME")
    assert "password" not in str(told)
    assert "Traceback" not in str(told)
    assert "bug" in told["message"]
