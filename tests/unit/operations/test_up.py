"""The plan of `up`: what is made, started, waited for, and in which order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import (
    never_pulled,
    plan_images,
    plan_refresh,
    plan_up,
    plan_without_waiting,
)
from aiserver_tray.spec.model import ModuleTarget
from tests.unit.operations.planning import APP, BASE, IMAGE_ID, MADE, observed, running, targets_of

OTHER = {"config_hash": "other"}
EXITED = {"status": "exited"}
STARTING = {"health": "starting"}
LATER = MADE + timedelta(hours=3)
WEB = frozenset({"web"})
WEB_WEB = frozenset({("web", "web")})

Changes = Mapping[str, Mapping[str, Any] | None]
Needs = Mapping[str, set[str]]


@pytest.fixture
def stack(tmp_path: Path) -> list[ModuleTarget]:
    return targets_of(tmp_path, base=BASE, web=APP)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan]


def subjects(plan: Plan, kind: str) -> set[str]:
    return {step.subject for step in plan if step.kind == kind}


def needs(plan: Plan, *step_ids: str) -> Needs:
    return {step.id: set(step.needs) for step in plan if step.id in step_ids}


def but(stack: list[ModuleTarget], changes: Changes, **rest: Any) -> Observed:  # noqa: ANN401
    """Everything runs, but for the containers in *changes*; those with None are gone."""
    there = observed(stack)
    containers = {name: c for name, c in there.containers.items() if changes.get(name, {}) == {}}
    for name, change in changes.items():
        if change is not None:
            containers[name] = replace(there.containers[name], **change)
    return replace(there, containers=containers, **rest)


def test_a_first_start_makes_everything_in_order(stack: list[ModuleTarget]) -> None:
    plan = plan_up(stack, Observed())
    assert set(ids(plan)) == {
        "pull busybox:1",
        "pull busybox:2",
        "network ai-base",
        "network ai-web",
        "volume ai-base-data",
        *(
            f"{kind} {name}"
            for kind in ("create", "start", "wait")
            for name in ("ai-base", "ai-web-job", "ai-web", "ai-web-worker")
        ),
    }
    base = {"pull busybox:1", "network ai-base", "volume ai-base-data"}
    expected = {
        "create ai-base": base,
        "start ai-web-job": {"create ai-web-job", "wait ai-base"},
        "start ai-web": {"create ai-web", "wait ai-web-job", "wait ai-base"},
        "start ai-web-worker": {"create ai-web-worker", "wait ai-web", "wait ai-base"},
    }
    assert needs(plan, *expected) == expected
    seen: set[str] = set()
    for step in plan:
        assert step.needs <= seen
        seen.add(step.id)
    waits = subjects(plan_without_waiting(plan), "wait")
    assert waits == {"ai-base", "ai-web-job", "ai-web"}, "only where something else waits"


def test_a_service_waits_for_no_more_of_the_requires_than_it_says(tmp_path: Path) -> None:
    app = """
        x-aiserver: {kind: feature, requires: [base, other]}
        services:
          all: {image: "busybox:1"}
          some: {image: "busybox:1", x-aiserver: {requires: [base]}}
          none: {image: "busybox:1", x-aiserver: {requires: []}}
    """
    stack = targets_of(tmp_path, base=BASE, other=BASE.replace("base:", "other:"), web=app)
    expected: Needs = {
        "start ai-web-all": {"create ai-web-all", "wait ai-base", "wait ai-other"},
        "start ai-web-some": {"create ai-web-some", "wait ai-base"},
        "start ai-web-none": {"create ai-web-none"},
    }
    assert needs(plan_up(stack, Observed()), *expected) == expected

    there = but(stack, {"ai-base": EXITED, "ai-web-all": STARTING, "ai-web-none": STARTING})
    plan = plan_up(stack, there)
    assert needs(plan, "start ai-web-all") == {"start ai-web-all": {"wait ai-base"}}
    assert "start ai-web-none" not in ids(plan)
    assert "wait ai-web-none" in ids(plan)


def steps(name: str, kinds: str) -> list[str]:
    return [f"{kind} {name}" for kind in kinds.split()]


WORKER = "ai-web-worker"
RUN = "start wait"
MAKE = "remove create start wait"
JOB = steps("ai-web-job", RUN)
PLANS: dict[str, tuple[Changes, Mapping[str, Any], list[str]]] = {
    "nothing changed": ({}, {}, []),
    "its configuration": ({WORKER: OTHER}, {}, steps(WORKER, f"stop {MAKE}")),
    "its image": (
        {},
        {"images": {"busybox:1": IMAGE_ID, "busybox:2": "sha256:new"}},
        steps(WORKER, f"stop {MAKE}"),
    ),
    **{
        f"it is {status}": ({WORKER: {"status": status}}, {}, steps(WORKER, RUN))
        for status in ("exited", "paused", "restarting")
    },
    "it is not healthy yet": ({"ai-web": STARTING}, {}, ["wait ai-web"]),
    "a job runs again for its user": ({"ai-web": EXITED}, {}, [*JOB, *steps("ai-web", RUN)]),
    "a job failed": ({"ai-web-job": {"exit_code": 1}}, {}, JOB),
    "a job changed": ({"ai-web-job": OTHER}, {}, steps("ai-web-job", MAKE)),
    "a job is older than a volume": ({}, {"volumes": {"ai-base-data": LATER}}, JOB),
    "a job whose container is gone is not missed": ({"ai-web-job": None}, {}, []),
}


@pytest.mark.parametrize(("changes", "rest", "expected"), PLANS.values(), ids=PLANS)
def test_up_does_what_a_change_needs_and_no_more(
    stack: list[ModuleTarget], changes: Changes, rest: Mapping[str, Any], expected: list[str]
) -> None:
    assert ids(plan_up(stack, but(stack, changes, **rest))) == expected


ORDERS: dict[str, tuple[Changes, Mapping[str, Any], Needs]] = {
    "the old one serves until the new image is there": (
        {WORKER: OTHER},
        {"images": {"busybox:1": IMAGE_ID}},
        {
            f"stop {WORKER}": {"pull busybox:2"},
            f"remove {WORKER}": {f"stop {WORKER}", "pull busybox:2"},
        },
    ),
    "without a build, a built image is not its own": (
        {WORKER: {"image": "docker.io/aiserver/web-worker:2"}},
        {
            "images": {
                "busybox:1": IMAGE_ID,
                "aiserver/web-worker:2": IMAGE_ID,
                "aiserver/web/worker:2": IMAGE_ID,
            }
        },
        {f"remove {WORKER}": {f"stop {WORKER}", "pull busybox:2"}},
    ),
    "one that runs before its dependency is waited for after it": (
        {"ai-base": EXITED, "ai-web-job": STARTING, "ai-web": STARTING, WORKER: STARTING},
        {},
        {
            "start ai-web": {"wait ai-base"},
            "wait ai-web": {"start ai-web"},
            f"start {WORKER}": {"wait ai-base", "wait ai-web"},
        },
    ),
    "required modules are waited for behind one that runs": (
        {"ai-base": EXITED, WORKER: EXITED},
        {},
        {f"start {WORKER}": {"wait ai-base"}, "start ai-web": set()},
    ),
}


@pytest.mark.parametrize(("changes", "rest", "expected"), ORDERS.values(), ids=ORDERS)
def test_steps_wait_for_each_other(
    stack: list[ModuleTarget], changes: Changes, rest: Mapping[str, Any], expected: Needs
) -> None:
    found = needs(plan_up(stack, but(stack, changes, **rest)), *expected)
    assert found == {step: before for step, before in expected.items() if before}


BUILT = "services: {web: {image: 'web:1', build: .}}"
LOCAL, FORMER = "aiserver/web/web:1", "aiserver/web-web:1"


@pytest.mark.parametrize(
    ("images", "image", "expected"),
    [
        ({"web:1"}, "web:1", set()),
        ({"web:1", LOCAL}, LOCAL, set()),
        ({"web:1", LOCAL, FORMER}, LOCAL, set()),
        ({"web:1", LOCAL}, "web:1", {"create ai-web"}),
        ({"web:1"}, LOCAL, {"create ai-web"}),
        ({"web:1", FORMER}, FORMER, {f"build {LOCAL}", "create ai-web"}),
        ({"web:1"}, FORMER, {"create ai-web"}),
        (set(), FORMER, {"pull web:1", "create ai-web"}),
    ],
)
def test_up_of_a_service_with_a_build_runs_the_image_that_was_built_for_it(
    tmp_path: Path, images: set[str], image: str, expected: set[str]
) -> None:
    targets = targets_of(tmp_path, web=BUILT)
    there = {name: f"sha256:{name}" for name in images}
    (service,) = targets[0].services
    container = running(service, image=image, image_id=f"sha256:{image}")

    plan = plan_up(targets, observed(targets, {"ai-web": container}, images=there))

    made = {step for step in ids(plan) if step.split()[0] in ("pull", "build", "create")}
    assert made == expected


@pytest.mark.parametrize("status", ["created", "removing", "dead"])
def test_container_that_cannot_be_started_is_recreated(
    stack: list[ModuleTarget], status: str
) -> None:
    plan = plan_up(stack, but(stack, {"ai-web": {"status": status}}))
    assert {"remove ai-web", "create ai-web"} <= {*ids(plan)}


def test_a_service_that_left_the_module_is_removed_and_others_recreated_on_request(
    stack: list[ModuleTarget],
) -> None:
    there = observed(stack)
    left = replace(there.containers["ai-web"], name="ai-web-old", service="old", id="old")
    plan = plan_up(stack, replace(there, containers={**there.containers, left.name: left}))
    assert ids(plan) == ["stop ai-web-old", "remove ai-web-old"]
    # Containers are recreated on request.
    plan = plan_up(stack, observed(stack), recreated=WEB)
    assert subjects(plan, "create") == {"ai-web", WORKER}, "no job, and not what is required"
    # A container whose network is gone is recreated.
    there = but(stack, {"ai-web": EXITED}, networks={"ai-base": "id-ai-base"})
    assert "network ai-web" in needs(plan_up(stack, there), "create ai-web")["create ai-web"]
    another = {"ai-base": "id-ai-base", "ai-web": "made by somebody since"}
    assert "create ai-web" in ids(plan_up(stack, replace(there, networks=another)))


def test_a_service_starts_after_the_ones_that_have_its_port_or_volume_stopped(
    tmp_path: Path,
) -> None:
    text = """
        services:
          {name}: {{image: "busybox:1", ports: ["5432:5432"], volumes: ["data:/data"]}}
        volumes: {{data: {{}}}}
    """
    old = observed(targets_of(tmp_path, web=text.format(name="db")))
    plan = plan_up(targets_of(tmp_path, web=text.format(name="store")), old)
    found = needs(plan, "remove ai-web-db", "start ai-web-store")
    assert found["remove ai-web-db"] == {"stop ai-web-db"}
    assert "remove ai-web-db" in found["start ai-web-store"]

    text = """
        services:
          one: {{image: "busybox:1", ports: ["{one}:80"]}}
          two: {{image: "busybox:1", ports: ["{two}:80"]}}
    """
    (before,) = targets_of(tmp_path, swap=text.format(one=8001, two=8002))
    there = observed([before], {s.container: running(s, ports=s.ports) for s in before.services})
    plan = plan_up(targets_of(tmp_path, swap=text.format(one=8002, two=8001)), there)
    found = needs(plan, "start ai-swap-one", "start ai-swap-two")
    assert "stop ai-swap-two" in found["start ai-swap-one"]
    assert "stop ai-swap-one" in found["start ai-swap-two"]


def test_restart_stops_users_first_and_leaves_other_modules_alone(
    stack: list[ModuleTarget],
) -> None:
    there = but(stack, {"ai-web-job": {"status": "running", "finished_at": None}})
    plan = plan_up(stack, there, restarted=WEB)
    expected = {
        "stop ai-web": {f"stop {WORKER}"},
        f"start {WORKER}": {f"stop {WORKER}", "wait ai-web"},
        "wait ai-web-job": {"start ai-web-job"},
    }
    assert needs(plan, *expected) == expected
    assert "stop ai-web-job" in needs(plan, "start ai-web-job")["start ai-web-job"]
    assert not [step for step in ids(plan) if step.endswith("ai-base")]


@pytest.mark.parametrize(
    "shares",
    ["network_mode: 'service:vpn'", "network_mode: 'container:ai-pod-vpn'", "pid: 'service:vpn'"],
)
def test_a_service_in_the_namespace_of_another_is_recreated_if_that_ends(
    tmp_path: Path, shares: str
) -> None:
    """It ends with the other's process: who goes on in it is cut off."""
    text = f"""
        services:
          vpn: {{image: "busybox:1"}}
          side: {{image: "busybox:1", {shares}}}
          web:
            image: busybox:1
            depends_on: {{vpn: {{condition: service_started, restart: true}}}}
    """
    pod = targets_of(tmp_path, pod=text)
    assert ids(plan_up(pod, observed(pod))) == []

    plan = plan_up(pod, but(pod, {"ai-pod-vpn": {"status": "exited", "exit_code": 1}}))
    assert subjects(plan, "create") == {"ai-pod-side"}
    assert subjects(plan, "start") == {"ai-pod-side", "ai-pod-vpn"}
    assert "start ai-pod-vpn" in needs(plan, "start ai-pod-side")["start ai-pod-side"]

    restarted = but(pod, {"ai-pod-vpn": {"started_at": MADE + timedelta(hours=2)}})
    assert subjects(plan_up(pod, restarted), "create") == {"ai-pod-side"}

    plan = plan_up(pod, but(pod, {"ai-pod-vpn": OTHER}))
    assert "create ai-pod-vpn" in needs(plan, "create ai-pod-side")["create ai-pod-side"]

    stopped = but(pod, dict.fromkeys(("ai-pod-vpn", "ai-pod-side", "ai-pod-web"), EXITED))
    of_all = plan_up(pod, observed(pod), restarted=frozenset({"pod"}))
    for plan in (plan_up(pod, stopped), of_all):
        assert subjects(plan, "create") == set()
        assert "start ai-pod-side" in ids(plan)


def test_longest_path_uses_the_learnt_times(stack: list[ModuleTarget]) -> None:
    plan = plan_up(stack, Observed(learnt={"base/base": 100.0, "web/web": 30.0}))
    usual = {step.subject: step.view.usual for step in plan if step.view.usual}
    assert usual == {"ai-base": 100.0, "ai-web": 30.0}
    assert plan.remaining["start ai-base"] > 130
    assert 30 < plan.remaining["start ai-web"] < plan.remaining["start ai-base"]


def test_images_are_pulled_once_and_those_that_are_always_pulled_first(tmp_path: Path) -> None:
    stack = targets_of(tmp_path, base=BASE, web=APP)
    assert sorted(ids(plan_images(stack, "pull"))) == ["pull busybox:1", "pull busybox:2"]
    assert not plan_images(stack, "build").steps
    always = "services: {a: {image: 'busybox:1', pull_policy: always}, b: {image: 'busybox:2'}}"
    assert ids(plan_refresh(targets_of(tmp_path, m=always))) == ["pull busybox:1"]
    built = plan_up(targets_of(tmp_path, n="services: {web: {build: '.'}}"), Observed())
    image = {"build aiserver/n/web:local", "network ai-n"}
    assert needs(built, "create ai-n-web") == {"create ai-n-web": image}
    never = "{image: mine:1, pull_policy: never}"
    twice = targets_of(tmp_path, o=f"services: {{a: {never}, b: {never}}}")
    assert len(never_pulled(twice, Observed())) == 1, "reported once"


# -- single services -------------------------------------------------------------------------------


def test_one_service_starts_or_restarts_with_what_it_depends_on_and_no_more(
    stack: list[ModuleTarget],
) -> None:
    there = but(stack, dict.fromkeys(("ai-web-job", "ai-web", WORKER), EXITED))
    plan = plan_up(stack, there, services=WEB_WEB)
    assert subjects(plan, "start") == {"ai-web-job", "ai-web"}, "not its worker"
    plan = plan_up(stack, observed(stack), restarted=WEB, services=WEB_WEB)
    assert [step for step in ids(plan) if "job" not in step] == steps("ai-web", f"stop {RUN}")


def test_a_service_in_the_namespace_of_a_restarted_one_is_recreated(tmp_path: Path) -> None:
    vpn = """
        services:
          vpn: {image: "busybox:1"}
          app: {image: "busybox:1", network_mode: "service:vpn"}
          web: {image: "busybox:1", depends_on: [vpn]}
    """
    stack = targets_of(tmp_path, m=vpn)
    services = frozenset({("m", "vpn")})
    plan = plan_up(stack, observed(stack), restarted=frozenset({"m"}), services=services)
    assert {s.subject for s in plan} == {"ai-m-vpn", "ai-m-app"}
