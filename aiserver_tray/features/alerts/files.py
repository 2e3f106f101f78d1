"""The alert rules of a home: changes of the built-in ones, the user's own ones, and mutes."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, SerializeAsAny
from pydantic.dataclasses import dataclass as pydantic_dataclass

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.features.alerts.kinds import built_in, known_kind, read_rule
from aiserver_tray.features.alerts.rules import KINDS, Key, Rule
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import FileModel, SealedModel

_CLOSED: Final = ConfigDict(extra="forbid")

KEPT_ALERTS: Final = 200
"""Alerts that are remembered."""
KEPT_DAYS: Final = 90
"""How long they are, once they are over."""

StoredRule = Annotated[SerializeAsAny[Rule], PlainValidator(read_rule)]


@pydantic_dataclass(frozen=True, kw_only=True, config=_CLOSED)
class Mute:
    """No notifications about a rule, a module, a rule and a module, or anything."""

    rule: str | None = None
    """every rule without it"""
    module: str | None = None
    """every module without it"""
    until: float | None = None
    """seconds since 1970; `null`: for ever"""

    @property
    def is_of_all(self) -> bool:
        """Whether it mutes everything."""
        return self.rule is None and self.module is None

    def lasts(self, now: float) -> bool:
        """Whether it has not run out at the time *now*."""
        return self.until is None or self.until > now

    def covers(self, rule: str, module: str | None, now: float) -> bool:
        """Whether it mutes alerts of *rule* about *module* at the time *now*."""
        return self.lasts(now) and self.rule in (None, rule) and self.module in (None, module)


class RulesData(FileModel):
    """rules.json"""

    version: Literal[1] = 1
    changed: dict[str, StoredRule] = Field(default_factory=dict)
    """The built-in rules that differ, by ID."""
    own: list[StoredRule] = Field(default_factory=list)
    mutes: list[Mute] = Field(default_factory=list)

    @property
    def rules(self) -> list[Rule]:
        """All rules, the built-in ones first."""
        return [*(self.changed.get(id, rule) for id, rule in built_in().items()), *self.own]


class Alert(BaseModel):
    """Something that a rule found. Times are in seconds since 1970."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    rule: str
    kind: Annotated[str, AfterValidator(known_kind)]
    module: str | None = None
    service: str | None = None
    name: LocalText
    """Of the module or the service."""
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
    group: str | None = None
    """Alerts about services of one module with the same ID were sent together, as one kind."""

    @property
    def rule_class(self) -> type[Rule]:
        """Its kind of rules."""
        return KINDS[self.kind]

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.rule_class.group(self.rule), self.module, self.service


class AlertsData(SealedModel):
    """alerts.json: the newest last."""

    version: Literal[1] = 1
    alerts: list[Alert] = Field(default_factory=list)


_Result = TypeVar("_Result")


class RuleFiles:
    """Rules in the folder of a *home*, and alerts in the folder *kept* for its engine.

    Raises:
        SettingError: from every method: a file can't be read or written.
    """

    def __init__(self, home: Path, kept: Path, notices: list[Text]) -> None:
        self._rules = VersionedFile(home / "rules.json", RulesData, notices)
        self._alerts = VersionedFile(kept / "alerts.json", AlertsData, notices)
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

    def keep(self, alerts: Sequence[Alert]) -> None:
        """Replace the alerts."""
        with self._alerts.update() as data:
            data.alerts = remembered(alerts, time.time())


def remembered(alerts: Sequence[Alert], now: float) -> list[Alert]:
    """Those of *alerts*, the newest last, that are not too old or too many."""
    oldest = now - KEPT_DAYS * 86_400
    return [one for one in alerts if one.ended is None or one.ended >= oldest][-KEPT_ALERTS:]


def put(data: RulesData, rule: Rule) -> None:
    """Replace the rule that has the id of *rule*."""
    if rule.id in built_in():
        data.changed[rule.id] = rule
    else:
        data.own = [rule if one.id == rule.id else one for one in data.own]


def take_over(data: RulesData, moved: RulesData) -> None:
    """Add the rules and mutes that another computer had. Its own ones replace those with their
    IDs."""
    data.changed |= moved.changed
    ids = {rule.id for rule in moved.own}
    data.own = [*(rule for rule in data.own if rule.id not in ids), *moved.own]
    data.mutes += [mute for mute in moved.mutes if mute not in data.mutes]


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
