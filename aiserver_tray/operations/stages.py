"""The stages of an operation: scope, locks, preparation, refresh of images, and the run."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from threading import Lock

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
from aiserver_tray.model import IMAGES_ONLY, OperationKind
from aiserver_tray.operations.first_values import emptied, reset_with_data
from aiserver_tray.operations.locks import Holder, Work, module_locks, refuse
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.down import running_modules
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import plan_helper
from aiserver_tray.operations.prepare import Prepared, prepare, refresh_containers, refresh_of
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.run.execute import EngineExecutor
from aiserver_tray.operations.run.objects import asking, with_sizes
from aiserver_tray.operations.run.progress import Report, TimeLeft
from aiserver_tray.operations.run.run import Runner
from aiserver_tray.operations.scope import Scope, first_scope, scope_of, settled
from aiserver_tray.settings.content import EngineState
from aiserver_tray.state.facts import DesiredChanged, ModulesChanged, OperationChanged
from aiserver_tray.state.progress import Titles, name_of, with_progress
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import DownloadView, OperationView, StepView
from aiserver_tray.system.clock import awake

_logger = logging.getLogger(__name__)

_STOPPING: frozenset[OperationKind] = frozenset({
    "stop", "down", "restart", "backup", "move", "restore", "rehearse", "upgrade", "adopt",
})  # fmt: skip


class PublishedView:
    """The progress of an operation, as *store* has it."""

    def __init__(self, store: Store, view: OperationView) -> None:
        self._store = store
        self.publish(view)

    def publish(self, view: OperationView) -> None:
        self.now = with_progress(view, self._titles)
        self._store.put(OperationChanged(self.now))

    def name_of(self, step: StepView) -> Text | str:
        """The name of *step*'s subject, with the title of its module."""
        return name_of(step, self._titles)

    @property
    def _titles(self) -> Titles:
        return {model.name: model.title for model in self._store.state.modules}


class Stages:
    """Does the work of an operation, and shows it in *view*."""

    def __init__(
        self, request: Request, parts: Parts, record: OperationRecord, view: PublishedView
    ) -> None:
        self._request = request
        self._parts = parts
        self._record = record
        self._view = view
        self._cancelled = Cancellation()
        self._runner: Runner | None = None
        self._has_waited = False
        self._left, self._downloads_left = TimeLeft(view.name_of), TimeLeft()
        self._said_at = 0.0
        self._needs: Sequence[tuple[str, Text]] = ()
        """Modules, and the notices that are over once they are ready."""
        self._lock = Lock()

    def cancel(self) -> None:
        """Start no further steps; running steps are stopped first. Can be called at any time."""
        self._cancelled.set()
        with self._lock:
            if self._runner:
                self._runner.wake()

    def run(self) -> None:
        """Run all stages.

        Raises:
            AiServerError: it failed, or was cancelled.
            StoreClosedError: the process ends.
        """
        scope: Scope | None = first_scope(self._request, self._parts)
        while scope is not None:
            scope = self._work_on(scope)

    def _work_on(self, scope: Scope) -> Scope | None:
        """Work under the locks of *scope*. If it needs more locks now, do nothing and return the
        new scope."""
        self._view.publish(replace(self._view.now, modules=scope.modules))
        with self._locks(scope.modules, scope.locked) as dead:
            if self._has_waited:
                refresh_containers(self._parts)
            held, scope = {*scope.locked}, self._current(scope)
            if not held.issuperset(scope.locked):
                return scope
            installation = self._parts.settings.installation_id
            scope = replace(scope, ending=_ending(dead, installation))
            try:
                self._work_under_locks(scope, self._parts.engine.info().id)
            finally:
                if self._view.now.steps and self._request.kind not in IMAGES_ONLY:
                    dead.clear()  # the changes of the dead holders are known now
        return None

    def _locks(
        self, modules: Iterable[str], required: Iterable[str]
    ) -> AbstractContextManager[dict[str, Holder]]:
        """The locks on *modules* and on those that they need."""
        settings, command = self._parts.settings, f"aiserver-tray {self._request}"
        work = Work(command, settings.installation_id, str(settings.folder))
        on_busy = self._wait_for if self._request.wait else refuse
        self._has_waited = False
        engine_id = self._parts.engine.info().id
        return module_locks(engine_id, modules, work, on_busy, self._cancelled, required=required)

    def _current(self, scope: Scope) -> Scope:
        """*scope* under its locks. The previous holders may have changed it, and so may first
        values of settings."""
        held = {*scope.locked}
        if self._has_waited or self._request.revives:
            scope = scope_of(self._request, self._parts)
        if not held.issuperset(scope.locked):
            return scope
        return settled(self._request, scope, self._parts)

    def _work_under_locks(self, scope: Scope, engine_id: str) -> None:
        view = replace(self._view.now, modules=scope.modules, status="running", detail=None)
        self._view.publish(view)
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
        self.carry_out(prepared.plan, prepared.scope, prepared.observed.images, late)

    def _refresh(self, plan: Plan, scope: Scope) -> None:
        """Refresh images. If no user waits, existing images are good enough until the next time; a
        missing image is pulled by the plan, or reported."""
        try:
            self.carry_out(plan, scope, ())
        except (EngineDownError, CancelledError):
            raise
        except AiServerError as error:
            if not self._request.revives:
                raise
            hide_secrets(error, self._parts)
            _logger.warning("refreshing images failed: %s", error)

    def _prepare_with_helper(self, scope: Scope) -> Prepared:
        """Prepare again with the helper image. Without it, the settings stay unknown, and that is
        reported."""
        with suppress(ImagePullError):
            self.carry_out(plan_helper(), scope, ())
        return self._prepare(scope)

    def _prepare(self, scope: Scope) -> Prepared:
        prepared = prepare(self._request, scope, self._parts)
        self._view.publish(replace(self._view.now, notices=prepared.notices))
        return prepared

    def _wait_for(self, busy: BusyError) -> None:
        self._has_waited = True
        self._view.publish(replace(self._view.now, status="waiting", detail=_waiting_for(busy)))

    def _remember_desired(self, prepared: Prepared, engine_id: str) -> None:
        """Remember the request once nothing blocks it, with any result."""
        if self._request.kind in IMAGES_ONLY:
            return
        scope, engines = prepared.scope, self._parts.settings.engines
        if self._request.kind in _STOPS:
            # A full disk is no reason to let modules run, and stopping them may make room.
            change = partial(remember, self._request, prepared)
            if not engines.change(engine_id, change):
                self._notice_deferred(prepared)
            state = engines.state(engine_id)
        else:
            with engines.update(engine_id) as state:
                remember(self._request, prepared, state)
        changed = DesiredChanged(frozenset(state.desired), frozenset(state.stopped))
        self._parts.store.put(changed)
        if scope.targets:
            known = {model.name: model for model in self._parts.store.state.modules}
            known |= {name: target.model for name, target in scope.targets.items()}
            self._parts.store.put(ModulesChanged(tuple(known.values())))

    def _notice_deferred(self, prepared: Prepared) -> None:
        text = Text(
            "The disk of {folder} is full, so this stop can't be stored yet. Free some space: "
            "until then, a restart of AI-Server Tray starts these modules again.",
            folder=self._parts.settings.folder,
        )
        self._view.publish(replace(self._view.now, notices=(*prepared.notices, text)))

    def carry_out(
        self, plan: Plan, scope: Scope, images: Iterable[str], late: Sequence[AiServerError] = ()
    ) -> None:
        """Run *plan*. Errors of modules that were left out (*late*) are raised together with those
        of the run."""
        engine = self._parts.engine
        mirrors = self._parts.settings.app.mirrors
        executor = EngineExecutor(engine, scope.targets, images, mirrors, self._cancelled)
        services = [service for target in scope.targets.values() for service in target.services]
        self._needs = [(one.module, one.first_start) for one in services if one.first_start]
        plan = with_sizes(plan, scope.targets, self._parts)
        store, cpus = self._parts.store, engine.info().cpus
        runner = Runner(plan, executor, store, self._report, cpus)
        executor.progress = runner.show
        executor.before_removal = self._parts.before_removal
        self._next_plan()
        with self._lock:
            self._runner = runner
        with asking(plan, self._parts, runner.resize):
            runner.run()
        self._learn(runner.ready_after, executor.new_images, engine.info().id)
        steps = self._view.now.steps
        done = {
            s.subject: s.module
            for s in steps
            if (s.kind, s.status) == ("remove_volume", "done")
            if self._request.may_remove(s.subject)
        }
        without = emptied(done, self._parts)
        reset_with_data(done, without, self._parts)
        self._keep_files(scope, without)
        has_skipped = any(step.status == "skipped" for step in steps)
        if self._cancelled.is_set() and not runner.errors and has_skipped:
            raise CancelledError
        _raise(runner.errors, late)

    def _keep_files(self, scope: Scope, without: Collection[str]) -> None:
        """Keep the files of modules that were started, until they are *without* data."""
        steps = self._view.now.steps
        unfinished = {one.module for one in steps if one.status in ("failed", "skipped")}
        if self._request.kind == "down":
            self._parts.modules.forget_files({*without} - unfinished)
        elif self._request.kind in ("up", "restart"):
            self._parts.modules.keep_files(scope.targets.keys() - unfinished)

    def _next_plan(self) -> None:
        """The steps of another plan take the place of those before."""
        self._record.next_plan(self._view.now)

    def _learn(self, ready_after: dict[str, float], new_images: Sequence[str], engine: str) -> None:
        if not (ready_after or new_images):
            return
        with self._parts.settings.engines.update(engine) as state:
            state.learn(ready_after)
            state.add_images(new_images)

    def _report(self, report: Report) -> None:
        """Publish *report*, unless it only says what the time that has passed says already."""
        now = awake()
        left = self._left.show(report.left, now, report.why_unknown)
        downloads = self._downloads_left.show(report.downloads_left, now)
        view = replace(
            self._with_due_notices(report.steps),
            steps=report.steps,
            download=replace(report.downloads, seconds_left=downloads.seconds)
            if report.downloads.images
            else None,
            seconds_left=left.seconds,
            delay=left.reason or downloads.reason,
        )
        if not _follows(view, self._view.now, now - self._said_at):
            self._said_at = now
            self._view.publish(view)

    def _with_due_notices(self, steps: Sequence[StepView]) -> OperationView:
        """The view without the needs of first starts that have succeeded by *steps*."""
        notices = self._view.now.notices
        for name, need in self._needs:
            waits = {one.status for one in steps if (one.module, one.kind) == (name, "wait")}
            if waits == {"done"}:
                notices = tuple(one for one in notices if one != need)
        return replace(self._view.now, notices=notices)


_SAME_SECONDS = 1.5
"""An estimate that differs by less from the earlier one, less the time that has passed, is the
same."""


def _follows(new: OperationView, said: OperationView, seconds: float) -> bool:
    """Whether *new* only says what follows from *said*, which was published *seconds* ago."""
    if (new.steps, new.delay, _bytes(new)) != (said.steps, said.delay, _bytes(said)):
        return False
    if new.seconds_left is None or said.seconds_left is None:
        return new.seconds_left == said.seconds_left
    return abs(new.seconds_left - (said.seconds_left - seconds)) < _SAME_SECONDS


def _bytes(view: OperationView) -> DownloadView | None:
    return view.download and replace(view.download, seconds_left=None, share=0.0)


def hide_secrets(error: AiServerError, parts: Parts) -> None:
    """Hide secrets in *error*: a container or a build may have printed those that it received."""
    error.hide(parts.modules.secrets)
    with suppress(SettingError):  # not valid, so no proxy came from it
        error.hide([*passwords(configured())])


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


_STOPS = ("stop", "down")


def remember(request: Request, prepared: Prepared, state: EngineState) -> None:
    """Change *state* as *request* says. Modules that were only required, and are restarted, were
    not requested. Neither is a module of which the request names only services."""
    scope = prepared.scope
    named = [f"{module}/{name}" for module in request.modules for name in request.services]
    whole = scope.modules
    if named:
        others = [address for address in state.stopped if address not in named]
        state.stopped = [*others, *(named if request.kind in _STOPS else ())]
        # Only modules that need them are stopped as a whole.
        whole = tuple(name for name in scope.modules if name not in request.modules)
    else:
        concerned = {*scope.modules, *scope.targets}
        state.stopped = [one for one in state.stopped if one.partition("/")[0] not in concerned]
    asked = () if request.revives else whole
    if request.kind == "restart":
        running = running_modules(prepared.observed.containers.values())
        asked = tuple(name for name in asked if name not in running)
    if request.kind in _STOPS:
        state.desired = [name for name in state.desired if name not in asked]
    else:
        state.desired = list(dict.fromkeys((*state.desired, *asked)))
