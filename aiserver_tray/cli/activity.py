"""``aiserver-tray activity``: the entries of the journal."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.core import connected
from aiserver_tray.cli.words import Since, seconds
from aiserver_tray.features.activity.events import ACTORS, STATUSES

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.protocol.message import Json

_HEADS = (Text("TIME"), Text("BY"), Text("RESULT"), Text("ACTIVITY"))
_PAGE = 100
"""Entries of one request."""


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

    Lists operations, actions, changes of settings and chosen modules, refused clients, and starts
    and stops of the tray or `serve`. With --json, include the steps of operations.
    """
    app = current_app()
    found = _newest(app, since, limit)[::-1]
    if as_json:
        print_json({"activities": found})
    elif found:
        print_table(_HEADS, [_row(activity, app.language) for activity in found], app.language)
    else:
        report([Text("No activity").render(app.language)])


def _newest(app: "App", since: datetime | None, limit: int) -> "list[Json]":
    """The newest activities, with their steps. They are requested page by page, because all steps
    may be too long for one response."""
    found: dict[str, Json] = {}
    page_size = min(limit, _PAGE)
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


def _row(activity: "Json", language: Language) -> tuple[str, str, str, str]:
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
