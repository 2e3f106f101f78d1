"""What becomes of what was chosen in the menu."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Barrier

import pytest

from aiserver_tray.base.errors import AiServerError, CancelledError, UnknownNameError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.message import Json, Peer, answer, refusal
from aiserver_tray.state.views import OperationView
from aiserver_tray.tray import actions
from aiserver_tray.tray.actions import Action
from aiserver_tray.tray.menu_actions import MenuActions
from tests.support import states
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted

PEER = Peer("tray", "en", lambda _message: None)


class Operation:
    """One that ends when all that were begun are waited for."""

    def __init__(self, request: Request, end: Barrier) -> None:
        self._end = end
        self._view = OperationView("1", request.kind, request.modules, status="succeeded")

    def wait(self) -> OperationView:
        self._end.wait(LIMIT)
        return self._view


class Tray:
    """Notes what the actions do. ``failure``: why no operation can begin."""

    def __init__(self, operations: int = 1) -> None:
        self.owner = Scripted(states.running())
        self.begun: SimpleQueue[Request] = SimpleQueue()
        self.ended: SimpleQueue[OperationView] = SimpleQueue()
        self.told: SimpleQueue[str] = SimpleQueue()
        self.failure: Exception | None = None
        self._end = Barrier(operations)
        self.actions = MenuActions(self.owner, PEER, self._begin, self.ended.put, self._tell)

    def _begin(self, request: Request) -> Callable[[], OperationView]:
        self.begun.put(request)
        if self.failure:
            raise self.failure
        return Operation(request, self._end).wait

    def _tell(self, title: Text, message: str) -> None:
        self.told.put(f"{title}: {message}")


@pytest.mark.parametrize(
    ("kind", "modules"),
    [
        *(("up", ()), ("stop", ()), ("up", ("n8n",)), ("stop", ("n8n",))),
        *(("restart", ("n8n",)), ("down", ("n8n",))),
    ],
)
def test_an_operation_is_begun_and_its_end_told(
    kind: OperationKind, modules: tuple[str, ...]
) -> None:
    tray = Tray()
    tray.actions.do(actions.Operate(kind, modules))
    assert tray.begun.get(timeout=LIMIT) == Request(kind, modules)
    assert tray.ended.get(timeout=LIMIT).modules == modules
    assert tray.told.empty()


def test_a_remedy_sets_something_and_starts_the_module() -> None:
    tray = Tray()
    tray.actions.do(actions.SetAndStart("n8n", "n8n.MEMORY", "3g"))
    assert tray.owner.wait_for_call("ai/config/set") == {"name": "n8n.MEMORY", "value": "3g"}
    assert tray.begun.get(timeout=LIMIT) == Request("up", ("n8n",))


def test_each_of_two_operations_that_end_together_is_reported() -> None:
    tray = Tray(operations=2)
    tray.actions.do(actions.Operate("up", ("n8n",)))
    tray.actions.do(actions.Operate("up", ("dify",)))
    ended = {tray.ended.get(timeout=LIMIT).modules for _ in range(2)}
    assert ended == {("n8n",), ("dify",)}
    assert tray.ended.empty()


@pytest.mark.parametrize(
    ("failure", "why"),
    [(UnknownNameError("n8m", ["n8n"]), "n8n"), (ZeroDivisionError(), "ZeroDivisionError")],
)
def test_one_that_cannot_begin_is_reported_and_has_no_end(failure: Exception, why: str) -> None:
    tray = Tray()
    tray.failure = failure
    tray.actions.do(actions.Operate("up", ("n8m",)))
    told = tray.told.get(timeout=LIMIT)
    assert told.startswith("Something went wrong: ")
    assert why in told
    assert tray.ended.empty()


@pytest.mark.parametrize(
    ("action", "channel", "payload"),
    [
        (actions.OpenDashboard("logs/n8n"), "ai/window/show", {"page": "logs/n8n"}),
        (actions.OpenModule("n8n"), "ai/module/open", {"name": "n8n"}),
        (actions.MuteAlert("5"), "ai/rules/mute", {"alert": "5", "span": "hour"}),
        (actions.CloseAccess("n8n"), "ai/access/close", {"module": "n8n"}),
        (actions.BackUp(), "ai/backup/create", {}),
        (actions.Cancel("7"), "ai/operation/cancel", {"id": "7"}),
        (actions.StartEngine(), "ai/docker/startDocker", {}),
        (actions.Quit("leave"), "ai/app/quit", {"stop": False}),
        (actions.Quit("stop"), "ai/app/quit", {"stop": True}),
    ],
)
def test_all_else_is_asked_of_the_owner(action: Action, channel: str, payload: Json) -> None:
    tray = Tray()
    tray.actions.do(action)
    assert tray.owner.wait_for_call(channel) == payload
    assert tray.owner.callers == [PEER]


def test_start_at_login_is_turned_over() -> None:
    tray, channel = Tray(), "ai/system/autostart"
    tray.owner.answers[channel] = answer({"enabled": True})
    tray.actions.do(actions.ToggleAutostart())
    assert tray.owner.wait_for_call(channel) == {}
    assert tray.owner.wait_for_call(channel) == {"enabled": False}


def failed(error: AiServerError) -> str | None:
    """The notification about *error*."""
    tray = Tray()
    tray.owner.answers["ai/docker/startDocker"] = refusal(error, "en")
    tray.actions._request(actions.StartEngine())
    return None if tray.told.empty() else tray.told.get()


def test_a_refusal_is_reported_unless_the_user_cancelled() -> None:
    error = UnknownNameError("n8m", ["n8n"])
    assert failed(error) == f"Something went wrong: {error}"
    assert failed(CancelledError("up", ())) is None
