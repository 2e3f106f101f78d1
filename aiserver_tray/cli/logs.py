"""``aiserver-tray logs``: the logs of services."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import cycle
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.moments import moment_of, nanoseconds
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json_line,
    report,
)
from aiserver_tray.cli.core import check_modules, require_engine, whole_snapshot
from aiserver_tray.cli.since import Since
from aiserver_tray.cli.terminal import (
    harmless_in_colour,
    has_colour,
    is_terminal,
    padded,
    width,
    without_colour,
)
from aiserver_tray.core.logs.level import LEVELS, Level, is_at_least
from aiserver_tray.core.logs.sources import Follower, Source, Span, history, parsed, sources

if TYPE_CHECKING:
    from aiserver_tray.cli.forms import LogLineJson
    from aiserver_tray.core.logs.parser import Parsed
    from aiserver_tray.engine.values import LogLine

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow",
            "bright_green", "bright_magenta", "bright_blue")  # fmt: skip


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules)
@click.option("-f", "--follow", is_flag=True, help="Follow the log output.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show only the last N lines of each service.",
)
@click.option("--since", type=Since(), help="Show only newer lines: 10m, 2h, or 2026-01-31T12:00.")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Show only lines of this level or above. Lines without a level count as info.",
)
@as_json_option
@common_options
def command(  # noqa: PLR0913, PLR0917 - click passes each option as an argument
    modules: tuple[str, ...],
    follow: bool,  # noqa: FBT001 - a command line flag
    tail: int | None,
    since: datetime | None,
    level: Level | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show the logs of MODULEs. Without MODULE, show all logs."""
    app = current_app()
    span = Span(nanoseconds(since) if since else None, tail)

    def on_unreadable(source: Source) -> None:
        report([source.unreadable.render(app.language)])

    with app.core_for_reading() as core:
        snapshot = whole_snapshot(core)
        check_modules(snapshot, modules)
        require_engine(snapshot)
        wanted = sources(snapshot, modules)
        follower = Follower(core.engine, core.store, modules, span, on_unreadable)
        lines = follower.lines() if follow else history(core.engine, wanted, span, on_unreadable)
        show = _print_json if as_json else _printer(wanted)
        for source, line, found in parsed(lines):
            if level is None or is_at_least(found.level, level):
                show(source, line, found)


def _print_json(source: Source, line: "LogLine", found: "Parsed") -> None:
    form: LogLineJson = {
        "time": moment_of(line.time).isoformat() if line.time else None,
        "module": source.module,
        "service": source.service,
        "stream": line.stream,
        "level": found.level,
        "continues": found.continues,
        "message": line.text,
    }
    print_json_line(form)


def _printer(wanted: Sequence[Source]) -> Callable[[Source, "LogLine", "Parsed"], None]:
    """Prints lines with their service's name in front. Outside of a terminal, lines stay
    unchanged."""
    columns = max((width(source.name) for source in wanted), default=0)
    colours = cycle(_COLOURS)
    prefixes: dict[Source, str] = {}
    coloured, terminal = has_colour(sys.stdout), is_terminal(sys.stdout)
    clean = harmless_in_colour if coloured else without_colour if terminal else str

    def show(source: Source, line: "LogLine", _found: "Parsed") -> None:
        if source not in prefixes:
            name = f"{padded(source.name, columns)} |"
            prefixes[source] = click.style(name, fg=next(colours)) if coloured else name
        click.echo(f"{prefixes[source]} {clean(line.text)}", color=True)

    return show
