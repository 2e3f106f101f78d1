"""Jobs: when they run, when they are skipped, and what becomes of those who need them."""

import time
from pathlib import Path

import docker
import pytest

from aiserver_tray.base.errors import JobFailedError
from tests.support.installation import Installation, Service, after, idle, last_words, script
from tests.support.observed import facts, names
from tests.support.waiting import eventually

LOG: dict[str, object] = {"volumes": {"log": {}}}


def job(colour: str = "red", **more: object) -> Service:
    """A job that notes each of its runs."""
    run = "echo ran >> /log/runs; echo I am $COLOUR"
    return script(last_words(run, 0), volumes=["log:/log"], environment={"COLOUR": colour}, **more)


def runs(engine: docker.DockerClient) -> int:
    """How often the job of `web` has run."""
    folder = Path(engine.api.inspect_volume("ai-web-log")["Mountpoint"])
    return len((folder / "runs").read_text().splitlines())


def write(here: Installation, colour: str = "red", *, web: str = "one", requires: str = "") -> None:
    services = {
        "job": job(colour),
        "web": idle(environment={"IT": web}, depends_on=after("completed_successfully", "job")),
        "side": idle(),
    }
    here.write("web", services, top=LOG, requires=[requires] if requires else [])


def test_a_job_runs_once_and_its_container_stays(
    here: Installation, engine: docker.DockerClient
) -> None:
    write(here)
    here.done("up", "web")

    assert here.done("up", "web") == []

    assert runs(engine) == 1
    assert engine.containers.get("ai-web-job").logs() == b"I am red\n"
    found = here.module("web")
    assert (found.state, found.ready, found.total) == ("running", 3, 3)


def test_a_job_runs_again_with_what_needs_it_and_on_its_own_change(
    here: Installation, engine: docker.DockerClient
) -> None:
    write(here)
    here.done("up", "web")
    before = facts(engine, "ai-web", "ai-web-side")

    write(here, "blue")
    here.done("up", "web")
    assert runs(engine) == 2
    assert engine.containers.get("ai-web-job").logs() == b"I am blue\n"
    assert facts(engine, *before) == before, "who needs it is not touched"

    write(here, "blue", web="two")
    here.done("up", "web")
    assert runs(engine) == 3, "what needs it was made anew"
    here.done("stop", "web")
    here.done("up", "web")
    assert runs(engine) == 4, "what needs it was started"


def test_job_without_dependents_runs_once(here: Installation, engine: docker.DockerClient) -> None:
    stated = job(depends_on=after("started", "web")) | {"x-aiserver": {"job": True}}
    here.write("web", {"job": stated, "web": idle()}, top=LOG)
    here.done("up", "web")

    assert here.done("up", "web") == []
    assert runs(engine) == 1

    stated["environment"] = {"COLOUR": "blue"}
    here.write("web", {"job": stated, "web": idle()}, top=LOG)
    assert "start ai-web-job" in here.done("up", "web")
    assert runs(engine) == 2


def test_removed_container_of_a_done_job_is_not_missing(
    here: Installation, engine: docker.DockerClient
) -> None:
    write(here)
    here.done("up", "web")
    engine.containers.get("ai-web-job").remove()

    assert here.module("web").state == "running"
    assert here.done("up", "web") == []
    assert names(engine) == {"ai-web", "ai-web-side"}


@pytest.mark.parametrize("made", ["by up", "by hand"])
def test_job_runs_again_if_a_volume_is_newer(
    here: Installation, engine: docker.DockerClient, made: str
) -> None:
    base = idle(volumes=["data:/data"])
    here.write("base", {"base": base}, kind="basic", top={"volumes": {"data": {}}})
    write(here, requires="base")
    here.done("up", "web")
    before, second = facts(engine, "ai-web", "ai-web-side"), int(time.time())
    engine.containers.get("ai-base").remove(force=True)
    old = engine.volumes.get("ai-base-data")
    old.remove()
    if made == "by hand":
        # The engine tells the time of a volume in whole seconds.
        eventually(lambda: time.time() >= second + 1, "the next second")
        engine.volumes.create("ai-base-data", labels=old.attrs["Labels"])

    here.done("up", "web")

    assert runs(engine) == 2
    assert facts(engine, *before) == before
    assert here.done("up", "web") == []


def test_failed_job_stops_its_dependents_and_is_reported_with_its_log(
    here: Installation, engine: docker.DockerClient
) -> None:
    def write_failing(code: int) -> None:
        text = last_words("echo begins; echo no such table", code)
        needs = after("completed_successfully", "job")
        here.write("web", {"job": script(text), "web": idle(depends_on=needs), "side": idle()})

    write_failing(3)
    error = here.failed("up", "web")

    assert isinstance(error, JobFailedError)
    assert error.data == {
        "service": "web/job",
        "exitCode": 3,
        "lines": ["begins", "no such table"],
        "module": "web",
        "remedies": [{"kind": "logs", "module": "web", "service": "job", "text": "Logs"}],
    }
    assert {c.name for c in engine.containers.list()} == {"ai-web-side"}
    assert here.module("web").state == "degraded"
    again = here.failed("up", "web")
    assert again.code == "E_JOB_FAILED", "one that failed runs again"
    write_failing(0)
    here.done("up", "web")
    assert here.module("web").state == "running"


def test_exit_0_without_a_restart_policy_in_a_plain_file_is_done(here: Installation) -> None:
    web = idle(restart="unless-stopped")
    services = {"once": script("exit 0"), "late": script("sleep 1"), "web": web}
    here.write_plain("web", services)

    here.done("up", "web")
    eventually(
        lambda: [s.exit_code for s in here.module("web").services].count(0) == 2,
        "the end of both services",
    )

    found = here.module("web")
    assert (found.state, found.ready, found.total, found.reason) == ("running", 3, 3, None)
