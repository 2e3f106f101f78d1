"""``aiserver-tray config`` and ``choose``, and settings that other commands change on the way."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
    report,
    report_failure,
    status_of,
)
from aiserver_tray.cli.core import ask_owner, set_setting, this_command, trust_module
from aiserver_tray.cli.terminal import is_interactive, is_terminal
from aiserver_tray.features.configuration.forms import setting_json
from aiserver_tray.settings.changes import forget_setting
from aiserver_tray.settings.declared import Entry, address_of

if TYPE_CHECKING:
    from aiserver_tray.core.app import App


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
    entries = app.settings.entries(app.declared)
    if as_json:
        print_json({entry.address: setting_json(entry, app.language) for entry in entries})
    else:
        print_table(
            (Text("NAME"), Text("VALUE"), Text("TYPE"), Text("DESCRIPTION")),
            [
                (e.address, e.shown or "-", e.setting.type, app.say(e.setting.title))
                for e in entries
            ],
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
    address = address_of(app.declared, name)
    value = (
        app.settings.reveal(app.declared, address)
        if show
        else app.settings.entries({address: app.declared[address]})[0].shown
    )
    # a program gets the unchanged value
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
    set_setting(app, name, _read(app, name) if value == "-" else value)
    _confirm(app, name)
    if value != "-" and app.declared[address_of(app.declared, name)].is_secret:
        report([_visible(name).render(app.language)])


def _visible(name: str) -> Text:
    return Text(
        "A secret in an argument is stored in the history of your shell, and other users can see "
        "it in the process list. Remove it from the history. To be asked for the value instead, "
        "run: aiserver-tray config set {name} -",
        name=name,
    )


def _read(app: "App", name: str) -> str:
    """Read a line of standard input. On a terminal, prompt for it, and hide a secret."""
    setting = app.declared[address_of(app.declared, name)]
    if sys.stdin.isatty():
        asked: str = click.prompt(
            name, default="", show_default=False, hide_input=setting.is_secret, err=True
        )
        return asked
    return sys.stdin.readline().rstrip("\r\n")


@command.command()
@click.argument("name", shell_complete=complete.settings_to_unset)
@common_options
def unset(name: str) -> None:
    """Reset NAME to its default. A generated secret gets a new value."""
    app = current_app()
    if name in app.settings.undeclared(app.declared):
        forget_setting(
            app.settings, name, this_command()
        )  # no view shows it, so the owner need not know
        report(
            [
                Text("Removed {name}. No module declares this setting", name=name).render(
                    app.language
                )
            ]
        )
        return
    set_setting(app, name, None)
    _confirm(app, name)


def _confirm(app: "App", name: str) -> None:
    """Show the new value, and the command that makes it take effect."""
    address = address_of(app.declared, name)
    said = _said(app.settings.entries({address: app.declared[address]})[0])
    if names := _to_recreate(app, address):
        said = Text(
            "{what} (takes effect with: aiserver-tray up {modules})",
            what=said,
            modules=" ".join(names),
        )
    report([said.render(app.language)])


def _to_recreate(app: "App", address: str) -> list[str]:
    from aiserver_tray.operations.preview import modules_to_recreate  # noqa: PLC0415 - others don't need it

    with suppress(AiServerError):  # the setting was changed all the same
        return modules_to_recreate(
            app.catalog, app.model, app.settings.engines.asked_for, [address]
        )
    return []


def _said(entry: Entry) -> Text:
    if entry.origin == "none" and entry.setting.generate:
        return Text("{name} is generated again when it is needed", name=entry.address)
    if entry.origin == "none" or not entry.shown:
        return Text("{name} has no value any more", name=entry.address)
    return Text("{name} is now {value}", name=entry.address, value=entry.shown)


# -- choose ---------------------------------------------------------------------------------------


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
    for name in modules:
        app.catalog.module(name)
    if modules and not ask_owner(app, "ai/config/choose", modules=modules):
        from aiserver_tray.settings.changes import choose_modules  # noqa: PLC0415 - only without a host

        choose_modules(app.settings, modules, this_command())
    if as_json:
        print_json({"chosen": list(app.chosen)})
    elif not modules:
        for name in app.chosen:
            click.echo(name)
    else:
        said = Text(
            '"Start all" and `up` without a name now start: {modules}',
            modules=", ".join(app.chosen),
        )
        report([said.render(app.language)])


# -- the option ``--trust`` of the commands that start modules ------------------------------------


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
        UnknownNameError, CatalogError, SettingError, RemoteError: as for `trust_module`.
    """
    for name in modules:
        trust_module(current_app(), name)


# -- offering the remedies of an error ------------------------------------------------------------


def fix_or_exit(error: AiServerError, app: "App") -> None:
    """Show *error*, and exit unless the user accepts its remedy."""
    report_failure(error, app.language)
    if not is_interactive() or not fix(error, app):
        sys.exit(status_of(error))


def fix(error: AiServerError, app: "App") -> bool:
    """Offer remedies of *error*, and return whether the user accepted. Nothing is offered unless
    the first remedy of every joined error is one that the command line can apply: ``set``, or
    ``trust`` with the permissions in the error's message."""
    found = [_first_remedy(one, app) for one in each(error)]
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


def _first_remedy(error: AiServerError, app: "App") -> Mapping[str, Any] | None:
    remedies: list[Mapping[str, Any]] = error.data_in(app.language).get("remedies", [])
    return next(iter(remedies), None)


def _apply(remedy: Mapping[str, Any], app: "App") -> None:
    if remedy["kind"] == "set":
        set_setting(app, remedy["setting"], remedy["value"])
    else:
        trust_module(app, remedy["module"], remedy["hash"])
