"""Channels that begin, show and end operations."""

from threading import Lock

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channels.dispatch import Handlers
from aiserver_tray.contract.contract import (
    Caller,
    Clearing,
    Json,
    ModuleRequest,
    Nothing,
    OperationId,
    OperationStart,
)
from aiserver_tray.core.core import Core
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.service import Operation
from aiserver_tray.state.codec import operation_json, steps_json

_MAX_FINISHED = 32
"""Operations that are over: who began one may ask a little later how it ended."""


class OperationChannels:
    """``ai/operation/…`` and what starts or stops a module."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = Lock()
        self._running: dict[str, Operation] = {}
        self.handlers: Handlers = {
            "ai/module/clear": self._clear,
            "ai/module/firstStart": self._start_module,
            "ai/module/restart": self._restart_module,
            "ai/module/start": self._start_module,
            "ai/module/stop": self._stop_module,
            "ai/operation/cancel": self._cancel,
            "ai/operation/list": self._list,
            "ai/operation/start": self._start,
            "ai/operation/wait": self._wait,
        }

    def begin(self, request: Request) -> Operation:
        """Start *request*, so that it can be cancelled by its id."""
        operation = self._core.operations.start(request)
        with self._lock:
            over = [id for id, known in self._running.items() if known.view.is_over]
            for id in over[:-_MAX_FINISHED]:
                del self._running[id]
            self._running[operation.id] = operation
        return operation

    def _start(self, asked: OperationStart, _caller: Caller) -> Json:
        operation = self.begin(asked)
        return _ended(operation) if asked.until_end else _begun(operation)

    def _start_module(self, asked: ModuleRequest, _caller: Caller) -> Json:
        return self._on_module("up", asked)

    def _stop_module(self, asked: ModuleRequest, _caller: Caller) -> Json:
        return self._on_module("stop", asked)

    def _restart_module(self, asked: ModuleRequest, _caller: Caller) -> Json:
        return self._on_module("restart", asked)

    def _on_module(self, kind: OperationKind, asked: ModuleRequest) -> Json:
        operation = self.begin(Request(kind, (asked.name,)))
        return _ended(operation) if asked.wait else _begun(operation)

    def _clear(self, asked: Clearing, _caller: Caller) -> Json:
        request = Request("down", (asked.name,), volumes=frozenset(asked.volumes))
        return _ended(self.begin(request))

    def _cancel(self, asked: OperationId, _caller: Caller) -> Json:
        self._known(asked.id).cancel()
        return {}

    def _wait(self, asked: OperationId, caller: Caller) -> Json:
        return {"operation": steps_json(self._known(asked.id).wait(), caller.language)}

    def _known(self, id: str) -> Operation:
        with self._lock:
            operation = self._running.get(id)
        if operation is None:
            why = Text(
                "no operation {id!r} is running in this process. Cancel operations of other "
                "processes there",
                id=id,
            )
            raise RequestError(why, ["id"])
        return operation

    def _list(self, _asked: Nothing, caller: Caller) -> Json:
        views = self._core.store.snapshot.operations
        return {"operations": [operation_json(view, caller.language) for view in views]}


def _begun(operation: Operation) -> Json:
    return {"operationId": operation.id}


def _ended(operation: Operation) -> Json:
    view = operation.wait()
    if view.error:
        raise view.error
    return _begun(operation)
