"""The forms in which clients get rules and alerts."""

from collections.abc import Sequence
from typing import TypedDict

from aiserver_tray.base.i18n import Language, in_language
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.rules.words import describe, title
from aiserver_tray.settings.rules import (
    BUILT_IN,
    PARAMETERS,
    Alert,
    Mute,
    Rule,
    RuleKind,
    RulesData,
)


class MuteJson(TypedDict):
    """No notifications about a rule, a module, or a rule and a module."""

    rule: str | None
    """every rule without it"""
    module: str | None
    """every module without it"""
    until: float | None
    """seconds since 1970; `null`: for ever"""


class RuleJson(TypedDict):
    """An alert rule."""

    id: str
    kind: RuleKind
    """`memory_out`: a service ran out of memory; `restarts`: it restarts again and again; `ended`:
    it exited, and no operation stopped it; `unhealthy`: its health check fails; `cpu`, `memory`: it
    uses too much; `disk`: the engine's disk is almost full; `line`: a log line matches"""
    text: str
    """what it looks for, in a line"""
    builtIn: bool
    """it can't be removed, only switched off"""
    changed: bool
    """a built-in one that differs from its default"""
    on: bool
    module: str | None
    """the only module that it is about; `null`: every module"""
    parameters: list[str]
    """the fields below that matter for its kind"""
    count: int
    """restarts"""
    minutes: float
    """how long it must be so, or in which the restarts are counted"""
    percent: float
    """of all processors, of a limit of memory, or of the disk that is free"""
    gigabytes: float
    """of the disk that are free"""
    level: Level | None
    """lines of this level or a higher one; `null`: of every level"""
    pattern: str
    """a regular expression of RE2; empty: every line of the level"""
    cooldown: float
    """minutes between two notifications about the same thing"""
    muted: MuteJson | None
    """nobody is notified"""
    state: str | None
    """what it measures now, such as the free disk space; `null`: nothing"""


class AlertJson(TypedDict):
    """Something that a rule found."""

    id: str
    rule: str
    """the rule's id"""
    kind: RuleKind
    module: str | None
    service: str | None
    title: str
    text: str
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

    rules: list[RuleJson]
    """the built-in ones first"""
    alerts: list[AlertJson]
    """the active ones first, then the newest"""
    mutes: list[MuteJson]
    """of whole modules"""
    webhook: bool
    """there is an address for alerts (`app.alert_webhook`)"""


def rule_json(
    rule: Rule, mutes: Sequence[Mute], state: str | None, language: Language, now: float
) -> RuleJson:
    """*rule* with its texts in *language*."""
    own = (mute for mute in mutes if mute.rule == rule.id and mute.module is None)
    muted = next((mute for mute in own if mute.covers(rule.id, None, now)), None)
    built_in = {one.id: one for one in BUILT_IN}.get(rule.id)
    return {
        "id": rule.id,
        "kind": rule.kind,
        "text": describe(rule).render(language),
        "builtIn": built_in is not None,
        "changed": built_in is not None and built_in != rule,
        "on": rule.is_on,
        "module": rule.module,
        "parameters": [*PARAMETERS[rule.kind], "cooldown"],
        "count": rule.count,
        "minutes": rule.minutes,
        "percent": rule.percent,
        "gigabytes": rule.gigabytes,
        "level": rule.level,
        "pattern": rule.pattern,
        "cooldown": rule.cooldown,
        "muted": mute_json(muted) if muted else None,
        "state": state,
    }


def mute_json(mute: Mute) -> MuteJson:
    """*mute* for a client."""
    return {"rule": mute.rule, "module": mute.module, "until": mute.until}


def alert_json(alert: Alert, data: RulesData, language: Language, now: float) -> AlertJson:
    """*alert* with its texts in *language*."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "kind": alert.kind,
        "module": alert.module,
        "service": alert.service,
        "title": title(alert.kind, alert.name).render(language),
        "text": in_language(alert.text, language),
        "page": alert.page,
        "begun": alert.begun,
        "ended": alert.ended,
        "count": alert.count,
        "muted": any(mute.covers(alert.rule, alert.module, now) for mute in data.mutes),
    }
