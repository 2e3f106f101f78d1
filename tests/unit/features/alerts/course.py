"""What the rules say in a course of events, each at its time."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.alerts import Evaluation, News
from aiserver_tray.features.alerts.facts import Disk, Moment
from aiserver_tray.features.alerts.files import Alert, Mute, RulesData
from aiserver_tray.features.alerts.rules import Rule
from aiserver_tray.features.logs.line import Cursor, Kept, Level, Line
from aiserver_tray.features.monitoring.samples import Load, Sample
from aiserver_tray.state.facts import Fact
from aiserver_tray.state.reduce import State
from aiserver_tray.state.views import EngineView
from tests.support.made import after, container, running_engine

EPOCH = 1_800_000_000.0
"""Seconds since 1970 at the begin of a course."""

DOWN = EngineView(running=False)


class Course:
    """Evaluates *data* from the second 0 on. At first, ``web/app`` runs, and the quiet time is
    over; *kept* are alerts of an earlier process."""

    def __init__(
        self,
        *own: Rule,
        mutes: Iterable[Mute] = (),
        changed: Mapping[str, Rule] | None = None,
        start: State | None = None,
        kept: Iterable[Alert] = (),
    ) -> None:
        self.data = RulesData(own=[*own], mutes=[*mutes], changed={**(changed or {})})
        self.state = start or running_engine(container())
        self._evaluation = Evaluation([*kept], Moment(-1000.0, EPOCH - 1000))
        self._now = -1000.0
        self.due: float | None = None
        self._news: list[News] = []
        self._evaluation.see_state(self.state, self._moment)
        assert self._evaluate() == []
        assert self.at(0) == []

    @property
    def ids(self) -> list[str]:
        """Of the news at the last time at which there were some."""
        return [one.id for one in self._news]

    @property
    def alerts(self) -> list[Alert]:
        return self._evaluation.alerts

    @property
    def _moment(self) -> Moment:
        return Moment(self._now, EPOCH + self._now)

    def at(
        self,
        second: float,
        *facts: Fact,
        lines: Iterable[tuple[str, Level, str]] = (),
        loads: Mapping[tuple[str, str], Load] | None = None,
        disk: Disk | None = None,
        backup: str | None = None,
        address: str | None = None,
    ) -> list[str]:
        """The news at *second*, where *facts* and the rest happen, and of all times before at which
        the rules were due."""
        news: list[str] = []
        while self.due is not None and self.due < second:
            self._now = max(self.due, self._now)
            news += self._evaluate()
        self._now = second
        for fact in facts:
            self.state = after(fact, start=self.state)
            self._evaluation.see_state(self.state, self._moment)
        if loads is not None:
            sample = Sample(EPOCH + second, loads)
            self._evaluation.see_sample(sample, self.data, self._moment)
        if disk:
            self._evaluation.disk = disk
        self._evaluation.backup_trouble = Text(backup) if backup else None
        self._evaluation.addresses = {"web": Text(address)} if address else {}
        self._evaluation.lines.see([_kept(*line) for line in lines], second)
        return [*news, *self._evaluate()]

    def lose_engine(self, second: float) -> list[str]:
        """The news when Docker ends at *second*."""
        self._now = second
        self.state = replace(self.state, engine=DOWN, containers={}, unplanned=frozenset())
        self._evaluation.see_state(self.state, self._moment)
        return self._evaluate()

    def rest(self) -> None:
        """The machine wakes up now."""
        self._evaluation.pause_notifications(self._moment)

    def _evaluate(self) -> list[str]:
        news, self.due = self._evaluation.evaluate(self.data, self._moment)
        self._news = news or self._news
        assert self.due is None or self.due > self._now, "it would look without a pause"
        return [f"{self._now:g}: {one.kind}: {one.title} | {one.text}" for one in news]


def _kept(address: str, level: Level, text: str) -> Kept:
    module, _, service = address.partition("/")
    return Kept(Cursor(0, 0), Line(0, module, service, "stdout", level, False, text))  # noqa: FBT003
