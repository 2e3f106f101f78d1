"""``aiserver-tray config`` and ``choose``, and the settings that other commands change to fix an
error."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.errors import AiServerError, each
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    read_line,
    report,
    report_failure,
    status_of,
)
from aiserver_tray.cli.core import request, set_setting, trust_module
from aiserver_tray.cli.terminal import is_interactive, is_terminal

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.features.configuration.forms import SettingJson
    from aiserver_tray.protocol.message import Json


@click.group()
@common_options
def command() -> None:
    """List, show and change settings."""


@command.command("list")
@as_json_option
@common_options
def list_(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """List all settings. Secrets are masked. With --json, include help texts and choices."""
    app = current_app()
    entries: list[SettingJson] = request(app, "ai/config/get")["entries"]
    if as_json:
        print_json({entry["address"]: entry for entry in entries})
    else:
        print_table(
            (Text("NAME"), Text("VALUE"), Text("TYPE"), Text("DESCRIPTION")),
            [(e["address"], e["value"] or "-", e["type"], _title(e)) for e in entries],
            app.language,
        )


@command.command()
@click.argument("name", shell_complete=complete.settings)
@click.option(
    "--show",
    is_flag=True,
    help="Print a secret in plain text. Generates it if it does not exist yet.",
)
@common_options
def get(name: str, show: bool) -> None:  # noqa: FBT001 - a command line flag
    """Print the value of NAME, which is MODULE.NAME, or NAME alone if that is unique."""
    app = current_app()
    value: str = (
        request(app, "ai/config/reveal", name=name)["value"] if show else _entry(app, name)["value"]
    )
    # A program gets the unchanged value.
    click.echo(harmless(value) if is_terminal(sys.stdout) else value)


@command.command("set")
@click.argument("name", shell_complete=complete.settings)
@click.argument("value")
@common_options
def set_(name: str, value: str) -> None:
    """Set NAME to VALUE.

    If VALUE is "-", prompt for it or read it from standard input. Use this for secrets: they then
    appear neither in the shell's history nor in the process list.
    """
    app = current_app()
    entered = value
    if value == "-":
        entered = read_line(name, hide=_is_secret(_entry(app, name)))
    change = set_setting(app, name, entered)
    _confirm(app, change)
    if value != "-" and _is_secret(change["entries"][0]):
        visible = Text(
            "A secret in an argument is stored in the history of your shell, and other users can "
            "see it in the process list. Remove it from the history. To be asked for the value "
            "instead, run: aiserver-tray config set {name} -",
            name=name,
        )
        report([visible.render(app.language)])


def _entry(app: "App", name: str) -> "SettingJson":
    entry: SettingJson = request(app, "ai/config/get", name=name)["entries"][0]
    return entry


def _title(entry: "SettingJson") -> str:
    """Its title; empty if that is only its address."""
    return "" if entry["title"] == entry["address"] else entry["title"]


def _is_secret(entry: "SettingJson") -> bool:
    return entry["type"] == "secret"


@command.command()
@click.argument("name", shell_complete=complete.settings_to_unset)
@common_options
def unset(name: str) -> None:
    """Reset NAME to its default. A generated secret gets a new value."""
    app = current_app()
    change = set_setting(app, name, None)
    if change["entries"]:
        _confirm(app, change)
    else:
        text = Text("Removed {name}. No module declares this setting", name=name)
        report([text.render(app.language)])


def _confirm(app: "App", change: "Json") -> None:
    """Show the new value in a `SettingChange`, and the command that makes it take effect."""
    text = _new_value(change)
    if names := change["recreate"]:
        up = " ".join(names)
        text = Text("{what} (takes effect with: aiserver-tray up {modules})", what=text, modules=up)
    report([text.render(app.language), *filter(None, [change["warning"]])])


def _new_value(change: "Json") -> Text:
    entry: SettingJson = change["entries"][0]
    if change["generated"]:
        return Text("{name} is generated again when it is needed", name=entry["address"])
    if entry["origin"] == "none" or not entry["value"]:
        return Text("{name} has no value any more", name=entry["address"])
    return Text("{name} is now {value}", name=entry["address"], value=entry["value"])


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...", shell_complete=complete.modules)
@as_json_option
@common_options
def choose(modules: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - command line flag
    """Choose the modules to start by default.

    "Start all" and `up` without a name start these modules. Without MODULE, show the chosen
    modules. Until you choose, all features are chosen.
    """
    app = current_app()
    chosen = request(app, "ai/config/choose", modules=modules or None)["chosen"]
    if as_json:
        print_json({"chosen": chosen})
    elif not modules:
        for name in chosen:
            click.echo(name)
    else:
        now = ", ".join(chosen)
        text = Text('"Start all" and `up` without a name now start: {modules}', modules=now)
        report([text.render(app.language)])


trust_option = click.option(
    "--trust",
    multiple=True,
    metavar="MODULE",
    shell_complete=complete.modules,
    help="Allow MODULE all permissions that it asks for now. Can be repeated.",
)


def trust_all(modules: Iterable[str]) -> None:
    """Allow *modules* all permissions that they ask for now.

    Raises:
        AiServerError: as for `trust_module`.
    """
    for name in modules:
        trust_module(current_app(), name)


def fix_or_exit(error: AiServerError, app: "App") -> None:
    """Show *error*, and exit unless the user accepts its remedy."""
    report_failure(error, app.language)
    if not is_interactive() or not fix(error, app):
        sys.exit(status_of(error))


def fix(error: AiServerError, app: "App") -> bool:
    """Offer to apply the remedies of *error*, and return whether the user accepted. Offers nothing
    unless the command line can apply the first remedy of every joined error: ``set``, or ``trust``
    with the permissions in the error's message."""
    found = [next(iter(one.data_in(app.language).get("remedies", ())), None) for one in each(error)]
    remedies = [remedy for remedy in found if remedy and remedy["kind"] in ("set", "trust")]
    if len(remedies) < len(found):
        return False
    report(remedy.get("question", remedy["text"]) for remedy in remedies if "setting" in remedy)
    question = Text("Allow this and continue?").render(app.language)
    if not click.confirm(question, default=False, err=True):
        return False
    for remedy in remedies:
        _apply(remedy, app)
    return True


def _apply(remedy: Mapping[str, Any], app: "App") -> None:
    if remedy["kind"] == "set":
        set_setting(app, remedy["setting"], remedy["value"])
    else:
        trust_module(app, remedy["module"], remedy["hash"])
