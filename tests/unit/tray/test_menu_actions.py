"""What becomes of what was chosen in the menu."""

import time
from queue import SimpleQueue
from threading import Barrier, Lock
from typing import Any

from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Caller, Envelope, Json, answer
from aiserver_tray.contract.local.session import MOST_CALLS
from aiserver_tray.tray.actions import Start
from aiserver_tray.tray.menu_actions import _MAX_CONCURRENT_WAITS, MenuActions
from tests.support import states
from tests.support.scripted import Scripted

PATIENCE = 10.0
CALLER = Caller("en", lambda _event, _payload: None)


class Host(Scripted):
    """Operations of it are named as their module, and end when two of them are waited for."""

    def __init__(self) -> None:
        super().__init__(states.running())
        self.end = Barrier(2, timeout=PATIENCE)
        self.most_awaited = 0
        self._awaited = 0
        self._lock = Lock()

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401
        given = super().invoke(channel, payload, caller)
        if channel == "ai/operation/start":
            return answer(operationId=payload["modules"][0])
        if channel == "ai/operation/wait" and given["success"]:
            self._await_end()
            return answer(operation={"id": payload["id"], "status": "failed"})
        return given

    def _await_end(self) -> None:
        with self._lock:
            self._awaited += 1
            self.most_awaited = max(self.most_awaited, self._awaited)
        self.end.wait()
        time.sleep(0.1)  # for others that should not come
        with self._lock:
            self._awaited -= 1


def untold(title: Text, message: str) -> None:
    raise AssertionError(f"{title}: {message}")


def test_each_of_two_operations_that_end_together_is_told() -> None:
    ended: SimpleQueue[Json] = SimpleQueue()
    menu_actions = MenuActions(Host(), CALLER, ended.put, untold)
    menu_actions.do(Start("n8n"))
    menu_actions.do(Start("dify"))
    assert {ended.get(timeout=PATIENCE)["id"] for _ in range(2)} == {"n8n", "dify"}
    assert ended.empty()


def test_an_end_that_nobody_knows_is_none() -> None:
    ended: SimpleQueue[Json] = SimpleQueue()
    host = Host()
    host.answers["ai/operation/wait"] = {
        "success": False, "code": "E_NOT_RUNNING", "message": "it is gone", "data": {}
    }  # fmt: skip
    MenuActions(host, CALLER, ended.put, untold).do(Start("n8n"))
    assert host.wait_for_call("ai/operation/wait") == {"id": "n8n"}
    assert ended.empty()


def test_however_much_is_begun_calls_are_left_to_cancel_by() -> None:
    """A host answers no more than `MOST_CALLS` calls of one client at a time."""
    host, ended = Host(), SimpleQueue[Json]()
    host.end = Barrier(_MAX_CONCURRENT_WAITS, timeout=PATIENCE)
    menu_actions = MenuActions(host, CALLER, ended.put, untold)
    for number in range(2 * _MAX_CONCURRENT_WAITS):
        menu_actions.do(Start(str(number)))
    ids = {ended.get(timeout=PATIENCE)["id"] for _ in range(2 * _MAX_CONCURRENT_WAITS)}
    assert len(ids) == 2 * _MAX_CONCURRENT_WAITS
    assert host.most_awaited == _MAX_CONCURRENT_WAITS < MOST_CALLS
