"""The alert rules of a home: changes of the built-in ones, the user's own ones, and mutes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import FileModel, SealedModel

RuleKind = Literal[
    "memory_out", "restarts", "ended", "unhealthy", "cpu", "memory", "disk", "line"
]  # fmt: skip
"""memory_out: a service ran out of memory; restarts: it restarts again and again; ended: it exited,
and no operation stopped it; unhealthy: its health check fails; cpu, memory: it uses too much; disk:
the engine's disk is almost full; line: a log line matches."""

OWN_KINDS: Final[tuple[RuleKind, ...]] = ("cpu", "memory", "line")
"""Kinds of the rules that a user can add."""

PARAMETERS: Final[Mapping[RuleKind, tuple[str, ...]]] = {
    "memory_out": (),
    "restarts": ("count", "minutes"),
    "ended": (),
    "unhealthy": ("minutes",),
    "cpu": ("percent", "minutes"),
    "memory": ("percent", "minutes"),
    "disk": ("gigabytes", "percent"),
    "line": ("level", "pattern"),
}
"""The parameters that a kind has, besides ``cooldown``."""

KEPT_ALERTS: Final = 200
"""Alerts that are remembered."""


class Rule(BaseModel):
    """A rule. ``module`` None: each module. Of the parameters, only those of its kind matter.
    ``cooldown``: minutes between two notifications about the same thing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: RuleKind
    is_on: bool = True
    module: str | None = None
    minutes: float = Field(default=0, ge=0, le=1440)
    count: int = Field(default=3, ge=1, le=100)
    percent: float = Field(default=90, ge=0, le=100)
    gigabytes: float = Field(default=10, ge=0, le=100_000)
    level: Literal["debug", "info", "warn", "error"] | None = None
    pattern: str = Field(default="", max_length=1000)
    cooldown: float = Field(default=10, ge=0, le=1440)


BUILT_IN: Final[tuple[Rule, ...]] = (
    Rule(id="ended", kind="ended"),
    Rule(id="memory_out", kind="memory_out"),
    Rule(id="restarts", kind="restarts", minutes=10, cooldown=30),
    Rule(id="unhealthy", kind="unhealthy", minutes=2),
    Rule(id="memory", kind="memory", minutes=5, cooldown=60),
    Rule(id="cpu", kind="cpu", is_on=False, minutes=10, cooldown=60),
    Rule(id="disk", kind="disk", percent=5, cooldown=720),
)
"""What every home has. Models may keep all processors busy for long, so that rule is off."""


class Mute(BaseModel):
    """No notifications about ``rule`` and ``module`` until a time (seconds since 1970; None: for
    ever). None: any rule, or any module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str | None = None
    module: str | None = None
    until: float | None = None

    def covers(self, rule: str, module: str | None, now: float) -> bool:
        """Whether it mutes alerts of *rule* about *module* at the time *now*."""
        is_over = self.until is not None and self.until <= now
        return not is_over and self.rule in (None, rule) and self.module in (None, module)


class RulesData(FileModel):
    """rules.json. ``changed``: the built-in rules that differ, by id."""

    version: Literal[1] = 1
    changed: dict[str, Rule] = Field(default_factory=dict)
    own: list[Rule] = Field(default_factory=list)
    mutes: list[Mute] = Field(default_factory=list)

    @property
    def rules(self) -> list[Rule]:
        """All rules, the built-in ones first."""
        return [*(self.changed.get(rule.id, rule) for rule in BUILT_IN), *self.own]


class Alert(BaseModel):
    """Something that a rule found. ``name``: the module's title. Times in seconds since 1970;
    ``ended`` None: it is still so. ``page``: the dashboard's address; ``count``: of matching lines;
    ``is_known``: no notification is sent, because the user knows already; ``is_told``: one was
    sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    rule: str
    kind: RuleKind
    module: str | None = None
    service: str | None = None
    name: LocalText
    text: LocalText
    page: str
    begun: float
    ended: float | None = None
    count: int = 1
    is_known: bool = False
    is_told: bool = False


class AlertsData(SealedModel):
    """alerts.json: the newest last."""

    version: Literal[1] = 1
    alerts: list[Alert] = Field(default_factory=list)


_Result = TypeVar("_Result")


class RuleFiles:
    """Rules and alerts in the folder of a home.

    Raises:
        SettingError: from every method: a file can't be read or written.
    """

    def __init__(self, folder: Path, notices: list[Text]) -> None:
        self._rules = VersionedFile(folder / "rules.json", RulesData, notices)
        self._alerts = VersionedFile(folder / "alerts.json", AlertsData, notices)
        self._known: tuple[object, RulesData] | None = None

    def read(self) -> RulesData:
        """Rules and mutes, not to be changed. The file is read only after it has changed."""
        stamp, known = self._rules.stamp, self._known
        if known is None or known[0] != stamp:
            self._known = known = stamp, self._rules.read()
        return known[1]

    def change(self, change: Callable[[RulesData], _Result]) -> _Result:
        """Let *change* work on the rules, and keep the result."""
        with self._rules.update() as data:
            return change(data)

    def alerts(self) -> list[Alert]:
        """The alerts of earlier processes, the newest last."""
        return self._alerts.read().alerts

    def keep(self, alerts: list[Alert]) -> None:
        """Replace the alerts."""
        with self._alerts.update() as data:
            data.alerts = alerts[-KEPT_ALERTS:]


def put(data: RulesData, rule: Rule) -> None:
    """Replace the rule that has the id of *rule*.

    Raises:
        SettingError: there is none.
    """
    found = {one.id: one for one in data.rules}.get(rule.id)
    if found is None or found.kind != rule.kind:
        raise SettingError(rule.id, Text("there is no such alert rule"))
    if any(rule.id == built_in.id for built_in in BUILT_IN):
        data.changed[rule.id] = rule
    else:
        data.own = [rule if one.id == rule.id else one for one in data.own]


def drop(data: RulesData, id: str) -> None:
    """Remove the user's own rule *id*; reset a built-in one.

    Raises:
        SettingError: there is none.
    """
    if not any(rule.id == id for rule in data.rules):
        raise SettingError(id, Text("there is no such alert rule"))
    data.changed.pop(id, None)
    data.own = [rule for rule in data.own if rule.id != id]
    data.mutes = [mute for mute in data.mutes if mute.rule != id]
