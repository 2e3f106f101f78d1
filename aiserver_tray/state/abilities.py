"""The actions that are possible now, and the reasons why others are not. Pure.

Tray, page and command line offer and refuse by these rules alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.model import State
from aiserver_tray.state.state import closure
from aiserver_tray.state.views import (
    EngineStatus,
    ModuleAbilities,
    ModuleView,
    OperationSummary,
    StackAbilities,
)

_ENGINE_DOWN: Final = Text("Docker isn't running")
_BUSY: Final = Text("An operation is working on it")
_ORPHAN: Final = Text("It is no longer in the catalog")
_STOPPING: Final = Text("It is stopping")
_STOPPED: Final = Text("It is already stopped")
_NOT_RUNNING: Final = Text("It is not running")
_NO_CONTAINERS: Final = Text("It has no containers")
_NO_PAGE: Final = Text("It has no web page")
_NOT_FORWARDED: Final = Text(
    "The engine is on another computer. Its ports are forwarded while AI-Server Tray runs here"
)
_PAGE_LATER: Final = Text("Its web page is available once it is running")

_STARTED: Final[Mapping[State, Text]] = {
    "starting": Text("It is already starting"),
    "running": Text("It is already running"),
}

_NOTHING_CHOSEN: Final = Text("No modules are chosen")
_ALL_STARTED: Final = Text("The chosen modules are already started")
_NOTHING_RUNS: Final = Text("Nothing is running")
_OPERATION: Final = Text("An operation is in progress")
_NO_OPERATION: Final = Text("No operation is in progress")
_FOREIGN: Final = Text("Only the process that started the operation can cancel it")


class Condition(NamedTuple):
    """The facts about a module that decide what can be done with it."""

    state: State
    is_alive: bool
    """one of its containers has not exited"""
    has_containers: bool
    is_wanted: bool
    is_busy: bool
    """an operation works on it"""
    is_orphan: bool
    has_page: bool
    """it has one when all of it runs"""
    is_published: bool
    """the address of its page is known"""
    problem: Text | None
    """why it can't start"""
    users: tuple[str, ...]
    """the modules that need it"""
    is_elsewhere: bool = False
    """the engine's ports have to be forwarded to this computer"""


@lru_cache(maxsize=4096)
def module_abilities(module: Condition) -> ModuleAbilities:
    """The possible actions for *module*. Modules in the same condition share one mapping."""
    used = Text("Used by {users}", users=Listed(module.users)) if module.users else None
    blocker, unreachable = _blocker(module), _unreachable(module)
    defect = _ORPHAN if module.is_orphan else module.problem
    # To stop a module whose start has failed means to give that start up.
    is_off = not (module.is_wanted or module.is_alive or module.state == "error")
    stop = blocker or (_STOPPED if is_off else None)
    containers = None if module.has_containers else _NO_CONTAINERS
    return {
        "start": blocker or defect or _STARTED.get(module.state),
        "stop": stop or used,
        "stopWithUsers": stop,
        "restart": blocker or defect or (None if module.is_alive else _NOT_RUNNING),
        "open": _open(module),
        "logs": unreachable or containers,
        "remove": blocker or containers or used,
    }


def without_required(abilities: ModuleAbilities, why: Text) -> ModuleAbilities:
    """The possible actions for a module that lacks modules that it requires; *why* says which. A
    start brings them, too."""
    start = None if abilities["start"] == _STARTED["running"] else abilities["start"]
    page = why if abilities["open"] in (None, _PAGE_LATER, _NOT_FORWARDED) else abilities["open"]
    return {**abilities, "start": start, "open": page}


def _open(module: Condition) -> Text | None:
    if not module.has_page:
        return _NO_PAGE
    if unreachable := _unreachable(module):
        return unreachable
    if module.state not in ("running", "degraded"):
        return _PAGE_LATER
    if module.is_published:
        return None
    return _NOT_FORWARDED if module.is_elsewhere else _PAGE_LATER


def _unreachable(module: Condition) -> Text | None:
    return _ENGINE_DOWN if module.state == "engine_down" else None


def _blocker(module: Condition) -> Text | None:
    """Why no operation on *module* can begin."""
    if module.state == "stopping":
        return _STOPPING
    return _unreachable(module) or (_BUSY if module.is_busy else None)


def stack_abilities(
    engine: EngineStatus,
    modules: Sequence[ModuleView],
    operations: Iterable[OperationSummary],
    chosen: Collection[str],
) -> StackAbilities:
    """The possible actions for the whole stack, by the parts of a snapshot."""
    active = [operation for operation in operations if not operation.is_over]
    if not engine.running:
        return {"start": _ENGINE_DOWN, "stop": _ENGINE_DOWN, "cancel": _cancel(active)}
    busy = _OPERATION if active else None
    can_stop = any(module.abilities["stopWithUsers"] is None for module in modules)
    return {
        "start": _start_all(modules, chosen, busy),
        "stop": None if can_stop else busy or _NOTHING_RUNS,
        "cancel": _cancel(active),
    }


def _start_all(
    modules: Sequence[ModuleView], names: Collection[str], busy: Text | None
) -> Text | None:
    chosen = [module for module in modules if module.name in names]
    started = [module.name for module in chosen if module.state in _STARTED]
    # A required module may have failed while the others run.
    required = closure({module.name: module.requires for module in modules}, started)
    can_start = {module.name for module in modules if module.abilities["start"] is None}
    if not can_start.isdisjoint({*names, *required}):
        return None
    if not chosen:
        return _NOTHING_CHOSEN
    if len(started) == len(chosen):
        return _ALL_STARTED
    if busy:
        return busy
    blocked = min(chosen, key=lambda module: module.state in _STARTED)
    return Text("{name}: {why}", name=blocked.name, why=blocked.abilities["start"])


def _cancel(active: Sequence[OperationSummary]) -> Text | None:
    if not active:
        return _NO_OPERATION
    return _FOREIGN if all(operation.is_foreign for operation in active) else None
