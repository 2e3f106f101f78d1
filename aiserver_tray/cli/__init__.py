"""The command line.

Every command takes the common options before or after its name.
"""

import atexit
import gc
import io
import os
import sys
from importlib import import_module
from pathlib import Path

import click

from aiserver_tray import __version__
from aiserver_tray.cli.common import INTERRUPTED, common_options, current_app
from aiserver_tray.system.console import prepare_output

COMMANDS = {
    "access": "access:command",
    "action": "execute:action",
    "activity": "logs:activity",
    "adopt": "adopt:command",
    "autostart": "running_tray:autostart_",
    "backup": "backup:command",
    "build": "operate:build",
    "catalog": "catalog:command",
    "choose": "config:choose",
    "cleanup": "cleanup:command",
    "cluster": "cluster:cluster",
    "completion": "complete:command",
    "config": "config:command",
    "connect": "connect:connect",
    "disconnect": "connect:disconnect",
    "doctor": "doctor:command",
    "down": "operate:down",
    "engine": "engine:command",
    "exec": "execute:command",
    "export": "cluster:export",
    "logs": "logs:command",
    "mcp": "serve:mcp",
    "models": "models:models",
    "move": "backup:move",
    "open": "running_tray:open_",
    "pull": "operate:pull",
    "quit": "running_tray:quit_",
    "restart": "operate:restart",
    "serve": "serve:command",
    "stats": "stats:command",
    "status": "status:command",
    "stop": "operate:stop",
    "support-bundle": "doctor:support_bundle",
    "up": "operate:up",
    "upgrade": "upgrade:command",
}
"""Command -> module of this package and its name there; imported only when the command is used."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # Click searches similar names among the commands that are already imported.
            raise click.NoSuchCommand(error.command_name, None, COMMANDS, ctx) from None


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(version)s")
@click.option("--at-login", is_flag=True, hidden=True)
@common_options
def root(at_login: bool) -> None:  # noqa: FBT001 - a command line flag
    """Run a local AI stack in Docker. Without a command, start the tray applet; without a desktop,
    serve the dashboard to a web browser."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from aiserver_tray.system.desktop import has_desktop  # noqa: PLC0415 - other commands don't need it

    if has_desktop() or at_login:
        from aiserver_tray.tray.start import run  # noqa: PLC0415 - as above

        run(current_app(), "login" if at_login else "user")
    else:
        from aiserver_tray.cli.serve import serve_instead  # noqa: PLC0415 - as above

        serve_instead(current_app())


def _replace_closed_streams() -> None:
    """Replace closed standard streams, which Python represents as None. The parent process may have
    closed them."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open until the process exits


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 the request failed or a problem was found,
    2 wrong usage, 130 cancelled."""
    # Imported modules stay in memory, so repeated garbage collection during imports is wasted.
    gc.set_threshold(50_000, 50, 50)
    # A final collection at exit is wasted too: it took a fifth of the time of a short command.
    atexit.register(gc.freeze)
    # Keep Windows from running a program in the current folder, such as a credential helper.
    os.environ.setdefault("NoDefaultCurrentDirectoryInExePath", "1")
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            prepare_output(stream)
    try:
        sys.exit(root.main(prog_name="aiserver-tray", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except OSError as error:
        sys.exit(f"aiserver-tray: {error}")
