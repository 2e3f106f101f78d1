"""``aiserver-tray autostart``: whether the applet starts at login."""

from typing import Literal

import click

from aiserver_tray.cli.common import common_options, current_app
from aiserver_tray.cli.core import ask_owner


@click.command()
@click.argument("wanted", type=click.Choice(["on", "off"]), required=False, metavar="[on|off]")
@common_options
def command(wanted: Literal["on", "off"] | None) -> None:
    """Start the applet at login, or turn that off. Without an argument, show the current state."""
    from aiserver_tray.system import autostart  # noqa: PLC0415 - after Ctrl-C works

    app = current_app()
    home, options = app.settings.home, app.start_options
    if wanted and not ask_owner(app, "ai/system/autostart", enabled=wanted == "on"):
        if wanted == "on":
            autostart.enable(home, options)
        else:
            autostart.disable(home)
    click.echo(autostart.state(home, options).render(app.language))
