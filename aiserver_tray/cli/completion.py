"""``aiserver-tray completion``: the completion script for a shell."""

import click
from click.shell_completion import get_completion_class

from aiserver_tray.cli.common import common_options

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
