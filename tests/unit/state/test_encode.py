"""What clients get says what there is, there and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aiserver_tray.base import codec
from aiserver_tray.base.codec import to_json
from aiserver_tray.base.errors import AiServerError, BusyError, EngineDownError, JointError
from aiserver_tray.base.i18n import Language
from aiserver_tray.state import encode
from aiserver_tray.state.encode import SnapshotEncoder, operation_of, snapshot_json, snapshot_of
from aiserver_tray.state.facts import ContainerSeen, OperationChanged
from aiserver_tray.state.views import ModuleView, OperationSummary, OperationView, Snapshot
from tests.support import made
from tests.support.any_value import one_of_each, values

LANGUAGES = one_of_each(Language)
SNAPSHOTS = values(Snapshot)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """After it was on the wire."""
    return json.loads(json.dumps(value))


@given(some.lists(SNAPSHOTS, min_size=1, max_size=4), LANGUAGES)
def test_the_encoder_makes_the_same_json(states: list[Snapshot], language: Language) -> None:
    encoder = SnapshotEncoder(language)
    for state in (*states, *states):
        assert json.loads(encoder.snapshot(state)) == plain(snapshot_json(state, language))


def test_only_what_changed_is_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = list[str]()

    def noted(value: object, language: Language, kind: Any = None) -> Any:  # noqa: ANN401 - as it
        if isinstance(value, ModuleView):
            encoded.append(value.name)
        if isinstance(value, OperationSummary):
            encoded.append(value.id)
        return codec.to_json(value, language, kind)

    monkeypatch.setattr(encode, "to_json", noted)
    models = (made.model("web"), made.model("wiki"))
    state = made.running_engine(made.container("web/app"), models=models)
    state = made.after(OperationChanged(made.operation("up", id="7")), start=state)
    encoder = SnapshotEncoder("en")
    encoder.snapshot(state.snapshot)
    assert encoded == ["web", "wiki", "7"]
    encoder.snapshot(made.after(ContainerSeen(made.ended("web/app")), start=state).snapshot)
    assert encoded[3:] == ["web"]


@given(SNAPSHOTS, LANGUAGES)
def test_a_snapshot_comes_back_as_it_was(snapshot: Snapshot, language: Language) -> None:
    sent = plain(snapshot_json(snapshot, language))
    assert plain(snapshot_json(snapshot_of(sent), language)) == sent


@given(values(OperationView), LANGUAGES)
def test_an_operation_comes_back_as_it_was(view: OperationView, language: Language) -> None:
    sent = plain(to_json(view, language))
    back = operation_of(sent)
    assert plain(to_json(back, language)) == sent
    assert (back.is_over, len(back.steps)) == (view.is_over, len(view.steps))
    assert back.services == view.services


def test_errors_come_back_each_on_its_own() -> None:
    joint = JointError([BusyError("n8n", 5, "up"), EngineDownError("here", "refused")])
    view = OperationView("1", "up", ("n8n",), "failed", error=joint)
    back = operation_of(plain(to_json(view, "zh", OperationSummary))).error
    assert isinstance(back, JointError)
    assert [(e.code, e.render("en")) for e in back.errors] == [
        (e.code, e.render("zh")) for e in joint.errors
    ]
    assert back.data_in("en") == joint.data_in("zh")
    assert isinstance(back, AiServerError)
    assert back.render() == joint.render("zh")
