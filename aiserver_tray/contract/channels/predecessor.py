"""The predecessor's channels about modules, with every field that they had (``docs/ipc.md``).

They are thin adapters: what they do is done by the parts beside them.
"""

from collections.abc import Callable
from typing import Literal, TypedDict

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channel import Names, Payload, channel
from aiserver_tray.contract.channels.operations import OperationBegun, begun, ended
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.channels.process import ModuleName
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.core import Core
from aiserver_tray.model import Actor, Kind, OperationKind, State
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.state.order import sorted_by_title
from aiserver_tray.state.views import ModuleView, PortView, Snapshot

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


class PredecessorChannels(Part):
    """``ai/modules/list`` and ``ai/module/…``."""

    def __init__(self, core: Core, begin: Callable[[Request, Actor], Operation]) -> None:
        self._core = core
        self._begin = begin

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
            for module in sorted_by_title(self._core.store.snapshot.modules, language)
            if asked.type in (None, module.kind)
        ]
        return {"items": items}

    @channel("ai/module/status")
    def _status(self, asked: ModuleName, caller: Caller) -> ModuleStatus:
        """Get the state of a module."""
        return status_of(module_of(self._core.store.snapshot, asked.name), caller.language)

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
        operation = self._begin(Request(kind, (asked.name,)), caller.actor)
        return ended(operation) if asked.wait else begun(operation)

    @channel("ai/module/clear")
    def _clear(self, asked: ModuleRemoval, caller: Caller) -> OperationBegun:
        """Remove a module's containers and networks, and the named volumes."""
        request = Request("down", (asked.name,), volumes=frozenset(asked.volumes))
        return ended(self._begin(request, caller.actor))


def module_of(snapshot: Snapshot, name: str) -> ModuleView:
    """The module *name* in *snapshot*.

    Raises:
        UnknownNameError: there is none; near names.
    """
    by_name = {module.name: module for module in snapshot.modules}
    if name not in by_name:
        raise UnknownNameError(name, list(by_name))
    return by_name[name]


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
