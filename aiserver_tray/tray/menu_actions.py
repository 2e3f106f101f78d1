"""Running the actions that the user chose in the menu."""

from collections.abc import Callable, Mapping
from threading import Thread
from typing import assert_never

from aiserver_tray.base.bugs import bug_error
from aiserver_tray.base.errors import AiServerError, CancelledError
from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.message import Contract, Json, Peer
from aiserver_tray.state.views import OperationView
from aiserver_tray.tray import actions
from aiserver_tray.tray.actions import Action

_FAILED = Text("Something went wrong")
_PLAIN: Mapping[type[Action], str] = {
    actions.BackUp: "ai/backup/create",
    actions.StartEngine: "ai/docker/startDocker",
}
"""Action -> the request that it is, without data."""


class MenuActions:
    """Turns actions into requests to *contract*, and into operations that *begin* starts; it
    returns a function that waits for the end. *ended* receives each finished operation;
    *show_error* receives the title and the message of an error."""

    def __init__(
        self,
        contract: Contract,
        peer: Peer,
        begin: Callable[[Request], Callable[[], OperationView]],
        ended: Callable[[OperationView], None],
        show_error: Callable[[Text, str], None],
    ) -> None:
        self._contract = contract
        self._peer = peer
        self._begin = begin
        self._ended = ended
        self._show_error = show_error

    def do(self, action: Action) -> None:
        """Begin *action*, and return at once."""
        Thread(target=self._do, args=(action,), name="action", daemon=True).start()

    def _do(self, action: Action) -> None:
        match action:
            case actions.Operate(kind, modules):
                self._operate(Request(kind, modules))
            case actions.SetAndStart(name, setting, value):
                if self._ask("ai/config/set", name=setting, value=value):
                    self._operate(Request("up", (name,)))
            case _:
                self._request(action)

    def _operate(self, request: Request) -> None:
        try:
            wait = self._begin(request)
        except Exception as bug:  # noqa: BLE001 - it is shown to the user
            error = bug if isinstance(bug, AiServerError) else bug_error(bug)
            self._show_error(_FAILED, error.render(self._peer.language))
        else:
            # Wait for the result: if two operations finish together, the state shows only the last
            # one.
            self._ended(wait())

    def _request(self, action: actions.RequestAction) -> None:
        match action:
            case actions.OpenDashboard(page):
                self._ask("ai/window/show", page=page)
            case actions.OpenModule(name):
                self._ask("ai/module/open", name=name)
            case actions.MuteAlert(alert):
                self._ask("ai/rules/mute", alert=alert, span="hour")
            case actions.CloseAccess() | actions.AnswerAssistant():
                self._close_or_answer(action)
            case actions.BackUp() | actions.StartEngine():
                self._ask(_PLAIN[type(action)])
            case actions.Cancel(id):
                self._ask("ai/operation/cancel", id=id)
            case actions.ToggleAutostart():
                if now := self._ask("ai/system/autostart"):
                    self._ask("ai/system/autostart", enabled=not now["enabled"])
            case actions.Quit(stop):
                self._ask("ai/app/quit", stop=stop == "stop")
            case _:
                assert_never(action)

    def _close_or_answer(self, action: actions.CloseAccess | actions.AnswerAssistant) -> None:
        match action:
            case actions.CloseAccess(name):
                self._ask("ai/access/close", module=name)
            case actions.AnswerAssistant(proposal, allow):
                self._ask("ai/assistant/answer", id=proposal, allow=allow)

    def _ask(self, channel: str, **payload: object) -> Json:
        """The data of the response; empty if there is none."""
        answer = self._contract.invoke(channel, payload, self._peer)
        if answer["success"]:
            return dict(answer["data"])
        if answer["code"] != CancelledError.code:
            self._show_error(_FAILED, answer["message"])
        return {}
