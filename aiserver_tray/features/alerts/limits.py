"""Follows how much is used, for the rules with a limit. Pure: the time is an argument."""

from collections.abc import Iterable, Mapping
from typing import Final

from aiserver_tray.features.alerts.facts import Excess, Subject
from aiserver_tray.features.alerts.kinds import LimitRule
from aiserver_tray.features.alerts.rules import KINDS, Rule
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.state.views import Snapshot

CALM_SAMPLES: Final = 2
"""Samples in a row below a limit after which its excess is over."""


class Limits:
    """Follows samples, which `see` gets in order."""

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
