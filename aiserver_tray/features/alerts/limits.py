"""What uses too much, found in samples. Pure: the time is an argument."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiserver_tray.features.alerts import words
from aiserver_tray.features.alerts.finding import Due, Finding
from aiserver_tray.features.alerts.rules import Rule
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.state.views import ModuleView, Snapshot

CALM_SAMPLES: Final = 2
"""Samples in a row below a limit after which its excess is over."""

_Subject = tuple[str, str | None]
"""A module, or a service of it."""
_Use = Mapping[str, Mapping[_Subject, float]]
"""Kind of rule -> percent of the limits, as of the newest sample."""


@dataclass(frozen=True)
class Disk:
    """The engine's disk, in bytes."""

    free: int
    total: int


@dataclass
class _Excess:
    """``since``: of the first sample over the limit; ``below``: those below it since."""

    since: float
    below: int = 0


class Limits:
    """Follows samples, each of which `see` is given."""

    def __init__(self) -> None:
        self.disk: Disk | None = None
        """None: not known."""
        self._use: _Use = {}
        self._excesses: dict[tuple[str, _Subject], _Excess] = {}
        """Rule and subject."""
        self._modules: Mapping[str, ModuleView] = {}

    def see(self, sample: Sample, snapshot: Snapshot, rules: Sequence[Rule], now: float) -> None:
        """Take *sample* in, of the services of *snapshot*."""
        self._modules = {module.name: module for module in snapshot.modules}
        self._use = _use(sample, snapshot)
        excesses: dict[tuple[str, _Subject], _Excess] = {}
        for rule in rules:
            for subject, percent in self._of(rule).items():
                known = self._excesses.get((rule.id, subject))
                if percent > rule.percent:
                    excesses[rule.id, subject] = known = known or _Excess(now)
                    known.below = 0
                elif known and known.below + 1 < CALM_SAMPLES:
                    known.below += 1
                    excesses[rule.id, subject] = known
        self._excesses = excesses

    def is_gone(self, module: str | None, service: str | None) -> bool:
        """Whether there is no newest use of it: it does not run."""
        return module is not None and not any((module, service) in u for u in self._use.values())

    def findings(self, rules: Sequence[Rule], due: Due) -> Iterator[Finding]:
        """What has been over its limit for long enough."""
        for rule in rules:
            if rule.kind == "disk":
                yield from self._full_disk(rule)
            for subject, percent in self._of(rule).items():
                excess = self._excesses.get((rule.id, subject))
                module = self._modules.get(subject[0])
                if excess and module and due.reached(excess.since + rule.minutes * 60):
                    text = words.use(rule.kind, max(percent, rule.percent), rule.minutes)
                    yield Finding(
                        rule, *subject, words.name_of(module), text, words.page(rule.kind, *subject)
                    )

    def _of(self, rule: Rule) -> Mapping[_Subject, float]:
        use = self._use.get(rule.kind, {}) if rule.is_on else {}
        return {s: percent for s, percent in use.items() if rule.module in (None, s[0])}

    def _full_disk(self, rule: Rule) -> Iterator[Finding]:
        disk = self.disk
        if not rule.is_on or disk is None or not disk.total:
            return
        is_small = disk.free < rule.gigabytes * 1024**3
        if is_small or disk.free < disk.total * rule.percent / 100:
            text = words.disk(disk.free, disk.total)
            yield Finding(rule, None, None, {}, text, words.page("disk", None, None))


def _use(sample: Sample, snapshot: Snapshot) -> _Use:
    cpu, memory = dict[_Subject, float](), dict[_Subject, float]()
    for (module, service), load in (sample.loads or {}).items():
        if load.cpu is not None and snapshot.engine.cpus:
            cpu[module, None] = cpu.get((module, None), 0.0) + load.cpu / snapshot.engine.cpus
        if load.limit:
            memory[module, service] = load.memory / load.limit * 100
    return {"cpu": cpu, "memory": memory}
