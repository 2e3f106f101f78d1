"""Rules over states, samples and lines: what is news, and when to look again. Pure: times are
arguments."""

from collections.abc import Iterator, Sequence

from aiserver_tray.core.rules.alerts import Alerts, News
from aiserver_tray.core.rules.finding import Due, Finding, Moment
from aiserver_tray.core.rules.limits import Disk, Limits
from aiserver_tray.core.rules.lines import Lines
from aiserver_tray.core.rules.services import Services
from aiserver_tray.core.stats.samples import Sample
from aiserver_tray.settings.rules import Alert, RulesData
from aiserver_tray.state.reduce import State


class Evaluation:
    """Takes in what is observed, each state in order; `evaluate` finds the news. *kept* are the
    alerts of an earlier process. ``lines`` may get lines from any thread."""

    def __init__(self, kept: Sequence[Alert], now: Moment) -> None:
        self.lines = Lines()
        self._services = Services()
        self._limits = Limits()
        self._alerts = Alerts(kept, now)
        self._state = State()

    @property
    def alerts(self) -> list[Alert]:
        """All alerts, the oldest first, those that are over before the active ones."""
        return self._alerts.all

    @property
    def disk(self) -> Disk | None:
        """The engine's disk. None: not known."""
        return self._limits.disk

    @property
    def is_running(self) -> bool:
        """Whether the engine runs."""
        return self._state.engine.running

    def see_state(self, state: State, now: Moment) -> None:
        """Take a state in."""
        if state.engine.running and not self.is_running:
            self._alerts.rest(now)  # modules come back one by one
        self._state = state
        self._services.see(state, now.clock)

    def see_sample(self, sample: Sample, data: RulesData, now: Moment) -> None:
        """Take a sample in."""
        self._limits.see(sample, self._state.snapshot, data.rules, now.clock)

    def see_disk(self, disk: Disk | None) -> None:
        """Take in how full the engine's disk is."""
        self._limits.disk = disk

    def rest(self, now: Moment) -> None:
        """The machine slept: no notifications for a while."""
        self._alerts.rest(now)

    def evaluate(self, data: RulesData, now: Moment) -> tuple[list[News], float | None]:
        """The news, and the time (of the clock) at which time alone may make more."""
        due = Due(now.clock)
        self.lines.use(data.rules)
        news = self._alerts.take(
            self._findings(data, due),
            data.mutes,
            lambda alert: self._is_wished(alert, now),
            now,
            due,
        )
        return news, due.next

    def _findings(self, data: RulesData, due: Due) -> Iterator[Finding]:
        if self.is_running:
            yield from self._services.findings(data.rules, due)
            yield from self._limits.findings(data.rules, due)
        yield from self.lines.findings(self._state.snapshot, due)

    def _is_wished(self, alert: Alert, now: Moment) -> bool:
        """Whether the end of *alert* is somebody's wish. Docker's end has news of its own."""
        if not self.is_running:
            return True
        if alert.kind in ("cpu", "memory") and self._limits.is_gone(alert.module, alert.service):
            return True
        return alert.module is not None and self._services.is_expected(alert.module, now.clock)
