"""Channels that get the state, and begin, list and cancel operations."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypedDict

from pydantic.dataclasses import dataclass as pydantic_dataclass

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import (
    BusyError,
    OverloadedError,
    RequestError,
    ServiceNotRunningError,
    UnknownNameError,
    refuse_unknown,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.forwarding import Forwards
from aiserver_tray.model import Actor, RequestKind, StepKind
from aiserver_tray.operations.operation import Operation, TaskFactory
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.stages import Stages
from aiserver_tray.protocol.channel import CONFIG, Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.state.encode import by_title
from aiserver_tray.state.views import ModuleView, OperationSummary, OperationView, Snapshot

_MAX_FINISHED = 32
"""Finished operations whose result can still be asked for."""


@pydantic_dataclass(frozen=True, config=CONFIG)
class OperationStart(Request):
    """The request for an operation."""

    kind: RequestKind
    until_end: bool = False
    """answer at the operation's end, with its error if it failed; false: at its beginning. A plan
    has neither"""


class OperationId(Payload):
    """The id of an operation."""

    id: str = Name


class OperationBegun(TypedDict):
    """An operation was started."""

    operationId: str
    """id for cancelling it or waiting for it"""


class OperationEnded(TypedDict):
    """An operation has ended."""

    operation: OperationView


@dataclass(frozen=True)
class PlannedStep:
    """A step that an operation would run."""

    id: str
    """its kind and subject"""
    kind: StepKind
    subject: str
    """as in a step of an operation"""
    module: str
    service: str | None
    """`null` for a step of the whole module"""
    needs: tuple[str, ...]
    """ids of the steps that must succeed first"""


class OperationPlan(TypedDict):
    """What an operation would do."""

    steps: list[PlannedStep]
    """in an order in which they can run; empty if there is nothing to do"""
    notices: tuple[Text, ...]
    """notes for the user that are no failures"""


class OperationList(TypedDict):
    """The operations of a snapshot."""

    operations: tuple[OperationSummary, ...]


class StackFeature(Feature):
    """``ai/snapshot/get`` and ``ai/operation/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._core = place.core
        self._lock = Lock()
        self._known: dict[str, Operation] = {}
        self._is_given_up = False
        self._forwards: Forwards | None = None

    def start(self) -> None:
        if forwards := self._forwarding():
            forwards.start()

    def forward_ports(self) -> None:
        """Forward the ports that are published now, if this computer has not the engine, and show
        that in the state. An owner does so by itself, but only soon."""
        if forwards := self._forwarding():
            forwards.refresh()
            self._core.store.flush()

    def _forwarding(self) -> Forwards | None:
        engine = self._core.engine
        with self._lock:
            if self._forwards is None and engine.address.needs_forwarding:
                self._forwards = Forwards(self._core.store, engine.host)
            return self._forwards

    def close(self) -> None:
        super().close()
        if self._forwards:
            self._forwards.close()

    def begin(self, request: Request, actor: Actor, task: TaskFactory = Stages) -> Operation:
        """Start *request* of *actor*, which *task* does, so that it can be cancelled by its id.

        Raises:
            OverloadedError: the core was given up.
            AiServerError: a feature refuses it.
        """
        self._place.before_operation(request)
        with self._lock:
            if self._is_given_up:
                raise OverloadedError(Text("another process or engine is being taken up"))
            operation = self._core.operations.start(request, actor, task)
            over = [id for id, known in self._known.items() if known.view.is_over]
            for id in over[:-_MAX_FINISHED]:
                del self._known[id]
            self._known[operation.id] = operation
        return operation

    def give_up(self, give_up_core: Callable[[], None]) -> None:
        """Call *give_up_core*, and start no operation after that: the core is closed soon.

        Raises:
            BusyError: an operation is under way.
            AlreadyRunningError: from *give_up_core*: this process keeps the core.
        """
        with self._lock:
            if self._is_given_up:
                return
            self.refuse_busy()
            give_up_core()
            self._is_given_up = True

    def refuse_busy(self) -> None:
        """Raises `BusyError` if an operation is under way."""
        self._core.store.flush()
        views = self._core.store.snapshot.operations
        if own := [view for view in views if not (view.is_over or view.is_foreign)]:
            raise BusyError(", ".join(own[0].modules), os.getpid(), own[0].kind)

    @channel("ai/snapshot/get")
    def _get(self, caller: Caller) -> Snapshot:
        """Get the state of everything."""
        return by_title(self._core.store.snapshot, caller.language)

    @channel("ai/operation/plan")
    def _plan(self, asked: OperationStart) -> OperationPlan:
        """Show the steps of an operation. Changes nothing, generates no secrets and takes no
        locks."""
        preview = self._core.operations.preview(asked)
        steps = [view_of(PlannedStep, s, needs=tuple(sorted(s.needs))) for s in preview.plan]
        return {"steps": steps, "notices": preview.notices}

    @channel("ai/operation/start")
    def _start(self, asked: OperationStart, caller: Caller) -> OperationBegun:
        """Start an operation."""
        operation = self.begin(asked, caller.actor)
        return ended(operation) if asked.until_end else begun(operation)

    @channel("ai/operation/cancel")
    def _cancel(self, asked: OperationId) -> None:
        """Cancel an operation of the owner."""
        self._operation(asked.id).cancel()

    @channel("ai/operation/wait")
    def _wait(self, asked: OperationId) -> OperationEnded:
        """Wait until an operation has ended; also works shortly afterwards."""
        return {"operation": self._operation(asked.id).wait()}

    @channel("ai/operation/list")
    def _list(self) -> OperationList:
        """List the operations of the snapshot."""
        return {"operations": self._core.store.snapshot.operations}

    def _operation(self, id: str) -> Operation:
        with self._lock:
            operation = self._known.get(id)
        if operation is None:
            why = Text(
                "no operation {id!r} is running in this process. Cancel operations of other "
                "processes there",
                id=id,
            )
            raise RequestError(why, ["id"])
        return operation


def module_of(snapshot: Snapshot, name: str) -> ModuleView:
    """The module *name* in *snapshot*.

    Raises:
        UnknownNameError: there is none; near names.
    """
    by_name = {module.name: module for module in snapshot.modules}
    if name not in by_name:
        raise UnknownNameError(name, list(by_name))
    return by_name[name]


def running_container(snapshot: Snapshot, module: str, service: str) -> str:
    """The name of the container of a *service* that runs.

    Raises:
        UnknownNameError, ServiceNotRunningError: there is no such service, or it does not run.
    """
    services = {each.name: each for each in module_of(snapshot, module).services}
    refuse_unknown([service], services)
    if services[service].state != "running":
        raise ServiceNotRunningError(f"{module}/{service}", services[service].state)
    return services[service].container


def begun(operation: Operation) -> OperationBegun:
    """The answer at the operation's beginning."""
    return {"operationId": operation.id}


def ended(operation: Operation) -> OperationBegun:
    """The answer at the operation's end.

    Raises:
        AiServerError: why it failed.
    """
    view = operation.wait()
    if view.error:
        raise view.error
    return begun(operation)
