"""The owner of the core puts back what the engine's restart took away."""

from contextlib import closing

import docker

from aiserver_tray.base.errors import CatalogError, ImagePullError, NameConflictError, each
from tests.engine.registries.misbehaving import registry
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, checked, idle
from tests.support.observed import facts, names
from tests.support.owning import PEER, owned


def test_running_modules_run_again_after_a_restart_of_engine_or_applet(
    here: Installation, lab: Place
) -> None:
    here.write("db", {"db": checked("true", stop_signal="SIGKILL")}, kind="basic")
    here.write("web", {"web": checked("true", stop_signal="SIGKILL")}, requires=["db"])
    here.write("other", {"other": checked("true")})
    with owned(here) as (owner, modules):
        modules.wait_for(web="stopped", other="stopped")
        up = {"kind": "up", "modules": ["web"], "untilEnd": True}
        assert owner.api.invoke("ai/operation/start", up, PEER)["success"]
        modules.wait_for(web="running", db="running")
        lab_engine.kill(lab)
        modules.wait_for(web="engine_down")
        lifecycle.up(lab)
        modules.wait_for(web="running", db="running", other="stopped")
    with closing(lab_engine.client(lab)) as client:
        client.containers.get("ai-web").kill()
    with owned(here) as (_, modules):
        modules.wait_for(web="running", db="running", other="stopped")


def want(here: Installation, engine: docker.DockerClient, *modules: str) -> None:
    """Have them asked for, as an earlier `up` would."""
    with here.app.settings.engines.update(engine.info()["ID"]) as state:
        state.desired = [*modules]


def test_blocked_module_does_not_keep_others_from_coming_back(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("base", {"base": idle()}, kind="basic")
    here.write("user", {"user": idle()}, requires=["base"])
    here.write("web", {"web": idle()})
    here.write("mute", {"mute": idle(environment={"KEY": "${KEY}"})})
    want(here, engine, "user", "base", "mute", "web")
    taken = engine.containers.create(IMAGE, name="ai-base")

    error = here.revive().error

    assert error is not None
    assert [type(one) for one in each(error)] == [CatalogError, NameConflictError]
    assert facts(engine, "ai-web")["ai-web"].status == "running"
    assert names(engine) == {"ai-web", "ai-base"}
    taken.remove()
    here.write("mute", {"mute": idle()})
    assert here.revive().status == "succeeded"
    assert names(engine) == {"ai-web", "ai-base", "ai-user", "ai-mute"}


def test_present_image_is_used_if_the_next_pull_fails(
    here: Installation, engine: docker.DockerClient
) -> None:
    with registry() as server:
        image = f"{server.address}/team/missing"
    engine.images.get(IMAGE).tag(image, "1")
    here.write("web", {"web": {**idle(), "image": f"{image}:1", "pull_policy": "always"}})
    here.write("other", {"other": idle()})
    want(here, engine, "web", "other")

    assert here.revive().status == "succeeded"

    assert all(found.status == "running" for found in facts(engine, "ai-web", "ai-other").values())
    engine.images.remove(f"{image}:1", noprune=True, force=True)
    engine.containers.get("ai-web").remove(force=True)
    error = here.revive().error
    assert isinstance(error, ImagePullError), "and not twice the same"
    assert names(engine) == {"ai-other"}
