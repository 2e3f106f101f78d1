"""Several operations at once, those that are cancelled, and what is remembered between them."""

import time
from collections.abc import Callable
from functools import partial

import docker
import pytest

from aiserver_tray.base.errors import NameConflictError
from aiserver_tray.core.core import Core
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.run.execute import EngineExecutor
from aiserver_tray.state.views import OperationView, Snapshot
from tests.engine.registries.misbehaving import registry
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.installation import Installation, after, checked, ended, gated, idle
from tests.support.limits import LIMIT
from tests.support.observed import facts, names, open_gate
from tests.support.waiting import eventually


def runs(container: str) -> Callable[[Snapshot], bool]:
    """Whether a snapshot shows *container* running."""
    return lambda s: any(
        v.container == container and v.state == "running" for m in s.modules for v in m.services
    )


def begin(core: Core, kind: str, *modules: str) -> Operation:
    return core.operations.start(Request(kind, modules))  # type: ignore[arg-type]


def seen_views(core: Core) -> list[tuple[OperationView, ...]]:
    """A list that gets all operations of every state from now on."""
    seen: list[tuple[OperationView, ...]] = []
    core.store.observe(lambda state: seen.append(state.operations))
    return seen


# -- at once ---------------------------------------------------------------------------------------


def test_operations_on_unrelated_modules_run_side_by_side(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("slow", {"slow": gated()})
    here.write("quick", {"quick": idle()})
    with here.core() as core:
        slow = begin(core, "up", "slow")
        core.store.wait_until(runs("ai-slow"), LIMIT)
        assert ended(begin(core, "up", "quick")).status == "succeeded"
        assert ended(begin(core, "down", "quick")).status == "succeeded"
        assert not slow.view.is_over
        open_gate(engine, "ai-slow")
        assert ended(slow).status == "succeeded"


def test_the_network_that_all_share_may_come_and_go_while_others_are_at_work(
    here: Installation, engine: docker.DockerClient
) -> None:
    shared = {"networks": {"ai-net": {"external": True}}}
    wiki = idle(networks=["default", "ai-net"], depends_on=after("healthy", "db"))
    here.write("wiki", {"wiki": wiki, "db": gated()}, top=shared)
    with here.core() as core:
        up = begin(core, "up", "wiki")
        core.store.wait_until(runs("ai-wiki-db"), LIMIT)
        engine.networks.get("ai-net").remove()
        open_gate(engine, "ai-wiki-db")
        assert ended(up).status == "succeeded"
    engine.networks.get("ai-net").reload()
    attached = engine.api.inspect_container("ai-wiki")["NetworkSettings"]["Networks"]
    assert attached.keys() == {"ai-wiki", "ai-net"}


def test_a_network_that_another_operation_has_just_made_is_taken_and_a_foreign_one_is_not(
    here: Installation, engine: docker.DockerClient
) -> None:
    shared = {"networks": {"ai-net": {"external": True}}}
    here.write("wiki", {"wiki": idle(networks=["ai-net"])}, top=shared)
    with here.core() as core:
        plan = core.operations.plan(Request("up", ("wiki",)))
        step = next(step for step in plan if step.id == "network ai-net")
        executor = EngineExecutor(core.engine, {}, (), (), Cancellation())
        executor.execute(step)
        executor.execute(step)
        assert len(engine.networks.list(names=["^ai-net$"])) == 1
        engine.networks.get("ai-net").remove()
        foreign = engine.networks.create("ai-net")
        with pytest.raises(NameConflictError):
            executor.execute(step)
        assert engine.networks.get("ai-net").id == foreign.id


def test_operations_on_one_module_run_one_after_the_other(here: Installation) -> None:
    here.write("base", {"base": checked("true")}, kind="basic")
    here.write("web", {"web": checked("true")}, requires=["base"])
    with here.core() as core:
        seen = seen_views(core)
        requests = [("up", "web"), ("restart", "base"), ("restart", "web"), ("up", "base")]
        ends = [ended(o) for o in [begin(core, kind, module) for kind, module in requests]]
        core.store.flush()
    assert {view.status for view in ends} == {"succeeded"}
    at_work = [[view for view in views if view.status == "running"] for views in seen]
    # An operation that just began runs until it knows what it has to wait for.
    busy = [sum(any(s.status == "running" for s in v.steps) for v in views) for views in at_work]
    assert max(busy) == 1


def test_awaited_operation_is_reported_and_its_result_decides(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("base", {"base": gated()}, kind="basic")
    here.write("web", {"web": idle()}, requires=["base"])
    with here.core() as core:
        up = begin(core, "up", "web")
        core.store.wait_until(runs("ai-base"), LIMIT)
        with here.core() as other:
            down = begin(other, "down", "base")
            other.store.wait_until(
                lambda s: any(o.status == "waiting" for o in s.operations), LIMIT
            )
            assert "aiserver-tray up web" in str(down.view.detail)
            assert not down.view.steps
            open_gate(engine, "ai-base")
            assert ended(up).status == "succeeded"
            view = ended(down)
    assert (view.error and view.error.code) == "E_IN_USE", "only now does web use it"
    assert facts(engine, "ai-base")["ai-base"].status == "running"


def test_a_cancelled_wait_ends_and_leaves_the_other_at_work(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": gated()})
    with here.core() as core:
        up = begin(core, "up", "web")
        core.store.wait_until(runs("ai-web"), LIMIT)
        down = begin(core, "down", "web")
        core.store.wait_until(lambda s: any(o.status == "waiting" for o in s.operations), LIMIT)
        down.cancel()
        assert ended(down).status == "cancelled"
        open_gate(engine, "ai-web")
        assert ended(up).status == "succeeded"


# -- cancelled -------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["up", "down"])
def test_cancelled_up_starts_nothing_more_and_can_be_repeated(
    here: Installation, engine: docker.DockerClient, again: str
) -> None:
    services = {"db": gated(), "web": idle(depends_on=after("healthy", "db"))}
    here.write("web", services, top={"volumes": {"data": {}}})
    with here.core() as core:
        up = begin(core, "up", "web")
        core.store.wait_until(runs("ai-web-db"), LIMIT)
        up.cancel()
        view = ended(up)
    assert (view.status, view.error and view.error.code) == ("cancelled", "E_CANCELLED")
    statuses = {f"{step.kind} {step.subject}": step.status for step in view.steps}
    assert statuses["start ai-web"] == "skipped"
    assert {c.name for c in engine.containers.list()} == {"ai-web-db"}

    open_gate(engine, "ai-web-db")
    here.done(again, "web")  # type: ignore[arg-type]

    assert names(engine) == ({"ai-web", "ai-web-db"} if again == "up" else set())


def test_a_cancelled_pull_ends_at_once(here: Installation, engine: docker.DockerClient) -> None:
    with registry() as server:
        here.write("web", {"web": {"image": f"{server.address}/team/stuck:1"}})
        with here.core() as core:
            up = begin(core, "up", "web")
            assert server.waiting.wait(LIMIT)
            up.cancel()
            assert ended(up).status == "cancelled"
    assert names(engine) == set()


# -- remembered ------------------------------------------------------------------------------------


def desired(here: Installation, engine: docker.DockerClient) -> set[str]:
    return {*here.app.settings.engines.state(engine.info()["ID"]).desired}


def test_desired_modules_are_kept_until_stop_or_down(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("base", {"base": idle()}, kind="basic")
    for name in ("one", "two"):
        here.write(name, {name: idle()}, requires=["base"])
    here.done("up", "one")
    assert desired(here, engine) == {"one"}, "what it requires was not asked for"
    here.done("up", "two")
    assert desired(here, engine) == {"one", "two"}
    here.done("stop", "one")
    assert desired(here, engine) == {"two"}
    here.write("two", {"two": idle(), "broken": {**idle(init=False), "command": ["no-such"]}})
    assert here.run("up", "two", "one").status == "failed"
    assert desired(here, engine) == {"one", "two"}, "also where it failed"
    here.done("down")
    assert desired(here, engine) == set()


def test_desired_modules_survive_a_lost_engine(
    lab: Place, here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(restart="unless-stopped"), "db": idle()})
    here.done("up", "web")
    with here.core() as core:
        core.publish_modules()
        lab_engine.kill(lab)
        core.store.wait_until(lambda s: s.state == "engine_down", LIMIT)
        lifecycle.up(lab)
        # The engine revives the one with a restart policy.
        core.store.wait_until(lambda s: s.state == "degraded" and runs("ai-web")(s), LIMIT)
    assert desired(here, engine) == {"web"}
    here.done("up", "web")
    assert here.module("web").state == "running"


@pytest.fixture
def sleepy_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has lost the engine, it does not try again in the time of a test."""
    monkeypatch.setattr("aiserver_tray.core.core.Watcher", partial(Watcher, back_off=(600.0,)))


@pytest.mark.usefixtures("sleepy_watcher")
@pytest.mark.parametrize(("asked", "code"), [(("stop", "base"), "E_IN_USE"), (("up", "web"), None)])
def test_operation_sees_an_engine_that_has_just_returned(
    lab: Place,
    here: Installation,
    engine: docker.DockerClient,
    asked: tuple[str, str],
    code: str | None,
) -> None:
    here.write("base", {"base": idle(restart="unless-stopped")}, kind="basic")
    here.write("web", {"web": idle(restart="unless-stopped")}, requires=["base"])
    here.done("up", "web")
    with here.core() as core:
        lab_engine.kill(lab)
        core.store.wait_until(lambda s: s.state == "engine_down", LIMIT)
        lifecycle.up(lab)
        eventually(lambda: len(engine.containers.list()) == 2, "both containers")
        # So that there is something to wait for.
        here.write("web", {"web": checked("true", restart="unless-stopped")}, requires=["base"])
        view = ended(begin(core, *asked))
    assert (view.error and view.error.code) == code
    assert facts(engine, "ai-base")["ai-base"].status == "running"


def has_waited(view: OperationView, container: str) -> bool:
    """Whether *container* is ready."""
    waits = (step for step in view.steps if step.kind == "wait" and step.subject == container)
    return any(step.status == "done" for step in waits)


def test_times_to_ready_are_learnt_and_order_the_next_start(
    here: Installation, engine: docker.DockerClient
) -> None:
    # So slow takes longer, however late it starts on a busy machine.
    services = {"slow": gated(), "quick": idle(depends_on=after("started", "slow"))}
    here.write("web", services)
    with here.core() as core:
        up = begin(core, "up", "web")
        core.store.wait_until(runs("ai-web-slow"), LIMIT)
        first = up.view.seconds_left
        eventually(lambda: has_waited(up.view, "ai-web-quick"), "quick to be ready")
        open_gate(engine, "ai-web-slow")
        assert ended(up).status == "succeeded"
    learnt = here.app.settings.engines.state(engine.info()["ID"]).learnt
    assert learnt.keys() == {"web/slow", "web/quick"}
    assert learnt["web/slow"] > learnt["web/quick"] >= 0
    assert first is not None
    assert first > 0
    settings = here.app.settings
    with settings.engines.update(engine.info()["ID"]) as state:
        state.learnt["web/slow"] = 77.0
    here.done("down")
    begun = time.monotonic()
    with here.core() as core:
        plan = core.operations.plan(Request("up", ("web",)))
        remaining = plan.remaining
        up = begin(core, "up", "web")
        core.store.wait_until(runs("ai-web-slow"), LIMIT)
        left = [v.seconds_left for v in (up.view,) if v.seconds_left]
        open_gate(engine, "ai-web-slow")
        assert ended(up).status == "succeeded"
    assert remaining["start ai-web-slow"] > 77 > remaining["start ai-web-quick"]
    assert all(76 - (time.monotonic() - begun) < seconds < 80 for seconds in left)
    assert left
    assert here.app.settings.engines.state(engine.info()["ID"]).learnt["web/slow"] < 77
