"""A new kind of alert rules is a class: channels, evaluation, messages, documents and the page's
types have it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Annotated, ClassVar, Literal

import pytest

import generate
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.facts import Subject
from aiserver_tray.features.alerts.kinds import LimitRule
from aiserver_tray.features.alerts.rules import KINDS, number
from aiserver_tray.features.monitoring.samples import Load, Sample
from aiserver_tray.state.views import Snapshot
from tests.unit.features.alerts.course import Course
from tests.unit.features.alerts.home import Rules

KIND = "crowd"


@pytest.fixture(autouse=True)
def crowd() -> Iterator[Callable[..., LimitRule]]:
    class Crowd(LimitRule):
        """A service has too many processes."""

        kind: Literal["crowd"] = "crowd"
        processes: Annotated[int, number(Text("Over"), "processes", 500, "of a service")] = 100
        label = Text("Processes")
        title = Text("{name} is crowded")
        text = Text("Over {processes} processes for {minutes} min")
        excess = Text("{processes} processes, for {minutes} min")
        limiting = "processes"
        default: ClassVar = {"is_on": False}

        @classmethod
        def measure(cls, sample: Sample, _snapshot: Snapshot) -> Mapping[Subject, float]:
            return {one: load.pids for one, load in (sample.loads or {}).items()}

    yield Crowd
    del KINDS[KIND]


def test_it_is_listed_changed_and_added_within_its_bounds(app: App) -> None:
    with closing(Rules(app)) as rules:
        (kind,) = (one for one in rules.given("list")["kinds"] if one["kind"] == KIND)
        assert (kind["label"], kind["failure"]) == ("Processes", False)
        assert [one["name"] for one in kind["parameters"]] == ["processes", "minutes", "cooldown"]
        asked = {name: kind["parameters"][0][name] for name in ("label", "unit", "max", "whole")}
        assert asked == {"label": "Over", "unit": "processes", "max": 500, "whole": True}
        assert rules.rule(KIND)["text"] == "Over 100 processes for 5 min"
        rules.given("set", id=KIND, processes=7)
        added = rules.given("add", kind=KIND, module="web", processes=500)["rules"][-1]
        for asked in ({"processes": 501}, {"processes": -1}, {"processes": "many"}, {"gigs": 1}):
            assert rules.ask("add", kind=KIND, **asked)["code"] == "E_REQUEST"
            assert rules.ask("set", id=KIND, **asked)["code"] == "E_REQUEST"
    with closing(Rules(app)) as next_process:
        assert next_process.rule(KIND)["processes"] == 7
        assert next_process.rule(added["id"]) == added
        assert added["text"] == "Over 500 processes for 5 min"


def test_it_finds_trouble_that_is_sent(crowd: Callable[..., LimitRule]) -> None:
    course = Course(crowd(id="own", module="web"))
    crowded, calm = ({("web", "app"): Load(1.0, 1, pids=count)} for count in (123, 5))
    news = [line for second in range(15, 600, 15) for line in course.at(second, loads=crowded)]
    assert news == ["317: raised: web is crowded | app: 123 processes, for 5 min"]
    (alert,) = course.alerts
    assert (alert.kind, alert.page) == (KIND, "monitoring/web")
    sent = webhook.message(News("raised", alert), "en")
    assert (sent["kind"], sent["title"]) == (KIND, "web is crowded")
    assert webhook.ntfy(sent, "topic")["message"] == "app: 123 processes, for 5 min"
    assert course.at(600, loads=calm) == []
    assert course.at(615, loads=calm) == [
        "615: recovered: web is back to normal | No action is needed."
    ]


def test_documents_and_types_have_it() -> None:
    written = {path.name: text for path, text in generate.outputs().items()}
    assert "| `ai/rules/set` | `processes`? | number | of a service |" in written["ipc.md"]
    assert "`crowd`: A service has too many processes." in written["ipc.md"]
    assert "  /** of a service */\n  processes: number;" in written["contract.d.ts"]
