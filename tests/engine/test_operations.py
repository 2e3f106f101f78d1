"""`up`: what it makes, what it leaves alone, what it makes anew, and in what order."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.errors import CatalogError
from aiserver_tray.operations.request import EVERY_VOLUME, Request
from tests.engine.faults.objects import created, eventually
from tests.engine.operating import (
    IMAGE,
    Installation,
    after,
    checked,
    events,
    facts,
    gated,
    idle,
    names,
    open_gate,
    said,
    script,
)
from tests.engine.test_modules import free_port

BEGIN = "2000-01-01T00:00:00Z"


@pytest.fixture
def with_volume(engine: docker.DockerClient) -> str:
    """An image that declares a volume at /kept."""
    tag = "aiserver-test/volume:1"
    container = engine.containers.create(IMAGE)
    container.commit("aiserver-test/volume", "1", changes="VOLUME /kept")
    container.remove()
    return tag


# -- nothing to do ---------------------------------------------------------------------------------


def test_up_of_what_runs_and_is_unchanged_does_nothing(
    here: Installation, engine: docker.DockerClient
) -> None:
    db = checked("true", volumes=["data:/data"], ports=["18999:80"])
    web = checked("true", depends_on=after("healthy", "db"))
    here.write("web", {"db": db, "web": web}, top={"volumes": {"data": {}}})
    first = here.done("up", "web")
    assert {"create ai-web", "start ai-web", "wait ai-web", "volume ai-web-data"} <= {*first}
    before, since = facts(engine, "ai-web", "ai-web-db"), time.time()

    assert here.done("up", "web") == []

    assert facts(engine, "ai-web", "ai-web-db") == before
    assert created(engine, "web", since) == []


def test_up_makes_everything_of_ours_with_our_labels(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(volumes=["data:/data"])}, top={"volumes": {"data": {}}})
    here.done("up", "web")
    ours = here.app.settings.installation_id
    found = [
        engine.api.inspect_container("ai-web")["Config"]["Labels"],
        engine.api.inspect_network("ai-web")["Labels"],
        engine.api.inspect_volume("ai-web-data")["Labels"],
    ]
    for labels in found:
        assert labels["io.aiserver.installation"] == ours
        assert labels["io.aiserver.module"] == "web"
        assert labels["com.docker.compose.project"] == "aiserver-web"


def test_a_dry_run_changes_nothing(here: Installation, engine: docker.DockerClient) -> None:
    here.write(
        "web",
        {"web": idle(volumes=["data:/data"], environment=["KEY"])},
        top={"volumes": {"data": {}}},
        settings={"KEY": {"type": "secret", "generate": "hex32", "keep": True}},
    )
    before = sorted(v.name for v in engine.volumes.list())

    plan = json.loads(here.tray.run("up", "web", "--dry-run", "--json").succeeded().output)

    assert [step["id"] for step in plan if step["kind"] in ("create", "start")] == [
        "create ai-web",
        "start ai-web",
    ]
    assert names(engine) == set()
    assert sorted(v.name for v in engine.volumes.list()) == before
    assert [n.name for n in engine.networks.list() if n.name.startswith("ai-")] == []
    assert here.app.settings.engine(engine.info()["ID"]).desired == []
    assert here.app.settings.secrets.names() == frozenset()
    assert here.module("web").state == "stopped"
    here.done("up", "web")
    again = here.tray.run("up", "web", "--dry-run", "--json").succeeded()
    assert json.loads(again.output) == [], "the secrets that were made are looked at"


# -- what changed ----------------------------------------------------------------------------------


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


def _seen(engine: docker.DockerClient) -> list[str]:
    """What the service sees of all that can change."""
    text = "echo $COLOUR; cat /file /inline /run/secrets/key"
    return said(engine, "ai-web", "sh", "-c", text).split("\n")


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_made_anew_alone_and_keeps_all_its_data(
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


def test_what_stopped_comes_back_also_where_somebody_removed_its_network(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    here.done("up", "web")
    here.done("stop", "web")
    engine.networks.prune()
    here.done("up", "web")
    assert here.module("web").state == "running"


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
    here.done("down", "web", volumes=EVERY_VOLUME)
    assert engine.volumes.list() == []


def test_a_foreign_volume_of_the_name_of_an_images_volume_is_left_alone(
    here: Installation, engine: docker.DockerClient, with_volume: str
) -> None:
    here.write("web", {"web": idle(image=with_volume)})
    here.done("up", "web")
    (ours,) = engine.volumes.list()
    here.done("down", "web", volumes=EVERY_VOLUME)
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


def test_up_brings_back_in_order_what_ends_again_and_again_without_what_it_needs(
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
    eventually(lambda: engine.api.inspect_container("ai-web")["RestartCount"] > 2)

    here.done("up", "web")

    assert here.module("web").state == "running"


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


# -- order -----------------------------------------------------------------------------------------


def _times(engine: docker.DockerClient, since: float, event: str) -> dict[str, int]:
    """Container -> when *event* happened to it (nanoseconds)."""
    found = events(engine, since, time.time(), type=["container"], event=[event])
    return {e["Actor"]["Attributes"]["name"]: e["timeNano"] for e in found}


def test_each_service_starts_when_its_own_condition_holds(
    here: Installation, engine: docker.DockerClient
) -> None:
    since = time.time()
    services = {
        "open": gated(),
        "after-start": idle(depends_on=after("started", "open")),
        "after-health": idle(depends_on=after("healthy", "open")),
        "job": script("exit 0"),
        "after-job": idle(depends_on=after("completed_successfully", "job")),
    }
    here.write("web", services)
    with here.core() as core:
        operation = core.operations.start(Request("up", ("web",)))

        def started(*wanted: str) -> Callable[[Any], bool]:
            return lambda s: (
                {*wanted} <= {v.name for m in s.modules for v in m.services if v.state == "running"}
            )

        core.store.wait_until(started("open", "after-start", "after-job"), 60)
        running = {c.name for c in engine.containers.list()}
        assert "ai-web-after-health" not in running
        assert not operation.view.is_over
        open_gate(engine, "ai-web-open")
        assert operation.wait(60).status == "succeeded"
    starts = _times(engine, since, "start")
    assert starts["ai-web-open"] < starts["ai-web-after-start"]
    assert _times(engine, since, "die")["ai-web-job"] < starts["ai-web-after-job"]


def test_what_a_module_requires_is_ready_before_any_of_its_services_starts(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("base", {"base": gated()}, kind="basic")
    here.write("web", {"web": idle(), "side": idle()}, requires=["base"])
    with here.core() as core:
        operation = core.operations.start(Request("up", ("web",)))
        core.store.wait_until(
            lambda s: any(
                m.name == "base" and m.services and m.services[0].state == "running"
                for m in s.modules
            ),
            60,
        )
        assert {c.name for c in engine.containers.list()} == {"ai-base"}
        open_gate(engine, "ai-base")
        assert operation.wait(60).status == "succeeded"
    assert {c.name for c in engine.containers.list()} == {"ai-base", "ai-web", "ai-web-side"}


def test_an_optional_dependency_that_is_not_there_or_fails_holds_up_nobody(
    here: Installation, engine: docker.DockerClient
) -> None:
    optional = {
        **after("healthy", "absent", required=False),
        **after("healthy", "broken", required=False),
    }
    services = {
        "absent": gated(profiles=["never"]),
        "broken": {**gated(), "command": ["false"]},
        "web": idle(depends_on=optional),
    }
    here.write("web", services)

    error = here.failed("up", "web")

    assert (error.code, error.data["service"]) == ("E_EXITED", "web/broken")
    assert {c.name for c in engine.containers.list()} == {"ai-web"}


def test_who_is_to_restart_with_another_is_made_anew_with_it(
    here: Installation, engine: docker.DockerClient
) -> None:
    settings = {"COLOUR": {"type": "text", "default": "red"}}
    services = {
        "db": idle(environment={"COLOUR": "${COLOUR}"}),
        "bound": idle(depends_on=after("started", "db", restart=True)),
        "loose": idle(depends_on=after("started", "db")),
    }
    here.write("web", services, settings=settings)
    here.done("up", "web")
    before = facts(engine, "ai-web-bound", "ai-web-loose")

    here.set("web.COLOUR", "blue")
    here.done("up", "web")

    now = facts(engine, "ai-web-bound", "ai-web-loose")
    assert now["ai-web-loose"] == before["ai-web-loose"]
    assert now["ai-web-bound"].started_at > before["ai-web-bound"].started_at


def test_detached_up_does_not_wait_for_what_nobody_waits_for(
    here: Installation, engine: docker.DockerClient
) -> None:
    services = {"db": checked("true"), "web": gated(depends_on=after("healthy", "db"))}
    here.write("web", services)

    assert "wait ai-web" not in here.done("up", "web", detach=True)

    assert here.module("web").state == "starting"
    assert {c.name for c in engine.containers.list()} == {"ai-web", "ai-web-db"}


# -- which modules ---------------------------------------------------------------------------------


def test_up_without_a_name_means_the_chosen_ones(
    here: Installation, engine: docker.DockerClient
) -> None:
    for name in ("one", "two", "three"):
        here.write(name, {name: idle()})
    here.app.settings.choose(["one", "two"])

    here.done("up")

    assert names(engine) == {"ai-one", "ai-two"}


def test_up_of_all_means_every_module_also_basics_that_nobody_needs(here: Installation) -> None:
    here.write("lonely", {"lonely": idle()}, kind="basic")
    with here.core() as core:
        plan = core.operations.plan(Request("up", all=True))
    assert {step.module for step in plan} == {*here.app.names}
    assert {"lonely", "n8n", "redis"} <= {*here.app.names}


def test_restart_is_of_its_own_services_only(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    here.write(
        "base", {"base": idle(), "side": idle(depends_on=after("started", "base"))}, kind="basic"
    )
    here.write("web", {"web": idle()}, requires=["base"])
    here.done("up", "web")
    before, since = facts(engine, "ai-base", "ai-base-side", "ai-web"), time.time()

    here.done("restart", "base")

    now = facts(engine, "ai-base", "ai-base-side", "ai-web")
    assert now["ai-web"] == before["ai-web"]
    for name in ("ai-base", "ai-base-side"):
        assert now[name].id == before[name].id
        assert now[name].started_at > before[name].started_at
    died, started = _times(engine, since, "die"), _times(engine, since, "start")
    assert died["ai-base-side"] < died["ai-base"] < started["ai-base"] < started["ai-base-side"]
