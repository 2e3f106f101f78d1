"""What alerts and rules say, and the pages that they lead to. Pure."""

import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aiserver_tray.base.i18n import Given, Language, LocalText, Plural, Text
from aiserver_tray.features.alerts.rules import Rule, RuleKind
from aiserver_tray.features.logs.line import LEVELS, Level, is_at_least
from aiserver_tray.state.views import ModuleView

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

_TITLES: Final[Mapping[RuleKind, Text]] = {
    "memory_out": Text("{name} ran out of memory"),
    "restarts": Text("{name} keeps crashing"),
    "ended": Text("{name} stopped unexpectedly"),
    "unhealthy": Text("{name} is unhealthy"),
    "cpu": Text("{name} keeps the CPU busy"),
    "memory": Text("{name} is almost out of memory"),
    "disk": Text("Docker's disk is almost full"),
    "line": Text("Log match in {name}"),
}
_RULES: Final[Mapping[RuleKind, Text]] = {
    "memory_out": Text("A service runs out of memory"),
    "restarts": Text("A service restarts {count} times in {minutes} min"),
    "ended": Text("A service stops unexpectedly"),
    "unhealthy": Text("A service is unhealthy for {minutes} min"),
    "cpu": Text("CPU over {percent} % for {minutes} min"),
    "memory": Text("Memory over {percent} % for {minutes} min"),
    "disk": Text("Less than {size} GB or {percent} % of disk space free"),
    "line": Text("A line matches “{pattern}”"),
}
_ANY_LINE: Final = Text("A line of level {level} or higher")


def in_both(text: Text) -> LocalText:
    """*text* in each language."""
    return {language: text.render(language) for language in _LANGUAGES}


def name_of(module: ModuleView | None) -> LocalText:
    """The title of *module* in each language."""
    return {language: module.title_in(language) for language in _LANGUAGES} if module else {}


def title(kind: RuleKind, name: LocalText) -> Text:
    """What an alert of *kind* about the module called *name* is called."""
    return _TITLES[kind].with_values({"name": Given(name)})


def recovery(kind: RuleKind, name: LocalText) -> Text:
    """What is said when it is over."""
    if kind == "disk":
        return Text("Docker has enough disk space again")
    if kind in ("cpu", "memory"):
        return Text("{name} is back to normal", name=Given(name))
    return Text("{name} is running again", name=Given(name))


NO_ACTION: Final = Text("No action is needed.")


def restarts(count: int, minutes: float, why: Text | None) -> Text:
    """How often something restarted, and why."""
    often = Plural(
        "restarted {count} time in {minutes} min",
        "restarted {count} times in {minutes} min",
        count=count,
        minutes=number(minutes),
    )
    return Text("{first}; {second}", first=often, second=why) if why else often


def use(kind: RuleKind, percent: float, minutes: float) -> Text:
    """How much something uses, and for how long."""
    template = Text("{percent} % of its memory limit, for {minutes} min")
    if kind == "cpu":
        template = Text("{percent} % of all processors, for {minutes} min")
    return template.with_values({"percent": round(percent), "minutes": number(minutes)})


def disk(free: float, total: float) -> Text:
    """How much disk is left."""
    return Text("{free} GB of {total} GB are free", free=_gigabytes(free), total=_gigabytes(total))


def page(
    kind: RuleKind, module: str | None, service: str | None, level: Level | None = None
) -> str:
    """The address of the dashboard where the user sees it."""
    if module is None:
        return "doctor" if kind == "disk" else "monitoring"
    if kind in ("cpu", "memory"):
        return f"monitoring/{module}"
    if kind == "memory_out":
        return f"modules/{module}"
    if kind == "unhealthy":
        return f"modules/{module}/services"
    filters = {"service": service} if service else {}
    if level:
        filters["level"] = ",".join(one for one in LEVELS if is_at_least(one, level))
    return f"modules/{module}/logs" + (f"?{urlencode(filters, safe=',')}" if filters else "")


def at_time(page: str, time: float) -> str:
    """*page*; of logs, what was written until *time* (seconds since 1970)."""
    return f"{page}&at={math.ceil(time)}" if "/logs?" in page else page


def describe(rule: Rule) -> Text:
    """What *rule* looks for, in a line."""
    values = {
        "count": rule.count,
        "minutes": number(rule.minutes),
        "percent": number(rule.percent),
        "size": number(rule.gigabytes),
        "pattern": rule.pattern,
        "level": rule.level or "",
    }
    is_any_line = rule.kind == "line" and not rule.pattern
    return (_ANY_LINE if is_any_line else _RULES[rule.kind]).with_values(values)


def number(value: float) -> str:
    """*value* without needless digits."""
    return f"{value:g}"


def _gigabytes(size: float) -> str:
    return number(round(size / 1024**3, 1 if size < 10 * 1024**3 else None))
