"""``aiserver-tray activity``: the entries of the journal."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.words import Since, seconds

if TYPE_CHECKING:
    from aiserver_tray.settings.entries import Entry

_HEADS = (Text("TIME"), Text("BY"), Text("RESULT"), Text("ACTIVITY"))


@click.command()
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
def command(limit: int, since: datetime | None, as_json: bool) -> None:  # noqa: FBT001 - command line flag
    """Show the activity of the last 90 days, newest last.

    Lists operations, changes of settings and chosen modules, refused clients, and starts and stops
    of the tray or `serve`. With --json, include the steps of operations.
    """
    from aiserver_tray.features.activity.activity import activity_of  # noqa: PLC0415 - after Ctrl-C works
    from aiserver_tray.settings.journal import Range  # noqa: PLC0415

    app = current_app()
    entries = app.settings.journal.read(Range(since=since, limit=limit))[::-1]
    if as_json:
        print_json({"activities": [to_json(activity_of(entry), app.language) for entry in entries]})
    elif entries:
        print_table(_HEADS, [_row(entry, app.language) for entry in entries], app.language)
    else:
        report([Text("No activity").render(app.language)])


def _row(entry: "Entry", language: Language) -> tuple[str, str, str, str]:
    from aiserver_tray.features.activity.activity import text_of  # noqa: PLC0415 - after Ctrl-C works

    time = entry.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return (
        time,
        _by(entry, language),
        _result(entry, language),
        text_of(entry).render(language),
    )


def _by(entry: "Entry", language: Language) -> str:
    from aiserver_tray.features.activity.activity import ACTORS  # noqa: PLC0415 - after Ctrl-C works

    if entry.actor is None:
        return "-"
    name = ACTORS[entry.actor.kind].render(language)
    return f"{name} {entry.actor.pid}" if entry.actor.kind == "command" else name


def _result(entry: "Entry", language: Language) -> str:
    from aiserver_tray.features.activity.activity import STATUSES, status_of  # noqa: PLC0415 - after Ctrl-C works

    if entry.kind != "operation":
        return "-"
    words = [STATUSES[status_of(entry)].render(language)]
    if entry.code:
        words.append(entry.code)
    if entry.seconds is not None:
        words.append(seconds(entry.seconds))
    return " ".join(words)
