"""`stop` and `down`: what goes, what stays, in what order, and who stands in the way."""

import shutil
import time
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import InUseError, VolumeInUseError
from aiserver_tray.operations.request import Request
from tests.support.installation import IMAGE, Installation, after, idle, script
from tests.support.limits import LIMIT
from tests.support.observed import events, facts, names, said


def volumes(engine: docker.DockerClient) -> set[str]:
    """Those of the engine that are named by us."""
    return {volume.name for volume in engine.volumes.list() if volume.name.startswith("ai-")}


def networks(engine: docker.DockerClient) -> set[str]:
    """Those of the engine that are named by us."""
    return {network.name for network in engine.networks.list() if network.name.startswith("ai-")}


def write_data(here: Installation, name: str = "wiki") -> None:
    """A module of one service with a volume, on the network that all share."""
    service = idle(volumes=["data:/data"], networks=["default", "ai-net"])
    top = {"volumes": {"data": {}}, "networks": {"ai-net": {"external": True}}}
    here.write(name, {name: service}, top=top)


# -- what stays ------------------------------------------------------------------------------------


def test_stop_keeps_the_containers_and_up_starts_the_same_ones(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(depends_on=after("started", "db")), "db": idle()})
    here.done("up", "web")
    before = facts(engine, "ai-web", "ai-web-db")

    assert here.done("stop", "web") == ["stop ai-web", "stop ai-web-db"]

    stopped = facts(engine, "ai-web", "ai-web-db")
    assert {name: fact.id for name, fact in stopped.items()} == {n: f.id for n, f in before.items()}
    assert {fact.status for fact in stopped.values()} == {"exited"}
    assert here.module("web").state == "stopped"
    assert here.done("stop", "web") == [], "it is stopped"
    here.done("up", "web")
    again = facts(engine, "ai-web", "ai-web-db")
    assert {name: fact.id for name, fact in again.items()} == {n: f.id for n, f in before.items()}


def test_down_removes_containers_and_networks_and_keeps_volumes_until_asked(
    here: Installation, engine: docker.DockerClient
) -> None:
    write_data(here)
    write_data(here, "other")
    here.done("up", "wiki", "other")
    said(engine, "ai-wiki", "touch", "/data/mine")

    here.done("down", "wiki")

    assert names(engine) == {"ai-other"}
    assert networks(engine) == {"ai-other", "ai-net"}, "others still use the shared one"
    assert volumes(engine) == {"ai-wiki-data", "ai-other-data"}
    here.done("up", "wiki")
    said(engine, "ai-wiki", "ls", "/data/mine")
    here.done("down", "wiki", volumes="all")
    assert volumes(engine) == {"ai-other-data"}
    here.done("down")
    assert (names(engine), networks(engine)) == (set(), set())
    assert volumes(engine) == {"ai-other-data"}
    # Nothing else of ours is left, and still it is everything of ours.
    here.done("down", volumes="all")
    assert volumes(engine) == set()


def test_down_by_name_removes_the_volumes_of_a_module_that_has_no_container(
    here: Installation, engine: docker.DockerClient
) -> None:
    write_data(here)
    here.done("up", "wiki")
    here.done("down", "wiki")
    assert here.done("down", "wiki", volumes="all") == ["remove_volume ai-wiki-data"]
    assert volumes(engine) == set()


def test_down_removes_no_volume_that_was_not_confirmed(
    here: Installation, engine: docker.DockerClient
) -> None:
    services = {n: idle(volumes=[f"{n}:/data", "/unnamed"]) for n in ("web", "db")}
    here.write("web", services, top={"volumes": dict.fromkeys(services)})
    here.done("up", "web")
    before = {volume.name for volume in engine.volumes.list()}
    kept, asked = before - {"ai-web-web", "ai-web-db"}

    did = here.done("down", "web", volumes=frozenset({"ai-web-web", asked, "ai-web-other"}))

    removed = [step for step in did if step.startswith("remove_volume")]
    assert sorted(removed) == sorted(["remove_volume ai-web-web", f"remove_volume {asked}"])
    assert {volume.name for volume in engine.volumes.list()} == {"ai-web-db", kept}


def test_down_ends_a_desired_module_without_containers(
    here: Installation, engine: docker.DockerClient
) -> None:
    write_data(here)
    here.done("up", "wiki")
    engine.containers.get("ai-wiki").remove(force=True)
    assert here.module("wiki").state == "error"

    here.done("down")

    assert here.module("wiki").state == "stopped"
    assert networks(engine) == set()


def test_network_with_a_foreign_container_is_kept(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    here.done("up", "web")
    foreign = engine.containers.run(
        IMAGE, ["sleep", "600"], init=True, detach=True, name="theirs", network="ai-web"
    )
    before = foreign.attrs["Id"], facts(engine, "theirs")

    view = here.run("down", "web")

    assert view.status == "succeeded", view.error
    assert "remove_network" not in {step.kind for step in view.steps}
    (notice,) = map(str, view.notices)
    assert notice.startswith("The network ai-web was not removed. It is in use by: theirs. ")
    assert "aiserver-tray down web" in notice
    assert names(engine) == {"theirs"}
    assert networks(engine) == {"ai-web"}
    assert (foreign.attrs["Id"], facts(engine, "theirs")) == before
    assert here.module("web").state == "stopped"
    here.done("up", "web")
    assert here.module("web").state == "running"


def test_network_without_its_foreign_container_is_removed(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    here.done("up", "web")
    foreign = engine.containers.run(IMAGE, ["true"], detach=True, name="theirs", network="ai-web")
    foreign.wait()
    assert "remove_network ai-web" in here.done("down", "web")
    assert networks(engine) == set()


def test_a_volume_that_a_foreign_container_uses_is_reported_with_its_name(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(volumes=["data:/data"])}, top={"volumes": {"data": {}}})
    here.done("up", "web")
    engine.containers.create(IMAGE, name="theirs", volumes=["ai-web-data:/data"])
    error = here.failed("down", "web", volumes="all")
    assert isinstance(error, VolumeInUseError)
    assert error.data == {"volume": "ai-web-data", "module": "web", "containers": ["theirs"]}
    assert volumes(engine) == {"ai-web-data"}
    engine.containers.get("theirs").remove()
    here.done("down", "web", volumes="all")
    assert volumes(engine) == set()


# -- order, signals, grace -------------------------------------------------------------------------


def test_users_of_a_module_stop_before_it(here: Installation, engine: docker.DockerClient) -> None:
    here.write("base", {"base": idle()}, kind="basic")
    api = script("trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done")
    services = {
        "db": idle(),
        "api": {**api, "depends_on": after("started", "db")},
        "web": {**api, "depends_on": after("started", "api")},
    }
    here.write("web", services, requires=["base"])
    here.done("up", "web")
    since = time.time()

    here.done("down")

    found = events(engine, since, time.time(), type=["container"], event=["kill", "die"])
    order = [(e["Action"], e["Actor"]["Attributes"]["name"]) for e in found]
    expected = ["ai-web", "ai-web-api", "ai-web-db", "ai-base"]
    assert order == [(action, name) for name in expected for action in ("kill", "die")]


def test_each_service_gets_its_own_signal_and_its_own_time(
    here: Installation, engine: docker.DockerClient
) -> None:
    wait = "while :; do sleep 0.05; done"
    services = {
        "hears": script(f"trap 'exit 7' USR1; trap 'exit 1' TERM; {wait}", stop_signal="SIGUSR1"),
        "deaf": script(f"trap '' TERM; {wait}", stop_grace_period="1s"),
        "slow": script(f"trap 'sleep 1.5; exit 3' TERM; {wait}", stop_grace_period="60s"),
    }
    here.write("web", services)
    here.done("up", "web")

    here.done("stop", "web")

    codes = {n: engine.containers.get(f"ai-web-{n}").attrs["State"]["ExitCode"] for n in services}
    assert codes == {"hears": 7, "deaf": 137, "slow": 3}
    assert here.module("web").state == "stopped", "with whatever code they ended"


# -- who needs it ----------------------------------------------------------------------------------


@pytest.fixture
def stack(here: Installation) -> Installation:
    """`one` and `two` need `store`, which needs `disk`; all run, because of the first two."""
    here.write("disk", {"disk": idle()}, kind="basic")
    here.write("store", {"store": idle()}, kind="basic", requires=["disk"])
    for name in ("one", "two"):
        here.write(name, {name: idle()}, requires=["store"])
    here.done("up", "one", "two")
    return here


@pytest.mark.parametrize("kind", ["stop", "down"])
def test_module_that_running_modules_need_is_stopped_only_with_cascade(
    stack: Installation, engine: docker.DockerClient, kind: str
) -> None:
    before = facts(engine, "ai-disk", "ai-store", "ai-one", "ai-two")

    error = stack.failed(kind, "disk")  # type: ignore[arg-type]

    assert isinstance(error, InUseError)
    assert error.data == {"module": "disk", "users": ["one", "store", "two"]}
    assert facts(engine, *before) == before
    stack.done(kind, "disk", cascade=True)  # type: ignore[arg-type]
    assert {c.name for c in engine.containers.list()} == set()


def test_unused_basics_stop_with_their_last_user_only_if_set(
    stack: Installation, engine: docker.DockerClient
) -> None:
    stack.done("stop", "two")
    assert {c.name for c in engine.containers.list()} == {"ai-disk", "ai-store", "ai-one"}
    stack.done("up", "two")
    stack.set("app.stop_unused_basics", "true")
    stack.done("stop", "two")
    assert {c.name for c in engine.containers.list()} == {"ai-disk", "ai-store", "ai-one"}
    stack.done("restart", "disk")
    stack.done("stop", "one")
    assert {c.name for c in engine.containers.list()} == set(), "restarted is not asked for"
    stack.done("up", "disk")
    stack.done("up", "one")
    stack.done("stop", "one")
    assert {c.name for c in engine.containers.list()} == {"ai-disk"}, "asked for itself"


def test_unused_basic_keeps_its_data(here: Installation, engine: docker.DockerClient) -> None:
    with_data: dict[str, Any] = {"top": {"volumes": {"data": {}}}}
    here.write("store", {"store": idle(volumes=["data:/data"])}, kind="basic", **with_data)
    here.write("one", {"one": idle(volumes=["data:/data"])}, requires=["store"], **with_data)
    here.set("app.stop_unused_basics", "true")
    here.done("up", "one")
    assert volumes(engine) == {"ai-store-data", "ai-one-data"}
    here.done("down", "one", volumes="all")
    assert engine.containers.list(all=True) == []
    assert volumes(engine) == {"ai-store-data"}


def test_desired_module_without_containers_keeps_its_basics(
    stack: Installation, engine: docker.DockerClient
) -> None:
    engine.containers.get("ai-two").remove(force=True)
    stack.set("app.stop_unused_basics", "true")

    stack.done("stop", "one")

    assert {c.name for c in engine.containers.list()} == {"ai-disk", "ai-store"}


# -- what left the catalog -------------------------------------------------------------------------


def test_a_module_whose_folder_is_gone_is_an_orphan_that_can_be_stopped_and_removed(
    here: Installation, engine: docker.DockerClient
) -> None:
    write_data(here)
    here.done("up", "wiki")
    shutil.rmtree(here.catalog / "wiki")

    found = here.module("wiki")
    assert (found.orphan, found.state, found.ready, found.total) == (True, "running", 1, 1)
    assert here.done("stop", "wiki") == ["stop ai-wiki"]
    assert here.module("wiki").state == "stopped"
    here.done("down", "wiki")
    assert (names(engine), networks(engine)) == (set(), set())
    here.done("down", "wiki", volumes="all")
    assert volumes(engine) == set()


def test_orphan_keeps_the_modules_that_it_requires(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("store", {"store": idle()}, kind="basic")
    for name in ("gone", "broken"):
        here.write(name, {name: idle()}, requires=["store"])
    here.done("up", "gone", "broken")
    shutil.rmtree(here.catalog / "gone")
    (here.catalog / "broken/compose.yaml").write_text("services: [")
    error = here.failed("stop", "store")
    assert error.data == {"module": "store", "users": ["broken", "gone"]}
    assert here.module("store").used_by == ("broken", "gone")
    here.done("stop", "store", cascade=True)
    assert engine.containers.list() == []


def test_down_of_everything_removes_orphans_and_stopped_modules(
    here: Installation, engine: docker.DockerClient
) -> None:
    for name in ("gone", "stopped", "web"):
        here.write(name, {name: idle()})
    here.done("up", "gone", "stopped", "web")
    here.done("stop", "stopped")
    shutil.rmtree(here.catalog / "gone")

    here.done("down")

    assert (names(engine), networks(engine)) == (set(), set())


# -- other installations ---------------------------------------------------------------------------


def test_another_home_finds_our_names_taken_and_leaves_them_alone(
    here: Installation, engine: docker.DockerClient
) -> None:
    write_data(here)
    here.done("up", "wiki")
    before = facts(engine, "ai-wiki")
    other = Installation(here.home.with_name("other"), here.catalog, here.host)
    other.trust()

    error = other.failed("up", "wiki")

    assert {e.code for e in error.errors} == {"E_NAME_CONFLICT"}
    owner = here.app.settings.installation_id
    assert {e.data["installation"] for e in error.errors} == {owner}
    assert {(e.data["kind"], e.data["name"]) for e in error.errors} == {
        ("container", "ai-wiki"),
        ("network", "ai-wiki"),
        ("network", "ai-net"),
        ("volume", "ai-wiki-data"),
    }
    assert other.module("wiki").state == "stopped"
    other.done("down", volumes="all")
    other.done("stop", "wiki")
    assert facts(engine, "ai-wiki") == before
    assert volumes(engine) == {"ai-wiki-data"}


def test_two_homes_run_different_modules_side_by_side(
    here: Installation, engine: docker.DockerClient
) -> None:
    for name in ("mine", "yours"):
        here.write(name, {name: idle()})
    other = Installation(here.home.with_name("other"), here.catalog, here.host)
    other.trust()
    here.done("up", "mine")
    other.done("up", "yours")
    before = facts(engine, "ai-yours")

    assert here.module("yours").state == "stopped"
    here.done("down")

    assert facts(engine, "ai-yours") == before
    assert other.module("yours").state == "running"


# -- cancelling ------------------------------------------------------------------------------------


def test_a_cancelled_stop_leaves_the_rest_running_and_can_be_repeated(
    here: Installation, engine: docker.DockerClient
) -> None:
    end = "trap 'until [ -e /may-end ]; do sleep 0.1; done; exit 0' TERM"
    slow = script(f"{end}; while :; do sleep 0.05; done", stop_grace_period="60s")
    here.write("web", {"db": idle(), "web": {**slow, "depends_on": after("started", "db")}})
    here.done("up", "web")
    with here.core() as core:
        operation = core.operations.start(Request("stop", ("web",)))
        core.store.wait_until(lambda s: bool(s.operations and s.operations[-1].total), LIMIT)
        operation.cancel()
        said(engine, "ai-web", "touch", "/may-end")
        view = operation.wait(LIMIT)
    assert (view.status, view.error and view.error.code) == ("cancelled", "E_CANCELLED")
    assert facts(engine, "ai-web", "ai-web-db")["ai-web-db"].status == "running"
    here.done("stop", "web")
    assert {c.name for c in engine.containers.list()} == set()
