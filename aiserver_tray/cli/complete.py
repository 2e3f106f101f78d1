"""Completion of words by the shell, and the scripts that turn it on."""

from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from aiserver_tray.base.errors import SettingError
from aiserver_tray.cli.common import Options, common_options

if TYPE_CHECKING:
    from aiserver_tray.core.app import App


def modules(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of modules."""
    app = _app(context)
    known = app.catalog.modules.values()
    found = (CompletionItem(module.name, help=app.say(module.summary)) for module in known)
    return [item for item in found if item.value.startswith(incomplete)]


def consumers(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of modules that can use another module."""
    modules = _app(context).catalog.modules.values()
    found = (module.name for module in modules if module.tokens)
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def services(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of modules, and ``MODULE/SERVICE`` from the slash on."""
    name, slash, _ = incomplete.partition("/")
    if not slash:
        return modules(context, parameter, incomplete)
    module = _app(context).catalog.modules.get(name)
    found = module.section("services") if module else ()
    addresses = (f"{name}/{service}" for service in found)
    return [CompletionItem(a) for a in addresses if a.startswith(incomplete)]


def settings(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Addresses of settings."""
    app = _app(context)
    declared = app.declared.items()
    found = (CompletionItem(address, help=app.say(setting.title)) for address, setting in declared)
    return [item for item in found if item.value.startswith(incomplete)]


def settings_to_unset(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Addresses of stored settings that can be unset, including undeclared ones."""
    app = _app(context)
    with suppress(SettingError):  # the command itself reports a file that can't be read
        entries = app.settings.entries(app.declared)
        found = [
            CompletionItem(entry.address, help=app.say(entry.setting.title))
            for entry in entries
            if entry.origin == "set" and not entry.setting.keep
        ]
        found += map(CompletionItem, app.settings.undeclared(app.declared))
        return [item for item in found if item.value.startswith(incomplete)]
    return []


def _app(context: click.Context) -> "App":
    """The application with the common options so far. No command has run yet, so they are still in
    click's parameters."""
    options = Options()
    given: click.Context | None = context
    while given:
        of = given.params
        options = options.with_(of.get("home"), of.get("catalogs") or (), of.get("host"))
        given = given.parent
    return options.app


PROGRAM = "aiserver-tray"
VARIABLE = "_AISERVER_TRAY_COMPLETE"
"""The variable with which a shell requests completions (click's convention)."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: eval "$(aiserver-tray completion bash)"            in ~/.bashrc
    zsh:  eval "$(aiserver-tray completion zsh)"             in ~/.zshrc
    fish: aiserver-tray completion fish | source             in ~/.config/fish/config.fish
    """
    root = click.get_current_context().find_root().command
    complete = get_completion_class(shell)
    if complete is not None:
        click.echo(complete(root, {}, PROGRAM, VARIABLE).source())
