"""A running operation: its thread, its progress and its result; and how operations begin."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import Protocol
from uuid import uuid4
from weakref import WeakSet

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CancelledError
from aiserver_tray.model import Actor, Changes, OperationStatus
from aiserver_tray.operations.modules import NO_CHANGES, Previews, obtainable
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.preflight.ports import PortUse, port_use
from aiserver_tray.operations.prepare import Prepared, prepare
from aiserver_tray.operations.preview import Effects, Preview, effects, preview
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import previewed
from aiserver_tray.operations.stages import PublishedView, Stages, hide_secrets
from aiserver_tray.operations.survey import HostPort
from aiserver_tray.state.store import StoreClosedError
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.clock import awake

_logger = logging.getLogger(__name__)


class Task(Protocol):
    """The work of an operation, in its thread."""

    def run(self) -> None:
        """Do it all.

        Raises:
            AiServerError: it failed, or was cancelled.
            StoreClosedError: the process ends.
        """

    def cancel(self) -> None:
        """End as soon as that is safe. Can be called at any time."""


TaskFactory = Callable[[Request, Parts, OperationRecord, PublishedView], Task]


class Operation:
    """A running operation. It reports its progress to the store."""

    def __init__(
        self, request: Request, parts: Parts, actor: Actor, task: TaskFactory = Stages
    ) -> None:
        self.id = uuid4().hex
        self._request = request
        self._parts = parts
        engine = parts.store.snapshot.engine.id
        self._record = OperationRecord(parts.settings.journal, request, actor, engine)
        view = OperationView(
            self.id,
            request.kind,
            request.modules,
            services=request.services,
            is_revival=request.revives,
            began=awake(),
        )
        self._view = PublishedView(parts.store, view)
        self._task = task(request, parts, self._record, self._view)
        self._thread = Thread(target=self._run, name=f"operation-{request.kind}", daemon=True)
        self._thread.start()

    @property
    def view(self) -> OperationView:
        return self._view.now

    def cancel(self) -> None:
        """Start no further steps; running steps are stopped first. Can be called at any time."""
        self._task.cancel()

    def wait(self, timeout: float | None = None) -> OperationView:
        """Wait for the end, at most *timeout* seconds, and return the progress."""
        self._thread.join(timeout)
        return self._view.now

    # -- in its thread -------------------------------------------------------------------------

    def _run(self) -> None:
        self._record.begin(self._view.now)
        with suppress(StoreClosedError):  # the process ends: the operation was interrupted
            view = self._result()
            self._record.end(view)
            self._view.publish(view)
            self._parts.store.flush()  # the waiting thread then finds it in the state

    def _result(self) -> OperationView:
        status: OperationStatus = "failed"
        error: AiServerError | None = None
        try:
            self._task.run()
            status = "succeeded"
        except CancelledError:
            status = "cancelled"
            error = CancelledError(self._request.kind, self._view.now.modules)
        except StoreClosedError:
            raise
        except AiServerError as failure:
            error = failure
        except Exception as bug:  # noqa: BLE001 - every failure must be reported
            log_bug(_logger, "an operation failed", bug)
            error = bug_error(bug)
        if error:
            hide_secrets(error, self._parts)
            if self._request.revives:
                _logger.warning("some desired modules did not start: %s", error)
        ended_at = datetime.now(UTC)
        view = self._view.now
        ended = replace(view, status=status, error=error, ended_at=ended_at)
        return replace(ended, seconds_left=None, delay=None)


class Operations:
    """Starts operations with *parts*."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: WeakSet[Operation] = WeakSet()

    def close(self) -> None:
        """Cancel operations that wait for another one. Running operations end by themselves, as
        nothing stores their progress any more."""
        for operation in [*self._begun]:
            if operation.view.status == "waiting":
                operation.cancel()

    def plan(self, request: Request) -> Plan:
        """The plan of *request* without secrets; see `preview`."""
        return self.preview(request).plan

    def preview(self, request: Request) -> Preview:
        """The plan of *request* and the notices for the user. Changes nothing, generates no secrets
        and takes no locks.

        Raises:
            AiServerError: all blockers at once.
        """
        return preview(request, self._prepared(request))

    def effects(self, request: Request, changes: Changes) -> Effects:
        """The effects of *changes* of settings (by address, in canonical form) once *request* has
        applied them. Changes nothing.

        Raises:
            AiServerError: all blockers at once.
        """
        prepared = self._prepared(request, changes)
        now = obtainable(prepared.scope.targets, self._parts.modules.preview)
        return effects(preview(request, prepared), prepared, now)

    def _prepared(self, request: Request, changes: Changes = NO_CHANGES) -> Prepared:
        scope = previewed(request, self._parts, changes)
        parts = replace(self._parts, modules=Previews(self._parts.modules, changes))
        return prepare(request, scope, parts)

    def port_use(self, module: str, port: HostPort) -> PortUse | None:
        """The use that keeps *module* from publishing on *port*. None if the port is free, or the
        module's own.

        Raises:
            EngineDownError, EngineRequestError: the engine can't be asked.
        """
        return port_use(module, port, self._parts.engine, self._parts.settings.installation_id)

    def start(
        self, request: Request, actor: Actor | None = None, task: TaskFactory = Stages
    ) -> Operation:
        """Begin *request* in the background. *actor* asks for it; None: the command that this
        process runs. *task* does it; by default, it is one plan."""
        operation = Operation(request, self._parts, actor or Actor("command", os.getpid()), task)
        self._begun.add(operation)
        return operation
