"""The watcher on the lab's engine: what happens there shows in the snapshot, by itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import docker
import pytest

from aiserver_tray.core.watcher import Watcher
from aiserver_tray.engine.engine import Engine
from aiserver_tray.model import ModuleModel, ServiceModel
from aiserver_tray.spec.labels import Owner, container_labels
from aiserver_tray.state.facts import DesiredChanged, ModulesChanged
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import Snapshot
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

BUSYBOX = "busybox:1.37.0"
INSTALLATION = "watched"
SECOND = 10**9
"""The engine's unit is the nanosecond."""


class Stack:
    """A module ``web`` with service ``app`` on the engine, and what the watcher sees of it."""

    def __init__(self, client: docker.DockerClient, core: Engine, store: Store) -> None:
        self.client = client
        self.engine = core
        self.store = store

    def create(self, service: str = "app", owner: str = INSTALLATION, **body: Any) -> str:  # noqa: ANN401 - JSON
        labels = container_labels("web", service, Owner(owner, "1"), "hash", {})
        body = {"Image": BUSYBOX, "Cmd": ["sleep", "600"], "StopSignal": "SIGKILL", **body}
        return self.engine.containers.create(f"ai-{service}", {**body, "Labels": labels})

    def run(self, service: str = "app", **body: Any) -> str:  # noqa: ANN401 - JSON
        created = self.create(service, **body)
        self.engine.containers.start(created)
        return created

    def until(self, predicate: Callable[[Snapshot], bool]) -> Snapshot:
        return self.store.wait_until(predicate, LIMIT)

    def until_state(self, state: str) -> Snapshot:
        return self.until(lambda snapshot: snapshot.state == state)


ENDLESS = 1000
"""Failures of a health check after which the container would be unhealthy, not just starting."""


def check(command: str, retries: int = ENDLESS) -> dict[str, Any]:
    return {
        "Healthcheck": {"Test": ["CMD-SHELL", command], "Interval": SECOND // 5, "Retries": retries}
    }


def reason(snapshot: Snapshot) -> str:
    return str(snapshot.modules[0].reason)


@pytest.fixture
def stack(engine: docker.DockerClient, lab: Place) -> Iterator[Stack]:
    """The engine with a store that knows the module, wanted; nobody watches yet."""
    have_image(engine, BUSYBOX)
    store = Store()
    app = ServiceModel("app", "ai-app", BUSYBOX)
    store.put(ModulesChanged((ModuleModel("web", "feature", services=(app,)),)))
    store.put(DesiredChanged(frozenset({"web"})))
    with closing(store), closing(Engine(lab.host)) as core:
        yield Stack(engine, core, store)


@contextmanager
def watching(stack: Stack, **options: Any) -> Iterator[Watcher]:  # noqa: ANN401 - the watcher's
    watcher = Watcher(stack.engine, stack.store, INSTALLATION, **options)
    watcher.start()
    try:
        stack.until(lambda s: s.engine.running or s.engine.error is not None)
        yield watcher
    finally:
        watcher.close()
        assert [t.name for t in threading.enumerate() if t.name.startswith("watcher")] == []


def test_existing_containers_are_known_with_the_engine(stack: Stack) -> None:
    stack.run("app")
    stack.create("idle")
    stack.create("foreign", owner="another installation")
    with watching(stack):
        first = stack.store.snapshot
    assert first.engine.version
    assert first.engine.id
    (web,) = first.modules
    assert {s.name: s.state for s in web.services} == {"app": "running", "idle": "created"}
    assert first.state == "running"


def test_a_start_and_an_end_show_step_by_step(stack: Stack) -> None:
    with watching(stack):
        assert stack.store.snapshot.state == "error", "wanted and absent"
        app = stack.create(**check("test -e /ready"))
        stack.until_state("starting")
        stack.engine.containers.start(app)
        stack.until(lambda s: s.modules[0].services[0].health == "starting")
        stack.client.containers.get(app).exec_run("touch /ready")
        stack.until_state("running")
        stack.client.api.stop(app)
        assert reason(stack.until_state("error")) == "app: killed from outside by signal 9"
        stack.client.api.remove_container(app)
        gone = stack.until(lambda s: s.modules[0].services[0].state == "absent")
        assert reason(gone) == "app: should be running, but has no container"


def test_a_container_killed_paused_or_removed_by_hand(stack: Stack) -> None:
    with watching(stack):
        app = stack.run()
        stack.until_state("running")
        stack.client.api.pause(app)
        assert reason(stack.until_state("error")) == "app: paused"
        stack.client.api.unpause(app)
        stack.until_state("running")
        stack.client.api.kill(app)
        assert reason(stack.until_state("error")) == "app: killed from outside by signal 9"
        stack.engine.containers.start(app)
        stack.until_state("running")
        stack.client.api.remove_container(app, force=True)
        stack.until(lambda s: s.state == "error" and s.modules[0].services[0].state == "absent")


def test_a_container_renamed_by_hand(stack: Stack) -> None:
    with watching(stack):
        app = stack.run()
        stack.until_state("running")
        stack.client.api.rename(app, "ai-other")
        stack.until_state("error")
        stack.client.api.rename(app, "ai-app")
        stack.until_state("running")


def test_an_unhealthy_container_with_what_its_check_said(stack: Stack) -> None:
    with watching(stack):
        stack.run(**check("echo no answer; test -e /fine", retries=1))
        sick = stack.until(lambda s: s.modules[0].services[0].health == "unhealthy")
        assert (sick.state, reason(sick)) == ("error", "app: unhealthy: no answer")
        stack.client.containers.get("ai-app").exec_run("touch /fine")
        stack.until_state("running")


def test_a_container_that_its_policy_restarts_comes_back_until_it_is_healthy(stack: Stack) -> None:
    seen: list[tuple[str, str]] = []
    with watching(stack):
        app = stack.run(
            Cmd=["sh", "-c", "until [ -e /end ]; do sleep .1; done; rm /end; exit 3"],
            HostConfig={"RestartPolicy": {"Name": "unless-stopped"}},
            **check("test -e /fine"),
        )
        stack.client.containers.get(app).exec_run("touch /fine")
        stack.until_state("running")
        stack.store.observe(
            lambda state: seen.append((state.snapshot.state, str(state.snapshot.word)))
        )
        stack.client.containers.get(app).exec_run("sh -c 'rm /fine; touch /end'")
        stack.until(lambda s: "starting" in {service.health for service in s.modules[0].services})
        stack.client.containers.get(app).exec_run("touch /fine")
        stack.until_state("running")
    assert {*seen} == {("running", "None"), ("starting", "coming back")}


EATS = "x=y; while :; do x=$x$x; done"
LITTLE = {"Memory": 32 << 20, "MemorySwap": 32 << 20}


def test_a_container_that_ran_out_of_memory(stack: Stack) -> None:
    with watching(stack):
        stack.run(Cmd=["sh", "-c", EATS], HostConfig=LITTLE)
        # The engine tells of the end and of the memory in any order.
        ended = stack.until(
            lambda s: s.modules[0].services[0].state == "exited" and "memory" in reason(s)
        )
        assert reason(ended) == "app: ran out of memory (exit code 137)"


def test_a_restart_does_not_hide_that_memory_ran_out(stack: Stack) -> None:
    once = f"[ -e /eaten ] && exec sleep 600; touch /eaten; {EATS}"
    limits = {**LITTLE, "RestartPolicy": {"Name": "always"}}
    with watching(stack):
        stack.run(Cmd=["sh", "-c", once], HostConfig=limits)
        stack.until(lambda s: s.modules[0].services[0].restarts == 1 and s.state == "running")
        known = eventually(
            lambda: next((c for c in stack.store.state.containers.values() if c.oom_at), None),
            "the engine's event",
        )
    assert (known.status, known.oom_killed) == ("running", False)


def test_many_starts_and_ends_lead_to_the_state_of_the_engine(stack: Stack) -> None:
    with watching(stack):
        everyone = [stack.run(f"s{number}") for number in range(12)]
        for number, one in enumerate(everyone):
            if number % 3 == 0:
                stack.client.api.remove_container(one, force=True)
            elif number % 3 == 1:
                stack.client.api.kill(one)
        last = stack.run("last").removeprefix("sha256:")
        stack.until(
            lambda s: ("last", "running") in {(v.name, v.state) for v in s.modules[0].services}
        )
        known = stack.store.state.containers
    truth = [stack.engine.containers.inspect(s.id) for s in stack.engine.containers.summaries()]
    assert set(known) == {found.name for found in truth}
    assert known == {found.name: found for found in truth}
    assert last in {found.id for found in truth}


class TestEngineLost:
    def test_is_reported_at_once_and_recovers(self, stack: Stack, lab: Place) -> None:
        stack.run(HostConfig={"RestartPolicy": {"Name": "unless-stopped"}})
        with watching(stack, back_off=(0.1,)):
            assert stack.store.snapshot.state == "running"
            lab_engine.kill(lab)
            down = stack.until_state("engine_down")
            assert down.engine.error is not None
            assert down.engine.error.code == "E_ENGINE_DOWN"
            assert str(lab.socket) in str(down.engine.error)
            assert [view.state for view in down.modules] == ["engine_down"]
            lifecycle.up(lab)
            back = stack.until(lambda s: s.state == "running")
            assert back.engine.version
            stack.client.api.kill("ai-app", "SIGTERM")
            stack.client.api.pause("ai-app")
            stack.until_state("error")

    def test_from_the_beginning_is_said_and_ends_when_it_comes(
        self, stack: Stack, lab: Place
    ) -> None:
        lab_engine.kill(lab)
        with watching(stack, back_off=(0.1,)):
            assert stack.store.snapshot.state == "engine_down"
            lifecycle.up(lab)
            stack.until(lambda s: s.engine.running)

    def test_does_not_keep_the_watcher_from_ending(self, stack: Stack, lab: Place) -> None:
        with watching(stack, back_off=(86400,)):
            lab_engine.kill(lab)
            stack.until_state("engine_down")

    def test_is_asked_again_on_request(self, stack: Stack, lab: Place) -> None:
        with watching(stack, back_off=(600,)) as watcher:
            lab_engine.kill(lab)
            stack.until_state("engine_down")
            lifecycle.up(lab)
            watcher.refresh()
            stack.until(lambda s: s.engine.running)
