"""``aiserver-tray logs``: the logs of services."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.errors import RemoteError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    print_json_line,
    report,
)
from aiserver_tray.cli.core import (
    current_snapshot,
    require_engine,
    shared_core,
    whole_snapshot,
)
from aiserver_tray.cli.kept_logs import KeptLogs
from aiserver_tray.cli.log_query import LogQuery
from aiserver_tray.cli.since import Since
from aiserver_tray.cli.terminal import (
    harmless_in_colour,
    has_colour,
    is_terminal,
    padded,
    width,
    without_colour,
)
from aiserver_tray.core.logs.level import LEVELS
from aiserver_tray.core.logs.source import Source, sources
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.app import App
    from aiserver_tray.cli.engine_logs import EngineLogs
    from aiserver_tray.contract.local.remote import RemoteCore
    from aiserver_tray.core.core import Core
    from aiserver_tray.core.logs.record import LogRecordJson

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
    from aiserver_tray.contract.local.remote import RemoteCore  # noqa: PLC0415 - after Ctrl-C works

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
    from aiserver_tray.cli.engine_logs import EngineLogs  # noqa: PLC0415 - only without an owner

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
