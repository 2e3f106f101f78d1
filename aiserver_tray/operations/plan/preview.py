"""All steps of a request from first to last, for display (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.plan.kernel_steps import plan_helper
from aiserver_tray.operations.plan.plan import Plan, Step, step_id
from aiserver_tray.operations.plan.prepare import Prepared, refresh_of
from aiserver_tray.operations.request import Request


@dataclass(frozen=True)
class Preview:
    """The steps of all stages of an operation, and the notices for the user."""

    plan: Plan
    notices: tuple[Text, ...] = ()


def preview(request: Request, prepared: Prepared) -> Preview:
    """The plan of *prepared*, which follows the first steps of the operation of *request*. The
    operation plans again after these, so the final plan may differ."""
    helper = plan_helper() if prepared.lacks_helper else Plan()
    refresh = refresh_of(request, prepared.scope)
    steps = [
        *helper,
        *_behind(refresh, Plan(), helper),
        *_behind(prepared.plan, refresh, helper),
    ]
    return Preview(Plan.of(steps), (*prepared.notices, *_recreated_if_changed(prepared, refresh)))


def _behind(plan: Plan, needed: Plan, before: Plan) -> Iterator[Step]:
    """The steps of *plan* that remain once those *needed* are done and those *before* have
    finished."""
    needs, after = ({step.id for step in stage} for stage in (needed, before))
    for step in plan:
        if step.id not in needs | after:
            yield replace(step, needs=step.needs | needs, after=step.after | after)


def _recreated_if_changed(prepared: Prepared, refresh: Plan) -> Iterator[Text]:
    """The containers that are kept, unless *refresh* brings another image."""
    images = {step.subject for step in refresh}
    made = {step.id for step in prepared.plan if step.kind == "create"}
    found = [
        service.address
        for target in prepared.scope.targets.values()
        for service in target.services
        if service.container in prepared.observed.containers
        if step_id("create", service.container) not in made
        if not images.isdisjoint((service.image.name, service.image.local))
    ]
    if found:
        yield Text(
            "The container of {services} is recreated only if its image changes.",
            services=", ".join(found),
        )
