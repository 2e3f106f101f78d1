"""``aiserver-tray logs`` and ``activity``: what services wrote, and what the applet did."""

import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.json_line import told
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_json_line,
    print_table,
    report,
)
from aiserver_tray.cli.core import connected, shared_core
from aiserver_tray.cli.terminal import (
    harmless_in_colour,
    has_colour,
    is_terminal,
    padded,
    width,
    without_colour,
)
from aiserver_tray.cli.words import EVERY, Since, Tail, seconds
from aiserver_tray.features.activity.events import ACTORS, STATUSES
from aiserver_tray.features.logs.line import LEVELS, Level, is_at_least
from aiserver_tray.state.views import Snapshot

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.features.logs.line import LogRecordJson
    from aiserver_tray.protocol.message import AnyClient, Json

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow",
            "bright_green", "bright_magenta", "bright_blue")  # fmt: skip


FOLLOWED_TAIL: Final = 100
"""Earlier lines of each service that a follower begins with."""


@click.command()
@click.argument(
    "names", nargs=-1, metavar="[MODULE[/SERVICE]]...", shell_complete=complete.services
)
@click.option(
    "-f",
    "--follow",
    is_flag=True,
    help=f"Follow the log output. Begins with the last {FOLLOWED_TAIL} lines of each service, "
    "unless --tail or --since is given.",
)
@click.option(
    "-n",
    "--tail",
    type=Tail(),
    metavar="N|all",
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
    tail: int | Literal["all"] | None,
    as_json: bool,  # noqa: FBT001
    **conditions: Any,  # noqa: ANN401 - the other options
) -> None:
    """Show the logs of MODULEs, or only of their SERVICEs. Without MODULE, show all logs.

    The tray and `serve` keep logs, also those of containers that were removed. If neither runs,
    this command shows the kept lines and what else the engine still has. The module AI-Server has
    the activity of the applet.
    """
    app = current_app()
    if follow and conditions["until"]:
        raise UsageError(Text("--follow and --until exclude each other"))
    if tail is None and follow and conditions["since"] is None:
        tail = FOLLOWED_TAIL
    limit = None if tail == EVERY else tail
    wanted = {"filter": _filter(names, conditions), "tail": limit, "follow": follow}
    with shared_core(app, app.core_for_reading) as core:
        show = print_json_line if as_json else _printer(core.store.latest, names)
        for line in _lines(core.client, wanted):
            show(line)


def _filter(names: tuple[str, ...], conditions: dict[str, Any]) -> dict[str, Any]:
    """The options of the command as a `LogFilterForm`."""
    every: tuple[Level, ...] = (*LEVELS, "unknown")
    level: Level | None = conditions["level"]
    return {
        "modules": [name for name in names if "/" not in name],
        "services": [name for name in names if "/" in name],
        "levels": [one for one in every if is_at_least(one, level)] if level else [],
        "since": _seconds(conditions["since"]),
        "until": _seconds(conditions["until"]),
        "pattern": conditions["grep"],
        "fields": conditions["fields"],
    }


def _seconds(time: datetime | None) -> float | None:
    return max(0.0, time.timestamp()) if time else None


def _lines(client: "AnyClient", wanted: dict[str, Any]) -> "Iterator[LogRecordJson]":
    """The *wanted* lines, as they arrive. Reports logs that can't be read."""
    reading = {"readingId": "logs"}
    client.request("ai/logs/read", {**reading, **wanted})
    is_end = False
    while not is_end:
        found = client.request("ai/logs/next", reading)
        report(found["notices"])
        yield from found["lines"]
        is_end = found["isEnd"]


def _printer(snapshot: Snapshot, names: tuple[str, ...]) -> "Callable[[LogRecordJson], None]":
    """Prints lines with their service's name in front, and JSON as people read it. Outside of a
    terminal, the characters stay unchanged."""
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
        click.echo(f"{prefixes[name]} {clean(told(line['message']))}", color=True)

    return show


def _names(snapshot: Snapshot, names: tuple[str, ...]) -> Iterator[str]:
    """The displayed names of the services in *names* (none: of all) that have a container."""
    for module in snapshot.modules:
        for service in module.services:
            is_wanted = not names or {module.name, f"{module.name}/{service.name}"} & {*names}
            if is_wanted and service.state != "absent":
                yield _name(module.name, service.name)


def _name(module: str, service: str) -> str:
    return module if module == service else f"{module}/{service}"


# -- activity --------------------------------------------------------------------------------------

_ACTIVITY_HEADS: Final = (Text("TIME"), Text("BY"), Text("RESULT"), Text("ACTIVITY"))
_ACTIVITIES: Final = 100
"""Entries of one request."""


@click.command("activity")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Number of entries.",
)
@click.option(
    "--since", type=Since(), help="Only entries after this time, or from the last 2h or 1d."
)
@as_json_option
@common_options
def activity(limit: int, since: datetime | None, as_json: bool) -> None:  # noqa: FBT001 - command line flag
    """Show the activity of the last 90 days, newest last.

    Lists operations, actions, changes of settings and chosen modules, refused clients, and starts
    and stops of the tray or `serve`. With --json, include the steps of operations.
    """
    app = current_app()
    found = _newest_activities(app, since, limit)[::-1]
    if as_json:
        print_json({"activities": found})
    elif found:
        print_table(
            _ACTIVITY_HEADS,
            [_activity_row(activity, app.language) for activity in found],
            app.language,
        )
    else:
        report([Text("No activity").render(app.language)])


def _newest_activities(app: "App", since: datetime | None, limit: int) -> "list[Json]":
    """The newest activities, with their steps. They are requested page by page, because all steps
    may be too long for one response."""
    found: dict[str, Json] = {}
    page_size = min(limit, _ACTIVITIES)
    asked = {"since": since.isoformat() if since else None, "limit": page_size, "steps": True}
    with connected(app) as client:
        is_end = False
        while len(found) < limit and not is_end:
            page = client.request("ai/activity/list", asked)["activities"]
            new = {activity["id"]: activity for activity in page if activity["id"] not in found}
            found |= new
            is_end = len(page) < page_size or not new
            asked["until"] = page[-1]["time"] if page else None
    return [*found.values()][:limit]


def _activity_row(activity: "Json", language: Language) -> tuple[str, str, str, str]:
    time = datetime.fromisoformat(activity["time"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return time, _by(activity, language), _result(activity, language), activity["text"]


def _by(activity: "Json", language: Language) -> str:
    actor = activity["actor"]
    if actor is None:
        return "-"
    name = ACTORS[actor["kind"]].render(language)
    return f"{name} {actor['pid']}" if actor["kind"] == "command" else name


def _result(activity: "Json", language: Language) -> str:
    operation = activity["operation"] or activity["action"]
    if operation is None:
        return "-"
    words = [STATUSES[operation["status"]].render(language)]
    if operation["error"]:
        words.append(operation["error"]["code"])
    if operation["seconds"] is not None:
        words.append(seconds(operation["seconds"]))
    return " ".join(words)
