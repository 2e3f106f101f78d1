"""What the page of the JSON forms tells, against what the code makes."""

import json
import threading
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from aiserver_tray import model
from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import SettingType
from aiserver_tray.cli import config as cli_config
from aiserver_tray.cli import logs as cli_logs
from aiserver_tray.cli.operate import plan_row
from aiserver_tray.cli.outcome import outcome_json
from aiserver_tray.contract.channels import logs as api_logs
from aiserver_tray.contract.channels.logs import LogChannels
from aiserver_tray.contract.contract import Caller, Json, LogStream
from aiserver_tray.core.doctor.finding import Finding, Grade
from aiserver_tray.core.logs.level import LEVELS
from aiserver_tray.core.logs.sources import Source
from aiserver_tray.engine.values import LogLine
from aiserver_tray.model import EngineView, OperationView, Snapshot, StepView
from aiserver_tray.operations.plan.plan import Step
from aiserver_tray.settings.app_settings import APP_SETTINGS
from aiserver_tray.settings.store import Entry
from aiserver_tray.state.codec import snapshot_json, status_json, steps_json
from tests.unit.cli.modules import MODULE
from tests.unit.pages import names, sections

PAGE = sections("docs/json.md")
IPC = sections("docs/ipc.md")

STEP = StepView("pull", "i:1", "n8n")
VIEW = OperationView("1", "up", ("n8n",), "succeeded", (STEP,))
SNAPSHOT = Snapshot(EngineView(running=True), "running", (MODULE,), (VIEW,))
STATUS = status_json(SNAPSHOT)
WIRE = snapshot_json(SNAPSHOT, "en")
ENTRY = Entry("app.bind", APP_SETTINGS["app.bind"], "127.0.0.1", "default")
SOURCE, LINE = Source("n8n", "web", "ai-n8n-web"), LogLine("stdout", None, "said")


CORE: Any = SimpleNamespace(engine=None, store=SimpleNamespace(snapshot=SNAPSHOT))
APP: Any = SimpleNamespace(say=lambda _text: "", language="en")

FORMS: Mapping[str, Any] = {
    "Status": STATUS,
    "Module": STATUS["modules"][0],
    "Port": STATUS["modules"][0]["ports"][0],
    "Service": STATUS["modules"][0]["services"][0],
    "Result": outcome_json(VIEW, SNAPSHOT, "en", 1.0),
    "Planned step": plan_row(Step("pull", "i:1", "n8n")),
    "Check": Finding("key", "ok", Text("Done in {time}.", time="1 s")).as_data("en"),
    "Setting": cli_config.as_data(APP, ENTRY),
    "Snapshot": WIRE,
    "Engine": WIRE["engine"],
    "Step": steps_json(VIEW, "en")["steps"][0],
    "Log entry": LogChannels(CORE)._entry(SOURCE, LINE, "info", 0),
}


def told(heading: str) -> list[str]:
    """The names in the first column of the table below *heading*."""
    return [name for row in PAGE[heading] for name in sorted(names(row[0]))]


@pytest.mark.parametrize("heading", FORMS)
def test_the_page_has_every_field_of_a_form(heading: str) -> None:
    assert sorted(told(heading)) == sorted(FORMS[heading])


def test_the_page_has_every_field_of_a_line_of_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    cli_logs._print_json(SOURCE, LINE, "info")
    assert sorted(told("Log line")) == sorted(json.loads(capsys.readouterr().out))


def test_the_page_has_every_field_of_an_operation_without_and_with_its_steps() -> None:
    more = {"detail", "steps"}
    assert steps_json(VIEW, "en").keys() == WIRE["operations"][0].keys() | more
    assert sorted(told("Operation")) == sorted(steps_json(VIEW, "en"))


def values(heading: str, field: str) -> set[str]:
    (row,) = (row for row in PAGE[heading] if field in names(row[0]))
    return names(row[1])


@pytest.mark.parametrize(
    ("heading", "field", "allowed"),
    [
        ("Module", "kind", model.Kind),
        ("Service", "health", model.Health),
        ("Operation", "kind", model.OperationKind),
        ("Operation", "status", model.OperationStatus),
        ("Step", "status", model.StepStatus),
        ("Check", "grade", Grade),
        ("Setting", "type", SettingType),
    ],
)
def test_the_page_has_every_value_that_a_field_can_have(
    heading: str, field: str, allowed: object
) -> None:
    # What stands in brackets explains a value.
    assert values(heading, field) == set(get_args(allowed))


def test_the_page_has_every_level_of_a_line() -> None:
    assert values("Log line", "level") == set(LEVELS)


def test_the_page_has_every_state_and_every_kind_of_step() -> None:
    states = [(name, "service" in row[1]) for row in PAGE["States"] for name in names(row[0])]
    shown = [(state, False) for state in get_args(model.State)]
    engines = [(state, True) for state in (*get_args(model.ContainerStatus), "absent")]
    assert states == shown + engines
    assert sorted(told("Kinds of steps")) == sorted(get_args(model.StepKind))


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
