"""What clients get says what there is, there and back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aiserver_tray.base.errors import AiServerError, BusyError, EngineDownError, JointError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.model import (
    ContainerStatus,
    EngineView,
    Health,
    Kind,
    ModuleAction,
    ModuleView,
    OperationKind,
    OperationStatus,
    OperationView,
    Port,
    ServiceView,
    Snapshot,
    State,
    StepKind,
    StepStatus,
    StepView,
    Theme,
)
from aiserver_tray.state import encode
from aiserver_tray.state.decode import operation_of, snapshot_of
from aiserver_tray.state.encode import SnapshotEncoder, operation_json, snapshot_json, steps_json
from aiserver_tray.state.facts import ContainerSeen, OperationChanged
from aiserver_tray.state.order import sorted_by_title
from tests.support import made

words = some.text("ab日{}%", max_size=4)
names = some.sampled_from(["db", "n8n", "web", "日志"])
texts = some.none() | words.map(lambda word: Text("{name}: {why}", name=word, why=Text("stopped")))
ONE = EngineDownError("here", "refused")
SEVERAL = JointError([BusyError("n8n", 5, "up"), BusyError("db", 6, "")])
errors = some.none() | some.sampled_from([ONE, SEVERAL])
numbers = some.integers(0, 10**10)


def one_of(literal: Any) -> some.SearchStrategy[Any]:  # noqa: ANN401 - a Literal
    return some.sampled_from(get_args(literal))


ports = some.builds(Port, words, numbers, numbers, some.sampled_from(["tcp", "udp"]))
times = some.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=some.just(UTC))
services = some.builds(
    ServiceView, name=names, container=words, image=words, health=one_of(Health), reason=texts,
    state=some.sampled_from([*get_args(ContainerStatus), "absent"]), is_job=some.booleans(),
    exit_code=some.none() | numbers, started_at=some.none() | times, restarts=numbers,
    memory_limit=some.none() | numbers,
    ports=some.lists(ports, max_size=2).map(tuple),
)  # fmt: skip
titles = some.dictionaries(some.sampled_from(get_args(Language)), words)
modules = some.builds(
    ModuleView, name=names, kind=one_of(Kind), state=one_of(State), ready=numbers, total=numbers,
    reason=texts, orphan=some.booleans(), title=titles, summary=titles,
    wanted=some.booleans(), open=some.none() | words,
    used_by=some.lists(names).map(tuple), problem=texts, icon=names,
    version=some.none() | words, requires=some.lists(names).map(tuple),
    since=some.none() | times, memory_limit=some.none() | numbers,
    abilities=some.fixed_dictionaries(dict.fromkeys(get_args(ModuleAction), texts)),
    services=some.lists(services, max_size=2, unique_by=lambda s: s.name).map(tuple),
)  # fmt: skip
seconds = some.none() | some.floats(0, 1e6)
steps = some.builds(
    StepView, kind=one_of(StepKind), subject=words, module=names, service=some.none() | names,
    status=one_of(StepStatus), detail=texts, current=numbers, total=numbers,
    rate=some.floats(0, 1e9), began=seconds, seconds=seconds, usual=seconds,
)  # fmt: skip
operations = some.builds(
    OperationView, id=words, kind=one_of(OperationKind), modules=some.lists(names).map(tuple),
    status=one_of(OperationStatus), steps=some.lists(steps, max_size=3).map(tuple),
    seconds_left=seconds, began=some.floats(0, 1e6), error=errors, detail=texts,
    notices=some.lists(texts.filter(bool), max_size=2).map(tuple), is_foreign=some.booleans(),
    is_revival=some.booleans(),
)  # fmt: skip
engines = some.builds(
    EngineView, some.booleans(), some.none() | words, some.none() | words, errors, some.booleans(),
    some.none() | numbers, some.none() | numbers,
)  # fmt: skip
snapshots = some.builds(
    Snapshot, seq=numbers, engine=engines, state=one_of(State),
    modules=some.lists(modules, max_size=3, unique_by=lambda m: m.name).map(tuple),
    operations=some.lists(operations, max_size=2, unique_by=lambda o: o.id).map(tuple),
    chosen=some.lists(names, max_size=2).map(tuple),
    theme=some.sampled_from(get_args(Theme)),
)  # fmt: skip
languages = one_of(Language)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """After it was on the wire."""
    return json.loads(json.dumps(value))


@given(some.lists(snapshots, min_size=1, max_size=4), languages)
def test_the_encoder_makes_the_same_json(states: list[Snapshot], language: Language) -> None:
    encoder = SnapshotEncoder(language)
    for state in (*states, *states):
        assert json.loads(encoder.snapshot(state)) == plain(snapshot_json(state, language))


def test_only_what_changed_is_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = list[str]()

    def module_json(module: ModuleView, _language: Language) -> dict[str, str]:
        encoded.append(module.name)
        return {"name": module.name}

    def operation_json(view: OperationView, _language: Language) -> dict[str, str]:
        encoded.append(view.id)
        return {"id": view.id}

    monkeypatch.setattr(encode, "module_json", module_json)
    monkeypatch.setattr(encode, "operation_json", operation_json)
    models = (made.model("web"), made.model("wiki"))
    state = made.running_engine(made.container("web/app"), models=models)
    state = made.after(OperationChanged(made.operation("up", id="7")), start=state)
    encoder = SnapshotEncoder("en")
    encoder.snapshot(state.snapshot)
    assert encoded == ["web", "wiki", "7"]
    encoder.snapshot(made.after(ContainerSeen(made.ended("web/app")), start=state).snapshot)
    assert encoded[3:] == ["web"]


@given(snapshots, languages)
def test_a_snapshot_comes_back_as_it_was(snapshot: Snapshot, language: Language) -> None:
    sent = plain(snapshot_json(snapshot, language))
    back = snapshot_of(sent)
    assert [(m.name, m.state, m.services) for m in back.modules] == [
        (m.name, m.state, tuple(rendered(s, language) for s in m.services))
        for m in sorted_by_title(snapshot.modules, language)
    ]
    again = plain(snapshot_json(back, language))
    # How far an operation is is computed from its steps, which a snapshot does not have.
    for one in (sent, again):
        for operation in one["operations"]:
            del operation["done"], operation["total"], operation["text"]
    assert again == sent


def rendered(service: ServiceView, language: Language) -> ServiceView:
    reason = service.reason
    return replace(service, reason=reason and Text("{message}", message=reason.render(language)))


@given(operations, languages)
def test_an_operation_comes_back_as_it_was(view: OperationView, language: Language) -> None:
    sent = plain(steps_json(view, language))
    back = operation_of(sent)
    assert plain(steps_json(back, language)) == sent
    assert (back.is_over, len(back.steps)) == (view.is_over, len(view.steps))


def test_errors_come_back_each_on_its_own() -> None:
    joint = JointError([BusyError("n8n", 5, "up"), EngineDownError("here", "refused")])
    view = OperationView("1", "up", ("n8n",), "failed", error=joint)
    back = operation_of(plain(operation_json(view, "zh"))).error
    assert isinstance(back, JointError)
    assert [(e.code, e.render("en")) for e in back.errors] == [
        (e.code, e.render("zh")) for e in joint.errors
    ]
    assert back.data_in("en") == joint.data_in("zh")
    assert isinstance(back, AiServerError)
    assert back.render() == joint.render("zh")
