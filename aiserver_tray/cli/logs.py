"""``aiserver-tray logs``: the logs of services."""

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.errors import RemoteError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    print_json_line,
    report,
)
from aiserver_tray.cli.core import current_snapshot, require_engine, shared_core, whole_snapshot
from aiserver_tray.cli.kept_logs import KeptLogs, LogQuery
from aiserver_tray.cli.terminal import (
    harmless_in_colour,
    has_colour,
    is_terminal,
    padded,
    width,
    without_colour,
)
from aiserver_tray.cli.words import Since
from aiserver_tray.features.logs.follow import Matcher
from aiserver_tray.features.logs.line import LEVELS, Line, LogRecordJson, record
from aiserver_tray.features.logs.lines import Masker
from aiserver_tray.features.logs.streams import (
    Follower,
    Item,
    OnUnreadable,
    Source,
    Span,
    history,
    parsed,
    sources,
)
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.cli.remote import RemoteCore
    from aiserver_tray.core.app import App
    from aiserver_tray.core.core import Core


_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow",
            "bright_green", "bright_magenta", "bright_blue")  # fmt: skip


@click.command()
@click.argument(
    "names", nargs=-1, metavar="[MODULE[/SERVICE]]...", shell_complete=complete.services
)
@click.option("-f", "--follow", is_flag=True, help="Follow the log output.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show only the last N lines of each service, of those that the other options select.",
)
@click.option("--since", type=Since(), help="Show only newer lines: 10m, 2h, or 2026-01-31T12:00.")
@click.option("--until", type=Since(), help="Show only older lines.")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Show only lines of this level or above. Lines without a level count as info.",
)
@click.option(
    "--grep",
    metavar="PATTERN",
    default="",
    help="Show only lines with a match of this regular expression (RE2). (?i) in front ignores "
    "case.",
)
@click.option(
    "--field",
    "fields",
    metavar="CONDITION",
    multiple=True,
    help="Show only JSON and logfmt lines with such a field: trace_id=abc, 'status>=500'. Can be "
    "repeated.",
)
@as_json_option
@common_options
def command(
    names: tuple[str, ...],
    follow: bool,  # noqa: FBT001 - a command line flag
    as_json: bool,  # noqa: FBT001
    **conditions: Any,  # noqa: ANN401 - the other options
) -> None:
    """Show the logs of MODULEs, or only of their SERVICEs. Without MODULE, show all logs.

    The tray and `serve` keep logs, also those of containers that were removed. If neither runs,
    this command shows what the engine still has. The module AI-Server has the activity of the
    applet.
    """
    app = current_app()
    query = LogQuery(names, **conditions)
    if follow and query.until:
        raise UsageError(Text("--follow and --until exclude each other"))

    with _opened(app, query) as (snapshot, logs):
        show = print_json_line if as_json else _printer(snapshot, names)
        for line in logs.follow() if follow else logs.lines():
            show(line)


@contextmanager
def _opened(app: "App", query: LogQuery) -> "Iterator[tuple[Snapshot, KeptLogs | EngineLogs]]":
    """Where the lines are read: from the owner if it keeps them, else from the engine."""
    from aiserver_tray.cli.remote import RemoteCore  # noqa: PLC0415 - after Ctrl-C works

    with shared_core(app, app.core_for_reading) as core:
        snapshot = whole_snapshot(core)
        if isinstance(core, RemoteCore):
            kept = _kept_logs(app, core, query, snapshot)
            if kept:
                yield snapshot, kept
                return
            with app.core_for_reading() as own:
                yield whole_snapshot(own), _engine_logs(app, own, query)
        else:
            yield snapshot, _engine_logs(app, core, query)


def _kept_logs(
    app: "App", core: "RemoteCore", query: LogQuery, snapshot: Snapshot
) -> KeptLogs | None:
    """None: the owner does not keep all that is asked for, or can't read it."""
    try:
        kept = KeptLogs(core, query, snapshot, _reporter(app))
    except RemoteError:
        return None
    query.check_names(kept.services)
    return kept if kept.are_complete else None


def _engine_logs(app: "App", core: "Core", query: LogQuery) -> "EngineLogs":

    snapshot = current_snapshot(core)
    query.check_names({m.name: [s.name for s in m.services] for m in snapshot.modules})
    logs = EngineLogs(core, query, _reporter(app), app.secrets)
    require_engine(snapshot)
    return logs


def _reporter(app: "App") -> "Callable[[Source], None]":
    return lambda source: report([source.unreadable.render(app.language)])


def _printer(snapshot: Snapshot, names: tuple[str, ...]) -> "Callable[[LogRecordJson], None]":
    """Prints lines with their service's name in front. Outside of a terminal, lines stay
    unchanged."""
    columns = max(map(width, _names(snapshot, names)), default=0)
    colours = cycle(_COLOURS)
    prefixes: dict[str, str] = {}
    coloured, terminal = has_colour(sys.stdout), is_terminal(sys.stdout)
    clean = harmless_in_colour if coloured else without_colour if terminal else str

    def show(line: "LogRecordJson") -> None:
        name = _name(line["module"], line["service"])
        if name not in prefixes:
            prefix = f"{padded(name, columns)} |"
            prefixes[name] = click.style(prefix, fg=next(colours)) if coloured else prefix
        click.echo(f"{prefixes[name]} {clean(line['message'])}", color=True)

    return show


def _names(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[str]:
    """Of the services that have a container."""
    for source in sources(snapshot, names):
        yield source.name


def _name(module: str, service: str) -> str:
    return module if module == service else f"{module}/{service}"


# -- the lines for ``aiserver-tray logs`` from the engine -----------------------------------------


_LINES_BEFORE = 100
"""Lines that are read before a tail: its first line may continue an entry."""

_AT_ONCE = 500
"""Existing lines that are compared with the filter at once, which is faster."""


@dataclass(frozen=True)
class EngineLogs:
    """The lines that *query* asks of the containers of *core*, without *secrets*, as the owner
    keeps them.

    Both methods raise `EngineDownError` if the engine goes away.

    Raises:
        LogFilterError: the query is wrong.
    """

    core: "Core"
    query: LogQuery
    on_unreadable: OnUnreadable
    secrets: Sequence[str]

    def __post_init__(self) -> None:
        Matcher(self.query.filter())

    def lines(self) -> Iterator[LogRecordJson]:
        """The lines that exist, by their times."""
        return map(record, self._tail(self._selected(self._history(), _AT_ONCE)))

    def follow(self) -> Iterator[LogRecordJson]:
        """The lines that exist, then each as it comes, while a container runs."""
        since = self._since
        if self.query.tail is not None:
            # A tail is of the lines that exist now, so these are read first.
            begun = self.core.engine.now()
            yield from replace(self, query=replace(self.query, until=begun)).lines()
            since = max(since or 0, nanoseconds(begun))
        core = self.core
        follower = Follower(
            core.engine, core.store, self.query.names, Span(since), self.on_unreadable
        )
        yield from map(record, self._selected(follower.lines(), 1))

    @property
    def _since(self) -> int | None:
        return nanoseconds(self.query.since) if self.query.since else None

    def _history(self) -> Iterator[Item]:
        query, core = self.query, self.core
        # The engine's own tail is enough if every line counts.
        is_enough = query.tail is not None and not query.selects_lines and query.until is None
        tail = query.tail + _LINES_BEFORE if query.tail is not None and is_enough else None
        wanted = sources(core.store.snapshot, query.names)
        return history(core.engine, wanted, Span(self._since, tail), self.on_unreadable)

    def _selected(self, items: Iterable[Item], at_once: int) -> Iterator[Line]:
        matcher, masker = Matcher(self.query.filter()), Masker(self.secrets)
        lines = _lines(items)
        while part := [*islice(lines, at_once)]:
            texts = masker.mask([line.text for line in part])
            part = [line._replace(text=text) for line, text in zip(part, texts, strict=True)]
            yield from (part[place] for place in matcher.places(part))

    def _tail(self, lines: Iterator[Line]) -> Iterable[Line]:
        """The last ones of each service, in their order."""
        if (tail := self.query.tail) is None:
            return lines
        last: dict[tuple[str, str], deque[tuple[int, Line]]] = defaultdict(
            lambda: deque(maxlen=tail)
        )
        for number, line in enumerate(lines):
            last[line.module, line.service].append((number, line))
        numbered = sorted((pair for pairs in last.values() for pair in pairs), key=lambda p: p[0])
        return (line for _, line in numbered)


def _lines(items: Iterable[Item]) -> Iterator[Line]:
    """*items* as lines of the log store. A part of a longer line has the time of that line."""
    times: dict[Source, int] = {}
    for source, line, found in parsed(items):
        time = times[source] = line.time or times.get(source, 0)
        module, service = source.module, source.service
        yield Line(time, module, service, line.stream, found.level, found.continues, line.text)
