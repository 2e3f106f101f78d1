"""From observations to alerts: when one begins, who hears of it, and when it is over. Pure: times
are arguments."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple
from uuid import uuid4

from aiserver_tray.base.i18n import Given, Text
from aiserver_tray.features.alerts.finding import SEVERITY, Due, Finding, Key, Moment, alert_key
from aiserver_tray.features.alerts.limits import Disk, Limits
from aiserver_tray.features.alerts.lines import Lines
from aiserver_tray.features.alerts.rules import KEPT_ALERTS, Alert, Mute, RuleKind, RulesData
from aiserver_tray.features.alerts.services import Services
from aiserver_tray.features.alerts.words import NO_ACTION, at_time, in_both, recovery, title
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.state.reduce import State

QUIET_SECONDS: Final = 15.0
"""Seconds after a start, a sleep or a return of the engine without notifications: modules come back
by themselves."""
GATHER_SECONDS: Final = 2.0
"""Seconds between an alert and its notification: what else happens then is in it, or beside it."""

NewsKind = Literal["raised", "changed", "recovered"]


class News(NamedTuple):
    """A change that the user is to know. changed: an alert that is known got worse."""

    kind: NewsKind
    alert: Alert

    @property
    def title(self) -> Text:
        """What happened, in a line."""
        say = recovery if self.kind == "recovered" else title
        return say(self.alert.kind, self.alert.name)

    @property
    def text(self) -> Text:
        """Why."""
        return NO_ACTION if self.kind == "recovered" else Given(self.alert.text)


class Alerts:
    """The alerts that are active, and earlier ones. *kept* are those of an earlier process: what
    was active then, and still is, is no news."""

    def __init__(self, kept: Sequence[Alert], now: Moment) -> None:
        self._earlier = [alert for alert in kept if alert.ended is not None]
        self._active = {alert_key(alert): alert for alert in kept if alert.ended is None}
        self._begun = dict.fromkeys(self._active, now.clock)
        self._told_at: dict[tuple[Key, RuleKind], float] = {}
        self._adopts_until = self._quiet_until = now.clock + QUIET_SECONDS

    @property
    def active(self) -> list[Alert]:
        """The newest first."""
        return sorted(self._active.values(), key=lambda alert: -alert.begun)

    @property
    def all(self) -> list[Alert]:
        """The oldest first, those that are over before the active ones."""
        return [*self._earlier, *reversed(self.active)]

    def rest(self, now: Moment) -> None:
        """The machine slept, or the engine came back: no notifications for a while."""
        self._quiet_until = max(self._quiet_until, now.clock + QUIET_SECONDS)

    def take(
        self,
        findings: Iterable[Finding],
        mutes: Sequence[Mute],
        is_wished: Callable[[Alert], bool],
        now: Moment,
        due: Due,
    ) -> list[News]:
        """The news in *findings*, all that is found now. *is_wished*: whether the end of an alert
        is somebody's wish, and no news."""
        found = _worst(findings)
        news = [*self._end(found, mutes, is_wished, now, due)]
        for key, finding in found.items():
            if alert := self._active.get(key):
                news += self._continue(key, alert, finding)
            else:
                self._begin(key, finding, now)
        return [*news, *self._tell(found, mutes, now, due)]

    def _begin(self, key: Key, finding: Finding, now: Moment) -> None:
        is_adopted = now.clock < self._adopts_until and key[0] == "service"
        self._begun[key] = now.clock
        self._active[key] = Alert(
            id=uuid4().hex,
            rule=finding.rule.id,
            kind=finding.rule.kind,
            module=finding.module,
            service=finding.service,
            name=finding.name,
            text=in_both(finding.text),
            page=at_time(finding.page, now.time),
            begun=now.time,
            count=finding.count,
            is_known=finding.is_known or is_adopted,
        )

    def _continue(self, key: Key, alert: Alert, finding: Finding) -> Iterator[News]:
        is_worse = SEVERITY.get(finding.rule.kind, 0) > SEVERITY.get(alert.kind, 0)
        changes: dict[str, object] = {"count": finding.count}
        if is_worse or finding.rule.kind == alert.kind:
            changes["text"] = in_both(finding.text)
        if is_worse:
            page = at_time(finding.page, alert.begun)
            changes |= {"rule": finding.rule.id, "kind": finding.rule.kind, "page": page}
        self._active[key] = alert.model_copy(update=changes)
        if is_worse and alert.is_told:
            yield News("changed", self._active[key])

    def _end(
        self,
        found: Mapping[Key, Finding],
        mutes: Sequence[Mute],
        is_wished: Callable[[Alert], bool],
        now: Moment,
        due: Due,
    ) -> Iterator[News]:
        # After a start, it takes a moment until everything is known again.
        is_settled = due.reached(self._adopts_until)
        for key, alert in [*self._active.items()]:
            if key in found or not is_settled:
                continue
            over = alert.model_copy(update={"ended": now.time})
            del self._active[key], self._begun[key]
            self._earlier = [*self._earlier, over][-KEPT_ALERTS:]
            is_news = alert.is_told and alert.kind != "line"
            if is_news and not is_wished(alert) and not _is_muted(alert, mutes, now.time):
                yield News("recovered", over)

    def _tell(
        self, found: Mapping[Key, Finding], mutes: Sequence[Mute], now: Moment, due: Due
    ) -> Iterator[News]:
        ready = [
            (key, alert)
            for key, alert in self._active.items()
            if key in found and not (alert.is_known or alert.is_told)
            if not _is_muted(alert, mutes, now.time, due)
            if due.reached(max(self._quiet_until, self._rested(key, found[key])))
        ]
        # What happened together is told together.
        first = min((self._begun[key] for key, _ in ready), default=now.clock)
        if not ready or not due.reached(first + GATHER_SECONDS):
            return
        for key, alert in ready:
            self._told_at[key, alert.kind] = now.clock
            self._active[key] = alert.model_copy(update={"is_told": True})
            yield News("raised", self._active[key])

    def _rested(self, key: Key, finding: Finding) -> float:
        """From when on a notification about this may be sent again."""
        before = self._told_at.get((key, finding.rule.kind), float("-inf"))
        return before + finding.rule.cooldown * 60


def _worst(findings: Iterable[Finding]) -> dict[Key, Finding]:
    """One finding for each key: the most severe, else the first."""
    found: dict[Key, Finding] = {}
    for finding in findings:
        known = found.get(finding.key)
        if not known or SEVERITY.get(finding.rule.kind, 0) > SEVERITY.get(known.rule.kind, 0):
            found[finding.key] = finding
    return found


def _is_muted(alert: Alert, mutes: Sequence[Mute], time: float, due: Due | None = None) -> bool:
    """Whether one of *mutes* covers *alert*. *due* gets the time at which it ends."""
    own = [mute for mute in mutes if mute.covers(alert.rule, alert.module, time)]
    if due and own and all(mute.until is not None for mute in own):
        last = max(mute.until or 0 for mute in own)
        due.reached(due.now + last - time)
    return bool(own)


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
        return self._alerts.all

    @property
    def disk(self) -> Disk | None:
        return self._limits.disk

    @property
    def is_running(self) -> bool:
        return self._state.engine.running

    def see_state(self, state: State, now: Moment) -> None:
        if state.engine.running and not self.is_running:
            self._alerts.rest(now)  # modules come back one by one
        self._state = state
        self._services.see(state, now.clock)

    def see_sample(self, sample: Sample, data: RulesData, now: Moment) -> None:
        self._limits.see(sample, self._state.snapshot, data.rules, now.clock)

    def see_disk(self, disk: Disk | None) -> None:
        """Take in how full the engine's disk is."""
        self._limits.disk = disk

    def rest(self, now: Moment) -> None:
        self._alerts.rest(now)

    def evaluate(self, data: RulesData, now: Moment) -> tuple[list[News], float | None]:
        """The news, and the time (of the clock) at which time alone may make more."""
        due = Due(now.clock)
        self.lines.use(data.rules)
        found, is_wished = self._findings(data, due), partial(self._is_wished, now=now)
        return self._alerts.take(found, data.mutes, is_wished, now, due), due.next

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
