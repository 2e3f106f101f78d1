"""From observations to alerts: when one begins, when it is reported, and when it is over. Pure:
times are arguments."""

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Literal, NamedTuple
from uuid import uuid4

from aiserver_tray.base.i18n import Given, Text, chained
from aiserver_tray.features.alerts.facts import Disk, Due, Excess, Lines, Moment, Subject
from aiserver_tray.features.alerts.files import KEPT_ALERTS, Alert, Mute, RulesData
from aiserver_tray.features.alerts.kinds import LimitRule, MatchingLine
from aiserver_tray.features.alerts.rules import KINDS, Facts, Finding, Key, Rule, name_of
from aiserver_tray.features.alerts.services import Fate, Services
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.state.reduce import State
from aiserver_tray.state.views import ModuleView, Snapshot

QUIET_SECONDS: Final = 15.0
"""Seconds after a start, a sleep or a return of the engine without notifications: modules come back
by themselves."""
GATHER_SECONDS: Final = 2.0
"""Seconds between an alert, or that it got worse, and its notification: what else happens then is
in it, or beside it."""
CALM_SAMPLES: Final = 2
"""Samples in a row below a limit after which its excess is over."""

NewsKind = Literal["raised", "changed", "recovered"]


class News(NamedTuple):
    """A change of an alert that the user is to know, or of several of one kind and one module."""

    kind: NewsKind
    """``changed``: it got worse."""
    alert: Alert
    others: Sequence[Alert] = ()
    """Further alerts of its group that changed with it."""
    module: ModuleView | None = None
    """Theirs, as it is now."""

    @property
    def id(self) -> str:
        """What begins with an ID is over with the same one."""
        return self.alert.group or self.alert.id

    @property
    def title(self) -> Text:
        """What happened, in a line."""
        kind, module = self.alert.rule_class, self.module
        is_over = self.kind == "recovered"
        text = (kind.recovery if is_over else None) or kind.title
        if module is None or self.alert.group is None:
            return text.with_values({"name": Given(self.alert.name)})
        is_whole = is_over and module.state == "running"
        if self.others and not is_whole:
            several = kind.several_recovered if is_over else kind.several
            values = {"count": 1 + len(self.others), "total": len(module.services)}
            return several.with_values(values | {"name": Given(name_of(module, None))})
        name = name_of(module, None) if is_whole else self.alert.name
        return text.with_values({"name": Given(name)})

    @property
    def text(self) -> Text:
        """Why."""
        if self.kind == "recovered":
            return Text("No action is needed.")
        if not self.others:
            return Given(self.alert.text)
        return chained(
            Text("{name}: {why}", name=one.service, why=Given(one.text))
            for one in (self.alert, *self.others)
        )

    @property
    def service(self) -> str | None:
        """The only service that it is about, if any."""
        return None if self.others else self.alert.service

    @property
    def page(self) -> str:
        """The dashboard's address."""
        return f"modules/{self.alert.module}/services" if self.others else self.alert.page

    @property
    def module_to_stop(self) -> str | None:
        """The module that a notification offers to stop, if any."""
        has_button = self.kind != "recovered" and self.alert.rule_class.has_stop_button
        return self.alert.module if has_button else None


class Alerts:
    """The alerts that are active, and earlier ones. *kept* are those of an earlier process: what
    was active then, and still is, is no news."""

    def __init__(self, kept: Sequence[Alert], now: Moment) -> None:
        self._earlier = [alert for alert in kept if alert.ended is not None]
        self._active = {alert.key: alert for alert in kept if alert.ended is None}
        self._begun = dict.fromkeys(self._active, now.clock)
        self._notified_at: dict[tuple[Key, str], float] = {}
        """By what an alert is about, and its kind."""
        self._worse: dict[Key, float] = {}
        """By what an alert is about: since when it is worse than the user was told."""
        self._recovered: dict[str, list[Alert]] = {}
        """By group: alerts that are over while others of the group last."""
        self._start_ends_at = self._quiet_until = now.clock + QUIET_SECONDS
        """Troubles of services that are found before are older than this process."""

    @property
    def active(self) -> list[Alert]:
        """The newest first."""
        return sorted(self._active.values(), key=lambda alert: -alert.begun)

    @property
    def all(self) -> list[Alert]:
        """The oldest first, those that are over before the active ones."""
        return [*self._earlier, *reversed(self.active)]

    def pause_notifications(self, now: Moment) -> None:
        """The machine slept, or the engine came back: no notifications for a while."""
        self._quiet_until = max(self._quiet_until, now.clock + QUIET_SECONDS)

    def take(
        self,
        findings: Iterable[Finding],
        mutes: Sequence[Mute],
        fate: Callable[[Alert], Fate],
        now: Moment,
        due: Due,
    ) -> list[News]:
        """The news in *findings*, all that is found now. *fate*: what became of an alert that is no
        longer found."""
        found = _worst(findings)
        news = [*self._end(found, mutes, fate, now, due)]
        for key, finding in found.items():
            if alert := self._active.get(key):
                self._continue(key, alert, finding, now)
            else:
                self._begin(key, finding, now)
        return [*news, *self._notify_worse(mutes, now, due), *self._notify(found, mutes, now, due)]

    def _begin(self, key: Key, finding: Finding, now: Moment) -> None:
        is_old = now.clock < self._start_ends_at and finding.rule.severity > 0
        self._begun[key] = now.clock
        self._active[key] = Alert(
            id=uuid4().hex,
            rule=finding.rule.id,
            kind=finding.rule.kind,
            module=finding.module,
            service=finding.service,
            name=finding.name,
            text=in_all_languages(finding.text),
            page=_at_time(finding.page, now.time),
            begun=now.time,
            count=finding.count,
            is_known=finding.is_known or is_old,
        )

    def _continue(self, key: Key, alert: Alert, finding: Finding, now: Moment) -> None:
        is_worse = finding.rule.severity > alert.rule_class.severity
        changes: dict[str, object] = {"count": finding.count}
        if is_worse or finding.rule.kind == alert.kind:
            changes["text"] = in_all_languages(finding.text)
        if is_worse:
            page = _at_time(finding.page, alert.begun)
            changes |= {"rule": finding.rule.id, "kind": finding.rule.kind, "page": page}
            if alert.is_told:
                self._worse.setdefault(key, now.clock)
        self._active[key] = alert.model_copy(update=changes)

    def _end(
        self,
        found: Mapping[Key, Finding],
        mutes: Sequence[Mute],
        fate: Callable[[Alert], Fate],
        now: Moment,
        due: Due,
    ) -> Iterator[News]:
        # After a start, it takes a moment until everything is known again.
        is_settled = due.reached(self._start_ends_at)
        for key, alert in [*self._active.items()]:
            if key in found or not is_settled or (became := fate(alert)) == "lasts":
                continue
            over = alert.model_copy(update={"ended": now.time})
            del self._active[key], self._begun[key]
            self._worse.pop(key, None)
            self._earlier = [*self._earlier, over][-KEPT_ALERTS:]
            is_news = alert.is_told and alert.rule_class.recovery is not None
            if is_news and became == "recovered" and not _is_muted(alert, mutes, now.time):
                self._recovered.setdefault(alert.group or alert.id, []).append(over)
        lasting = {alert.group for alert in self._active.values()}
        for id in [one for one in self._recovered if one not in lasting]:
            *others, last = self._recovered.pop(id)
            yield News("recovered", last, others)

    def _notify_worse(self, mutes: Sequence[Mute], now: Moment, due: Due) -> Iterator[News]:
        if not self._worse or not due.reached(min(self._worse.values()) + GATHER_SECONDS):
            return
        together: dict[object, list[Alert]] = {}
        for alert in map(self._active.__getitem__, self._worse):
            if not _is_muted(alert, mutes, now.time):
                together.setdefault((alert.kind, alert.group or alert.id), []).append(alert)
        self._worse.clear()
        for alert, *others in together.values():
            yield News("changed", alert, others)

    def _notify(
        self, found: Mapping[Key, Finding], mutes: Sequence[Mute], now: Moment, due: Due
    ) -> Iterator[News]:
        ready = [
            (key, alert)
            for key, alert in self._active.items()
            if key in found and not (alert.is_known or alert.is_told)
            if not _is_muted(alert, mutes, now.time)
            if due.reached(max(self._quiet_until, self._cooldown_end(key, found[key])))
        ]
        # One notification has what happened together.
        first = min((self._begun[key] for key, _ in ready), default=now.clock)
        if not ready or not due.reached(first + GATHER_SECONDS):
            return
        together: dict[object, list[Key]] = {}
        for key, alert in ready:
            self._notified_at[key, alert.kind] = now.clock
            about = (alert.kind, alert.module) if alert.rule_class.severity else alert.id
            together.setdefault(about, []).append(key)
        for keys in together.values():
            told = {"is_told": True, "group": uuid4().hex if len(keys) > 1 else None}
            self._active |= {key: self._active[key].model_copy(update=told) for key in keys}
            alert, *others = (self._active[key] for key in keys)
            yield News("raised", alert, others)

    def _cooldown_end(self, key: Key, finding: Finding) -> float:
        """From when on a notification about this may be sent again."""
        before = self._notified_at.get((key, finding.rule.kind), float("-inf"))
        return before + finding.rule.cooldown * 60


def _worst(findings: Iterable[Finding]) -> dict[Key, Finding]:
    """One finding for each key: the most severe, else the first."""
    found: dict[Key, Finding] = {}
    for finding in findings:
        known = found.get(finding.key)
        if not known or finding.rule.severity > known.rule.severity:
            found[finding.key] = finding
    return found


def _is_muted(alert: Alert, mutes: Sequence[Mute], time: float) -> bool:
    """Whether one of *mutes* covers *alert*."""
    return any(mute.covers(alert.rule, alert.module, time) for mute in mutes)


class Evaluation:
    """Takes in what is observed, each state in order; `evaluate` finds the news. *kept* are the
    alerts of an earlier process. ``lines`` may get lines from any thread."""

    def __init__(self, kept: Sequence[Alert], now: Moment) -> None:
        self.lines = Lines()
        self._services = Services()
        self._limits = Limits()
        self._alerts = Alerts(kept, now)
        self._state = State()
        self.disk: Disk | None = None
        """None: not known."""
        self.is_home_full = False
        self.backup_trouble: Text | None = None
        self.models_trouble: Text | None = None
        self.addresses: Mapping[str, Text] = {}

    @property
    def alerts(self) -> list[Alert]:
        return self._alerts.all

    @property
    def is_running(self) -> bool:
        return self._state.engine.running

    def see_state(self, state: State, now: Moment) -> None:
        if state.engine.running and not self.is_running:
            self._alerts.pause_notifications(now)  # modules come back one by one
        self._state = state
        self._services.see(state, now.clock)

    def see_sample(self, sample: Sample, data: RulesData, now: Moment) -> None:
        self._limits.see(sample, self._state.snapshot, data.rules, now.clock)

    def pause_notifications(self, now: Moment) -> None:
        self._alerts.pause_notifications(now)

    def evaluate(self, data: RulesData, now: Moment) -> tuple[list[News], float | None]:
        """The news, and the time (of the clock) at which time alone may make more."""
        due = Due(now.clock)
        for mute in data.mutes:
            if mute.until is not None and mute.lasts(now.time):
                due.reached(now.clock + mute.until - now.time)
        rules = [rule for rule in data.rules if rule.is_on]
        lines = [rule for rule in rules if isinstance(rule, MatchingLine)]
        self.lines.watches = {rule.id: rule.watch for rule in lines}
        facts = self._facts(due)
        found = [finding for rule in rules for finding in rule.find(facts, due)]
        fate = partial(self._fate, rules={rule.id for rule in rules}, due=due)
        news = self._alerts.take(found, data.mutes, fate, now, due)
        modules = facts.modules
        return [one._replace(module=modules.get(one.alert.module or "")) for one in news], due.next

    def _facts(self, due: Due) -> Facts:
        modules = {module.name: module for module in self._state.snapshot.modules}
        hits = self.lines.hits(due)
        facts = Facts(
            modules,
            hits,
            is_home_full=self.is_home_full,
            backup_trouble=self.backup_trouble,
            models_trouble=self.models_trouble,
            addresses=self.addresses,
        )
        if not self.is_running:
            return facts
        services = [*self._services.watched(due)]
        return replace(facts, services=services, excesses=self._limits.excesses, disk=self.disk)

    def _fate(self, alert: Alert, rules: Container[str], due: Due) -> Fate:
        """What became of *alert*, which none of *rules* finds any more. Docker's end has its own
        news."""
        if not self.is_running or alert.rule not in rules:
            return "over"
        if alert.module is None:
            return "recovered"
        if alert.rule_class.severity and alert.service is not None:
            return self._services.fate((alert.module, alert.service), due)
        is_gone = (alert.module, alert.service) not in self._limits.subjects
        is_of_use = issubclass(alert.rule_class, LimitRule)
        is_expected = self._services.is_expected(alert.module, due.now)
        return "over" if (is_of_use and is_gone) or is_expected else "recovered"


def _at_time(page: str, time: float) -> str:
    """*page*; of logs, what was written until *time* (seconds since 1970)."""
    return f"{page}&at={math.ceil(time)}" if "/logs?" in page else page


class Limits:
    """Follows how much is used, for the rules with a limit. `see` gets the samples in order."""

    def __init__(self) -> None:
        self.excesses: dict[str, Mapping[Subject, Excess]] = {}
        """By the id of the rule."""
        self.subjects: frozenset[Subject] = frozenset()
        """Those whose use the newest sample tells."""

    def see(self, sample: Sample, snapshot: Snapshot, rules: Iterable[Rule], now: float) -> None:
        """Take *sample* in, of the services of *snapshot*."""
        limited = {name: one for name, one in KINDS.items() if issubclass(one, LimitRule)}
        used = {name: kind.measure(sample, snapshot) for name, kind in limited.items()}
        self.subjects = frozenset(subject for uses in used.values() for subject in uses)
        self.excesses = {
            rule.id: self._excesses_of(rule, used[rule.kind], now)
            for rule in rules
            if isinstance(rule, LimitRule) and rule.is_on
        }

    def _excesses_of(
        self, rule: LimitRule, used: Mapping[Subject, float], now: float
    ) -> Mapping[Subject, Excess]:
        known, found = self.excesses.get(rule.id, {}), dict[Subject, Excess]()
        for subject, value in used.items():
            if rule.module not in (None, subject[0]):
                continue
            if value > rule.limit:
                since = known[subject].since if subject in known else now
                found[subject] = Excess(since, value)
            elif subject in known and known[subject].calm_samples + 1 < CALM_SAMPLES:
                before = known[subject]
                found[subject] = Excess(before.since, value, before.calm_samples + 1)
        return found
