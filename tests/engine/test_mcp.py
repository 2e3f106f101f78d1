"""An assistant: the official client of the Model Context Protocol starts ``aiserver-tray mcp``, and
asks about what has failed. A person answers at the window."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any

import anyio
import docker
from mcp import Client, StdioServerParameters

from aiserver_tray.carriers.local.client import Client as Window
from aiserver_tray.system.paths import Home
from tests.lab.fixtures import have_image
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, idle, last_words, script
from tests.support.limits import LIMIT
from tests.support.observed import names

FAILURES = {
    "leaves": ("E_EXITED", "no such file"),
    "taken": ("E_PORT_CONFLICT", "already in use"),
    "missing": ("E_IMAGE_PULL", "nothing:1"),
    "migrates": ("E_JOB_FAILED", "table is gone"),
    "sick": ("E_HEALTH_TIMEOUT", "not healthy"),
}
"""Module -> the code of its failure, and what the answer must name."""
CALLS = 200


def stage(here: Installation, port: int) -> None:
    """Modules that fail when they start."""
    unready = {"test": ["CMD", "false"], "interval": "1s", "retries": 100}
    leaves = script(last_words("echo no such file", 3), healthcheck=unready)
    here.write("leaves", {"leaves": leaves})
    here.write("taken", {"taken": idle(ports=[f"127.0.0.1:{port}:80"])})
    here.write("missing", {"missing": idle(image="127.0.0.1:9/nothing:1")})
    job = script(last_words("echo the table is gone", 1), restart="no")
    job["x-aiserver"] = {"ready_within": "1m"}
    waits = {"job": {"condition": "service_completed_successfully"}}
    here.write("migrates", {"job": job, "migrates": idle(depends_on=waits)})
    sick = idle(healthcheck=unready)
    here.write("sick", {"sick": {**sick, "x-aiserver": {"ready_within": "2s"}}})
    settings = {"LEAKY_PASSWORD": {"type": "secret", "generate": "alnum32"}}
    leak = script("echo password is $LEAK, $LEAK; sleep 86400", init=True)
    leak["environment"] = {"LEAK": "${LEAKY_PASSWORD}"}
    here.write("leaky", {"leaky": leak}, settings=settings)


async def asked(here: Installation, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """What the tools answer to *calls*, as JSON, and their names first."""
    words = ["-m", "aiserver_tray", "mcp", *here.cli.options]
    server = StdioServerParameters(command=sys.executable, args=words)
    async with Client(server) as client:
        listed = await client.list_tools()
        answers: list[Any] = [[tool.name for tool in listed.tools]]
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            (content,) = result.content
            answers.append(json.loads(content.text))  # type: ignore[union-attr]
        return answers


def ask(here: Installation, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    return anyio.run(asked, here, [*calls])


@contextmanager
def person(here: Installation, *says: str) -> Iterator[list[dict[str, Any]]]:
    """At the window, a person says this to what assistants ask for. Gives what was asked."""
    seen: SimpleQueue[bytes] = SimpleQueue()
    answers, proposals = iter(says), []
    with Window.connect(Home(here.home, "home"), "window") as window:
        window.subscribe(["ai/assistant/event"], lambda message: seen.put(message.payload))

        def decide() -> None:
            for said in answers:
                while not (waiting := json.loads(seen.get())["waiting"]):
                    pass
                proposals.append(waiting[0])
                answer = {"id": waiting[0]["id"], "allow": said == "yes"}
                window.request("ai/assistant/answer", answer)
                while json.loads(seen.get())["waiting"]:
                    pass

        thread = Thread(target=decide, daemon=True)
        thread.start()
        yield proposals
        thread.join(LIMIT)


def test_an_assistant_learns_the_causes_changes_nothing_unasked_and_sees_no_secret(
    here: Installation, engine: docker.DockerClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, hosted(here.cli):
        have_image(engine, IMAGE)
        stage(here, other.getsockname()[1])
        here.cli.run("up", "leaky").succeeded()
        for module, (code, _) in FAILURES.items():
            here.cli.run("up", module).failed(code)
        _check_causes(here)
        _check_changes(here, engine)
        _check_secrets(here)
    (_, refused) = ask(here, ("start_module", {"module": "sick"}))
    assert refused["failed"]["code"] == "E_REQUEST", "nobody is there to allow it"


def _check_causes(here: Installation) -> None:
    """Each failure is told with its code, its cause and our documentation of it."""
    tools, found, status, unknown = ask(
        here, ("errors", {}), ("status", {}), ("errors", {"code": "E_NONE"})
    )
    assert {"status", "errors", "doctor", "logs", "statistics"} < {*tools}
    told = {o["modules"][-1]: o["failed"] for o in found["operations"]}
    for module, (code, cause) in FAILURES.items():
        assert (told[module]["code"], cause in str(told[module]["message"])) == (code, True)
        assert told[module]["meaning"]
        assert told[module]["fix"]
    states = {one["name"]: one["state"] for one in status["modules"]}
    assert (states["leaky"], states["leaves"]) == ("running", "error")
    assert unknown["failed"]["code"] == "E_REQUEST"


def _check_changes(here: Installation, engine: docker.DockerClient) -> None:
    """Only what a person allows happens; a secret can't even be asked for."""
    before = names(engine)
    stop, password = ("stop_module", {"module": "leaky"}), "leaky.LEAKY_PASSWORD"
    with person(here, "no") as proposals:
        (_, refused) = ask(here, stop)
    assert [(one["kind"], one["subject"]) for one in proposals] == [("stop", "leaky")]
    assert "refused" in refused["failed"]["message"]
    assert (names(engine), here.module("leaky").state) == (before, "running")
    language = ("set_setting", {"name": "app.language", "value": "zh"})
    with person(here, "no", "yes"):
        (_, no, yes) = ask(here, language, language)
    assert ("failed" in no, yes["allowed"]) == (True, True)
    assert here.app.settings.app.language == "zh"
    (_, secret) = ask(here, ("set_setting", {"name": password, "value": "mine"}))
    assert secret["failed"]["code"] == "E_SETTING"


def _check_secrets(here: Installation) -> None:
    app = here.app
    secrets = {*app.settings.secret_values(app.declared)}
    (password,) = app.settings.secrets.values(["leaky.LEAKY_PASSWORD"]).values()
    assert password in secrets
    calls = [
        ("logs", {"module": "leaky"}),
        ("logs", {"text": password}),
        ("status", {}),
        ("errors", {}),
        ("statistics", {}),
        ("errors", {"code": password}),
        ("logs", {"module": password}),
        ("start_module", {"module": password}),
    ]
    answers = ask(here, *(calls * (CALLS // len(calls))))
    assert len(answers) == CALLS + 1
    assert "password is" in str(answers[1])
    assert [secret for secret in secrets if secret in str(answers)] == []
