"""The predecessor's channels and event about modules, with every field that they had
(``docs/ipc.md``).

They are thin adapters: other features do the work.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal, TypedDict

from aiserver_tray.base.i18n import Language
from aiserver_tray.features.place import Place
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.channels import (
    OperationBegun,
    StackFeature,
    begun,
    ended,
    module_of,
)
from aiserver_tray.features.stack.publishing import Messages
from aiserver_tray.model import Kind, OperationKind, State
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.channel import Feature, ModuleName, Names, Payload, channel
from aiserver_tray.protocol.message import Caller, Message, Peer, answer
from aiserver_tray.state.progress import sorted_by_title
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import ModuleView, PortView

_STATUS: dict[State, Literal["running", "stopped", "error"]] = {
    "running": "running",
    "error": "error",
    "degraded": "error",
}
"""State -> the predecessor's word for it; else ``stopped``."""


class ModuleType(Payload):
    """Modules of a kind."""

    type: Kind | None = None
    """all modules without it"""


class ModuleRequest(ModuleName):
    """An operation on a module."""

    wait: bool = True
    """answer at the operation's end, with its error if it failed; false: at its beginning"""


class ModuleRemoval(ModuleName):
    """What to remove of a module."""

    volumes: Names = ()
    """the names of the volumes to remove, which the user has seen"""


class ModuleItem(TypedDict):
    """A module in a list."""

    name: str
    type: Kind
    title: str
    summary: str


class ModuleList(TypedDict):
    """Modules, sorted by title."""

    items: list[ModuleItem]


class ModuleStatus(TypedDict):
    """The state of a module."""

    running: bool
    """all that is wanted of it is ready"""
    status: Literal["running", "stopped", "error"]
    """the state in the predecessor's words"""
    ports: dict[str, str]
    """container → its published ports"""
    usedBy: list[str]
    """the features, wanted or running, that require it"""
    state: State
    reason: str | None
    """why it is not in its desired state"""
    ready: int
    """the number of ready services"""
    total: int
    """the number of services"""


class PredecessorFeature(Feature):
    """``ai/modules/list`` and ``ai/module/…``."""

    def __init__(self, place: Place) -> None:
        self._store = place.core.store
        self._stack = place.feature(StackFeature)
        place.hub.add_changes(ModuleStatuses(self._store, place.app.language_for).current)

    @channel("ai/modules/list")
    def _list(self, asked: ModuleType, caller: Caller) -> ModuleList:
        """List the modules."""
        language = caller.language
        items: list[ModuleItem] = [
            {
                "name": module.name,
                "type": module.kind,
                "title": module.title_in(language),
                "summary": module.summary_in(language),
            }
            for module in sorted_by_title(self._store.snapshot.modules, language)
            if asked.type in (None, module.kind)
        ]
        return {"items": items}

    @channel("ai/module/status")
    def _status(self, asked: ModuleName, caller: Caller) -> ModuleStatus:
        """Get the state of a module."""
        return status_of(module_of(self._store.snapshot, asked.name), caller.language)

    @channel("ai/module/start")
    @channel("ai/module/firstStart")
    def _start(self, asked: ModuleRequest, caller: Caller) -> OperationBegun:
        """Create and start a module, with all that it requires."""
        return self._operate("up", asked, caller)

    @channel("ai/module/stop")
    def _stop(self, asked: ModuleRequest, caller: Caller) -> OperationBegun:
        """Stop a module."""
        return self._operate("stop", asked, caller)

    @channel("ai/module/restart")
    def _restart(self, asked: ModuleRequest, caller: Caller) -> OperationBegun:
        """Restart a module; modules that use it keep running."""
        return self._operate("restart", asked, caller)

    def _operate(self, kind: OperationKind, asked: ModuleRequest, caller: Caller) -> OperationBegun:
        operation = self._stack.begin(Request(kind, (asked.name,)), caller.actor)
        return ended(operation) if asked.wait else begun(operation)

    @channel("ai/module/clear")
    def _clear(self, asked: ModuleRemoval, caller: Caller) -> OperationBegun:
        """Remove a module's containers and networks, and the named volumes."""
        request = Request("down", (asked.name,), volumes=frozenset(asked.volumes))
        return ended(self._stack.begin(request, caller.actor))


class ModuleStatuses:
    """The states of the modules of *store*, for clients of the predecessor. *language_for* returns
    the language of the texts for a client that reads its argument."""

    def __init__(self, store: Store, language_for: Callable[[Language], Language]) -> None:
        self._store = store
        self._language_for = language_for
        self._messages: dict[Language, Messages[ModuleView]] = {}

    def current(self, peer: Peer, events: Collection[str]) -> Sequence[Message]:
        """The state of each module. The first one is a snapshot's."""
        if STATUS.name not in events:
            return ()
        language = self._language_for(peer.language)
        if language not in self._messages:
            self._messages[language] = Messages(
                lambda module: module.name, lambda module: _status_message(module, language)
            )
        return self._messages[language].of(self._store.snapshot.modules)


def _status_message(module: ModuleView, language: Language) -> Message:
    status = answer(dict(status_of(module, language)))
    return STATUS.message({"name": module.name, "status": status})


def status_of(module: ModuleView, language: Language) -> ModuleStatus:
    """*module* with every field that the predecessor's page knew, and the new ones."""
    return {
        "running": module.state == "running",
        "status": _STATUS.get(module.state, "stopped"),
        "ports": {
            service.container: ", ".join(ports)
            for service in module.services
            if (ports := [_port(port) for port in module.ports if port.service == service.name])
        },
        "usedBy": list(module.used_by),
        "state": module.state,
        "reason": module.reason.render(language) if module.reason else None,
        "ready": module.ready,
        "total": module.total,
    }


def _port(port: PortView) -> str:
    return f"{port.address}:{port.host}->{port.container}/{port.protocol}"
