"""``aiserver-tray open`` and ``quit``: requests to the running tray."""

from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import AlreadyRunningError, NotRunningError, UnknownNameError
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import common_options, current_app
from aiserver_tray.system.foreground import give_foreground
from aiserver_tray.system.language import system_language

if TYPE_CHECKING:
    from aiserver_tray.contract.local.client import Client

_ANSWER_TIMEOUT_SECONDS = 10.0
"""Seconds for the first response of the tray."""


@click.command("open")
@click.argument("name", default="home", metavar="[PAGE|MODULE]", shell_complete=complete.modules)
@common_options
def open_(name: str) -> None:
    """Open the dashboard or a module's page.

    This needs a running tray. PAGE is home, modules/MODULE[/TAB], logs[/MODULE],
    monitoring[/MODULE], activity[/ID], settings[/SECTION], doctor or welcome. It may have filters,
    such as 'logs/n8n?level=error'.
    """
    from aiserver_tray.contract.address import PAGES, is_address  # noqa: PLC0415 - as below

    with _tray() as client:
        give_foreground()
        modules = [module["name"] for module in client.request("ai/modules/list")["items"]]
        if name in modules:
            client.request("ai/module/open", {"name": name})
        elif is_address(name):
            client.request("ai/window/show", {"page": name})
        else:
            raise UnknownNameError(name, [*modules, *PAGES])


@click.command("quit")
@click.option(
    "--stop", is_flag=True, help="Stop all modules first. Without it, containers keep running."
)
@common_options
def quit_(stop: bool) -> None:  # noqa: FBT001 - a command line flag
    """Quit the running tray."""
    with _tray() as client:
        client.request("ai/app/quit", {"stop": stop})


def _tray() -> "Client":
    from aiserver_tray.contract.local.client import Client  # noqa: PLC0415 - after Ctrl-C works

    app = current_app()
    client = Client.connect(app.home, "command", language=system_language())
    try:
        if client.request("ai/app/about", timeout=_ANSWER_TIMEOUT_SECONDS)["owner"] == "tray":
            return client
        raise NotRunningError
    except TimeoutError:
        client.close()
        raise AlreadyRunningError(None) from None
    except BaseException:
        client.close()
        raise
