"""Operations: user requests that run in the background, one at a time on each module."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock, Thread
from uuid import uuid4
from weakref import WeakSet

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import (
    AiServerError,
    BusyError,
    CancelledError,
    EngineDownError,
    ImagePullError,
    ResourcesError,
    SettingError,
    raise_all,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.proxies import configured, passwords
from aiserver_tray.model import (
    IMAGES_ONLY,
    Actor,
    OperationKind,
    OperationStatus,
    OperationView,
    StepView,
)
from aiserver_tray.operations.desired import remember
from aiserver_tray.operations.locks import Holder, Work, module_locks, refuse
from aiserver_tray.operations.machine import HostPort
from aiserver_tray.operations.modules import Previews, obtainable
from aiserver_tray.operations.plan.effects import Effects, effects
from aiserver_tray.operations.plan.kernel_steps import plan_helper
from aiserver_tray.operations.plan.parts import Parts
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.prepare import Prepared, prepare, refresh_containers, refresh_of
from aiserver_tray.operations.plan.preview import Preview, preview
from aiserver_tray.operations.preflight.ports import PortUse, port_use
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.run.execute import EngineExecutor
from aiserver_tray.operations.run.run import Runner
from aiserver_tray.operations.scope import Scope, first_scope, scope_of
from aiserver_tray.settings.declared import Changes
from aiserver_tray.state.facts import DesiredChanged, ModulesChanged, OperationChanged
from aiserver_tray.state.store import StoreClosedError
from aiserver_tray.system.clock import awake

_logger = logging.getLogger(__name__)

_STOPPING: frozenset[OperationKind] = frozenset({"stop", "down", "restart"})

_NEWEST_WEIGHT = 0.5
"""Weight of the newest time to ready against those from before."""


class Operations:
    """Starts operations with *parts*."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: WeakSet[Operation] = WeakSet()

    def close(self) -> None:
        """Cancel what waits for another operation. What runs ends by itself, as nothing keeps its
        progress any more."""
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
            AiServerError: all that stands against it.
        """
        parts = replace(self._parts, modules=Previews(self._parts.modules))
        return preview(request, prepare(request, first_scope(request, parts), parts))

    def effects(self, request: Request, changes: Changes) -> Effects:
        """The effects of *changes* of settings (by address, in canonical form) once *request* has
        applied them. Changes nothing.

        Raises:
            AiServerError: all that stands against it.
        """
        parts = replace(self._parts, modules=Previews(self._parts.modules, changes))
        prepared = prepare(request, first_scope(request, parts), parts)
        now = obtainable(prepared.scope.targets, self._parts.modules.preview)
        return effects(preview(request, prepared), prepared, now)

    def port_use(self, module: str, port: HostPort) -> PortUse | None:
        """The use that keeps *module* from publishing on *port*. None if the port is free, or the
        module's own.

        Raises:
            EngineDownError, EngineRequestError: the engine can't be asked.
        """
        return port_use(module, port, self._parts.engine, self._parts.settings.installation_id)

    def start(self, request: Request, actor: Actor | None = None) -> "Operation":
        """Begin *request* in the background. *actor* asks for it; None: the command that this
        process runs."""
        operation = Operation(request, self._parts, actor or Actor("command", os.getpid()))
        self._begun.add(operation)
        return operation


class Operation:
    """A running operation. It reports its progress to the store."""

    def __init__(self, request: Request, parts: Parts, actor: Actor) -> None:
        self.id = uuid4().hex
        self._request = request
        self._parts = parts
        self._record = OperationRecord(parts.settings.journal, request, actor)
        self._cancelled = Cancellation()
        self._runner: Runner | None = None
        self._has_waited = False
        self._lock = Lock()
        self._view = OperationView(
            self.id,
            request.kind,
            request.modules,
            services=request.services,
            is_revival=request.revives,
            began=awake(),
        )
        self._thread = Thread(target=self._run, name=f"operation-{request.kind}", daemon=True)
        self._tell(self._view)
        self._thread.start()

    @property
    def view(self) -> OperationView:
        """The current progress."""
        return self._view

    def cancel(self) -> None:
        """Start no further steps; running steps are stopped first. Can be called at any time."""
        self._cancelled.set()
        with self._lock:
            if self._runner:
                self._runner.wake()

    def wait(self, timeout: float | None = None) -> OperationView:
        """Wait for the end, at most *timeout* seconds, and return the progress."""
        self._thread.join(timeout)
        return self._view

    # -- in its thread -------------------------------------------------------------------------

    def _run(self) -> None:
        self._record.begin(self._view)
        with suppress(StoreClosedError):  # the process ends: the operation was interrupted
            view = self._result()
            self._record.end(view)
            self._tell(view)
            self._parts.store.flush()  # the waiting thread then finds it in the state

    def _result(self) -> OperationView:
        status: OperationStatus = "failed"
        error: AiServerError | None = None
        try:
            self._work()
            status = "succeeded"
        except CancelledError:
            status = "cancelled"
            error = CancelledError(self._request.kind, self._view.modules)
        except StoreClosedError:
            raise
        except AiServerError as failure:
            error = failure
        except Exception as bug:  # noqa: BLE001 - every failure must be reported
            log_bug(_logger, "an operation failed", bug)
            error = bug_error(bug)
        if error:
            self._hide_in(error)
            if self._request.revives:
                _logger.warning("some desired modules did not start: %s", error)
        ended_at = datetime.now(UTC)
        return replace(self._view, status=status, error=error, seconds_left=None, ended_at=ended_at)

    def _work(self) -> None:
        scope: Scope | None = first_scope(self._request, self._parts)
        while scope is not None:
            scope = self._work_on(scope)

    def _work_on(self, scope: Scope) -> Scope | None:
        """Work under the locks of *scope*. The previous holders may have changed the scope: if it
        needs more locks now, do nothing and return the new scope."""
        self._tell(replace(self._view, modules=scope.modules))
        engine_id = self._parts.engine.info().id
        on_busy = self._wait_for if self._request.wait else refuse
        settings = self._parts.settings
        work = Work(
            f"aiserver-tray {self._request}", settings.installation_id, str(settings.folder)
        )
        self._has_waited = False
        with module_locks(
            engine_id, scope.modules, work, on_busy, self._cancelled, required=scope.locked
        ) as dead:
            if self._has_waited:
                refresh_containers(self._parts)
            if self._has_waited or self._request.revives:
                held, scope = scope.locked, scope_of(self._request, self._parts)
                if not {*scope.locked} <= {*held}:
                    return scope
            scope = replace(scope, ending=_ending(dead, work.installation))
            try:
                self._work_under_locks(scope, engine_id)
            finally:
                if self._view.steps and self._request.kind not in IMAGES_ONLY:
                    dead.clear()  # the changes of the dead holders are known now
        return None

    def _work_under_locks(self, scope: Scope, engine_id: str) -> None:
        self._tell(replace(self._view, modules=scope.modules, status="running", detail=None))
        late = [*scope.lacking.values()] if self._request.revives else []
        if self._request.revives and not scope.modules:
            raise_all(late)
            return
        prepared = self._prepare(scope)
        if prepared.lacks_helper:
            prepared = self._prepare_with_helper(scope)
        self._remember_desired(prepared, engine_id)
        refresh = refresh_of(self._request, prepared.scope)
        if len(refresh):
            self._refresh(refresh, prepared.scope)
            prepared = self._prepare(scope)
        late += prepared.blockers
        self._carry_out(prepared.plan, prepared.scope, prepared.observed.images, late)

    def _refresh(self, plan: Plan, scope: Scope) -> None:
        """Refresh images. If no user waits, existing images are good enough until the next time; a
        missing image is pulled by the plan, or reported."""
        try:
            self._carry_out(plan, scope, ())
        except (EngineDownError, CancelledError):
            raise
        except AiServerError as error:
            if not self._request.revives:
                raise
            self._hide_in(error)
            _logger.warning("refreshing images failed: %s", error)

    def _hide_in(self, error: AiServerError) -> None:
        """A container or a build may have printed secrets that it received."""
        error.hide(self._parts.modules.secrets)
        with suppress(SettingError):  # not valid, so no proxy came from it
            error.hide([*passwords(configured())])

    def _prepare_with_helper(self, scope: Scope) -> Prepared:
        """Prepare again with the helper image. Without it, the settings stay unknown, and that is
        reported."""
        with suppress(ImagePullError):
            self._carry_out(plan_helper(), scope, ())
        return self._prepare(scope)

    def _prepare(self, scope: Scope) -> Prepared:
        prepared = prepare(self._request, scope, self._parts)
        self._tell(replace(self._view, notices=prepared.notices))
        return prepared

    def _wait_for(self, busy: BusyError) -> None:
        self._has_waited = True
        self._tell(replace(self._view, status="waiting", detail=_waiting_for(busy)))

    def _remember_desired(self, prepared: Prepared, engine_id: str) -> None:
        """Remember what was requested once nothing blocks it, whatever the result."""
        if self._request.kind in IMAGES_ONLY:
            return
        scope = prepared.scope
        with self._parts.settings.update_engine(engine_id) as state:
            remember(self._request, prepared, state)
            changed = DesiredChanged(frozenset(state.desired), frozenset(state.stopped))
        self._parts.store.put(changed)
        if scope.targets:
            known = {model.name: model for model in self._parts.store.state.modules}
            known |= {name: target.model for name, target in scope.targets.items()}
            self._parts.store.put(ModulesChanged(tuple(known.values())))

    def _carry_out(
        self, plan: Plan, scope: Scope, images: Iterable[str], late: Sequence[AiServerError] = ()
    ) -> None:
        """Run *plan*. Errors of modules that were left out (*late*) are raised together with those
        of the run."""
        engine = self._parts.engine
        mirrors = self._parts.settings.app.mirrors
        executor = EngineExecutor(engine, scope.targets, images, mirrors, self._cancelled)
        runner = Runner(plan, executor, self._parts.store, self._report, engine.info().cpus)
        executor.progress = runner.show
        executor.before_removal = self._parts.before_removal
        self._record.next_plan(self._view)
        with self._lock:
            self._runner = runner
        runner.run()
        self._learn(runner.ready_after, executor.new_images, engine.info().id)
        if self._cancelled.is_set() and not runner.errors and self._has_skipped:
            raise CancelledError
        _raise(runner.errors, late)

    @property
    def _has_skipped(self) -> bool:
        return any(step.status == "skipped" for step in self._view.steps)

    def _learn(
        self, ready_after: dict[str, float], new_images: Sequence[str], engine_id: str
    ) -> None:
        if not (ready_after or new_images):
            return
        with self._parts.settings.update_engine(engine_id) as state:
            for address, seconds in ready_after.items():
                earlier = state.learnt.get(address, seconds)
                state.learnt[address] = round(earlier + _NEWEST_WEIGHT * (seconds - earlier), 3)
            state.add_images(new_images)

    def _report(self, steps: tuple[StepView, ...], seconds_left: float) -> None:
        self._tell(replace(self._view, steps=steps, seconds_left=seconds_left))

    def _tell(self, view: OperationView) -> None:
        self._view = view
        self._parts.store.put(OperationChanged(view))


def _ending(dead: Mapping[str, Holder], installation: str) -> frozenset[str]:
    """The modules of *installation* that *dead* holders were stopping."""
    return frozenset(
        module
        for module, (_, work, is_own) in dead.items()
        if is_own and work.kind in _STOPPING and work.installation == installation
    )


def _waiting_for(busy: BusyError) -> Text:
    named = {name: busy.data[name] or "?" for name in ("command", "pid", "module")}
    if home := busy.data["home"]:
        return Text(
            "waiting for another installation with the home folder {home}, which has locked "
            "{module}: {command} (process {pid})",
            home=home,
            **named,
        )
    return Text("waiting for {command} (process {pid}), which has locked {module}", **named)


def _raise(errors: Iterable[AiServerError], late: Iterable[AiServerError]) -> None:
    """Raise the error of the run. If the engine stopped or is full, that is the cause of all
    others."""
    found = list(errors)
    for error in found:
        if isinstance(error, EngineDownError | ResourcesError | CancelledError):
            raise error
    raise_all([*found, *late])
