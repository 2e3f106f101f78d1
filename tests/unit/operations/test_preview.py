"""What is shown beforehand: all stages of an operation, in their order."""

from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import plan_up
from aiserver_tray.operations.prepare import Prepared
from aiserver_tray.operations.preview import preview
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.model import ModuleTarget
from tests.unit.operations.planning import observed, targets_of

REFRESHED = """
    services:
      web: {image: "web:1", pull_policy: always}
      made: {build: ".", pull_policy: build}
      other: {image: "other:1"}
"""
PULL, BUILD = "pull web:1", "build aiserver/m/made:local"


@pytest.fixture
def targets(tmp_path: Path) -> list[ModuleTarget]:
    return targets_of(tmp_path, m=REFRESHED)


def prepared(
    targets: list[ModuleTarget], there: Observed, *notices: Text, lacks_helper: bool = False
) -> Prepared:
    scope = Scope(("m",), ("m",), {target.name: target for target in targets})
    return Prepared(plan_up(targets, there), scope, there, notices, lacks_helper)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan]


def test_preview_of_up_pulls_and_builds_images_of_running_services(
    targets: list[ModuleTarget],
) -> None:
    notice = Text("little memory")
    found = preview(Request("up"), prepared(targets, observed(targets), notice))
    assert sorted(ids(found.plan)) == [BUILD, PULL]
    told, perhaps = map(str, found.notices)
    assert told == "little memory"
    assert "m/web and m/made is recreated only if its image changes" in perhaps


@pytest.mark.parametrize("kind", ["restart", "pull", "build", "stop", "down"])
def test_preview_of_other_operations_recreates_nothing(
    targets: list[ModuleTarget], kind: OperationKind
) -> None:
    found = preview(Request(kind), prepared(targets, observed(targets)))
    assert (ids(found.plan), found.notices) == ([], ())


def test_all_other_steps_wait_for_pulls_and_builds(targets: list[ModuleTarget]) -> None:
    found = preview(Request("up"), prepared(targets, Observed()))
    assert sorted(ids(found.plan)[:2]) == [BUILD, PULL], "each once, and first"
    assert sorted(ids(found.plan)) == sorted(ids(plan_up(targets, Observed())))
    assert all(step.needs >= {PULL, BUILD} for step in found.plan.steps[2:])
    assert found.notices == (), "all is made anew anyhow"


def test_the_image_that_looks_at_the_kernel_comes_first_and_once(
    targets: list[ModuleTarget], tmp_path: Path
) -> None:
    plan = preview(Request("up"), prepared(targets, Observed(), lacks_helper=True)).plan
    first, *others = plan
    assert first.id == f"pull {HELPER.display_name}"
    assert all(first.id in step.after - step.needs for step in others)
    # It is pulled once if a service has it, too.
    text = f"services: {{web: {{image: '{HELPER.name}', pull_policy: always}}}}"
    found = preview(
        Request("up"), prepared(targets_of(tmp_path, m=text), Observed(), lacks_helper=True)
    )
    assert ids(found.plan).count(f"pull {HELPER.display_name}") == 1
