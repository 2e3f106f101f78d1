"""`up` after something changed: what is made anew, what is kept, and what makes way."""

from collections.abc import Callable, Mapping

import docker
import pytest

from aiserver_tray.base.errors import CatalogError
from tests.support.installation import IMAGE, Installation, after, checked, idle, script
from tests.support.observed import facts, names, said
from tests.support.ports import free_port
from tests.support.waiting import eventually


@pytest.fixture
def with_volume(engine: docker.DockerClient) -> str:
    """An image that declares a volume at /kept."""
    tag = "aiserver-test/volume:1"
    container = engine.containers.create(IMAGE)
    container.commit("aiserver-test/volume", "1", changes="VOLUME /kept")
    container.remove()
    return tag


def _setting(here: Installation) -> None:
    here.set("web.COLOUR", "blue")


def _secret(here: Installation) -> None:
    here.set("web.KEY", "another-secret-value")


def _file(here: Installation) -> None:
    (here.catalog / "web/app.conf").write_text("second\n")


def _inline(here: Installation) -> None:
    here.set("web.INLINE", "other")


CHANGES: Mapping[str, Callable[[Installation], None]] = {
    "setting": _setting,
    "secret": _secret,
    "file": _file,
    "inline content": _inline,
}


def _changeable(here: Installation, image: str) -> None:
    settings = {
        "COLOUR": {"type": "text", "default": "red"},
        "INLINE": {"type": "text", "default": "one"},
        "KEY": {"type": "secret", "generate": "hex32"},
    }
    web = idle(
        environment={"COLOUR": "${COLOUR}"},
        configs=["file", "inline"],
        secrets=["key"],
        volumes=["data:/data", "/unnamed"],
    )
    top = {
        "configs": {"file": {"file": "./app.conf"}, "inline": {"content": "is ${INLINE}"}},
        "secrets": {"key": {"environment": "KEY"}},
        "volumes": {"data": {}},
    }
    folder = here.write(
        "web", {"web": {**web, "image": image}, "db": idle()}, top=top, settings=settings
    )
    (folder / "app.conf").write_text("first\n")
    here.trust()


def _seen(engine: docker.DockerClient) -> list[str]:
    """What the service sees of all that can change."""
    text = "echo $COLOUR; cat /file /inline /run/secrets/key"
    return said(engine, "ai-web", "sh", "-c", text).split("\n")


@pytest.mark.parametrize("change", CHANGES)
def test_only_changed_services_are_recreated_and_keep_their_data(
    here: Installation, engine: docker.DockerClient, with_volume: str, change: str
) -> None:
    _changeable(here, with_volume)
    here.done("up", "web")
    seen, before = _seen(engine), facts(engine, "ai-web", "ai-web-db")
    volumes = ("/data", "/unnamed", "/kept")
    said(engine, "ai-web", "touch", *(f"{folder}/mine" for folder in volumes))

    CHANGES[change](here)
    did = here.done("up", "web")

    assert [step for step in did if "ai-web-db" in step] == []
    assert {"remove ai-web", "create ai-web", "start ai-web"} <= {*did}
    now = facts(engine, "ai-web", "ai-web-db")
    assert now["ai-web-db"] == before["ai-web-db"]
    assert now["ai-web"].id != before["ai-web"].id
    assert len(set(seen) ^ set(_seen(engine))) == 2, "one thing changed, and it arrived"
    said(engine, "ai-web", "ls", *(f"{folder}/mine" for folder in volumes))


def test_stopped_module_starts_after_its_network_was_removed(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    here.done("up", "web")
    here.done("stop", "web")
    engine.networks.prune()
    here.done("up", "web")
    assert here.module("web").state == "running"


def test_a_stopped_module_starts_after_another_one_recreated_their_network(
    here: Installation, engine: docker.DockerClient
) -> None:
    shared = {"networks": {"ai-net": {"external": True}}}
    for name in ("blog", "wiki"):
        here.write(name, {name: idle(networks=["ai-net"])}, top=shared)
    here.done("up", "blog", "wiki")
    here.done("stop", "blog", "wiki")
    engine.networks.prune()
    here.done("up", "blog")
    here.done("up", "wiki")
    assert here.module("wiki").state == "running"
    here.done("stop", "wiki")
    assert here.done("up", "wiki") == ["start ai-wiki", "wait ai-wiki"]


def test_image_volume_of_volumes_from_is_shared(
    here: Installation, engine: docker.DockerClient, with_volume: str
) -> None:
    user = idle(image=with_volume, volumes_from=["web"])
    here.write("web", {"web": idle(image=with_volume), "user": user, "db": idle()})
    here.done("up", "web")
    said(engine, "ai-web", "touch", "/kept/mine")
    said(engine, "ai-web-user", "ls", "/kept/mine")
    here.write("web", {"web": idle(), "user": user | {"volumes_from": ["db"]}, "db": idle()})
    here.done("up", "web")
    volumes = {volume.name for volume in engine.volumes.list()}
    assert len(volumes) == 2, "its own, since the other has nothing there"
    assert all(name.startswith("ai-web-") for name in volumes)


def test_data_outlives_a_failed_start_and_down_also_where_only_the_image_has_a_volume(
    here: Installation, engine: docker.DockerClient, with_volume: str
) -> None:
    here.write("web", {"web": idle(image=with_volume)})
    here.done("up", "web")
    said(engine, "ai-web", "touch", "/kept/mine")
    here.write("web", {"web": idle(image=with_volume, mem_limit="1m")})
    assert here.failed("up", "web").code == "E_CATALOG", "too little: it is not even created"
    assert names(engine) == set()
    here.write("web", {"web": idle(image=with_volume)})
    here.done("up", "web")
    said(engine, "ai-web", "ls", "/kept/mine")
    here.done("down", "web")
    here.done("up", "web")
    said(engine, "ai-web", "ls", "/kept/mine")
    here.done("down", "web", volumes="all")
    assert engine.volumes.list() == []


def test_a_foreign_volume_of_the_name_of_an_images_volume_is_left_alone(
    here: Installation, engine: docker.DockerClient, with_volume: str
) -> None:
    here.write("web", {"web": idle(image=with_volume)})
    here.done("up", "web")
    (ours,) = engine.volumes.list()
    here.done("down", "web", volumes="all")
    engine.volumes.create(ours.name)
    error = here.failed("up", "web")
    assert (error.code, error.data["name"]) == ("E_NAME_CONFLICT", ours.name)


def test_a_config_file_of_a_read_only_service_is_renewed(
    here: Installation, engine: docker.DockerClient
) -> None:
    web = idle(read_only=True, configs=[{"source": "file", "target": "/etc/web/app.conf"}])
    top = {"configs": {"file": {"file": "./app.conf"}}}
    folder = here.write("web", {"web": web}, top=top)
    for content in ("first", "second"):
        (folder / "app.conf").write_text(content)
        here.trust()
        here.done("up", "web")
        assert said(engine, "ai-web", "cat", "/etc/web/app.conf") == content
    here.done("down", "web")
    assert "ai-web-web-config" not in {volume.name for volume in engine.volumes.list()}


def test_data_in_a_volume_that_configuration_files_would_get_is_kept(
    here: Installation, engine: docker.DockerClient
) -> None:
    data: dict[str, object] = {"volumes": {"web-config": {}}}
    here.write("web", {"web": idle(volumes=["web-config:/data"])}, top=data)
    here.done("up", "web")
    said(engine, "ai-web", "touch", "/data/mine")
    before = facts(engine, "ai-web")
    web = idle(read_only=True, configs=[{"source": "file", "target": "/etc/web/app.conf"}])
    here.write("web", {"web": web}, top={"configs": {"file": {"content": "new"}}})

    error = here.failed("up", "web")

    assert isinstance(error, CatalogError)
    assert "ai-web-web-config" in str(error)
    assert facts(engine, "ai-web") == before
    said(engine, "ai-web", "ls", "/data/mine")


def test_a_service_that_left_the_file_is_removed_by_up_and_its_volume_kept(
    here: Installation, engine: docker.DockerClient
) -> None:
    top: dict[str, object] = {"volumes": {"data": {}}}
    here.write("web", {"web": idle(), "old": idle(volumes=["data:/data"])}, top=top)
    here.done("up", "web")
    before = facts(engine, "ai-web")
    here.write("web", {"web": idle()})

    assert here.done("up", "web") == ["stop ai-web-old", "remove ai-web-old"]

    assert facts(engine, "ai-web") == before
    assert engine.volumes.get("ai-web-data")


def test_a_service_under_a_new_name_takes_over_volume_and_port_once_the_old_is_gone(
    here: Installation, engine: docker.DockerClient
) -> None:
    top: dict[str, object] = {"volumes": {"data": {}}}
    alone = (
        "trap 'sleep 1; rmdir /data/lock; exit 0' TERM; mkdir /data/lock || exit 1;"
        "while :; do sleep 0.1; done"
    )
    service = script(alone, ports=[f"{free_port()}:80"], volumes=["data:/data"])
    here.write("web", {"old": service}, top=top)
    here.done("up", "web")
    here.write("web", {"new": service}, top=top)

    here.done("up", "web")

    assert names(engine) == {"ai-web-new"}
    assert engine.containers.get("ai-web-new").status == "running", "it found the folder there"


def test_up_restarts_a_crash_looping_service_after_its_dependency(
    here: Installation, engine: docker.DockerClient
) -> None:
    ready = "test -e /data/ready"
    volumes = ["data:/data"]
    base = script(
        "rm -f /data/ready; sleep 1; touch /data/ready; exec sleep 600", volumes=volumes, init=True
    )
    web = script(f"{ready} || exit 1; exec sleep 600", volumes=volumes, restart="always", init=True)
    services = {
        "base": base | {"healthcheck": checked(ready)["healthcheck"]},
        "web": web | {"depends_on": after("healthy", "base")},
    }
    here.write("web", services, top={"volumes": {"data": {}}})
    here.done("up", "web")
    said(engine, "ai-web", "rm", "/data/ready")
    engine.containers.get("ai-web-base").kill()
    engine.containers.get("ai-web").restart(timeout=0)
    eventually(lambda: engine.api.inspect_container("ai-web")["RestartCount"] > 2, "three restarts")

    here.done("up", "web")

    # Not at once on a busy machine.
    eventually(lambda: here.module("web").state == "running", "a running module")


def test_a_changed_choice_swaps_its_services_and_brings_its_requires(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("store", {"store": idle()}, kind="basic")
    choices = {
        "inside": {"title": "Inside", "profiles": ["inside"]},
        "outside": {"title": "Outside", "profiles": ["outside"], "requires": ["store"]},
    }
    services = {"web": idle(), "in": idle(profiles=["inside"]), "out": idle(profiles=["outside"])}
    setting = {"type": "choice", "default": "inside", "choices": choices}
    here.write("web", services, settings={"PLACE": setting})
    here.done("up", "web")
    assert names(engine) == {"ai-web", "ai-web-in"}
    before = facts(engine, "ai-web")

    here.set("web.PLACE", "outside")
    here.done("up", "web")

    assert names(engine) == {"ai-web", "ai-web-out", "ai-store"}
    assert facts(engine, "ai-web") == before
