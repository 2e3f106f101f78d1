"""What backups and restores do with containers, under locks, and how they show their steps."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from aiserver_tray import __version__
from aiserver_tray.base.errors import CancelledError, ObjectNotFoundError, RestoreError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.containers import run_once
from aiserver_tray.model import AT_REST, Container, StepKind, StepStatus
from aiserver_tray.operations.locks import one_shot_lock
from aiserver_tray.operations.modules import obtainable
from aiserver_tray.operations.parts import Parts, meet_engine
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.down import (
    Models,
    as_they_run,
    plan_down,
    plan_stop,
    running_modules,
    with_users,
)
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import plan_helper, plan_start
from aiserver_tray.operations.prepare import refresh_containers
from aiserver_tray.operations.record import OperationRecord
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.run.objects import OperationImages
from aiserver_tray.operations.run.progress import Estimate, Report, TimeLeft
from aiserver_tray.operations.scope import Scope, scope_of, settled, with_hooks
from aiserver_tray.operations.stages import PublishedView, Stages
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import Owner, one_shot_labels
from aiserver_tray.state.facts import DesiredChanged
from aiserver_tray.state.progress import expected_left
from aiserver_tray.state.views import StepView
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.operations.locks import Holder
    from aiserver_tray.spec.model import ImageTarget, ModuleTarget

_REPORT_SECONDS = 0.2
"""Seconds between two reports of the bytes of a step."""


class Stage(Stages):
    """What a backup or restore works with. Each step is shown; one that was not expected is added
    when it begins. Methods raise `CancelledError` once the user has cancelled, except for those
    that start services: what ran must run again."""

    def __init__(
        self,
        work: Callable[["Stage"], object],
        request: Request,
        parts: Parts,
        record: OperationRecord,
        view: PublishedView,
    ) -> None:
        super().__init__(request, parts, record, view)
        self.parts = parts
        self._work = work
        self._record = record
        self._steps: dict[tuple[int, StepKind, str], StepView] = {}
        self._part = 0
        """Of the operation; steps of several parts may have the same names."""
        self._time_left = TimeLeft(view.name_of)
        self._shown_at = 0.0

    def run(self) -> None:
        meet_engine(self.parts)
        self._work(self)

    @property
    def id(self) -> str:
        """The operation's."""
        return self._view.now.id

    @property
    def engine(self) -> "Engine":
        return self.parts.engine

    @property
    def cancelled(self) -> Cancellation:
        """Set when the user wants it to end."""
        return self._cancelled

    def check_cancelled(self) -> None:
        """Raises `CancelledError` if the user has cancelled."""
        if self._cancelled.is_set():
            raise CancelledError

    def notice(self, text: Text) -> None:
        """Tell the user something that is no failure."""
        self._view.publish(replace(self._view.now, notices=(*self._view.now.notices, text)))

    @contextmanager
    def locked(
        self, modules: Iterable[str], required: Iterable[str] = ()
    ) -> Iterator[dict[str, "Holder"]]:
        """The locks on *modules*, and on those *required* by them. Yields their dead holders, as
        `module_locks` does."""
        with self._locks(modules, required) as dead:
            if self._has_waited:
                refresh_containers(self.parts)
            self._view.publish(replace(self._view.now, status="running", detail=None))
            yield dead

    # -- steps -----------------------------------------------------------------------------------

    @contextmanager
    def earlier_part(self) -> Iterator[None]:
        """The steps within the block come before all that were shown."""
        self._part -= 1
        try:
            yield
        finally:
            self._part += 1

    def show(self, steps: Iterable[StepView]) -> None:
        """Show *steps*, which are to come in their order, or go on."""
        self._steps |= {(self._part, step.kind, step.subject): step for step in steps}
        self._publish()

    @contextmanager
    def step(self, kind: StepKind, subject: str, module: str) -> Iterator[Callable[[int], None]]:
        """The step is under way within the block, which may report more bytes."""
        self.check_cancelled()
        key = (self._part, kind, subject)
        begun = self._steps.get(key, StepView(kind, subject, module))
        self._steps[key] = replace(begun, status="running", began=awake(), current=0)
        self._publish()

        def advance(count: int) -> None:
            view = self._steps[key]
            self._steps[key] = replace(view, current=view.current + count)
            if awake() - self._shown_at > _REPORT_SECONDS:
                self._publish()

        status: StepStatus = "failed"
        try:
            yield advance
            status = "done"
        finally:
            view = self._steps[key]
            spent = awake() - (view.began or 0.0)
            self._steps[key] = replace(view, status=status, seconds=spent)
            self._publish()

    def counted(
        self, kind: StepKind, subject: str, module: str, pieces: Iterable[bytes]
    ) -> Generator[bytes]:
        """Pass *pieces* on within their step. To be closed."""
        with self.step(kind, subject, module) as advance:
            for piece in pieces:
                self.check_cancelled()
                advance(len(piece))
                yield piece

    def _publish(self) -> None:
        self._shown_at = now = awake()
        steps = tuple(self._steps[key] for key in sorted(self._steps, key=itemgetter(0)))
        left = self._time_left.show(Estimate(expected_left(steps)), now)
        view = replace(self._view.now, steps=steps)
        self._view.publish(replace(view, seconds_left=left.seconds, delay=left.reason))

    def _report(self, report: Report) -> None:
        self.show(report.steps)

    def _next_plan(self) -> None:
        """The steps of all plans are shown together."""

    # -- containers ------------------------------------------------------------------------------

    def running(self, modules: Collection[str]) -> list[Container]:
        """The containers of *modules* that are not at rest."""
        containers = self.parts.store.state.containers.values()
        return [c for c in containers if c.module in modules and c.status not in AT_REST]

    def users(self, module: str) -> list[str]:
        """The modules that run and need *module*."""
        running = running_modules(self.parts.store.state.containers.values())
        return with_users([module], self._models, running)[1:]

    def stop(self, modules: Sequence[str], ran: Sequence[Container]) -> None:
        """Stop those services of *modules* that *ran*, users first."""
        if plan := self._stop_of(modules, ran):
            self.carry_out(plan, self._scope(modules), ())

    def expect_stop(self, ran: Sequence[Container]) -> None:
        """Show that the containers that *ran* will stop."""
        plan = self._stop_of({container.module for container in ran}, ran)
        self.show(step.view for step in plan)

    def expect_start(self, ran: Sequence[Container]) -> None:
        """Show that the containers that *ran* will start again: from now on, they are no failures
        while they don't run."""
        plan, _ = self._start_of(ran)
        self.show(step.view for step in plan)

    def start(self, ran: Sequence[Container]) -> None:
        """Start again what *ran*, in the order of its dependencies, and wait until it is ready."""
        plan, targets = self._start_of(ran)
        self._part_for(Request("up")).carry_out(plan, Scope((), (), targets), ())
        for container in ran:
            if container.name not in {step.subject for step in plan}:
                with suppress(ObjectNotFoundError):  # of a module that is not in the catalog
                    self.engine.containers.start(container.id)

    def remove(self, modules: Sequence[str]) -> None:
        """Stop the services of *modules* and remove their containers. Data is kept."""
        containers = self.parts.store.state.containers.values()
        plan = plan_down(modules, self._models, containers, {}, {})
        self._part_for(Request("down")).carry_out(plan, self._scope(modules), ())
        self.parts.store.flush()

    def up(self, modules: Sequence[str]) -> None:
        """Start *modules* and all that they require, as a request of the user does. The locks must
        be held."""
        if modules:
            self._part_for(_Restoring("up", tuple(modules))).up()

    def quiet(self, module: str) -> None:
        """Turn off what *module* does by itself, before it runs with restored data.

        Raises:
            RestoreError: that is not possible; quotes why.
        """
        target = self.parts.modules.target(module)
        if (how := target.module.backup.quiet) is None:
            return
        service = next(one for one in target.services if one.service == how.service)
        if first := tuple(one.service for one in service.depends_on):
            self._part_for(_Restoring("up", (module,), first)).up()
        labels = one_shot_labels(Owner(self.parts.settings.installation_id, __version__))
        body = {**service.body, "Cmd": [*how.command], "Labels": labels, "Healthcheck": {}}
        host = {"RestartPolicy": {"Name": "no"}, "PortBindings": {}}
        body |= {
            "Image": self.image(service.image),
            "HostConfig": {**service.body["HostConfig"], **host},
        }
        with one_shot_lock(self.engine.info().id, self._cancelled):
            code, lines = run_once(self.engine.containers, body)
        if code:
            text = Text(
                "The triggers of {module} can't be turned off: {why}. Restore with its triggers, "
                "and turn them off there.",
                module=module,
                why=" ".join(lines[-3:]) or code,
            )
            raise RestoreError(text, module=module)

    def image(self, image: "ImageTarget") -> str:
        """The name of *image* on the engine, which it is pulled to if it is missing."""
        find, mirrors = self.engine.images.find, self.parts.settings.app.mirrors
        there = [name for name, given in image.candidates.items() if find(name, given)]
        return OperationImages(self.engine, there, mirrors, self._cancelled).get(image).reference

    def want(self, modules: Sequence[str]) -> None:
        """Remember that the user wants *modules* to run."""
        self._desire(lambda desired: list(dict.fromkeys((*desired, *modules))))

    def want_nothing(self) -> None:
        """Remember that the user wants no module to run."""
        self._desire(lambda _: [])

    def _desire(self, change: Callable[[list[str]], list[str]]) -> None:
        with self.parts.settings.engines.update(self.engine.info().id) as state:
            state.desired = change(state.desired)
        changed = DesiredChanged(frozenset(state.desired), frozenset(state.stopped))
        self.parts.store.put(changed)

    def have_helper(self) -> None:
        """See that the engine has the image of the containers that work on volumes."""
        if self.engine.images.find(HELPER.display_name) is None:
            self.carry_out(plan_helper(), Scope((), ()), ())

    def _part_for(self, request: Request) -> "_Part":
        return _Part(self, request, self._record, self._view)

    @property
    def _models(self) -> Models:
        known = {name: self.parts.modules.model(name) for name in self.parts.modules.names}
        return as_they_run(known, self.parts.store.state.containers.values())

    def _scope(self, modules: Sequence[str]) -> Scope:
        models = self._models
        targets = with_hooks(modules, models, self.parts.modules)
        return Scope(tuple(modules), tuple(modules), targets, models)

    def _stop_of(self, modules: Collection[str], ran: Sequence[Container]) -> Plan:
        mine = [container for container in ran if container.module in modules]
        return plan_stop([*modules], self._models, mine)

    def _start_of(self, ran: Sequence[Container]) -> "tuple[Plan, dict[str, ModuleTarget]]":
        names = dict.fromkeys(container.module for container in ran)
        get = self.parts.modules.preview
        targets = {target.name: target for target in obtainable(names, get)}
        learnt = self.parts.settings.engines.state(self.engine.info().id).learnt
        observed = Observed({c.name: c for c in ran}, learnt=learnt)
        stopped = {container.name for container in ran}
        return plan_start([*targets.values()], observed, stopped), targets


class _Restoring(Request):
    restores = True


class _Part(Stages):
    """A plan within *whole* that can't be cancelled."""

    def __init__(
        self, whole: Stage, request: Request, record: OperationRecord, view: PublishedView
    ) -> None:
        super().__init__(request, whole.parts, record, view)
        self._whole = whole

    def _report(self, report: Report) -> None:
        self._whole.show(report.steps)

    def _next_plan(self) -> None:
        """As `Stage` does it."""

    def up(self) -> None:
        scope = settled(self._request, scope_of(self._request, self._parts), self._parts)
        prepared = self._prepare(scope)
        if prepared.lacks_helper:
            prepared = self._prepare_with_helper(scope)
        self.carry_out(prepared.plan, prepared.scope, prepared.observed.images)
