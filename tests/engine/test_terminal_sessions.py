"""Terminals in containers with their clients, on the lab's engine."""

import json
from threading import Event

import docker
import pytest

from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.terminal import Terminal
from aiserver_tray.features.terminal import channels
from aiserver_tray.features.terminal.events import TerminalEnd, TerminalOutput
from aiserver_tray.features.terminal.session import EVENT_CHARACTERS, WINDOW_CHARACTERS, Session
from aiserver_tray.model import Actor
from aiserver_tray.operations.request import Request
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Message, Peer
from tests.engine.our_engine import core, run
from tests.support.installation import Installation, idle
from tests.support.limits import LIMIT
from tests.support.owning import owned
from tests.support.waiting import eventually

__all__ = ["core"]


class Client:
    """What a client gets of a session."""

    def __init__(self) -> None:
        self.peer = Peer("browser", "en", self._take)
        self.got: list[TerminalOutput] = []

    def _take(self, message: Message) -> None:
        self.got.append(json.loads(message.payload))

    @property
    def text(self) -> str:
        return "".join(output["text"] for output in self.got)


def test_output_waits_for_its_client_and_comes_again_to_the_next_one(core: Engine) -> None:
    """None of it is lost or comes twice, and no letter is taken apart."""
    terminal = core.containers.terminal(run(core, "ai-flood"), "")
    terminal.open(24, 80)
    first, second = Client(), Client()
    session = Session("flood", terminal, first.peer)
    session.start(lambda _left: None)
    session.type("stty -echo; yes 你好🎉 | head -c 2000000; exit\r")
    eventually(lambda: len(first.text) >= WINDOW_CHARACTERS, "it is stopped")
    assert len(first.text) < WINDOW_CHARACTERS + EVENT_CHARACTERS + 2**16
    assert all(len(output["text"]) <= EVENT_CHARACTERS for output in first.got)
    shown = first.got[: len(first.got) // 2]
    loss = session.detach(first.peer)
    assert loss
    session.attach(first.peer, shown[-1]["number"])
    again = session.detach(first.peer)
    assert again
    assert session.is_lost_since(again)
    assert not session.is_lost_since(loss), "it came back in between"
    session.attach(second.peer, shown[-1]["number"])

    def ended() -> bool:
        session.acknowledge(second.got[-1]["number"])
        return second.got[-1]["end"] is not None

    eventually(ended, "all of it")
    text = "".join(output["text"] for output in shown) + second.text
    assert text.count("你好🎉\r\n") == 2000000 // len("你好🎉\n".encode())
    assert "\N{REPLACEMENT CHARACTER}" not in text.rpartition("\n")[0]
    assert second.got[-1]["end"] == TerminalEnd(reason="exited", left=[])
    numbers = [output["number"] for output in (*shown, *second.got)]
    assert numbers == list(range(1, len(numbers) + 1))


SLEEPS = ("sleep 1000", "sleep 1001")
ASKED = {"module": "box", "service": "box", "rows": 24, "columns": 80}


def test_terminals_end_with_their_client_or_the_owner(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "RETURN_SECONDS", 0.0)
    here.write("box", {"box": idle(stop_signal="SIGKILL")})
    clients = Client(), Client()
    with owned(here) as (owner, modules):
        owner.api.begin(Request("up", ("box",)), Actor("owner"))
        modules.wait_for(box="running")
        eventually(lambda: "sleep 86400" in processes(engine), "it begins after its container")
        at_rest = processes(engine)
        for sleep, client in zip(SLEEPS, clients, strict=True):
            opened = owner.api.invoke("ai/terminal/open", ASKED, client.peer)["data"]
            typed = {"terminal": opened["terminal"], "text": f"{sleep} & sleep 999\r"}
            owner.api.invoke("ai/terminal/input", typed, client.peer)
        with monkeypatch.context() as patch:
            patch.setattr(channels, "MAX_TERMINALS", len(SLEEPS) + 1)
            see_end_of_failed(owner, patch)
            see_end_of_opening(owner, engine, patch)
        eventually(lambda: {*SLEEPS} <= {*processes(engine)}, "they run")
        owner.api.forget(clients[0].peer)
        eventually(lambda: SLEEPS[0] not in processes(engine), "the client's processes end")
        assert SLEEPS[1] in processes(engine)
    # The guard of a terminal reports that it has ended what was left, and then exits.
    eventually(lambda: processes(engine) == at_rest, "nothing is left")


def see_end_of_failed(owner: Owner, patch: pytest.MonkeyPatch) -> None:
    """A terminal whose end nobody can watch tells it all the same, and frees its place."""

    def fail(_terminal: Terminal) -> None:
        raise KeyError("left")

    client = Client()
    with patch.context() as failing:
        failing.setattr(Terminal, "left", fail)
        opened = owner.api.invoke("ai/terminal/open", ASKED, client.peer)["data"]
        typed = {"terminal": opened["terminal"], "text": "exit\r"}
        owner.api.invoke("ai/terminal/input", typed, client.peer)
        eventually(lambda: client.got and client.got[-1]["end"], "its end")


def see_end_of_opening(
    owner: Owner, engine: docker.DockerClient, patch: pytest.MonkeyPatch
) -> None:
    """A terminal that is open only after its client was given up ends at once."""
    client, given_up = Client(), Event()
    really_open, really_end = Terminal.open, Terminal.end

    def open_late(terminal: Terminal, rows: int, columns: int) -> None:
        owner.api.forget(client.peer)
        assert given_up.wait(LIMIT)
        really_open(terminal, rows, columns)

    def end(terminal: Terminal) -> None:
        really_end(terminal)
        given_up.set()

    patch.setattr(Terminal, "open", open_late)
    patch.setattr(Terminal, "end", end)
    assert owner.api.invoke("ai/terminal/open", ASKED, client.peer)["success"]
    shells_and_guards = 2 * len(SLEEPS)

    def is_gone() -> bool:
        return sum(one.startswith("sh") for one in processes(engine)) == shells_and_guards

    eventually(is_gone, "nothing of it is left")


def processes(engine: docker.DockerClient) -> list[str]:
    """The commands that run in the container of ``box``."""
    return [row[-1] for row in engine.containers.get("ai-box").top()["Processes"]]
