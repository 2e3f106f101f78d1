"""Actions of modules, on the lab's engine."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import docker

from aiserver_tray.features.actions.running import MAX_OUTPUT
from aiserver_tray.model import Actor
from aiserver_tray.operations.request import Request
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Json, Message, Peer
from aiserver_tray.settings.entries import ActionEntry
from tests.support.installation import Installation, idle
from tests.support.owning import owned
from tests.support.waiting import eventually

SECRET = "s3cret-that-nobody-may-see"
TYPED = "typed-s3cret"
DEAF = """setsid sh -c 'trap "" INT HUP TERM; while :; do sleep 1; done' & sleep 1001 & """
"""Starts what outlives a command that just goes away."""


def action(script: str, **more: object) -> Json:
    """An action that runs *script*, in which `$` means a variable of the shell."""
    command = ["sh", "-c", script.replace("$", "$$")]
    return {"title": "Act", "service": "box", "command": command, **more}


ACTIONS = {
    "tell": action(
        r"printf '\033[31m%s\033[0m\r\n' $KEY; echo $NAME $WORD; cat /proc/$$/cmdline; :",
        title={"en": "Tell", "zh": "说"},
        confirm="It tells a lot.",
        inputs={"NAME": {"title": "Name", "pattern": "[a-z]*"}, "WORD": {"type": "secret"}},
    ),
    "flood": action("yes 0123456789abcde | head -c 3000000; echo; echo end; exit 3"),
    "stay": action(f"{DEAF} echo ready; sleep 1002"),
    "hang": action(f"{DEAF} echo ready; sleep 1003", timeout="10s"),
}
INPUTS = {"NAME": "me", "WORD": TYPED}


def write(here: Installation, **actions: Json) -> None:
    """The module `box`, which knows a secret."""
    settings = {"BOX_KEY": {"type": "secret", "generate": "hex32"}}
    box = idle(environment={"KEY": "${BOX_KEY}"}, stop_signal="SIGKILL")
    here.write("box", {"box": box}, settings=settings, actions=actions or ACTIONS)


def processes(engine: docker.DockerClient) -> list[str]:
    """The commands that run in the container of `box`."""
    return [row[-1] for row in engine.containers.get("ai-box").top()["Processes"]]


def at_rest_in(engine: docker.DockerClient) -> list[str]:
    """Those of `box` alone, which begin a moment after its container."""
    eventually(lambda: "sleep 86400" in processes(engine), "it has begun")
    return processes(engine)


class Client:
    """A client of *owner* that runs actions of `box`."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.peer = Peer("window", "en", self._take)
        self.text = ""

    def _take(self, message: Message) -> None:
        self.text += json.loads(message.payload)["text"]

    def ask(self, channel: str, name: str, **more: object) -> Json:
        payload = {"module": "box", "action": name, **more}
        return self._owner.api.invoke(f"ai/action/{channel}", payload, self.peer)

    def listed(self, name: str) -> Json:
        """The action *name*, as it is listed."""
        answer = self._owner.api.invoke("ai/action/list", {"module": "box"}, self.peer)
        return next(one for one in answer["data"]["actions"] if one["name"] == name)


def test_an_action_is_run_masked_limited_and_ended_and_leaves_nothing(
    here: Installation, engine: docker.DockerClient
) -> None:
    write(here)
    here.set("box.BOX_KEY", SECRET)
    with owned(here) as (owner, modules):
        client = Client(owner)
        assert "box/box is not running (no container)" in client.listed("tell")["why"]
        assert client.ask("run", "tell", inputs=INPUTS)["code"] == "E_EXITED"
        owner.api.begin(Request("up", ("box",)), Actor("owner"))
        modules.wait_for(box="running")
        at_rest = at_rest_in(engine)

        with ThreadPoolExecutor() as pool:
            hanging = pool.submit(Client(owner).ask, "run", "hang")
            tells_no_secret(client)
            is_refused(client)
            floods(client)
            has_hung(hanging.result())
        is_cancelled(client, engine)

        eventually(lambda: processes(engine) == at_rest, "nothing is left")
        asks_for_trust_again(here, owner, client)
    is_journalled(here)


def tells_no_secret(client: Client) -> None:
    """Neither the home's nor the one that was entered is in the output, or in the arguments."""
    assert client.listed("tell")["why"] is None
    answer = client.ask("run", "tell", inputs=INPUTS)
    assert answer["success"], answer
    lines = client.text.splitlines()
    assert {"********", "me ********"} <= {*lines}
    assert any(line.startswith("sh\N{SYMBOL FOR NULL}-c") for line in lines)
    assert answer["data"]["output"] == client.text
    assert "\x1b" not in client.text
    assert not {part for part in (SECRET, TYPED) if part in client.text}


def is_refused(client: Client) -> None:
    """What is wrong runs nothing, and no secret is repeated."""
    client.text = ""
    for inputs, code in (
        ({"NAME": "ME", "WORD": TYPED}, "E_SETTING"),
        ({"NAME": "me"}, "E_SETTING"),
        ({"NAME": "me", "WORD": "short"}, "E_SETTING"),
        ({**INPUTS, "OTHER": "x"}, "E_UNKNOWN"),
    ):
        answer = client.ask("run", "tell", inputs=inputs)
        assert answer["code"] == code, answer
        assert "short" not in str(answer).replace("shorter", "")
    elsewhere = replace(client.peer, is_local=False)
    asked = {"module": "box", "action": "flood"}
    answer = client._owner.api.invoke("ai/action/run", asked, elsewhere)
    assert (answer["code"], answer["data"]["isLocal"]) == ("E_REQUEST", False)
    assert client.text == ""


def floods(client: Client) -> None:
    """Only the beginning is kept and shown, but the error has the last lines."""
    answer = client.ask("run", "flood")
    assert (answer["code"], answer["data"]["exitCode"]) == ("E_ACTION", 3)
    assert len(client.text) == MAX_OUTPUT
    assert answer["data"]["lines"][-1] == "end"


def is_cancelled(client: Client, engine: docker.DockerClient) -> None:
    """Nothing of it is left, whether it has begun or not; it runs only once at a time."""
    with ThreadPoolExecutor() as pool:
        client.text = ""
        answer = pool.submit(client.ask, "run", "stay")
        eventually(lambda: client.text == "ready\n", "it runs")
        assert client.listed("stay")["running"]
        assert client.ask("run", "stay")["code"] == "E_REQUEST"
        eventually(lambda: "sleep 1001" in processes(engine), "what it has started")
        client.ask("cancel", "stay")
        assert answer.result()["code"] == "E_CANCELLED"
        again = pool.submit(client.ask, "run", "stay")
        eventually(lambda: client.listed("stay")["running"], "it begins")
        client.ask("cancel", "stay")
        assert again.result()["code"] == "E_CANCELLED"
    assert not client.listed("stay")["running"]


def has_hung(answer: Json) -> None:
    assert (answer["code"], answer["data"]["lines"]) == ("E_ACTION_TIMEOUT", ["ready"])


def asks_for_trust_again(here: Installation, owner: Owner, client: Client) -> None:
    """A running module's file gets another command, which nobody has allowed."""
    trusted = here.app.settings.trusted("box")
    assert trusted
    write(here, stay=action("echo stolen"))
    here.app.settings.trust("box", trusted)
    answer = client.ask("run", "stay")
    assert answer["code"] == "E_TRUST", answer
    asks = answer["data"]["remedies"][0]["permissions"]
    assert [(one["kind"], one["subject"]) for one in asks if one["isNew"]] == [
        ("action", "stay (box): sh -c 'echo stolen'")
    ]


def is_journalled(here: Installation) -> None:
    ends: dict[str, list[tuple[str, str | None]]] = {}
    for entry in reversed(here.app.settings.journal.read()):
        if isinstance(entry, ActionEntry):
            assert entry.actor == Actor("window")
            assert entry.seconds is not None
            assert entry.left == ()
            ends.setdefault(entry.action, []).append((entry.status, entry.code))
    assert ends == {
        "tell": [("succeeded", None)],
        "flood": [("failed", "E_ACTION")],
        "stay": [("cancelled", None)] * 2,
        "hang": [("failed", "E_ACTION_TIMEOUT")],
    }
    written = here.app.settings.journal.path.read_text()
    assert not {part for part in (SECRET, TYPED) if part in written}


def test_the_command_line_runs_lists_and_cancels_actions(
    here: Installation, engine: docker.DockerClient
) -> None:
    write(here, **ACTIONS | {"hang": action(f"{DEAF} sleep 1003", timeout="1s")})
    cli = here.cli
    here.done("up", "box")
    at_rest = at_rest_in(engine)
    assert "tell    box      Tell" in cli.run("action", "box").succeeded().output
    named = ("action", "box", "tell", "--input", "NAME=me")
    assert "--yes" in cli.run(*named).errors
    seen = cli.run(*named, "--input", f"WORD={TYPED}", "--yes")
    assert (seen.code, "other users can see arguments" in seen.errors) == (2, True)
    entered = subprocess.run(
        [sys.executable, "-m", "aiserver_tray", *cli.options, *named, "--yes", "--json"],
        input=f"{TYPED}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(entered.stdout)
    assert told["success"]
    assert "me ********\n" in told["output"]
    cli.run("action", "box", "hang").failed("E_ACTION_TIMEOUT", "Act")
    with cli.started("action", "box", "stay") as running:
        eventually(lambda: "sleep 1002" in processes(engine), "it runs")
        running.interrupt()
        done = running.wait().cancelled()
        assert done.output == "ready\n"
    with cli.started("action", "box", "stay") as running:
        eventually(lambda: "sleep 1002" in processes(engine), "it runs")
        running.kill()
    eventually(lambda: processes(engine) == at_rest, "nothing is left")
    shown = cli.run("activity").succeeded().output
    assert [line for line in shown.splitlines() if "interrupted" in line and "box: Act" in line]
