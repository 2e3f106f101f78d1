"""What rules find, and the times at which they have to look again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.features.alerts.rules import Alert, Rule, RuleKind

SEVERITY: Final[Mapping[RuleKind, int]] = {
    "unhealthy": 1, "ended": 2, "restarts": 3, "memory_out": 4
}  # fmt: skip
"""The kinds about a service that does not run as it should. The most severe one says it."""

Key = tuple[str, str | None, str | None]
"""What an alert is about: there is at most one at a time. Group of kinds, module, service."""


class Moment(NamedTuple):
    """A time by the clock that nothing sets (``clock``), and in seconds since 1970 (``time``)."""

    clock: float
    time: float


@dataclass(frozen=True)
class Finding:
    """Something that ``rule`` finds to be so now. ``name``: the module's title; ``is_known``: the
    user knows it already."""

    rule: Rule
    module: str | None
    service: str | None
    name: LocalText
    text: Text
    page: str
    count: int = 1
    is_known: bool = False

    @property
    def key(self) -> Key:
        return key_of(self.rule.kind, self.rule.id, self.module, self.service)


def key_of(kind: RuleKind, rule: str, module: str | None, service: str | None) -> Key:
    """What an alert or a finding is about."""
    group = "service" if kind in SEVERITY else rule if kind == "line" else kind
    return group, module, service


def alert_key(alert: Alert) -> Key:
    return key_of(alert.kind, alert.rule, alert.module, alert.service)


@dataclass
class Due:
    """Compares times with now, and keeps the earliest that is still to come."""

    now: float
    next: float | None = None

    def reached(self, at: float) -> bool:
        """Whether it is *at* or later."""
        if self.now >= at:
            return True
        self.next = at if self.next is None else min(self.next, at)
        return False
