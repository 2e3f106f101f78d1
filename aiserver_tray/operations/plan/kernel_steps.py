"""The steps that read and raise settings of the engine's kernel (pure)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from aiserver_tray.model import Container
from aiserver_tray.operations.plan.down import stop
from aiserver_tray.operations.plan.plan import SECONDS, Plan, Step, step_id
from aiserver_tray.spec.kernel import HELPER, KernelSetting


def with_kernel_settings(plan: Plan, fixes: Sequence[KernelSetting], images: Iterable[str]) -> Plan:
    """*plan* with *fixes* before the containers of the modules that need them. A container that
    already runs and is not ready was started with the low value, so it is restarted. *images*: the
    names of the local images."""
    started = {step.subject for step in plan if step.kind == "start"}
    steps: list[Step] = []
    for step in plan:
        needs = {step_id("kernel_setting", str(m)) for m in fixes if step.module in m.modules}
        if needs and step.kind == "wait" and step.container and step.subject not in started:
            steps += _restarting(step, step.container, needs)
        elif step.kind == "start":
            steps.append(replace(step, needs=step.needs | needs))
        else:
            steps.append(step)
    return Plan.of([*_setting_steps(fixes, images), *steps])


def plan_helper() -> Plan:
    """Pull the image of the containers that read and set kernel settings."""
    return Plan.of([_pull()])


def _pull() -> Step:
    """The image belongs to no module."""
    return Step("pull", HELPER.display_name, "", seconds=SECONDS["pull"], target=HELPER)


def _setting_steps(fixes: Sequence[KernelSetting], images: Iterable[str]) -> Iterator[Step]:
    pull = _pull()
    if HELPER.display_name not in images:
        yield pull
    for fix in fixes:
        needs, seconds = frozenset({pull.id}), SECONDS["kernel_setting"]
        yield Step("kernel_setting", str(fix), min(fix.modules), None, needs, seconds, fix)


def _restarting(wait: Step, container: Container, needs: Iterable[str]) -> Iterator[Step]:
    """Restart the service that *wait* waits for."""
    end = stop(container)
    begin = replace(wait, kind="start", needs=frozenset({end.id, *needs}), seconds=SECONDS["start"])
    yield from (end, begin, replace(wait, needs=wait.needs | {begin.id}))
