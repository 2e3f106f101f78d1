"""Commands that a file has run after a start and before a stop: done, failed, and endless."""

import time
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import ExitedError, PostStartTimeoutError
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from tests.support.installation import Installation, ended, idle
from tests.support.observed import facts, said
from tests.support.waiting import eventually

GOES_ON = "echo begins; sleep 86400"


def hook(text: str) -> list[dict[str, Any]]:
    return [{"command": ["sh", "-c", text.replace("$", "$$")]}]


def is_at_work(client: docker.DockerClient, container: str) -> bool:
    """Whether a command runs in *container* beside its own."""
    found = client.containers.list(filters={"name": f"^{container}$"})
    return bool(found) and bool(client.api.inspect_container(container)["ExecIDs"])


def test_commands_run_after_the_start_and_before_the_stop(
    here: Installation, engine: docker.DockerClient
) -> None:
    hooks = {
        "post_start": [*hook("echo 1 >> /data/log"), *hook("echo 2 >> /data/log")],
        "pre_stop": hook("echo 3 >> /data/log"),
    }
    service = idle(volumes=["data:/data"], **hooks)
    here.write("web", {"web": service}, top={"volumes": {"data": {}}})
    here.done("up", "web")
    here.done("stop", "web")
    here.done("up", "web")
    assert said(engine, "ai-web", "cat", "/data/log").split() == ["1", "2", "3", "1", "2"]


def test_a_command_after_the_start_that_fails_fails_the_start(here: Installation) -> None:
    here.write("web", {"web": idle(post_start=hook("echo no key; exit 3"))})
    error = here.failed("up", "web")
    assert isinstance(error, ExitedError)
    assert (error.data["exitCode"], error.data["lines"]) == (3, ["no key"])


def test_a_command_after_the_start_may_take_as_long_as_the_service(
    here: Installation, engine: docker.DockerClient
) -> None:
    extension = {"x-aiserver": {"ready_within": "3s"}}
    here.write("web", {"web": idle(post_start=hook(GOES_ON), **extension)})

    error = here.failed("up", "web")

    assert isinstance(error, PostStartTimeoutError)
    assert error.data == {
        "service": "web/web",
        "seconds": 3.0,
        "command": f"sh -c {GOES_ON}",
        "lines": ["begins"],
        "module": "web",
        "remedies": [{"kind": "logs", "module": "web", "service": "web", "text": "Logs"}],
    }
    assert facts(engine, "ai-web")["ai-web"].status == "exited"


def test_commands_after_the_start_that_failed_run_at_the_next_up(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(post_start=hook("exit 3"))})
    assert here.failed("up", "web").code == "E_EXITED"
    here.write("web", {"web": idle(post_start=hook("touch /done"))})
    here.done("up", "web")
    said(engine, "ai-web", "ls", "/done")


def test_a_command_before_the_stop_may_take_as_long_as_the_stop(
    here: Installation, engine: docker.DockerClient
) -> None:
    hooks = [*hook(GOES_ON), *hook("echo too late")]
    here.write("web", {"web": idle(pre_stop=hooks, stop_grace_period="1s")})
    here.done("up", "web")
    began = time.monotonic()

    assert here.done("stop", "web") == ["stop ai-web"]

    assert time.monotonic() - began > 1
    assert facts(engine, "ai-web")["ai-web"].status == "exited"


@pytest.mark.parametrize("kind", ["up", "stop"])
def test_cancelling_waits_for_no_command(
    here: Installation, engine: docker.DockerClient, kind: OperationKind
) -> None:
    long: dict[str, Any] = {"stop_grace_period": "10m", "x-aiserver": {"ready_within": "10m"}}
    when = "post_start" if kind == "up" else "pre_stop"
    here.write("web", {"web": idle(**{when: hook(GOES_ON)}, **long)})
    if kind == "stop":
        here.done("up", "web")
    with here.core() as core:
        operation = core.operations.start(Request(kind, ("web",)))
        eventually(lambda: is_at_work(engine, "ai-web"), "the hook at work")
        operation.cancel()
        assert ended(operation).status == "cancelled"
    left = "exited" if kind == "up" else "running"
    assert facts(engine, "ai-web")["ai-web"].status == left
