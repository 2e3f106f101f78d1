"""The channels of alert rules, their alerts and what is muted."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, TypedDict
from uuid import uuid4

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from aiserver_tray.base.errors import AiServerError, RequestError, SettingError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.features.alerts.facts import Disk
from aiserver_tray.features.alerts.files import (
    KEPT_DAYS,
    Mute,
    RuleFiles,
    RulesData,
    drop,
    put,
    remembered,
)
from aiserver_tray.features.alerts.kinds import MatchingLine, known_kind, read_rule
from aiserver_tray.features.alerts.preview import RulePreview, preview
from aiserver_tray.features.alerts.rules import KINDS, Rule
from aiserver_tray.features.alerts.views import (
    RuleList,
    alert_view,
    kind_fields,
    kind_views,
    parameter_fields,
    rule_view,
)
from aiserver_tray.features.alerts.watch import AlertJournal, RuleWatch, Surroundings
from aiserver_tray.features.logs.channels import LogsFeature
from aiserver_tray.features.monitoring.channels import MonitoringFeature
from aiserver_tray.features.monitoring.statistics import machine_use
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, Name, Payload, channel, wrong_request
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.app_declared import WEBHOOK

_MAX_OWN = 100
"""Rules that a user can add."""


def _parameter(name: str) -> str:
    if name not in parameter_fields():
        raise ValueError("Extra inputs are not permitted")
    return name


class _Parameters(Payload):
    """Parameters of rules."""

    model_config = ConfigDict(extra="allow")
    more_fields: ClassVar = staticmethod(parameter_fields)

    __pydantic_extra__: dict[Annotated[str, AfterValidator(_parameter)], object] = Field(init=False)

    def parameters_of(self, kind: type[Rule]) -> dict[str, object]:
        """The parameters of *kind* that have a value. `null` is one where it is the default."""
        given, fields = self.model_extra or {}, kind.model_fields
        names = given.keys() & kind.parameters().keys()
        return {
            name: given[name]
            for name in names
            if given[name] is not None or fields[name].default is None
        }


class RuleChange(_Parameters):
    """A rule and what changes of it; a field without a value stays as it is."""

    id: str = Name
    """the rule's id"""
    on: bool | None = None


def _addable(kind: str) -> str:
    if KINDS[known_kind(kind)].label is None:
        raise ValueError("users can't add such rules")
    return kind


class NewRule(_Parameters):
    """A rule of the user's own."""

    more_fields: ClassVar = staticmethod(kind_fields)

    kind: Annotated[str, AfterValidator(_addable)]
    module: str | None = None
    """the only module that it is about; every module without it"""


class RuleId(Payload):
    """A rule."""

    id: str = Name


class MuteRequest(Payload):
    """What to mute: a rule, a module, both, what an alert is about, or everything."""

    rule: str | None = None
    """its id; every rule without it"""
    module: str | None = None
    """every module without it"""
    alert: str | None = None
    """an alert's id, instead of rule and module"""
    span: Literal["hour", "tomorrow", "forever", "off"]
    """`tomorrow`: until the next morning, 08:00; `off`: not muted any more"""
    until: float | None = None
    """instead of the end of this span: seconds since 1970"""


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
        self._files = RuleFiles(app.home.folder, place.kept_folder, app.settings.notices)
        self._journal = AlertJournal(app.settings.journal, [], lambda: app.engine_id)
        around = Surroundings(
            self._disk,
            self._target,
            lambda: app.language,
            self._on_alerts,
            lambda: place.feature(LogsFeature).kept.full_since is not None,
        )
        self.watch = RuleWatch(place.core.store, self._files, around)

    def start(self) -> None:
        """Evaluate the rules over states, samples and log lines from now on."""
        self._place.feature(MonitoringFeature).observe(self.watch.on_sample)
        kept = self._place.feature(LogsFeature).kept
        kept.observe(self.watch.on_lines)
        kept.on_problem = self.watch.refresh
        with suppress(AiServerError):  # the watch says so
            journal, known = self._app.settings.journal, self._files.alerts()
            self._journal = AlertJournal(journal, known, lambda: self._app.engine_id)
        self.watch.start()

    def close(self) -> None:
        """Evaluate no more."""
        self.watch.close()

    @channel("ai/rules/list")
    def _list(self) -> RuleList:
        """List the alert rules, the active and the last alerts, and what is muted."""
        data, now = self._files.read(), time.time()
        kept = remembered(self.watch.alerts, now)
        alerts = sorted(kept, key=lambda one: (one.ended is not None, -one.begun))
        mutes = [mute for mute in data.mutes if mute.lasts(now)]
        disk = self._disk()  # as of now: the one that the rules were evaluated with may be older
        return {
            "kinds": kind_views(),
            "rules": [rule_view(one, mutes, one.state(disk), now) for one in data.rules],
            "alerts": [alert_view(alert, data, now) for alert in alerts],
            "mutes": [mute for mute in mutes if mute.module],
            "muted": next((mute for mute in mutes if mute.is_of_all), None),
            "keptDays": KEPT_DAYS,
            "desktop": self._notifies_desktop(),
            "webhook": WEBHOOK in self._app.settings.secrets.names(),
        }

    @channel("ai/rules/set")
    def _set(self, asked: RuleChange) -> RuleList:
        """Change an alert rule."""

        def change(data: RulesData) -> None:
            known = {rule.id: rule for rule in data.rules}
            refuse_unknown([asked.id], known)
            rule = known[asked.id]
            is_on = rule.is_on if asked.on is None else asked.on
            raw = rule.model_dump() | asked.parameters_of(type(rule)) | {"is_on": is_on}
            put(data, _checked("ai/rules/set", raw))

        return self._change(change)

    @channel("ai/rules/add")
    def _add(self, asked: NewRule) -> RuleList:
        """Add an alert rule of the user's own."""
        rule = self._new_rule("ai/rules/add", asked)

        def change(data: RulesData) -> None:
            if len(data.own) >= _MAX_OWN:
                raise SettingError("rules", Text("there are too many rules. Remove some first"))
            data.own.append(rule)

        return self._change(change)

    @channel("ai/rules/preview")
    def _preview(self, asked: NewRule) -> RulePreview:
        """Tell what a rule for log lines would have told in the last 24 hours. Takes two seconds
        at most."""
        rule = self._new_rule("ai/rules/preview", asked)
        if not isinstance(rule, MatchingLine):
            raise RequestError(Text("only rules for log lines have a preview"), ["kind"])
        kept = self._place.feature(LogsFeature).kept
        modules = [one.name for one in self._core.store.snapshot.modules]
        found = preview(rule, kept.reader, time.time())
        is_kept = kept.covers(modules if rule.module is None else [rule.module])
        return {**found, "isComplete": found["isComplete"] and is_kept}

    @channel("ai/rules/remove")
    def _remove(self, asked: RuleId) -> RuleList:
        """Remove an alert rule of the user's own, or reset a built-in one."""
        return self._change(lambda data: drop(data, asked.id))

    @channel("ai/rules/mute")
    def _mute(self, asked: MuteRequest) -> RuleList:
        """Send no notifications about a rule, a module or anything for a while, or send them
        again."""
        rule, module = asked.rule, asked.module
        if asked.alert is not None:
            alerts = {alert.id: alert for alert in self.watch.alerts}
            refuse_unknown([asked.alert], alerts)
            rule, module = alerts[asked.alert].rule, alerts[asked.alert].module
        self._refuse_unknown_module(module)

        def change(data: RulesData) -> None:
            refuse_unknown([] if rule is None else [rule], [one.id for one in data.rules])
            others = [m for m in data.mutes if (m.rule, m.module) != (rule, module)]
            if asked.span != "off":
                until = asked.until or _until(asked.span)
                others.append(Mute(rule=rule, module=module, until=until))
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

    def _new_rule(self, channel: str, asked: NewRule) -> Rule:
        self._refuse_unknown_module(asked.module)
        own = {"id": uuid4().hex, "kind": asked.kind, "module": asked.module}
        return _checked(channel, asked.parameters_of(KINDS[asked.kind]) | own)

    def _refuse_unknown_module(self, module: str | None) -> None:
        known = (one.name for one in self._core.store.snapshot.modules)
        refuse_unknown([] if module is None else [module], known)

    def _on_alerts(self, news: News | None) -> None:
        """Alerts have changed, as *news* say if it is some."""
        self._journal.note(self.watch.alerts)
        self._on_news(news)

    def _on_news(self, news: News | None = None) -> None:
        id, change = (news.alert.id, news.kind) if news else (None, None)
        self._place.publish(RULES.message({"alert": id, "change": change}))

    def _target(self) -> webhook.Target | None:
        settings, trusted = self._app.settings, ""
        with suppress(AiServerError):  # without its file, only such an address is not reached
            trusted = settings.app.ca_certificates.pem
        try:
            address = settings.secrets.values([WEBHOOK]).get(WEBHOOK)
            return webhook.Target(address, settings.app.alert_format, trusted) if address else None
        except AiServerError:  # shown on the page of settings
            return None

    def _notifies_desktop(self) -> bool:
        try:
            return self._place.process.kind == "tray" and self._app.settings.app.notify_alerts
        except AiServerError:  # shown on the page of settings
            return False

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


def _checked(channel: str, raw: Mapping[str, object]) -> Rule:
    """The rule that *raw* describes, a request to *channel*.

    Raises:
        AiServerError: a parameter has a wrong value.
    """
    try:
        rule = read_rule(raw)
    except ValidationError as error:
        raise wrong_request(channel, error) from None
    rule.check()
    return rule
