"""A running operation: its thread, its progress and its result."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from uuid import uuid4

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, CancelledError
from aiserver_tray.model import Actor, OperationStatus
from aiserver_tray.operations.plan.parts import Parts
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.stages import PublishedView, Stages, hide_secrets
from aiserver_tray.state.store import StoreClosedError
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.clock import awake

_logger = logging.getLogger(__name__)


class Operation:
    """A running operation. It reports its progress to the store."""

    def __init__(self, request: Request, parts: Parts, actor: Actor) -> None:
        self.id = uuid4().hex
        self._request = request
        self._parts = parts
        self._record = OperationRecord(parts.settings.journal, request, actor)
        view = OperationView(
            self.id,
            request.kind,
            request.modules,
            services=request.services,
            is_revival=request.revives,
            began=awake(),
        )
        self._view = PublishedView(parts.store, view)
        self._stages = Stages(request, parts, self._record, self._view)
        self._thread = Thread(target=self._run, name=f"operation-{request.kind}", daemon=True)
        self._thread.start()

    @property
    def view(self) -> OperationView:
        """The current progress."""
        return self._view.now

    def cancel(self) -> None:
        """Start no further steps; running steps are stopped first. Can be called at any time."""
        self._stages.cancel()

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
            self._stages.run()
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
        return replace(view, status=status, error=error, seconds_left=None, ended_at=ended_at)
