"""The plan of `up`: what is made, started, waited for, and in which order."""

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
from tests.unit.operations.planning import (
    APP,
    BASE,
    IMAGE_ID,
    MADE,
    done,
    observed,
    running,
    targets_of,
)


@pytest.fixture
def stack(tmp_path: Path) -> list[ModuleTarget]:
    return targets_of(tmp_path, base=BASE, web=APP)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan]


def needs(plan: Plan, step_id: str) -> set[str]:
    return set(next(step.needs for step in plan if step.id == step_id))


def but(stack: list[ModuleTarget], container: str, **changes: Any) -> Observed:  # noqa: ANN401
    """Everything runs, but for one *container*."""
    there = observed(stack)
    changed = replace(there.containers[container], **changes)
    return replace(there, containers={**there.containers, container: changed})


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
    assert needs(plan, "create ai-base") == {
        "pull busybox:1",
        "network ai-base",
        "volume ai-base-data",
    }
    assert needs(plan, "start ai-web-job") == {"create ai-web-job", "wait ai-base"}
    for name, before in (("ai-web", "ai-web-job"), ("ai-web-worker", "ai-web")):
        assert needs(plan, f"start {name}") == {f"create {name}", f"wait {before}", "wait ai-base"}


def test_a_service_waits_for_no_more_of_the_requires_than_it_says(tmp_path: Path) -> None:
    app = """
        x-aiserver: {kind: feature, requires: [base, other]}
        services:
          all: {image: "busybox:1"}
          some: {image: "busybox:1", x-aiserver: {requires: [base]}}
          none: {image: "busybox:1", x-aiserver: {requires: []}}
    """
    other = BASE.replace("base:", "other:")
    plan = plan_up(targets_of(tmp_path, base=BASE, other=other, web=app), Observed())

    assert needs(plan, "start ai-web-all") == {
        "create ai-web-all",
        "wait ai-base",
        "wait ai-other",
    }
    assert needs(plan, "start ai-web-some") == {"create ai-web-some", "wait ai-base"}
    assert needs(plan, "start ai-web-none") == {"create ai-web-none"}


def test_up_keeps_services_that_do_not_wait_for_the_started_module(tmp_path: Path) -> None:
    app = """
        x-aiserver: {kind: feature, requires: [base]}
        services:
          all: {image: "busybox:1"}
          none: {image: "busybox:1", x-aiserver: {requires: []}}
    """
    stack = targets_of(tmp_path, base=BASE, web=app)
    there = observed(stack)
    containers = {**there.containers}
    containers["ai-base"] = replace(containers["ai-base"], status="exited")
    for name in ("ai-web-all", "ai-web-none"):
        containers[name] = replace(containers[name], health="starting")
    plan = plan_up(stack, replace(there, containers=containers))

    assert needs(plan, "start ai-web-all") == {"wait ai-base"}
    assert "start ai-web-none" not in ids(plan)
    assert "wait ai-web-none" in ids(plan)


def test_steps_come_after_what_they_need(stack: list[ModuleTarget]) -> None:
    seen: set[str] = set()
    for step in plan_up(stack, Observed()):
        assert step.needs <= seen
        seen.add(step.id)


def test_up_of_an_unchanged_running_stack_does_nothing(stack: list[ModuleTarget]) -> None:
    assert not plan_up(stack, observed(stack)).steps


def test_a_changed_configuration_recreates_just_that_container(stack: list[ModuleTarget]) -> None:
    plan = plan_up(stack, but(stack, "ai-web-worker", config_hash="other"))
    assert ids(plan) == [
        "stop ai-web-worker",
        "remove ai-web-worker",
        "create ai-web-worker",
        "start ai-web-worker",
        "wait ai-web-worker",
    ]


def test_the_old_container_serves_until_the_new_image_is_there(stack: list[ModuleTarget]) -> None:
    there = but(stack, "ai-web-worker", config_hash="other")
    plan = plan_up(stack, replace(there, images={"busybox:1": IMAGE_ID}))
    assert needs(plan, "stop ai-web-worker") == {"pull busybox:2"}
    assert needs(plan, "remove ai-web-worker") == {"stop ai-web-worker", "pull busybox:2"}


def test_another_image_under_the_same_name_recreates_the_container(
    stack: list[ModuleTarget],
) -> None:
    images = {"busybox:1": IMAGE_ID, "busybox:2": "sha256:new"}
    plan = plan_up(stack, replace(observed(stack), images=images))
    assert "create ai-web-worker" in ids(plan)
    assert "create ai-web" not in ids(plan)


BUILT = "services: {web: {image: 'web:1', build: .}}"
LOCAL, FORMER = "aiserver/web/web:1", "aiserver/web-web:1"


@pytest.mark.parametrize(
    ("images", "image", "steps"),
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
    tmp_path: Path, images: set[str], image: str, steps: set[str]
) -> None:
    targets = targets_of(tmp_path, web=BUILT)
    there = {name: f"sha256:{name}" for name in images}
    (service,) = targets[0].services
    container = running(service, image=image, image_id=f"sha256:{image}")

    plan = plan_up(targets, observed(targets, {"ai-web": container}, images=there))

    assert {step for step in ids(plan) if step.split()[0] in ("pull", "build", "create")} == steps


def test_a_service_without_a_build_keeps_no_container_of_one(stack: list[ModuleTarget]) -> None:
    there = but(stack, "ai-web-worker", image="docker.io/aiserver/web-worker:2")
    local = {"aiserver/web-worker:2": IMAGE_ID, "aiserver/web/worker:2": IMAGE_ID}
    plan = plan_up(stack, replace(there, images={"busybox:1": IMAGE_ID, **local}))
    assert needs(plan, "remove ai-web-worker") == {"stop ai-web-worker", "pull busybox:2"}


@pytest.mark.parametrize("status", ["created", "removing", "dead"])
def test_container_that_cannot_be_started_is_recreated(
    stack: list[ModuleTarget], status: str
) -> None:
    plan = plan_up(stack, but(stack, "ai-web", status=status))
    assert {"remove ai-web", "create ai-web"} <= {*ids(plan)}


def test_a_container_whose_network_is_gone_is_recreated(stack: list[ModuleTarget]) -> None:
    there = but(stack, "ai-web", status="exited")
    plan = plan_up(stack, replace(there, networks={"ai-base": "id-ai-base"}))
    assert "network ai-web" in needs(plan, "create ai-web")
    another = {**there.networks, "ai-web": "made by somebody since"}
    assert "create ai-web" in ids(plan_up(stack, replace(there, networks=another)))


@pytest.mark.parametrize("status", ["exited", "paused", "restarting"])
def test_container_that_does_not_run_is_started(stack: list[ModuleTarget], status: str) -> None:
    plan = plan_up(stack, but(stack, "ai-web-worker", status=status))
    assert ids(plan) == ["start ai-web-worker", "wait ai-web-worker"]


def test_up_waits_for_a_container_that_is_not_healthy_yet(stack: list[ModuleTarget]) -> None:
    assert ids(plan_up(stack, but(stack, "ai-web", health="starting"))) == ["wait ai-web"]


def test_service_that_runs_before_its_dependency_is_waited_for_after_it(
    stack: list[ModuleTarget],
) -> None:
    there = observed(stack)
    early = {name: replace(c, health="starting") for name, c in there.containers.items()}
    early["ai-base"] = replace(early["ai-base"], status="exited")
    plan = plan_up(stack, replace(there, containers=early))
    assert needs(plan, "start ai-web") == {"wait ai-base"}
    assert needs(plan, "wait ai-web") == {"start ai-web"}
    assert needs(plan, "start ai-web-worker") == {"wait ai-base", "wait ai-web"}


def test_service_waits_for_required_modules_behind_running_ones(
    stack: list[ModuleTarget],
) -> None:
    there = but(stack, "ai-base", status="exited")
    worker = replace(there.containers["ai-web-worker"], status="exited")
    containers = {**there.containers, worker.name: worker}
    plan = plan_up(stack, replace(there, containers=containers))
    assert "start ai-web" not in ids(plan)
    assert needs(plan, "start ai-web-worker") == {"wait ai-base"}


def test_a_job_runs_again_when_a_service_that_needs_it_is_started(
    stack: list[ModuleTarget],
) -> None:
    plan = plan_up(stack, but(stack, "ai-web", status="exited"))
    assert ids(plan) == ["start ai-web-job", "wait ai-web-job", "start ai-web", "wait ai-web"]


def test_a_job_that_failed_or_changed_runs_again(stack: list[ModuleTarget]) -> None:
    job = stack[1].services[0]
    there = observed(stack)
    for container, first in (
        (done(job, exit_code=1), "start ai-web-job"),
        (done(job, config_hash="other"), "remove ai-web-job"),
    ):
        containers = {**there.containers, job.container: container}
        assert ids(plan_up(stack, replace(there, containers=containers)))[0] == first


def test_a_job_runs_again_when_a_required_volume_is_newer_than_its_success(
    stack: list[ModuleTarget],
) -> None:
    newer = {"ai-base-data": MADE + timedelta(hours=3)}
    plan = plan_up(stack, replace(observed(stack), volumes=newer))
    assert ids(plan) == ["start ai-web-job", "wait ai-web-job"]


def test_a_job_whose_container_is_gone_is_not_missed(stack: list[ModuleTarget]) -> None:
    there = observed(stack)
    containers = {n: c for n, c in there.containers.items() if n != "ai-web-job"}
    assert not plan_up(stack, replace(there, containers=containers)).steps


def test_a_service_that_left_the_module_is_removed(stack: list[ModuleTarget]) -> None:
    there = observed(stack)
    left = replace(there.containers["ai-web"], name="ai-web-old", service="old", id="old")
    plan = plan_up(stack, replace(there, containers={**there.containers, left.name: left}))
    assert ids(plan) == ["stop ai-web-old", "remove ai-web-old"]


def test_renamed_service_starts_after_the_old_one_is_removed(tmp_path: Path) -> None:
    text = """
        services:
          {name}: {{image: "busybox:1", ports: ["5432:5432"], volumes: ["data:/data"]}}
        volumes: {{data: {{}}}}
    """
    old = observed(targets_of(tmp_path, web=text.format(name="db")))
    targets = targets_of(tmp_path, web=text.format(name="store"))
    plan = plan_up(targets, old)
    assert needs(plan, "remove ai-web-db") == {"stop ai-web-db"}
    assert "remove ai-web-db" in needs(plan, "start ai-web-store")


def test_services_that_swap_their_ports_are_both_stopped_before_either_starts(
    tmp_path: Path,
) -> None:
    text = """
        services:
          one: {{image: "busybox:1", ports: ["{one}:80"]}}
          two: {{image: "busybox:1", ports: ["{two}:80"]}}
    """
    (before,) = targets_of(tmp_path, web=text.format(one=8001, two=8002))
    there = observed([before], {s.container: running(s, ports=s.ports) for s in before.services})
    plan = plan_up(targets_of(tmp_path, web=text.format(one=8002, two=8001)), there)
    for name, other in (("one", "two"), ("two", "one")):
        assert f"stop ai-web-{other}" in needs(plan, f"start ai-web-{name}")


def test_restart_stops_users_first_and_leaves_other_modules_alone(
    stack: list[ModuleTarget],
) -> None:
    plan = plan_up(stack, observed(stack), restarted=frozenset({"web"}))
    assert needs(plan, "stop ai-web") == {"stop ai-web-worker"}
    assert needs(plan, "start ai-web-worker") == {"stop ai-web-worker", "wait ai-web"}
    assert not [step for step in ids(plan) if step.endswith("ai-base")]


def test_a_job_that_runs_is_restarted_where_it_is_stopped(stack: list[ModuleTarget]) -> None:
    there = but(stack, "ai-web-job", status="running", finished_at=None)
    plan = plan_up(stack, there, restarted=frozenset({"web"}))
    assert "stop ai-web-job" in needs(plan, "start ai-web-job")
    assert needs(plan, "wait ai-web-job") == {"start ai-web-job"}


def test_a_service_that_shares_a_namespace_is_recreated_with_the_other(tmp_path: Path) -> None:
    text = """
        services:
          web: {image: "busybox:1"}
          side: {image: "busybox:1", network_mode: "service:web"}
    """
    targets = targets_of(tmp_path, pod=text)
    plan = plan_up(targets, but(targets, "ai-pod-web", config_hash="other"))
    assert "create ai-pod-web" in needs(plan, "create ai-pod-side")


@pytest.fixture
def pod(tmp_path: Path, shares: str) -> list[ModuleTarget]:
    text = f"""
        services:
          vpn: {{image: "busybox:1"}}
          side: {{image: "busybox:1", {shares}}}
          web:
            image: busybox:1
            depends_on: {{vpn: {{condition: service_started, restart: true}}}}
    """
    return targets_of(tmp_path, pod=text)


@pytest.mark.parametrize(
    "shares",
    ["network_mode: 'service:vpn'", "network_mode: 'container:ai-pod-vpn'", "pid: 'service:vpn'"],
)
class TestSharedNamespace:
    """It ends with the other's process: who goes on in it is cut off."""

    def test_running_service_is_recreated_if_the_one_with_its_network_is_started(
        self, pod: list[ModuleTarget]
    ) -> None:
        assert ids(plan_up(pod, observed(pod))) == []
        plan = plan_up(pod, but(pod, "ai-pod-vpn", status="exited", exit_code=1))
        assert [step.subject for step in plan if step.kind == "create"] == ["ai-pod-side"]
        assert {s.subject for s in plan if s.kind == "start"} == {"ai-pod-side", "ai-pod-vpn"}
        assert "start ai-pod-vpn" in needs(plan, "start ai-pod-side")

    def test_running_service_is_recreated_if_the_one_with_its_network_was_restarted(
        self, pod: list[ModuleTarget]
    ) -> None:
        plan = plan_up(pod, but(pod, "ai-pod-vpn", started_at=MADE + timedelta(hours=2)))
        assert [step.subject for step in plan if step.kind == "create"] == ["ai-pod-side"]

    def test_service_is_recreated_with_the_one_that_has_its_network(
        self, pod: list[ModuleTarget]
    ) -> None:
        plan = plan_up(pod, but(pod, "ai-pod-vpn", config_hash="other"))
        assert "create ai-pod-vpn" in needs(plan, "create ai-pod-side")

    def test_stopped_service_is_only_started_with_the_one_that_has_its_network(
        self, pod: list[ModuleTarget]
    ) -> None:
        there = observed(pod)
        ended = {n: replace(c, status="exited") for n, c in there.containers.items()}
        for plan in (
            plan_up(pod, replace(there, containers=ended)),
            plan_up(pod, there, restarted=frozenset({"pod"})),
        ):
            assert [step.subject for step in plan if step.kind == "create"] == []
            assert "start ai-pod-side" in ids(plan)


def test_longest_path_uses_the_learnt_times(stack: list[ModuleTarget]) -> None:
    plan = plan_up(stack, Observed(learnt={"base/base": 100.0, "web/web": 30.0}))
    usual = {step.subject: step.view.usual for step in plan if step.view.usual}
    assert usual == {"ai-base": 100.0, "ai-web": 30.0}
    assert plan.remaining["start ai-base"] > 130
    assert 30 < plan.remaining["start ai-web"] < plan.remaining["start ai-base"]


def test_detached_waits_only_where_something_else_does(stack: list[ModuleTarget]) -> None:
    plan = plan_without_waiting(plan_up(stack, Observed()))
    waits = {step.subject for step in plan if step.kind == "wait"}
    assert waits == {"ai-base", "ai-web-job", "ai-web"}


def test_each_image_is_pulled_once(stack: list[ModuleTarget]) -> None:
    assert sorted(ids(plan_images(stack, "pull"))) == ["pull busybox:1", "pull busybox:2"]
    assert not plan_images(stack, "build").steps


def test_an_image_that_is_always_pulled_is_pulled_first(tmp_path: Path) -> None:
    text = """
        services:
          web: {image: "busybox:1", pull_policy: always}
          other: {image: "busybox:2"}
    """
    assert ids(plan_refresh(targets_of(tmp_path, web=text))) == ["pull busybox:1"]


def test_service_without_an_image_is_built(tmp_path: Path) -> None:
    text = """
        services:
          web: {build: "."}
    """
    plan = plan_up(targets_of(tmp_path, web=text), Observed())
    assert needs(plan, "create ai-web") == {"build aiserver/web/web:local", "network ai-web"}


def test_an_image_that_may_not_be_pulled_is_reported_once(tmp_path: Path) -> None:
    never = "{image: mine:1, pull_policy: never}"
    stack = targets_of(tmp_path, m=f"services: {{a: {never}, b: {never}}}")
    assert len(never_pulled(stack, Observed())) == 1


# -- single services -------------------------------------------------------------------------------


def test_one_service_starts_with_what_it_depends_on_and_no_more(stack: list[ModuleTarget]) -> None:
    there = observed(stack)
    stopped = {
        name: replace(container, status="exited")
        for name, container in there.containers.items()
        if container.module == "web"
    }
    there = replace(there, containers={**there.containers, **stopped})
    plan = plan_up(stack, there, services=frozenset({("web", "web")}))
    started = {step.subject for step in plan if step.kind == "start"}
    assert started == {"ai-web-job", "ai-web"}, "not its worker"


def test_only_the_service_asked_for_is_restarted(stack: list[ModuleTarget]) -> None:
    services = frozenset({("web", "web")})
    plan = plan_up(stack, observed(stack), restarted=frozenset({"web"}), services=services)
    assert [id for id in ids(plan) if "job" not in id] == [
        "stop ai-web",
        "start ai-web",
        "wait ai-web",
    ]


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


def test_containers_are_recreated_on_request(stack: list[ModuleTarget]) -> None:
    plan = plan_up(stack, observed(stack), recreated=frozenset({"web"}))
    made = {step.subject for step in plan if step.kind == "create"}
    assert made == {"ai-web", "ai-web-worker"}, "no job, and not what is required"
