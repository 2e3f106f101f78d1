"""Alert rules and alerts as clients get them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypedDict

from aiserver_tray.base.codec import SPREAD, view_of
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.files import Alert, Mute, RulesData
from aiserver_tray.features.alerts.kinds import MatchingLine, built_in
from aiserver_tray.features.alerts.rules import KINDS, Parameter, Rule


def parameter_fields() -> dict[str, tuple[object, str]]:
    """Fields in JSON for the parameters of all kinds: the type and the meaning of each."""
    found: dict[str, tuple[object, dict[str, list[str]]]] = {}
    for kind, rule in KINDS.items():
        for name, parameter in rule.parameters().items():
            _, meanings = found.setdefault(name, (rule.model_fields[name].annotation, {}))
            meanings.setdefault(parameter.meaning, []).append(f"`{kind}`")
    return {name: (type_, _joined(meanings)) for name, (type_, meanings) in found.items()}


def kind_fields() -> dict[str, tuple[object, str]]:
    """Those, and the field for the kind."""
    meaning = " ".join(f"`{name}`: {rule.__doc__}" for name, rule in KINDS.items())
    own = ", ".join(f"`{name}`" for name, rule in KINDS.items() if rule.label)
    kinds: object = Literal[tuple(KINDS)]
    return {"kind": (kinds, f"{meaning} Users add {own}."), **parameter_fields()}


def _joined(meanings: Mapping[str, Sequence[str]]) -> str:
    """Each of *meanings* with its kinds, if it is not the only one."""
    if len(meanings) == 1:
        return next(iter(meanings))
    return "; ".join(f"{', '.join(kinds)}: {meaning}" for meaning, kinds in meanings.items())


@dataclass(frozen=True, kw_only=True)
class ParameterView(Parameter):
    """A parameter of a kind of rules, as a form asks for it."""

    name: str
    """the field of a rule that has its value"""
    whole: bool
    """a whole number"""
    default: float | str | None


@dataclass(frozen=True)
class RuleKindView:
    """A kind of rules."""

    kind: str
    """its name"""
    label: Text | None
    """the choice for a new rule; `null`: users can't add such rules"""
    failure: bool
    """its alerts say that a service does not work"""
    preview: bool
    """`ai/rules/preview` tells what such a rule would have told"""
    of_modules: bool
    """its alerts are about modules"""
    parameters: tuple[ParameterView, ...]


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """An alert rule."""

    more_fields: ClassVar = staticmethod(kind_fields)

    id: str
    kind: str
    on: bool
    module: str | None
    """the only module that it is about; `null`: every module"""
    values: Mapping[str, object] = field(metadata=SPREAD)
    text: Text
    """what it looks for, in a line"""
    built_in: bool
    """it can't be removed, only switched off"""
    changed: bool
    """a built-in one that differs from its default"""
    parameters: tuple[str, ...]
    """the fields that matter for its kind"""
    muted: Mute | None
    """nobody is notified"""
    state: str | None
    """what it measures now, such as the free disk space; `null`: nothing"""


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """Something that a rule found."""

    id: str
    rule: str
    """the rule's id"""
    kind: str
    """that of the rule"""
    module: str | None
    service: str | None
    title: Text
    text: LocalText
    page: str
    """the dashboard's address, such as `modules/n8n/logs`"""
    begun: float
    """seconds since 1970"""
    ended: float | None
    """`null`: it is still so"""
    count: int
    """of matching lines"""
    muted: bool
    """nobody is notified of it"""


class RuleList(TypedDict):
    """All rules and alerts."""

    kinds: list[RuleKindView]
    """the kinds of rules"""
    rules: list[RuleView]
    """the built-in ones first"""
    alerts: list[AlertView]
    """the active ones first, then the newest"""
    mutes: list[Mute]
    """of whole modules"""
    muted: Mute | None
    """nobody is notified of any alert"""
    keptDays: int
    """how long alerts are listed after their end"""
    desktop: bool
    """alerts are shown as notifications of the desktop"""
    webhook: bool
    """there is an address for alerts (`app.alert_webhook`)"""


def kind_views() -> list[RuleKindView]:
    """All kinds for clients."""
    return [
        RuleKindView(
            name,
            kind.label,
            kind.severity > 0,
            issubclass(kind, MatchingLine),
            "{module}" in kind.page,
            tuple(_parameter_views(kind)),
        )
        for name, kind in KINDS.items()
    ]


def _parameter_views(kind: type[Rule]) -> Iterator[ParameterView]:
    for name, parameter in kind.parameters().items():
        info = kind.model_fields[name]
        is_whole = info.annotation is int
        yield view_of(ParameterView, parameter, name=name, whole=is_whole, default=info.default)


def rule_view(rule: Rule, mutes: Sequence[Mute], state: str | None, now: float) -> RuleView:
    """*rule* for clients. It also has the parameters of other kinds, with their defaults."""
    own = (mute for mute in mutes if mute.rule == rule.id and mute.module is None)
    default = built_in().get(rule.id)
    own_values = {name: getattr(rule, name) for name in rule.parameters()}
    others = {one.name: one.default for kind in kind_views() for one in kind.parameters}
    return view_of(
        RuleView,
        rule,
        on=rule.is_on,
        values=others | own_values,
        text=rule.describe(),
        built_in=default is not None,
        changed=default not in (None, rule),
        parameters=tuple(own_values),
        muted=next((mute for mute in own if mute.covers(rule.id, None, now)), None),
        state=state,
    )


def alert_view(alert: Alert, data: RulesData, now: float) -> AlertView:
    """*alert* for clients."""
    is_muted = any(mute.covers(alert.rule, alert.module, now) for mute in data.mutes)
    return view_of(AlertView, alert, title=News("raised", alert).title, muted=is_muted)
