"""The alert rules of a home: changes of the built-in ones, the user's own ones, and mutes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import FileModel, SealedModel

RuleKind = Literal[
    "memory_out", "restarts", "ended", "unhealthy", "cpu", "memory", "disk", "line"
]  # fmt: skip

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

_CLOSED: Final = ConfigDict(extra="forbid")

KEPT_ALERTS: Final = 200
"""Alerts that are remembered."""


@pydantic_dataclass(frozen=True, kw_only=True, config=_CLOSED)
class Rule:
    """An alert rule."""

    id: str
    kind: RuleKind
    """`memory_out`: a service ran out of memory; `restarts`: it restarts again and again; `ended`:
    it exited, and no operation stopped it; `unhealthy`: its health check fails; `cpu`, `memory`: it
    uses too much; `disk`: the engine's disk is almost full; `line`: a log line matches"""
    is_on: bool = True
    module: str | None = None
    """the only module that it is about; `null`: every module"""
    minutes: float = Field(default=0, ge=0, le=1440)
    """how long it must be so, or in which the restarts are counted"""
    count: int = Field(default=3, ge=1, le=100)
    """restarts"""
    percent: float = Field(default=90, ge=0, le=100)
    """of all processors, of a limit of memory, or of the disk that is free"""
    gigabytes: float = Field(default=10, ge=0, le=100_000)
    """of the disk that are free"""
    level: Literal["debug", "info", "warn", "error"] | None = None
    """lines of this level or a higher one; `null`: of every level"""
    pattern: str = Field(default="", max_length=1000)
    """a regular expression of RE2; empty: every line of the level"""
    cooldown: float = Field(default=10, ge=0, le=1440)
    """minutes between two notifications about the same thing"""


BUILT_IN: Final[tuple[Rule, ...]] = (
    Rule(id="ended", kind="ended"),
    Rule(id="memory_out", kind="memory_out"),
    Rule(id="restarts", kind="restarts", minutes=10, cooldown=30),
    Rule(id="unhealthy", kind="unhealthy", minutes=2),
    Rule(id="memory", kind="memory", minutes=5, cooldown=60),
    Rule(id="cpu", kind="cpu", is_on=False, minutes=10, cooldown=60),
    Rule(id="disk", kind="disk", percent=5, cooldown=720),
)
"""The rules of every home. Language models may keep all processors busy for a long time, so the
rule about processors is off."""


@pydantic_dataclass(frozen=True, kw_only=True, config=_CLOSED)
class Mute:
    """No notifications about a rule, a module, or a rule and a module."""

    rule: str | None = None
    """every rule without it"""
    module: str | None = None
    """every module without it"""
    until: float | None = None
    """seconds since 1970; `null`: for ever"""

    def covers(self, rule: str, module: str | None, now: float) -> bool:
        """Whether it mutes alerts of *rule* about *module* at the time *now*."""
        is_over = self.until is not None and self.until <= now
        return not is_over and self.rule in (None, rule) and self.module in (None, module)


class RulesData(FileModel):
    """rules.json"""

    version: Literal[1] = 1
    changed: dict[str, Rule] = Field(default_factory=dict)
    """The built-in rules that differ, by ID."""
    own: list[Rule] = Field(default_factory=list)
    mutes: list[Mute] = Field(default_factory=list)

    @property
    def rules(self) -> list[Rule]:
        """All rules, the built-in ones first."""
        return [*(self.changed.get(rule.id, rule) for rule in BUILT_IN), *self.own]


class Alert(BaseModel):
    """Something that a rule found. Times are in seconds since 1970."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    rule: str
    kind: RuleKind
    module: str | None = None
    service: str | None = None
    name: LocalText
    """The module's title."""
    text: LocalText
    page: str
    """The dashboard's address."""
    begun: float
    ended: float | None = None
    """None: the alert is still active."""
    count: int = 1
    """The number of matching lines."""
    is_known: bool = False
    """No notification is sent, because the user knows already."""
    is_told: bool = False
    """A notification was sent."""


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
