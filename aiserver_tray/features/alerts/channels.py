"""The alert rules, their alerts and what is muted, and their channels."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypedDict
from uuid import uuid4

from pydantic import Field

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import AiServerError, SettingError, refuse_unknown
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.features.alerts.limits import Disk
from aiserver_tray.features.alerts.lines import check_pattern
from aiserver_tray.features.alerts.rules import (
    BUILT_IN,
    PARAMETERS,
    Alert,
    Mute,
    Rule,
    RuleFiles,
    RuleKind,
    RulesData,
    drop,
    put,
)
from aiserver_tray.features.alerts.watch import RuleWatch, Surroundings
from aiserver_tray.features.alerts.words import describe, title
from aiserver_tray.features.logs.channels import LogsFeature
from aiserver_tray.features.monitoring.channels import MonitoringFeature
from aiserver_tray.features.monitoring.statistics import machine_use
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.app_declared import WEBHOOK

# -- rules and alerts as clients get them ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RuleView(Rule):
    """An alert rule."""

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
    kind: RuleKind
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

    rules: list[RuleView]
    """the built-in ones first"""
    alerts: list[AlertView]
    """the active ones first, then the newest"""
    mutes: list[Mute]
    """of whole modules"""
    webhook: bool
    """there is an address for alerts (`app.alert_webhook`)"""


def rule_view(rule: Rule, mutes: Sequence[Mute], state: str | None, now: float) -> RuleView:
    """*rule* for clients."""
    own = (mute for mute in mutes if mute.rule == rule.id and mute.module is None)
    built_in = {one.id: one for one in BUILT_IN}.get(rule.id)
    return view_of(
        RuleView,
        rule,
        text=describe(rule),
        built_in=built_in is not None,
        changed=built_in is not None and built_in != rule,
        parameters=(*PARAMETERS[rule.kind], "cooldown"),
        muted=next((mute for mute in own if mute.covers(rule.id, None, now)), None),
        state=state,
    )


def alert_view(alert: Alert, data: RulesData, now: float) -> AlertView:
    """*alert* for clients."""
    is_muted = any(mute.covers(alert.rule, alert.module, now) for mute in data.mutes)
    return view_of(AlertView, alert, title=title(alert.kind, alert.name), muted=is_muted)


_MAX_OWN = 100
"""Rules that a user can add."""


class RuleChange(Payload):
    """A rule and what changes of it; a field without a value stays as it is."""

    id: str = Name
    """the rule's id"""
    on: bool | None = None
    minutes: Annotated[float, Field(ge=0, le=1440)] | None = None
    count: Annotated[int, Field(ge=1, le=100)] | None = None
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    gigabytes: Annotated[float, Field(ge=0, le=100_000)] | None = None
    cooldown: Annotated[float, Field(ge=0, le=1440)] | None = None
    """minutes between two notifications about the same thing"""


class NewRule(Payload):
    """A rule of the user's own."""

    kind: Literal["cpu", "memory", "line"]
    module: str | None = None
    """the only module that it is about; every module without it"""
    minutes: Annotated[float, Field(ge=0, le=1440)] = 5
    """how long it must be so; not of `line`"""
    percent: Annotated[float, Field(ge=0, le=100)] = 80
    """of all processors, or of the limit of memory"""
    level: Literal["debug", "info", "warn", "error"] | None = None
    """of `line`: this level or a higher one"""
    pattern: Annotated[str, Field(max_length=1000)] = ""
    """of `line`: a regular expression of RE2"""
    cooldown: Annotated[float, Field(ge=0, le=1440)] = 10
    """minutes between two notifications about the same thing"""


class RuleId(Payload):
    """A rule."""

    id: str = Name


class MuteRequest(Payload):
    """What to mute: a rule, a module, both, or what an alert is about."""

    rule: str | None = None
    """its id; every rule without it"""
    module: str | None = None
    """every module without it"""
    alert: str | None = None
    """an alert's id, instead of rule and module"""
    span: Literal["hour", "tomorrow", "forever", "off"]
    """`tomorrow`: until the next morning, 08:00; `off`: not muted any more"""


class WebhookAnswer(TypedDict):
    """The answer of the webhook to a test."""

    ok: bool
    status: int | None
    """of HTTP; `null`: there was no answer"""
    text: str
    """the begin of the answer, or why there is none"""


class AlertsFeature(Feature):
    """``ai/rules/…``. ``watch`` evaluates the rules."""

    def __init__(self, place: Place) -> None:
        app = self._app = place.app
        self._core = place.core
        self._place = place
        self._files = RuleFiles(app.home.folder, app.settings.notices)
        around = Surroundings(self._disk, self._target, lambda: app.language, self._on_news)
        self.watch = RuleWatch(place.core.store, self._files, around)

    def start(self) -> None:
        """Evaluate the rules over states, samples and log lines from now on."""
        self._place.feature(MonitoringFeature).observe(self.watch.on_sample)
        self._place.feature(LogsFeature).kept.observe(self.watch.on_lines)
        self.watch.start()

    def close(self) -> None:
        """Evaluate no more."""
        self.watch.close()

    @channel("ai/rules/list")
    def _list(self) -> RuleList:
        """List the alert rules, the active and the last alerts, and what is muted."""
        data, now = self._files.read(), time.time()
        alerts = sorted(self.watch.alerts, key=lambda one: (one.ended is not None, -one.begun))
        mutes = [mute for mute in data.mutes if mute.covers(mute.rule or "", mute.module, now)]
        return {
            "rules": [rule_view(rule, mutes, self._state_of(rule), now) for rule in data.rules],
            "alerts": [alert_view(alert, data, now) for alert in alerts],
            "mutes": [mute for mute in mutes if mute.module],
            "webhook": WEBHOOK in self._app.settings.secrets.names(),
        }

    @channel("ai/rules/set")
    def _set(self, asked: RuleChange) -> RuleList:
        """Change an alert rule."""
        given = asked.model_dump(exclude={"id", "on"}, exclude_none=True)
        if asked.on is not None:
            given["is_on"] = asked.on

        def change(data: RulesData) -> None:
            known = {rule.id: rule for rule in data.rules}
            refuse_unknown([asked.id], known)
            put(data, replace(known[asked.id], **given))

        return self._change(change)

    @channel("ai/rules/add")
    def _add(self, asked: NewRule) -> RuleList:
        """Add an alert rule of the user's own."""
        self._refuse_unknown_module(asked.module)
        if asked.kind == "line":
            check_pattern(asked.pattern)
            if not asked.pattern and asked.level is None:
                raise SettingError("pattern", Text("give a pattern, a level, or both"))
        rule = Rule(id=uuid4().hex, **asked.model_dump())

        def change(data: RulesData) -> None:
            if len(data.own) >= _MAX_OWN:
                raise SettingError("rules", Text("there are too many rules. Remove some first"))
            data.own.append(rule)

        return self._change(change)

    @channel("ai/rules/remove")
    def _remove(self, asked: RuleId) -> RuleList:
        """Remove an alert rule of the user's own, or reset a built-in one."""
        return self._change(lambda data: drop(data, asked.id))

    @channel("ai/rules/mute")
    def _mute(self, asked: MuteRequest) -> RuleList:
        """Send no notifications about a rule or a module for a while, or send them again."""
        rule, module = asked.rule, asked.module
        if asked.alert is not None:
            alerts = {alert.id: alert for alert in self.watch.alerts}
            refuse_unknown([asked.alert], alerts)
            rule, module = alerts[asked.alert].rule, alerts[asked.alert].module
        self._refuse_unknown_module(module)
        if rule is None and module is None:
            raise SettingError("rule", Text("name a rule or a module"))

        def change(data: RulesData) -> None:
            refuse_unknown([] if rule is None else [rule], [one.id for one in data.rules])
            others = [m for m in data.mutes if (m.rule, m.module) != (rule, module)]
            if asked.span != "off":
                others.append(Mute(rule=rule, module=module, until=_until(asked.span)))
            data.mutes = others

        return self._change(change)

    @channel("ai/rules/test")
    def _test(self, caller: Caller) -> WebhookAnswer:
        """Send a test to the webhook, and get its answer."""
        target = self._target()
        if target is None:
            raise SettingError(WEBHOOK, Text("it has no value. Set the address first"))
        answer = webhook.send(target, webhook.trial(caller.language))
        text = answer.text.render(caller.language)
        return {"ok": answer.is_ok, "status": answer.status, "text": text}

    # ------------------------------------------------------------------------------------------

    def _change(self, change: Callable[[RulesData], None]) -> RuleList:
        self._files.change(change)
        self.watch.refresh()
        self._on_news()
        return self._list()

    def _refuse_unknown_module(self, module: str | None) -> None:
        known = (one.name for one in self._core.store.snapshot.modules)
        refuse_unknown([] if module is None else [module], known)

    def _state_of(self, rule: Rule) -> str | None:
        disk = self.watch.disk
        return f"{disk.free // 1024**3} GB" if rule.kind == "disk" and disk else None

    def _on_news(self, news: News | None = None) -> None:
        id, change = (news.alert.id, news.kind) if news else (None, None)
        self._place.publish(RULES.message({"alert": id, "change": change}))

    def _target(self) -> webhook.Target | None:
        settings = self._app.settings
        try:
            address = settings.secrets.values([WEBHOOK]).get(WEBHOOK)
            return webhook.Target(address, settings.app.alert_format) if address else None
        except AiServerError:  # shown on the page of settings
            return None

    def _disk(self) -> Disk | None:
        """The engine's disk, if this machine has it."""
        try:
            use = machine_use(self._core.engine)
        except AiServerError:
            return None
        return (
            Disk(use.disk_free, use.disk_size) if use and use.disk_free and use.disk_size else None
        )


def _until(span: Literal["hour", "tomorrow", "forever"]) -> float | None:
    if span == "forever":
        return None
    if span == "hour":
        return time.time() + 3600
    morning = datetime.now().astimezone().replace(hour=8, minute=0, second=0, microsecond=0)
    return (morning + timedelta(days=1)).timestamp()
