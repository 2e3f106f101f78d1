"""The kinds of alert rules: a class for each, which nothing else knows by its name. Pure."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Final, Literal, get_args

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Given, Plural, Text, chained
from aiserver_tray.features.alerts.facts import Disk, Due, LineWatch, Subject, matcher
from aiserver_tray.features.alerts.rules import (
    KINDS,
    Facts,
    Finding,
    Lasting,
    Parameter,
    Rule,
    duration,
    name_of,
    number,
    several,
    text_about,
)
from aiserver_tray.features.alerts.services import WatchedService
from aiserver_tray.features.logs.line import LEVELS, Level, Line, is_at_least
from aiserver_tray.features.monitoring.samples import Sample
from aiserver_tray.state.views import Snapshot

_GIB: Final = 1024**3

# -- log lines ------------------------------------------------------------------------------------


class MatchingLine(Rule):
    """A log line matches."""

    kind: Literal["line"] = "line"
    level: Annotated[
        Literal["debug", "info", "warn", "error"] | None,
        Parameter(
            type="choice",
            label=Text("Level"),
            meaning="lines of this level or a higher one; `null`: of every level",
            choices={
                "debug": Text("Debug or higher"),
                "info": Text("Info or higher"),
                "warn": Text("Warning or higher"),
                "error": Text("Error"),
                "": Text("Every level"),
            },
            suggested="error",
        ),
    ] = None
    pattern: Annotated[
        str,
        Parameter(
            type="text",
            label=Text("Text or pattern"),
            meaning="a regular expression of RE2; empty: every line of the level",
            max=1000,
            example="connection refused|timed? out",
        ),
    ] = ""
    lines: Annotated[
        int, several(Text("At least"), Text("lines"), 1000, "how many lines of a service")
    ] = 1
    within: Annotated[
        float,
        several(
            Text("Within"), Text("min"), 24 * 60, "minutes; of no use if a single line is enough"
        ),
    ] = 10
    label = Text("A log line")
    title = Text("Log match in {name}")
    text = Text("A line matches “{pattern}”")
    recovery = None

    @classmethod
    def group(cls, rule: str) -> str:
        return rule

    def describe(self) -> Text:
        values = self.values()
        if self.lines > 1 and self.pattern:
            text = Text("{lines} lines match “{pattern}” within {within} min")
        elif self.lines > 1:
            text = Text("{lines} lines of level {level} or higher within {within} min")
        elif self.pattern:
            text = self.text
        else:
            text = Text("A line of level {level} or higher")
        return text.with_values(values)

    def check(self) -> None:
        matcher(self.pattern)
        if not self.pattern and self.level is None:
            raise SettingError("pattern", Text("give a pattern, a level, or both"))

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        for (name, service), hits in facts.hits.get(self.id, {}).items():
            text: Text = Given({"en": hits.text})
            if module := facts.modules.get(name):
                title, page = name_of(module, service), self._page_of(name, service)
                text = text_about(module, service, text)
            else:  # our own journal
                title, page = {"en": name}, f"logs/{name}"
            yield Finding(self, name, service, title, text, page, hits.number)

    def _page_of(self, module: str, service: str) -> str:
        page = self.page.format(module=module, service=service)
        if self.level is None:
            return page
        return f"{page}&level={','.join(one for one in LEVELS if one in self.levels)}"

    @property
    def levels(self) -> frozenset[Level]:
        """The levels of the lines that it looks for."""
        wanted = self.level
        return frozenset(
            one for one in get_args(Level) if wanted is None or is_at_least(one, wanted)
        )

    @cached_property
    def watch(self) -> LineWatch:
        """The lines that it looks for.

        Raises:
            LogFilterError: the pattern is no regular expression of RE2.
        """
        has_match, levels = matcher(self.pattern), self.levels

        def matches(line: Line) -> bool:
            is_of_module = self.module in (None, line.module)
            return is_of_module and line.level in levels and has_match(line.text)

        return LineWatch(matches, self.lines, self.within * 60)


# -- services that do not run as they should ------------------------------------------------------


class ServiceRule(Rule):
    """A service does not run as it should."""

    recovery = Text("{name} runs again")
    several_recovered = Text("{count} of {total} services of {name} run again")
    default: ClassVar = {}

    def find(self, facts: Facts, due: Due) -> Iterator[Finding]:
        for one in facts.services:
            if self.module in (None, one.module.name) and (why := self.trouble(one, due)):
                yield self.finding(why, one.module, one.service.name, is_known=one.is_known)

    @abstractmethod
    def trouble(self, watched: WatchedService, due: Due) -> Text | None:
        """What is wrong with the service. None: nothing."""


class Ended(ServiceRule):
    """A service exited, no operation stopped it, and it does not come back by itself."""

    kind: Literal["ended"] = "ended"
    title = Text("{name} stopped unexpectedly")
    several = Text("{count} of {total} services of {name} stopped unexpectedly")
    text = Text("A service stops unexpectedly")
    severity = 2

    def trouble(self, watched: WatchedService, _due: Due) -> Text | None:
        track, service = watched.track, watched.service
        if track is None:
            return service.reason if service.state == "absent" else None
        if track.end is None or track.end.is_out_of_memory or not track.has_failed:
            return None
        return track.end.why


class MemoryOut(ServiceRule):
    """A service ran out of memory."""

    kind: Literal["memory_out"] = "memory_out"
    title = Text("{name} ran out of memory")
    several = Text("{count} of {total} services of {name} ran out of memory")
    text = Text("A service runs out of memory")
    page = "modules/{module}"
    severity = 4

    def trouble(self, watched: WatchedService, _due: Due) -> Text | None:
        end = watched.track and watched.track.end
        return end.why if end and end.is_out_of_memory else None


class Restarts(ServiceRule):
    """A service restarts again and again."""

    kind: Literal["restarts"] = "restarts"
    count: Annotated[
        int, Parameter(type="number", label=Text("Restarts"), meaning="restarts", min=1, max=100)
    ] = 3
    minutes: Annotated[float, duration(Text("Within"), "in which the restarts are counted")] = 10
    title = Text("{name} keeps crashing")
    several = Text("{count} of {total} services of {name} keep crashing")
    text = Text("A service restarts {count} times in {minutes} min")
    severity = 3
    default: ClassVar = {"cooldown": 30}
    has_stop_button = True

    def trouble(self, watched: WatchedService, due: Due) -> Text | None:
        if (track := watched.track) is None:
            return None
        track.times = [time for time in track.times if not due.reached(time + self.minutes * 60)]
        if len(track.times) < self.count:
            return None
        often = Plural(
            "restarted {count} time in {minutes} min",
            "restarted {count} times in {minutes} min",
            count=len(track.times),
            minutes=f"{self.minutes:g}",
        )
        return chained((often, track.end.why)) if track.end else often


class Unhealthy(ServiceRule):
    """The health check of a service fails."""

    kind: Literal["unhealthy"] = "unhealthy"
    minutes: Lasting = 2
    title = Text("{name} is unhealthy")
    several = Text("{count} of {total} services of {name} are unhealthy")
    text = Text("A service is unhealthy for {minutes} min")
    page = "modules/{module}/services"
    severity = 1

    def trouble(self, watched: WatchedService, due: Due) -> Text | None:
        since = watched.track.unhealthy_since if watched.track else None
        if since is None or not due.reached(since + self.minutes * 60):
            return None
        return watched.service.reason or Text("unhealthy")


# -- use over a limit -----------------------------------------------------------------------------


class LimitRule(Rule):
    """A module or a service uses too much, as samples show."""

    minutes: Lasting = 5
    recovery = Text("{name} is back to normal")
    page = "monitoring/{module}"

    excess: ClassVar[Text]
    """Why, with the parameters; instead of the limit, what is used."""
    limiting: ClassVar[str] = "percent"
    """The name of the parameter that is the limit."""

    @property
    def limit(self) -> float:
        """The most that may be used, in the unit of `measure`."""
        return float(getattr(self, self.limiting))

    @classmethod
    @abstractmethod
    def measure(cls, sample: Sample, snapshot: Snapshot) -> Mapping[Subject, float]:
        """What is used in *sample*, of the services of *snapshot*."""

    def find(self, facts: Facts, due: Due) -> Iterator[Finding]:
        for (name, service), excess in facts.excesses.get(self.id, {}).items():
            module = facts.modules.get(name)
            if module and due.reached(excess.since + self.minutes * 60):
                value = round(max(excess.value, self.limit))
                text = self.excess.with_values(self.values() | {self.limiting: value})
                yield self.finding(text, module, service)


class Memory(LimitRule):
    """A service uses too much memory."""

    kind: Literal["memory"] = "memory"
    percent: Annotated[float, number(Text("Over"), "%", 100, "of the limit of memory")] = 80
    label = Text("Memory")
    title = Text("{name} is almost out of memory")
    text = Text("Memory over {percent} % for {minutes} min")
    excess = Text("{percent} % of its memory limit, for {minutes} min")
    default: ClassVar = {"percent": 90, "cooldown": 60}

    @classmethod
    def measure(cls, sample: Sample, _snapshot: Snapshot) -> Mapping[Subject, float]:
        loads = (sample.loads or {}).items()
        return {one: load.memory / load.limit * 100 for one, load in loads if load.limit}


class Cpu(LimitRule):
    """A module keeps the processors busy."""

    kind: Literal["cpu"] = "cpu"
    percent: Annotated[float, number(Text("Over"), "%", 100, "of all processors")] = 80
    label = Text("CPU")
    title = Text("{name} keeps the CPU busy")
    text = Text("CPU over {percent} % for {minutes} min")
    excess = Text("{percent} % of all processors, for {minutes} min")
    # Language models may keep all processors busy for a long time.
    default: ClassVar = {"is_on": False, "percent": 90, "minutes": 10, "cooldown": 60}

    @classmethod
    def measure(cls, sample: Sample, snapshot: Snapshot) -> Mapping[Subject, float]:
        used: dict[Subject, float] = {}
        for (module, _), load in (sample.loads or {}).items():
            if load.cpu is not None and (cpus := snapshot.engine.cpus):
                used[module, None] = used.get((module, None), 0.0) + load.cpu / cpus
        return used


# -- disks ----------------------------------------------------------------------------------------


class FullDisk(Rule):
    """The engine's disk is almost full."""

    kind: Literal["disk"] = "disk"
    gigabytes: Annotated[float, number(Text("Less than"), "GB", 100_000, "of free disk space")] = 10
    percent: Annotated[float, number(Text("Or less than"), "%", 100, "of free disk space")] = 5
    title = Text("Docker's disk is almost full")
    text = Text("Less than {gigabytes} GB or {percent} % of disk space free")
    recovery = Text("Docker has enough disk space again")
    page = "doctor"
    default: ClassVar = {"cooldown": 720}

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        if (disk := facts.disk) is None or not disk.total:
            return
        if disk.free < max(self.gigabytes * _GIB, disk.total * self.percent / 100):
            free, total = _gigabytes(disk.free), _gigabytes(disk.total)
            text = Text("{free} GB of {total} GB are free", free=free, total=total)
            yield Finding(self, None, None, {}, text, self.page)

    def state(self, disk: Disk | None) -> str | None:
        return f"{disk.free // _GIB} GB" if disk else None


class FullHome(Rule):
    """The disk of the home folder is full."""

    kind: Literal["home"] = "home"
    title = Text("The disk of AI-Server Tray's data is full")
    text = Text("The disk of AI-Server Tray's data is full")
    recovery = Text("AI-Server Tray's data has enough disk space again")
    page = "doctor"
    default: ClassVar = {"cooldown": 720}

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        if facts.is_home_full:
            text = Text("No logs are kept, and settings can't be changed. Free some space.")
            yield Finding(self, None, None, {}, text, self.page)


# -- backups --------------------------------------------------------------------------------------


class OldBackup(Rule):
    """There is no recent good backup, although there is a schedule."""

    kind: Literal["backup"] = "backup"
    title = Text("The last backup failed or is overdue")
    text = Text("A backup of the schedule fails, is damaged or overdue")
    recovery = Text("There is a recent backup again")
    page = "backups"
    default: ClassVar = {"cooldown": 720}

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        if facts.backup_trouble:
            yield Finding(self, None, None, {}, facts.backup_trouble, self.page)


# -- models ---------------------------------------------------------------------------------------


class NoAnswer(Rule):
    """The last check of models, by hand or on its schedule, found a broken link."""

    kind: Literal["models"] = "models"
    title = Text("Models don't answer as they should")
    text = Text("A check of the models finds a broken link")
    recovery = Text("Models answer again")
    page = "models/check"
    default: ClassVar = {"cooldown": 720}

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        if facts.models_trouble:
            yield Finding(self, None, None, {}, facts.models_trouble, self.page)


# -- addresses ------------------------------------------------------------------------------------


class BrokenAddress(Rule):
    """Other devices can't use the address of an open module as they should."""

    kind: Literal["address"] = "address"
    title = Text("The address of {name} has a problem")
    text = Text("The check of an open module's address fails")
    recovery = None  # it is also over when the module is closed
    page = "modules/{module}/access"
    default: ClassVar = {"cooldown": 720}

    def find(self, facts: Facts, _due: Due) -> Iterator[Finding]:
        for name, why in facts.addresses.items():
            module = facts.modules.get(name)
            if module and module.state == "running":  # else that is what the user has to know
                yield self.finding(why, module, None)


def _gigabytes(size: float) -> str:
    return f"{round(size / _GIB, 1 if size < 10 * _GIB else None):g}"


# -- all of them ----------------------------------------------------------------------------------


def built_in() -> dict[str, Rule]:
    """The rules of every home, by ID."""
    defaults = ((name, kind, kind.default) for name, kind in KINDS.items())
    return {name: kind(id=name, **own) for name, kind, own in defaults if own is not None}


def known_kind(name: str) -> str:
    """*name*, or a ValueError if no kind has it."""
    if name not in KINDS:
        raise ValueError("no kind of alert rules")
    return name


def read_rule(raw: object) -> Rule:
    """The rule that *raw* describes: one, or its JSON. The parameters of other kinds are ignored,
    because earlier versions stored those of all kinds with each rule. Raises ValueError."""
    if isinstance(raw, Rule):
        return raw
    if not isinstance(raw, dict):
        raise ValueError("no alert rule")
    kind = KINDS[known_kind(raw.get("kind", ""))]
    others = {name for one in KINDS.values() for name in one.parameters()} - {*kind.model_fields}
    return kind.model_validate({name: raw[name] for name in raw.keys() - others})
