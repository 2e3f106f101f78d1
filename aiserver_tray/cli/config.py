"""``aiserver-tray config``: the settings of the modules and of the applet."""

import sys
from typing import Any

import click

from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
)
from aiserver_tray.cli.core import set_setting
from aiserver_tray.i18n import Text
from aiserver_tray.settings.store import Entry, address_of


@click.group()
@common_options
def command() -> None:
    """The settings: list, get, set, unset."""


@command.command("list")
@as_json_option
@common_options
def list_(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """All settings with their values; secrets are masked."""
    app = current_app()
    entries = app.settings.entries(app.declared)
    if as_json:
        print_json({entry.address: _data(entry) for entry in entries})
    else:
        print_table(
            (Text("NAME"), Text("VALUE"), Text("TYPE"), Text("WHAT IT IS")),
            [
                (e.address, e.shown or "-", e.setting.type, app.say(e.setting.title))
                for e in entries
            ],
            app.language,
        )


def _data(entry: Entry) -> dict[str, Any]:
    return {"value": entry.shown, "type": entry.setting.type, "origin": entry.origin}


@command.command()
@click.argument("name", shell_complete=complete.settings)
@click.option("--show", is_flag=True, help="Print a secret in the clear; makes it where needed.")
@common_options
def get(name: str, show: bool) -> None:  # noqa: FBT001 - a command line flag
    """The value of NAME (module.NAME, or NAME alone where it is unique)."""
    app = current_app()
    address = address_of(app.declared, name)
    if show:
        click.echo(app.settings.reveal(app.declared, address))
    else:
        click.echo(app.settings.entries({address: app.declared[address]})[0].shown)


@command.command("set")
@click.argument("name", shell_complete=complete.settings)
@click.argument("value")
@common_options
def set_(name: str, value: str) -> None:
    """Give NAME a VALUE; "-" reads it from standard input, so that a secret stands in no
    command line."""
    app = current_app()
    if value == "-":
        value = sys.stdin.readline().rstrip("\r\n")
    set_setting(app, name, value)


@command.command()
@click.argument("name", shell_complete=complete.settings)
@common_options
def unset(name: str) -> None:
    """Take NAME's value back: the default holds again, and a secret is made anew."""
    set_setting(current_app(), name, None)
