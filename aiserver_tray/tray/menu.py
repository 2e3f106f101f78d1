"""The tray's menu as a value: its items, which of them can be chosen now, and short lines for menu
and tooltip. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiserver_tray.base.errors.remedies import Remedy
from aiserver_tray.base.i18n import Language, Listed, Plural, Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.features.mcp.events import Proposal
from aiserver_tray.model import TASKS, OperationKind
from aiserver_tray.state.progress import CONDITIONS, HEADS, SIGNS, STATES
from aiserver_tray.state.views import ModuleView, OperationSummary, Snapshot
from aiserver_tray.tray import actions
from aiserver_tray.tray.actions import Action

_MAX_REMEDIES = 3
"""The next steps at the top level; as many alerts come after them."""
_LINE_UNITS = 72
"""Maximum UTF-16 units of an informational line."""


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that is active, and that nobody muted."""

    title: str
    """in the user's language"""
    module: str | None = None


@dataclass(frozen=True, slots=True)
class TrayFacts:
    """Facts besides the snapshot."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """name of a module -> its title in the user's language"""
    autostart: bool | None = None
    """whether the applet starts at login; None if the system does not support that"""
    can_start_engine: bool = False
    alerts: Sequence[ActiveAlert] = ()
    """the newest first"""
    open: Mapping[str, str] = field(default_factory=dict)
    """to what modules are open, by name"""
    relayed: Sequence[str] = ()
    """model servers that modules reach through this process"""
    proposals: Sequence[Proposal] = ()
    """changes that an assistant asks for"""
    silent: bool = False
    """whether models of the stack were found to give no answer"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the menu."""

    text: str
    """empty: a separator"""
    action: Action | None = None
    enabled: bool = True
    checked: bool | None = None
    """the position of a switch; None: it is no switch"""
    children: tuple["Entry", ...] = ()
    is_default: bool = False


SEPARATOR = Entry("")

_PROPOSALS = {
    "start": Text("“{client}” wants to start {name}"),
    "stop": Text("“{client}” wants to stop {name}"),
    "setting": Text("“{client}” wants to set {name} to “{value}”"),
}


def proposal_text(one: Proposal, titles: Mapping[str, str]) -> Text:
    """What an assistant asks for."""
    values = {"client": one["client"], "name": titles.get(one["subject"], one["subject"])}
    if one["kind"] == "setting" and one["value"] is None:
        return Text("“{client}” wants to reset {name}").with_values(values)
    return _PROPOSALS[one["kind"]].with_values({**values, "value": one["value"] or ""})


def shape(entries: Iterable[Entry]) -> object:
    """The structure of a menu, which can't change while it is shown. Menus with equal structure
    differ only in texts (except for bold ones) and in which items are enabled."""
    return tuple(
        (e.is_default and e.text, bool(e.text), e.action, e.checked is None, shape(e.children))
        for e in entries
    )


def menu(snapshot: Snapshot, facts: TrayFacts, language: Language) -> tuple[Entry, ...]:
    return _Menu(snapshot, facts, language).entries()


class _Menu:
    def __init__(self, snapshot: Snapshot, facts: TrayFacts, language: Language) -> None:
        self._snapshot = snapshot
        self._facts = facts
        self._language = language

    def entries(self) -> tuple[Entry, ...]:
        groups = (
            self._top(),
            [*self._proposals(), *self._remedies(), *self._alerts()],
            self._open(),
            self._pages(),
            self._all(),
            self._application(),
            self._end(),
        )
        found: list[Entry] = []
        for group in map(list, groups):
            if group:
                found += [SEPARATOR, *group] if found else group
        return tuple(found)

    def _top(self) -> Iterator[Entry]:
        snapshot, titles = self._snapshot, self._facts.titles
        line, engine = busy(snapshot, titles) or _condition(snapshot), snapshot.engine
        if engine.error and not engine.starting:
            line = Text("{name}: {why}", name=line, why=engine.error.text)
        yield self._info(f"{SIGNS[snapshot.state]} {self._say(line)}")
        opening = self._say(Text("Open dashboard"))
        yield Entry(opening, actions.OpenDashboard(), is_default=True)

    def _proposals(self) -> Iterator[Entry]:
        """The changes that an assistant asks for, each to allow or to refuse. One that does not fit
        in a line is allowed only where all of it is seen."""
        for one in self._facts.proposals:
            text = self._say(proposal_text(one, self._facts.titles))
            if (line := self._in_line(text)) != text:
                yield Entry(line, actions.OpenDashboard())
                continue
            children = (
                self._item(Text("Allow"), actions.AnswerAssistant(one["id"], allow=True)),
                self._item(Text("Refuse"), actions.AnswerAssistant(one["id"], allow=False)),
            )
            yield Entry(line, children=children)

    def _remedies(self) -> Iterator[Entry]:
        """The next steps of what is wrong, each once."""
        found: dict[Action | None, Entry] = {}
        for module in self._snapshot.modules:
            for step in self._remedy(module, _next_step(module)):
                text = step.text
                if not isinstance(step.action, actions.Operate):  # those name their module
                    title = self._title(module.name)
                    text = self._say(Text("{name}: {why}", name=title, why=text))
                found.setdefault(step.action, replace(step, text=self._in_line(text)))
        yield from [*found.values()][:_MAX_REMEDIES]

    def _alerts(self) -> Iterator[Entry]:
        """The active alerts, but for those about modules whose next step is offered."""
        solved = {module.name for module in self._snapshot.modules if _next_step(module)}
        titles = [one.title for one in self._facts.alerts if one.module not in solved]
        for title in titles[:_MAX_REMEDIES]:
            text = self._in_line(self._say(Text("Alert: {title}", title=title)))
            yield Entry(text, actions.OpenDashboard("alerts"))

    def _open(self) -> Iterator[Entry]:
        """The modules that are open to other devices, each with the way to close it."""
        for name, way in self._facts.open.items():
            text = Text("{name} is open to the internet", name=self._title(name))
            if way == "network":
                text = Text("{name} is open to your network", name=self._title(name))
            page = actions.OpenDashboard(f"modules/{name}/access")
            children = (
                self._item(Text("Close now"), actions.CloseAccess(name)),
                self._item(Text("Address and code"), page),
            )
            yield Entry(self._in_line(self._say(text)), children=children)

    def _pages(self) -> Iterator[Entry]:
        """The pages of the modules that run or should run."""
        for module in self._snapshot.modules:
            is_asked_for = module.wanted or module.state not in ("stopped", "engine_down")
            if module.open and is_asked_for and not module.orphan:
                yield self._page(module)

    def _page(self, module: ModuleView) -> Entry:
        """The line keeps its place while the page is not available."""
        title, action = in_line(self._title(module.name)), actions.OpenModule(module.name)
        if module.needs:
            text = Text("{name} {word}", name=title, word=module.word)
            return Entry(self._in_line(self._say(text)), action, enabled=False)
        return self._offer(Text("Open {name}", name=title), action, module.abilities["open"])

    def _all(self) -> Iterator[Entry]:
        """Disabled items keep their place, so that the pointer does not miss items that move. For
        the same reason, *Cancel* takes the place of *Start all*: of all items, that is the one
        whose choice by mistake does least harm."""
        engine = self._snapshot.engine
        if not engine.running and engine.error is None:
            return  # nothing is known yet
        abilities = self._snapshot.abilities
        if cancelling := self._cancel():
            yield cancelling
        elif not engine.running and self._facts.can_start_engine:
            is_off = not engine.starting
            yield self._item(Text("Start Docker"), actions.StartEngine(), enabled=is_off)
        else:
            yield self._offer(Text("Start all"), actions.Operate("up"), abilities["start"])
        yield self._offer(Text("Stop all"), actions.Operate("stop"), abilities["stop"])
        modules = tuple(self._modules())
        can = engine.running and bool(modules)
        yield Entry(self._say(Text("Modules")), enabled=can, children=modules)

    def _cancel(self) -> Entry | None:
        """What can be cancelled now; a submenu if that are several operations."""
        own = tuple(
            self._item(
                _CANCELS[operation.kind].with_values(
                    {"what": _subject(operation, self._snapshot, self._facts.titles)}
                ),
                actions.Cancel(operation.id),
            )
            for operation in active(self._snapshot)
            if not operation.is_foreign
        )
        if len(own) > 1:
            return Entry(self._say(Text("Cancel")), children=own)
        return own[0] if own else None

    def _modules(self) -> Iterator[Entry]:
        """The features, then the basic services."""
        modules = self._snapshot.modules
        features = [self._module(module) for module in modules if module.kind == "feature"]
        basics = [self._module(module) for module in modules if module.kind == "basic"]
        yield from features
        if features and basics:
            yield SEPARATOR
        yield from basics

    def _application(self) -> Iterator[Entry]:
        if (checked := self._facts.autostart) is not None:
            text = self._say(Text("Start at login"))
            yield Entry(text, actions.ToggleAutostart(), checked=checked)
        is_free = not any(o.kind in TASKS for o in active(self._snapshot))
        can = self._snapshot.engine.running and is_free
        yield self._item(Text("Back up now"), actions.BackUp(), enabled=can)
        yield self._item(Text("Settings"), actions.OpenDashboard("settings"))

    def _end(self) -> Iterator[Entry]:
        leave = self._say(Text("Quit and keep everything running"))
        choices = [Entry(leave, actions.Quit("leave"), is_default=True)]
        if self._facts.relayed:
            names = ", ".join(self._facts.relayed)
            text = Text("Modules get no answers from {names} until the next start", names=names)
            choices.append(Entry(self._say(text), enabled=False))
        if self._snapshot.engine.running:
            choices.append(self._item(Text("Quit and stop everything"), actions.Quit("stop")))
        yield Entry(self._say(Text("Quit")), children=tuple(choices))

    def _module(self, module: ModuleView) -> Entry:
        title = in_line(self._title(module.name))
        label = f"{SIGNS[module.state]} {title}"
        if not self._snapshot.engine.running:
            return Entry(label, enabled=False)
        state = self._say(module.word or STATES[module.state])
        if module.state in ("starting", "degraded") and not module.word:
            state = f"{state} {module.ready}/{module.total}"
        return Entry(
            f"{label} – {state}",
            children=(
                *self._notes(module),
                *self._remedy(module, module.remedy),
                *self._offers(module),
            ),
        )

    def _notes(self, module: ModuleView) -> Iterator[Entry]:
        """Lines about the module's state and its users."""
        if module.reason and module.reason != module.word:
            yield self._info(self._say(module.reason))
        elif module.orphan:
            yield self._info(self._say(Text("no longer in the catalog")))
        if module.used_by:
            users = Listed(map(self._title, module.used_by))
            yield self._info(self._say(Text("Used by {users}", users=users)))

    def _remedy(self, module: ModuleView, remedy: Remedy | None) -> Iterator[Entry]:
        """The next step *remedy* of *module*. One with a question leads to the module's page."""
        if remedy is None:
            return
        action: Action = actions.OpenDashboard(f"modules/{module.name}")
        if remedy["kind"] == "set" and "question" not in remedy:
            action = actions.SetAndStart(module.name, remedy["setting"], remedy["value"])
        elif remedy["kind"] in ("start", "restart"):
            kind: OperationKind = "up" if remedy["kind"] == "start" else "restart"
            action = actions.Operate(kind, (remedy["module"],))
        yield self._item(remedy["text"], action)

    def _offers(self, module: ModuleView) -> Iterator[Entry]:
        name, abilities, own = module.name, module.abilities, (module.name,)
        if module.open and not module.orphan:
            yield self._offer(Text("Open"), actions.OpenModule(name), abilities["open"])
        if not module.orphan:
            yield self._offer(Text("Start"), actions.Operate("up", own), abilities["start"])
        yield self._offer(Text("Stop"), actions.Operate("stop", own), abilities["stop"])
        if module.orphan:
            yield self._offer(Text("Remove"), actions.Operate("down", own), abilities["remove"])
            return
        yield self._offer(Text("Restart"), actions.Operate("restart", own), abilities["restart"])
        yield self._offer(Text("Logs"), actions.OpenDashboard(f"logs/{name}"), abilities["logs"])

    def _item(self, text: Text, action: Action, *, enabled: bool = True) -> Entry:
        return Entry(self._say(text), action, enabled=enabled)

    def _offer(self, text: Text, action: Action, reason: Text | None) -> Entry:
        """*action*, which can't be chosen if there is a *reason* why not."""
        return self._item(text, action, enabled=reason is None)

    def _info(self, text: str) -> Entry:
        """A line of information, which can't be chosen."""
        return Entry(self._in_line(text), enabled=False)

    def _in_line(self, text: str) -> str:
        return shortened(in_line(text), _LINE_UNITS)

    def _say(self, text: Text) -> str:
        return text.render(self._language)

    def _title(self, name: str) -> str:
        return self._facts.titles.get(name, name)


_CANCELS: Mapping[OperationKind, Text] = {
    "up": Text("Cancel the start of {what}"),
    "stop": Text("Cancel the stop of {what}"),
    "down": Text("Cancel the removal of {what}"),
    "restart": Text("Cancel the restart of {what}"),
    "pull": Text("Cancel the download of images of {what}"),
    "build": Text("Cancel the build of images of {what}"),
    "backup": Text("Cancel the backup of {what}"),
    "move": Text("Cancel the packing of {what}"),
    "restore": Text("Cancel the restore of {what}"),
    "rehearse": Text("Cancel the rehearsal of {what}"),
    "upgrade": Text("Cancel the upgrade of {what}"),
    "adopt": Text("Cancel the copy of {what}"),
}
_TROUBLE = ("error", "degraded")
_MAX_WORD_UNITS = 16
"""A last word of at most this length is left out rather than cut."""


def active(snapshot: Snapshot) -> tuple[OperationSummary, ...]:
    """The operations under way."""
    return tuple(operation for operation in snapshot.operations if not operation.is_over)


def busy(snapshot: Snapshot, titles: Mapping[str, str]) -> Text | None:
    """The operations under way in one line: the first one, and the number of the others."""
    operations = active(snapshot)
    if not operations:
        return None
    head, what = HEADS[operations[0].kind], _subject(operations[0], snapshot, titles)
    first, others = Text("{head} {what}", head=head, what=what), len(operations) - 1
    if not others:
        return first
    return Plural(
        "{what} (and {count} more task)",
        "{what} (and {count} more tasks)",
        count=others,
        what=first,
    )


def _subject(
    operation: OperationSummary, snapshot: Snapshot, titles: Mapping[str, str]
) -> Text | str:
    """What *operation* works on: the only module or feature of it, or else their number."""
    features = {module.name for module in snapshot.modules if module.kind == "feature"}
    concerned = [name for name in operation.modules if name in features] or operation.modules
    if len(concerned) == 1:
        return titles.get(concerned[0], concerned[0])
    if not concerned:  # it has not found them yet
        return Text("modules")
    count = len(operation.modules)
    return Plural("{count} module", "{count} modules", count=count)


def _next_step(module: ModuleView) -> Remedy | None:
    """The best next step of *module*; also a restart, which is one of its own abilities."""
    first = next(iter(module.trouble.remedies if module.trouble else ()), None)
    return module.remedy or (first if first and first["kind"] == "restart" else None)


def summary(snapshot: Snapshot, titles: Mapping[str, str]) -> Text:
    """The whole state in one line: the running operation, or what is wrong, or the state and the
    number of healthy modules; then why, and the modules that need others."""
    line = busy(snapshot, titles) or _condition(snapshot)
    if snapshot.state == "engine_down":
        return line
    troubled = [m for m in snapshot.modules if m.state in _TROUBLE and not m.needs]
    is_named = line is snapshot.sentence and len(troubled) == 1
    why = _reason(troubled[0]) if is_named else _worst(troubled, titles)
    for more in (why, _affected(snapshot.modules, titles)):
        if more:
            line = Text("{first} – {second}", first=line, second=more)
    return line


def _condition(snapshot: Snapshot) -> Text:
    word = CONDITIONS[snapshot.state]
    if snapshot.state == "engine_down":
        if snapshot.engine.reconnecting:
            return Text("Reconnecting to the engine…")
        return Text("Starting Docker…") if snapshot.engine.starting else word
    if snapshot.sentence:
        return snapshot.sentence
    concerned = [module for module in snapshot.modules if module.state != "stopped"]
    if not concerned or snapshot.state == "stopping":
        return word  # during a stop, the number of healthy modules does not matter
    return Text(
        "{state}, {ready} of {total} healthy",
        state=word,
        ready=sum(module.state == "running" for module in concerned),
        total=len(concerned),
    )


def _worst(troubled: Sequence[ModuleView], titles: Mapping[str, str]) -> Text | None:
    if not troubled:
        return None
    module = min(troubled, key=lambda module: _TROUBLE.index(module.state))
    return Text("{name}: {why}", name=titles.get(module.name, module.name), why=_reason(module))


def _reason(module: ModuleView) -> Text:
    """Why *module* is in trouble. Its own reason begins with the name of a service, which is no
    word."""
    return module.trouble.reason if module.trouble else module.reason or STATES[module.state]


def _affected(modules: Iterable[ModuleView], titles: Mapping[str, str]) -> Text | None:
    """The modules that lack the same as the first one that lacks any."""
    lacking = [module for module in modules if module.needs]
    if not lacking:
        return None
    names = [titles.get(m.name, m.name) for m in lacking if m.needs == lacking[0].needs]
    given = {
        "names": Listed(names),
        "what": Listed(titles.get(name, name) for name in lacking[0].needs),
    }
    if lacking[0].remedy:
        return Plural("{names} needs {what}", "{names} need {what}", count=len(names), **given)
    return Plural("{names} waits for {what}", "{names} wait for {what}", count=len(names), **given)


def shortened(text: str, units: int) -> str:
    """*text* in at most *units* of UTF-16, cut after a word if possible."""
    if _units(text) <= units:
        return text
    while _units(text) >= units:
        text = text[:-1]
    words, _, last = text.rpartition(" ")
    # A longer word is a path, or a sentence in a language without spaces.
    if words and len(last) <= _MAX_WORD_UNITS:
        text = words
    return text.rstrip(" ,.:;–-，。：；（(") + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
