"""``aiserver-tray cleanup``: what takes space and is not in use."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

import click

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.cli.core import connected
from aiserver_tray.cli.operate import NOTHING
from aiserver_tray.cli.terminal import is_interactive
from aiserver_tray.protocol.message import Json

_GROUPS: Final[Mapping[str, Text]] = {
    "images": Text("old image"),
    "containers": Text("ended container"),
    "exports": Text("export of logs"),
    "needed": Text("image for the next start"),
    "foreign": Text("image of others"),
}
_USUAL: Final = ("images", "containers", "exports")
_NONE: Final[Json] = {"outcomes": [], "bytes": 0}


@click.command()
@click.option("--dry-run", is_flag=True, help="Only list what takes space and is not in use.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="Also remove this image, which is listed as needed or as of others. Can be repeated.",
)
@as_json_option
@common_options
def command(dry_run: bool, yes: bool, images: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """Remove what takes space and is not in use.

    Removes old images of modules, ended containers of modules that are gone, and exports of logs
    that are older than a day. Volumes and networks always stay, and so does what is in use. Images
    that the next start needs, or that others may need, go only by --image.
    """
    app = current_app()
    with connected(app) as client:
        plan = client.request("ai/cleanup/plan")
        chosen = _chosen(plan["things"], images)
        if dry_run:
            _show(plan, chosen, as_json=as_json)
            return
        if chosen and not yes:
            _confirm(plan, chosen)
        result = client.request("ai/cleanup/run", {"ids": sorted(chosen)}) if chosen else _NONE
    kept = [one for one in result["outcomes"] if one["problem"]]
    if as_json:
        print_json(result)
    for one in kept:
        name = one["names"][0] if one["names"] else one["id"]
        text = Text("Can't remove {name}: {why}.", name=name, why=one["problem"])
        report([text.render(app.language)])
    done = Text("At least {size} became free.", size=binary_size(result["bytes"]))
    report([(done if chosen else NOTHING).render(app.language)])
    sys.exit(1 if kept else 0)


def _chosen(things: Sequence[Json], images: Sequence[str]) -> set[str]:
    """The IDs of those of *things* that usually go, and of the *images*.

    Raises:
        SettingError: one of the *images* is not among them.
    """
    found = {thing["id"] for thing in things if thing["group"] in _USUAL}
    for name in images:
        named = [one["id"] for one in things if name in (*one["names"], one["id"].split()[-1])]
        if not named:
            raise SettingError(name, Text("no such image is unused"))
        found.update(named)
    return found


def _show(plan: Json, chosen: set[str], *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
    elif plan["things"]:
        _print_things(plan["things"], chosen, sys.stdout)
    else:
        report([NOTHING.render(current_app().language)])


def _print_things(things: Sequence[Json], chosen: set[str], stream: TextIO) -> None:
    language = current_app().language
    rows = [
        (
            "x" if thing["id"] in chosen else "",
            _GROUPS[thing["group"]].render(language),
            ", ".join(thing["names"]) or thing["id"].split()[-1],
            binary_size(thing["bytes"]),
        )
        for thing in things
    ]
    heads = (Text("REMOVED"), Text("KIND"), Text("NAME"), Text("SIZE"))
    print_table(heads, rows, language, stream)


def _confirm(plan: Json, chosen: set[str]) -> None:
    """Ask before things are removed.

    Raises:
        UsageError: nobody can be asked.
        click.Abort: the answer is no.
    """
    language = current_app().language
    if not is_interactive():
        raise UsageError(Text("cleanup removes things. Confirm this with --yes"))
    _print_things([t for t in plan["things"] if t["id"] in chosen], chosen, sys.stderr)
    click.confirm(Text("Remove them?").render(language), abort=True, err=True)
