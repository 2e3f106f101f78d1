"""Completion of words by the shell, and the scripts that turn it on."""

from collections import Counter
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


def actions(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the actions of the module that was typed before."""
    app = _app(context)
    module = app.catalog.modules.get(context.params.get("module") or "")
    found = module.actions.items() if module else ()
    return [CompletionItem(n, help=app.say(a.title)) for n, a in found if n.startswith(incomplete)]


def settings(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Addresses of settings; once something is typed, also names that only one module has."""
    app = _app(context)
    count = Counter(_name_in(address) for address in app.declared)
    return [
        CompletionItem(word, help=app.say(setting.title))
        for address, setting in app.declared.items()
        for word in (address, _name_in(address))
        if word.startswith(incomplete) and (word == address or (incomplete and count[word] == 1))
    ]


def _name_in(address: str) -> str:
    return address.partition(".")[2]


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


SHELLS = ("bash", "zsh", "fish")


def script(root: click.Command, shell: str) -> str:
    """The script that turns on completion of *root* in *shell*, one of `SHELLS`."""
    complete = get_completion_class(shell)
    assert complete
    source = complete(root, {}, PROGRAM, VARIABLE).source()
    # click's splits at each comma, also at those in descriptions.
    return source.replace('string split ","', 'string split --max 1 ","')


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@common_options
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: eval "$(aiserver-tray completion bash)"            in ~/.bashrc
    zsh:  eval "$(aiserver-tray completion zsh)"             in ~/.zshrc
    fish: aiserver-tray completion fish | source             in ~/.config/fish/config.fish
    """
    click.echo(script(click.get_current_context().find_root().command, shell))
