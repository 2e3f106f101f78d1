"""`up`: what it makes, what it leaves alone, in what order, and of which modules."""

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker

from aiserver_tray.base.errors import each
from aiserver_tray.operations.request import Request
from tests.engine.built_in import choose_free_ports
from tests.support.installation import IMAGE, Installation, after, checked, gated, idle, script
from tests.support.limits import LIMIT
from tests.support.observed import created, facts, heard, names, open_gate
from tests.support.ports import free_port
from tests.support.whole.catalog import of_stand_ins

BEGIN = "2000-01-01T00:00:00Z"


# -- nothing to do ---------------------------------------------------------------------------------


def test_up_of_an_unchanged_running_module_does_nothing(
    here: Installation, engine: docker.DockerClient
) -> None:
    db = checked("true", volumes=["data:/data"], ports=[f"{free_port()}:80"])
    web = checked("true", depends_on=after("healthy", "db"))
    here.write("web", {"db": db, "web": web}, top={"volumes": {"data": {}}})
    first = here.done("up", "web")
    assert {"create ai-web", "start ai-web", "wait ai-web", "volume ai-web-data"} <= {*first}
    before = facts(engine, "ai-web", "ai-web-db")

    with heard(engine, "create") as told:
        assert here.done("up", "web") == []

    assert facts(engine, "ai-web", "ai-web-db") == before
    assert created(told, "web") == []


def test_created_container_does_not_block_the_port_of_a_running_one(
    here: Installation, engine: docker.DockerClient
) -> None:
    port = free_port()
    here.write("web", {"web": idle(ports=[f"{port}:80"])})
    here.done("up", "web")
    engine.containers.create(IMAGE, name="later", ports={"80/tcp": ("127.0.0.1", port)})
    assert here.done("up", "web") == []


def test_all_blockers_are_reported_at_once_and_nothing_is_created(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("lost", {"lost": idle()}, requires=["gone"])
    here.write("hen", {"hen": idle()}, requires=["egg"])
    here.write("egg", {"egg": idle()}, requires=["hen"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here.write("web", {"web": idle(ports=[f"{taken.getsockname()[1]}:80"])})
        error = here.failed("up", "lost", "hen", "web")
    assert [e.code for e in each(error)] == ["E_DEP_MISSING", "E_DEP_CYCLE", "E_PORT_CONFLICT"]
    assert names(engine) == set()


def test_a_network_or_volume_that_its_file_changed_is_reported(here: Installation) -> None:
    web = idle(volumes=["data:/data"])
    here.write("web", {"web": web}, top={"volumes": {"data": {}}})
    assert here.run("up", "web").notices == ()
    label = {"labels": {"any": "thing"}}
    here.write(
        "web", {"web": web}, top={"volumes": {"data": label}, "networks": {"default": label}}
    )
    assert here.run("up", "web").notices == (), "a label changes nothing"
    options = {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}
    here.write(
        "web",
        {"web": web},
        top={"volumes": {"data": options}, "networks": {"default": {"internal": True}}},
    )
    view = here.run("up", "web")
    assert view.status == "succeeded"
    told = sorted(map(str, view.notices))
    assert [words.partition(" has changed")[0] for words in told] == [
        "The definition of the network ai-web",
        "The definition of the volume ai-web-data",
    ]
    here.done("down", "web", volumes="all")
    assert here.run("up", "web").notices == ()


def test_the_need_of_a_first_start_is_noticed_until_its_module_is_ready(here: Installation) -> None:
    for name, service in (("web", checked("true")), ("lost", gated(command=["false"]))):
        need = {"first_start": {"en": f"{name} needs the internet"}}
        more = {"volumes": ["data:/data"], "x-aiserver": need}
        here.write(name, {name: service | more}, top={"volumes": {"data": {}}})
    view = here.run("up", "web", "lost")
    assert view.status == "failed"
    assert [*map(str, view.notices)] == ["lost needs the internet"]


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
        assert labels["io.aiserver.home"] == str(here.home)
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

    plan = json.loads(here.cli.run("up", "web", "--dry-run", "--json").succeeded().output)

    assert [step["id"] for step in plan if step["kind"] in ("create", "start")] == [
        "create ai-web",
        "start ai-web",
    ]
    assert names(engine) == set()
    assert sorted(v.name for v in engine.volumes.list()) == before
    assert [n.name for n in engine.networks.list() if n.name.startswith("ai-")] == []
    assert here.app.settings.engines.state(engine.info()["ID"]).desired == []
    assert here.app.settings.secrets.names() == frozenset()
    assert here.module("web").state == "stopped"
    here.done("up", "web")
    again = here.cli.run("up", "web", "--dry-run", "--json").succeeded()
    assert json.loads(again.output) == [], "the secrets that were made are looked at"


# -- order -----------------------------------------------------------------------------------------


def _times(told: Sequence[Mapping[str, Any]], action: str) -> dict[str, int]:
    """Container -> when *action* happened to it (nanoseconds), by what was `heard`."""
    found = [event for event in told if event["Action"] == action]
    return {event["Actor"]["Attributes"]["name"]: event["timeNano"] for event in found}


def test_each_service_starts_when_its_own_condition_holds(
    here: Installation, engine: docker.DockerClient
) -> None:
    services = {
        "open": gated(),
        "after-start": idle(depends_on=after("started", "open")),
        "after-health": idle(depends_on=after("healthy", "open")),
        "job": script("exit 0"),
        "after-job": idle(depends_on=after("completed_successfully", "job")),
    }
    here.write("web", services)
    with heard(engine, "start", "die") as told, here.core() as core:
        operation = core.operations.start(Request("up", ("web",)))

        def started(*wanted: str) -> Callable[[Any], bool]:
            return lambda s: (
                {*wanted} <= {v.name for m in s.modules for v in m.services if v.state == "running"}
            )

        core.store.wait_until(started("open", "after-start", "after-job"), LIMIT)
        running = {c.name for c in engine.containers.list()}
        assert "ai-web-after-health" not in running
        assert not operation.view.is_over
        open_gate(engine, "ai-web-open")
        assert operation.wait(LIMIT).status == "succeeded"
    starts = _times(told, "start")
    assert starts["ai-web-open"] < starts["ai-web-after-start"]
    assert _times(told, "die")["ai-web-job"] < starts["ai-web-after-job"]


def test_required_modules_are_ready_before_a_service_starts(
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
            LIMIT,
        )
        assert {c.name for c in engine.containers.list()} == {"ai-base"}
        open_gate(engine, "ai-base")
        assert operation.wait(LIMIT).status == "succeeded"
    assert {c.name for c in engine.containers.list()} == {"ai-base", "ai-web", "ai-web-side"}


def test_missing_or_failed_optional_dependency_blocks_nothing(
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


def test_service_with_restart_true_is_recreated_with_its_dependency(
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


def test_detached_up_waits_only_for_dependencies(
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


def test_up_all_starts_every_module_and_unused_basics(here: Installation, tmp_path: Path) -> None:
    here.write("lonely", {"lonely": idle()}, kind="basic")
    choose_free_ports(here, *here.app.names)  # or what somebody runs here is in the way
    here.set("app.kernel_settings", "true")  # or a machine with too little refuses the plan
    with of_stand_ins(tmp_path / "built-in"), here.core() as core:
        plan = core.operations.plan(Request("up", all=True))
    assert {step.module for step in plan} == {*here.app.names}
    assert {"lonely", "n8n", "redis"} <= {*here.app.names}


def test_restart_restarts_only_the_own_services(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    here.write(
        "base", {"base": idle(), "side": idle(depends_on=after("started", "base"))}, kind="basic"
    )
    here.write("web", {"web": idle()}, requires=["base"])
    here.done("up", "web")
    before = facts(engine, "ai-base", "ai-base-side", "ai-web")

    with heard(engine, "start", "die") as told:
        here.done("restart", "base")

    now = facts(engine, "ai-base", "ai-base-side", "ai-web")
    assert now["ai-web"] == before["ai-web"]
    for name in ("ai-base", "ai-base-side"):
        assert now[name].id == before[name].id
        assert now[name].started_at > before[name].started_at
    died, started = _times(told, "die"), _times(told, "start")
    assert died["ai-base-side"] < died["ai-base"] < started["ai-base"] < started["ai-base-side"]
