"""What the page of the JSON forms tells by hand, against what the code makes. `build/dev.py check`
compares the tables that are generated."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from aiserver_tray import model
from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.contract.channels import logs as api_logs
from aiserver_tray.contract.channels.logs import LogChannels
from aiserver_tray.contract.contract import Caller, Json, LogStream
from aiserver_tray.core.logs.sources import Source
from aiserver_tray.engine.values import LogLine
from aiserver_tray.model import EngineView, Snapshot
from aiserver_tray.state.forms import ModuleAbilitiesJson, StackAbilitiesJson
from tests.unit.cli.modules import MODULE
from tests.unit.pages import names, sections

PAGE = sections("docs/json.md")
IPC = sections("docs/ipc.md")

SNAPSHOT = Snapshot(EngineView(running=True), "running", (MODULE,))
SOURCE, LINE = Source("n8n", "web", "ai-n8n-web"), LogLine("stdout", None, "said")
CORE: Any = SimpleNamespace(engine=None, store=SimpleNamespace(snapshot=SNAPSHOT))


def told(heading: str) -> list[str]:
    """The names in the first column of the table below *heading*."""
    return [name for row in PAGE[heading] for name in sorted(names(row[0]))]


def test_the_page_has_every_field_of_a_log_entry() -> None:
    assert sorted(told("Log entry")) == sorted(LogChannels(CORE)._entry(SOURCE, LINE, "info", 0))


def test_the_page_has_every_state_and_every_kind_of_step() -> None:
    states = [(name, "service" in row[1]) for row in PAGE["States"] for name in names(row[0])]
    shown = [(state, False) for state in get_args(model.State)]
    engines = [(state, True) for state in (*get_args(model.ContainerStatus), "absent")]
    assert states == shown + engines
    assert sorted(told("Kinds of steps")) == sorted(get_args(model.StepKind))


def test_every_action_has_a_field() -> None:
    assert tuple(ModuleAbilitiesJson.__annotations__) == get_args(model.ModuleAction)
    assert tuple(StackAbilitiesJson.__annotations__) == get_args(model.StackAction)


class Scripted:
    """A follower of one log that can't be read, and of one with a line; then *end*."""

    end: AiServerError | None

    def __init__(self, *given: Any) -> None:  # noqa: ANN401 - as the real one's
        self._tell = given[-1]

    def lines(self) -> Iterator[tuple[Source, LogLine]]:
        self._tell(SOURCE)
        for stream in ("stdout", "stderr"):
            yield SOURCE, LogLine(stream, None, "said")
        if self.end:
            raise self.end

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("end", [None, EngineDownError("here", "gone")], ids=["end", "error"])
def test_the_page_of_the_contract_has_every_field_of_an_event_of_a_log(
    monkeypatch: pytest.MonkeyPatch, end: AiServerError | None
) -> None:
    monkeypatch.setattr(Scripted, "end", end, raising=False)
    monkeypatch.setattr(api_logs, "Follower", Scripted)
    events: list[Json] = []
    is_over = threading.Event()

    def emit(_event: str, payload: Json) -> None:
        events.append(payload)
        if payload["event"] in ("end", "error"):
            is_over.set()

    attach = LogChannels(CORE).handlers["ai/module/logsAttach"]
    attach(LogStream(name="n8n", stream_id="s"), Caller("en", emit))
    assert is_over.wait(20)
    rows = {row[0].strip("`"): names(row[1]) for row in IPC["Events of a log"]}
    made = {e["event"]: set(e) - {"streamId", "event"} for e in events}
    last = "error" if end else "end"
    assert made == {name: rows[name] for name in ("notice", "stdout", "stderr", last)}
    assert rows.keys() == {"notice", "stdout", "stderr", "error", "end"}
