"""What does not get ready: told at once where it can be known, with what the service said."""

import socket

import docker
import pytest

from aiserver_tray.base.errors import (
    ExitedError,
    HealthTimeoutError,
    ImagePullError,
    PortConflictError,
)
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.run import readiness
from tests.engine.registries.misbehaving import registry
from tests.support.installation import (
    Installation,
    after,
    checked,
    ended,
    gated,
    idle,
    last_words,
    script,
)
from tests.support.limits import LIMIT
from tests.support.observed import facts, open_gate, said
from tests.support.ports import free_port

PATIENT = {"ready_within": "10m"}
"""Longer than the test waits: what is told before was not told by the limit."""


def test_a_service_that_stays_unhealthy_is_reported_at_its_limit_with_check_and_log(
    here: Installation, engine: docker.DockerClient
) -> None:
    web = {
        **checked("echo the database is not there; exit 1"),
        "command": ["sh", "-c", "echo up; echo oh no; sleep 600"],
        "x-aiserver": {"ready_within": "5s"},
    }
    here.write("web", {"web": web, "user": idle(depends_on=after("healthy", "web"))})

    error = here.failed("up", "web")

    assert isinstance(error, HealthTimeoutError)
    assert error.data == {
        "service": "web/web",
        "seconds": 5.0,
        "check": "the database is not there",
        "lines": ["up", "oh no"],
        "module": "web",
        "remedies": [
            {"kind": "retry", "text": "Wait longer"},
            {"kind": "restart", "module": "web", "text": "Restart"},
            {"kind": "logs", "module": "web", "service": "web", "text": "Logs"},
        ],
    }
    assert {c.name for c in engine.containers.list()} == {"ai-web"}, "it goes on"


@pytest.mark.parametrize("restart", ["no", "unless-stopped"])
def test_a_service_that_ends_while_it_is_waited_for_is_reported_at_once(
    here: Installation, engine: docker.DockerClient, restart: str
) -> None:
    web = {
        **gated(restart=restart),
        "command": ["sh", "-c", last_words("echo begins; echo no key", 5)],
        "x-aiserver": PATIENT,
    }
    here.write("web", {"web": web, "side": idle()})

    error = here.failed("up", "web")

    assert isinstance(error, ExitedError)
    assert (error.data["service"], error.data["exitCode"]) == ("web/web", 5)
    assert error.data["lines"][-2:] == ["begins", "no key"]
    assert facts(engine, "ai-web-side")["ai-web-side"].status == "running", "the rest goes on"


def test_service_without_a_health_check_that_exits_at_once_is_not_ready(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy engine reports the end late.
    monkeypatch.setattr(readiness, "STEADY_SECONDS", 60.0)
    web = script(last_words("echo no settings", 3))
    here.write("web", {"web": web, "user": idle(depends_on=after("healthy", "web"))})
    error = here.failed("up", "web")
    assert isinstance(error, ExitedError)
    assert (error.data["service"], error.data["exitCode"]) == ("web/web", 3)
    assert error.data["lines"] == ["no settings"]


def test_a_service_that_ended_and_runs_again_is_reported_with_the_code_of_its_end(
    here: Installation, engine: docker.DockerClient
) -> None:
    text = "test -e /once && exec sleep 600; touch /once; exit 5"
    web = {**gated(restart="always"), "command": ["sh", "-c", text], "x-aiserver": PATIENT}
    here.write("web", {"web": web})

    error = here.failed("up", "web")

    assert isinstance(error, ExitedError)
    assert (error.data["service"], error.data["exitCode"]) == ("web/web", 5)


def test_a_command_that_is_not_there_is_reported_with_the_engines_words(here: Installation) -> None:
    here.write("web", {"web": {**idle(), "command": ["no-such-program"], "init": False}})
    error = here.failed("up", "web")
    assert isinstance(error, ExitedError)
    assert error.data["exitCode"] == 127
    assert "no-such-program" in str(error)


def test_port_taken_after_the_preflight_is_reported_as_a_conflict(
    here: Installation, engine: docker.DockerClient
) -> None:
    port = free_port()
    setting = {"type": "port", "default": port}
    web = idle(ports=["${WEB_PORT}:80"], depends_on=after("healthy", "db"))
    here.write("web", {"db": gated(), "web": web}, settings={"WEB_PORT": setting})
    with here.core() as core:
        operation = core.operations.start(Request("up", ("web",)))
        core.store.wait_until(
            lambda s: any(
                v.container == "ai-web-db" and v.state == "running"
                for m in s.modules
                for v in m.services
            ),
            LIMIT,
        )
        with socket.create_server(("127.0.0.1", port)):
            open_gate(engine, "ai-web-db")
            error = ended(operation).error
    assert isinstance(error, PortConflictError), error
    assert (error.data["address"], error.data["port"]) == ("127.0.0.1", port)
    assert error.data["setting"] == "web.WEB_PORT"
    here.done("up", "web")


def test_all_failures_are_reported_and_unaffected_services_run(
    here: Installation, engine: docker.DockerClient
) -> None:
    def broken(code: int) -> dict[str, object]:
        return {**gated(), "command": ["sh", "-c", f"exit {code}"]}

    here.write("one", {"one": broken(1), "user": idle(depends_on=after("healthy", "one"))})
    here.write("two", {"two": broken(2)})
    here.write("three", {"three": idle()})

    error = here.failed("up", "one", "two", "three")

    assert {(e.code, e.data["service"], e.data["exitCode"]) for e in error.errors} == {
        ("E_EXITED", "one/one", 1),
        ("E_EXITED", "two/two", 2),
    }
    assert {c.name for c in engine.containers.list()} == {"ai-three"}


def test_missing_image_is_reported_with_each_source_and_nothing_starts(
    here: Installation, engine: docker.DockerClient
) -> None:
    with registry() as server:
        image = f"{server.address}/team/broken:1"
        here.write("web", {"web": {"image": image}, "user": idle(depends_on=["web"])})
        error = here.failed("up", "web")
    assert isinstance(error, ImagePullError)
    assert error.data["image"] == image
    assert [tried["source"] for tried in error.data["tried"]] == [image]
    assert engine.containers.list() == []


@pytest.mark.parametrize("how", ["paused", "removed", "killed"])
def test_up_repairs_only_the_containers_changed_by_hand(
    here: Installation, engine: docker.DockerClient, how: str
) -> None:
    here.write("web", {"web": idle(), "db": idle()})
    here.done("up", "web")
    before = facts(engine, "ai-web", "ai-web-db")
    container = engine.containers.get("ai-web")
    if how == "paused":
        container.pause()
    elif how == "killed":
        container.kill()
    else:
        container.remove(force=True)
    assert here.module("web").state == "degraded"

    here.done("up", "web")

    now = facts(engine, "ai-web", "ai-web-db")
    assert here.module("web").state == "running"
    assert now["ai-web-db"] == before["ai-web-db"]
    assert (now["ai-web"].id == before["ai-web"].id) is (how != "removed")
    assert (now["ai-web"] == before["ai-web"]) is (how == "paused"), "it only goes on"
    said(engine, "ai-web", "true")


def test_a_service_refused_by_the_engine_is_reported_with_file_and_place(
    here: Installation,
) -> None:
    folder = here.write("web", {"web": idle(mem_limit="1m")})
    error = here.failed("up", "web")
    assert error.code == "E_CATALOG"
    (problem,) = error.data["problems"]
    assert problem["file"] == str(folder / "compose.yaml")
    assert problem["key"] == "services.web"
    assert "memory" in problem["message"]


def test_a_script_that_prints_much_is_quoted_by_its_last_lines_only(here: Installation) -> None:
    job = script(last_words("for i in $(seq 1 500); do echo line $i; done", 1))
    here.write("web", {"job": job, "web": idle(depends_on=after("completed_successfully", "job"))})
    error = here.failed("up", "web")
    assert error.data["lines"] == [f"line {i}" for i in range(491, 501)]
