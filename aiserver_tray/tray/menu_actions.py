"""Does what was chosen in the menu."""

import logging
from collections.abc import Callable, Iterable
from threading import BoundedSemaphore, Thread
from typing import assert_never

from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Caller, Contract, Envelope, Json
from aiserver_tray.model import OperationKind
from aiserver_tray.tray import actions
from aiserver_tray.tray.actions import Action

_FAILED = Text("Something went wrong")

_MAX_CONCURRENT_WAITS = 8
"""Ends that are waited for at once: another process's core answers few calls of one client at a
time, and there must be some left to cancel by."""

_logger = logging.getLogger(__name__)


class MenuActions:
    """Turns actions into requests to *contract*; *ended* is given the operations that these began,
    each once it is over, *tell* title and message of what went wrong."""

    def __init__(
        self,
        contract: Contract,
        caller: Caller,
        ended: Callable[[Json], None],
        tell: Callable[[Text, str], None],
    ) -> None:
        self._contract = contract
        self._caller = caller
        self._ended = ended
        self._tell = tell
        self._turns = BoundedSemaphore(_MAX_CONCURRENT_WAITS)

    def do(self, action: Action) -> None:
        """Begin *action*, and return at once."""
        Thread(target=self._do, args=(action,), name="action", daemon=True).start()

    def _do(self, action: Action) -> None:
        answer = self._answer(action)
        if answer["success"]:
            if operation := answer["data"].get("operationId"):
                self._follow(operation)
        elif answer["code"] != "E_CANCELLED":
            self._tell(_FAILED, answer["message"])

    def _follow(self, operation: str) -> None:
        """Its end is asked for: of two that end together the state shows the last only."""
        with self._turns:
            how = self._ask("ai/operation/wait", id=operation)
        if how["success"]:
            self._ended(how["data"]["operation"])
        else:  # who worked on it is gone
            _logger.info("how an operation ended is not known: %s", how["message"])

    def _answer(self, action: Action) -> Envelope:  # noqa: C901, PLR0911, PLR0912 - one for each
        match action:
            case actions.OpenDashboard(page):
                return self._ask("ai/window/show", page=page)
            case actions.StartAll():
                return self._operate("up")
            case actions.StopAll():
                return self._operate("stop")
            case actions.Start(name):
                return self._operate("up", [name])
            case actions.Stop(name):
                return self._operate("stop", [name])
            case actions.Restart(name):
                return self._operate("restart", [name])
            case actions.Remove(name):
                return self._operate("down", [name])
            case actions.OpenModule(name):
                return self._ask("ai/module/open", name=name)
            case actions.Cancel(id):
                return self._ask("ai/operation/cancel", id=id)
            case actions.StartEngine():
                return self._ask("ai/docker/startDocker")
            case actions.ToggleAutostart():
                return self._toggle_autostart()
            case actions.Quit(stop):
                return self._ask("ai/app/quit", stop=stop == "stop")
            case _:
                assert_never(action)

    def _operate(self, kind: OperationKind, modules: Iterable[str] = ()) -> Envelope:
        return self._ask("ai/operation/start", kind=kind, modules=list(modules))

    def _toggle_autostart(self) -> Envelope:
        now = self._ask("ai/system/autostart")
        if not now["success"]:
            return now
        return self._ask("ai/system/autostart", enabled=not now["data"]["enabled"])

    def _ask(self, channel: str, **payload: object) -> Envelope:
        request: Json = payload
        return self._contract.invoke(channel, request, self._caller)
