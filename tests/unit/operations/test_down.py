"""The plans of `stop` and `down`, and who stands against them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aiserver_tray.base.errors import InUseError
from aiserver_tray.engine.values import Volume
from aiserver_tray.model import Container, ModuleModel
from aiserver_tray.operations.first_values import emptied
from aiserver_tray.operations.parts import Parts
from aiserver_tray.operations.plan.down import (
    as_they_run,
    in_use,
    plan_down,
    plan_stop,
    running_modules,
    unused_basics,
    with_users,
)
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.spec import labels
from tests.unit.operations.planning import APP, BASE, observed, targets_of

Stack = tuple[dict[str, ModuleModel], list[Container]]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    targets = targets_of(tmp_path, base=BASE, web=APP)
    return {t.name: t.model for t in targets}, list(observed(targets).containers.values())


def needs(plan: Plan, step_id: str) -> set[str]:
    return set(next(step.needs for step in plan if step.id == step_id))


def ids(plan: Plan) -> set[str]:
    return {step.id for step in plan}


def test_users_stop_before_what_they_use(stack: Stack) -> None:
    models, containers = stack
    plan = plan_stop(["base", "web"], *stack)
    assert needs(plan, "stop ai-web") == {"stop ai-web-worker"}
    assert needs(plan, "stop ai-base") == {"stop ai-web", "stop ai-web-worker"}
    assert "stop ai-web-job" not in ids(plan)

    plan = plan_stop(["base", "web"], *stack, services=frozenset({("base", "base")}))
    assert ids(plan) == {"stop ai-base", "stop ai-web", "stop ai-web-worker"}
    plan = plan_stop(["web"], *stack, services=frozenset({("web", "web")}))
    assert ids(plan) == {"stop ai-web"}, "only the service that is named"

    orphan = replace(containers[0], name="ai-gone", module="gone", service="gone")
    assert ids(plan_stop(["gone"], models, [*containers, orphan])) == {"stop ai-gone"}

    models["base"] = replace(models["base"], requires=("web",))
    in_a_circle = plan_stop([*models], models, containers)
    assert {"stop ai-base", "stop ai-web"} <= ids(in_a_circle)


def test_down_removes_everything_then_networks_then_volumes(stack: Stack) -> None:
    plan = plan_down(["web"], *stack, {"ai-web": "web"}, {"ai-web-data": "web"})
    containers = {"remove ai-web", "remove ai-web-worker", "remove ai-web-job"}
    assert needs(plan, "remove_network ai-web") == containers
    assert needs(plan, "remove_volume ai-web-data") == containers
    assert needs(plan, "stop ai-web") == {"stop ai-web-worker"}
    assert needs(plan, "remove ai-web") == {"stop ai-web"}
    assert needs(plan, "remove ai-web-job") == set()


def test_stop_of_a_module_that_running_modules_need_is_refused_without_cascade(
    stack: Stack,
) -> None:
    models, _ = stack
    (error,) = in_use(["base"], models, {"web", "base"})
    assert isinstance(error, InUseError)
    assert error.data == {"module": "base", "users": ["web"]}
    assert not in_use(["base"], models, {"base"})
    assert not in_use(["base", "web"], models, {"web", "base"})
    assert with_users(["base"], models, {"web", "base"}) == ["base", "web"]


def test_unused_basics_are_those_that_nobody_else_needs_or_asked_for(stack: Stack) -> None:
    models, _ = stack
    running = {"web", "base"}
    assert unused_basics(["web"], models, running, ["web"]) == ["base"]
    assert unused_basics(["web"], models, running, ["web", "base"]) == []
    other = ModuleModel("other", "feature", ("base",))
    assert unused_basics(["web"], {**models, "other": other}, {*running, "other"}, ["web"]) == []

    search = ModuleModel("search", "basic", ("base",))
    chain = {**models, "search": search, "web": ModuleModel("web", "feature", ("search",))}
    found = unused_basics(["web"], chain, {"web", "search", "base"}, ["web"])
    assert found == ["search", "base"], "also what only an unused basic needs"


# -- what a running module requires that its file does not say any more ----------------------------


def noted(stack: Stack, *requires: str) -> list[Container]:
    """The containers of *stack*; those of ``web`` were made when it required *requires*."""
    return [replace(c, requires=requires) if c.module == "web" else c for c in stack[1]]


@pytest.mark.parametrize("today", ["its folder is gone", "its file is broken", "it is set anew"])
def test_running_module_requires_the_modules_that_it_started_with(stack: Stack, today: str) -> None:
    models, containers = stack[0], noted(stack, "base")
    web = models.pop("web")
    if today == "its file is broken":
        models["web"] = ModuleModel("web", "feature")
    elif today == "it is set anew":
        models["web"] = replace(web, requires=("other",))
    other = ModuleModel("other", "feature", ("base",))
    found = as_they_run({**models, "other": other}, containers)
    running = running_modules(containers)
    (error,) = in_use(["base"], found, running)
    assert error.data == {"module": "base", "users": ["web"]}
    assert with_users(["base"], found, running) == ["base", "web"]
    assert unused_basics(["other"], found, running, ["other"]) == []
    plan = plan_stop(["base", "web"], found, containers)
    assert {"stop ai-web", "stop ai-web-worker"} <= needs(plan, "stop ai-base")


def test_without_its_file_or_a_label_a_module_requires_what_is_known(stack: Stack) -> None:
    models, containers = stack
    assert as_they_run(models, containers) == models, "without a label the file counts"
    assert as_they_run(models, noted(stack))["web"].requires == ("base",)

    del models["web"]
    began = noted(stack, "base")
    found = as_they_run(models, began)
    assert unused_basics(["web"], found, {"web", "base"}, ["web"]) == ["base"]
    ended = [replace(c, status="exited") if c.module == "web" else c for c in began]
    assert as_they_run(models, ended)["web"].requires == ("base",), "all that is known"
    job = next(c for c in ended if c.service == "job")
    alive = next(c for c in began if c.name == "ai-web")
    now = as_they_run(models, [job, replace(alive, requires=())])
    assert now["web"].requires == (), "old exited containers do not count"


@pytest.mark.parametrize(
    ("removed", "left"),
    [
        ("web-data web-files", {"web"}),
        ("web-data", set()),
        ("notes-data", set()),
        ("notes-data postgres-data", {"notes", "postgres"}),
    ],
)
def test_a_module_is_empty_once_no_volume_and_no_database_on_a_server_is_left(
    removed: str, left: set[str]
) -> None:
    ours = {labels.INSTALLATION: "us"}
    names = ("web-data", "web-files", "notes-data", "postgres-data", "redis-data")
    volumes = {name: name.partition("-")[0] for name in names}
    of = {"web": ["redis"], "notes": ["postgres", "redis"]}
    there = [Volume(n, {**ours, labels.MODULE: m}, None) for n, m in volumes.items()]

    def preview(name: str) -> SimpleNamespace:
        databases = [SimpleNamespace(module=one) for one in of.get(name, ())]
        return SimpleNamespace(module=SimpleNamespace(databases=databases, store=name))

    parts = SimpleNamespace(
        engine=SimpleNamespace(
            networks=SimpleNamespace(all=list),
            volumes=SimpleNamespace(all=lambda: there),
            containers=SimpleNamespace(summaries=list),
        ),
        settings=SimpleNamespace(installation_id="us", app=SimpleNamespace(engines={})),
        modules=SimpleNamespace(preview=preview),
    )
    assert emptied({name: volumes[name] for name in removed.split()}, cast("Parts", parts)) == left
