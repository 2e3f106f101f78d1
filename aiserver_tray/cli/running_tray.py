"""``aiserver-tray open``, ``quit`` and ``autostart``: requests to the running tray."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import click

from aiserver_tray.base.errors import AlreadyRunningError, NotRunningError, UnknownNameError
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import common_options, current_app
from aiserver_tray.cli.core import request
from aiserver_tray.system.language import system_language
from aiserver_tray.system.paths import Home, find_home
from aiserver_tray.system.process import give_foreground

if TYPE_CHECKING:
    from aiserver_tray.carriers.local.client import Client

_ANSWER_TIMEOUT_SECONDS = 10.0
"""Seconds for the first response of the tray, also of one that is starting."""
_RETRY_SECONDS = 0.1
"""Seconds between two attempts to reach it."""


@click.command("open")
@click.argument("name", default="home", metavar="[PAGE|MODULE]", shell_complete=complete.modules)
@common_options
def open_(name: str) -> None:
    """Open the dashboard or a module's page.

    This needs a running tray. PAGE is an address of the dashboard, such as home,
    modules/MODULE[/TAB], logs[/MODULE], monitoring[/MODULE], activity[/ID], settings[/SECTION],
    doctor or welcome. It may have filters, such as 'logs/n8n?level=error'.
    """
    from aiserver_tray.base.strings import is_address, page_of  # noqa: PLC0415 - as below
    from aiserver_tray.carriers.http.page import page_names  # noqa: PLC0415

    with _tray(current_app().home) as client:
        give_foreground()
        modules = [module["name"] for module in client.request("ai/modules/list")["items"]]
        pages = page_names()
        if name in modules:
            client.request("ai/module/open", {"name": name})
        elif is_address(name) and page_of(name) in pages:
            client.request("ai/window/show", {"page": name})
        else:
            raise UnknownNameError(name, [*modules, *pages])


@click.command("quit")
@click.option(
    "--stop", is_flag=True, help="Stop all modules first. Without it, containers keep running."
)
@click.option(
    "--all",
    "everywhere",
    is_flag=True,
    help="Quit the trays of all your home folders. Succeeds if there are none.",
)
@common_options
def quit_(stop: bool, everywhere: bool) -> None:  # noqa: FBT001 - command line flags
    """Quit the running tray."""
    if not everywhere:
        _quit(current_app().home, stop=stop)
        return
    from aiserver_tray.carriers.local.place import owned_homes  # noqa: PLC0415 - as below

    for folder in owned_homes():
        with suppress(NotRunningError):  # it was killed, or `serve` runs
            _quit(find_home(folder), stop=stop)


def _quit(home: Home, *, stop: bool) -> None:
    with _tray(home) as client:
        client.request("ai/app/quit", {"stop": stop})


def _tray(home: Home) -> "Client":
    client = _client(home)
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


def _client(home: Home) -> "Client":
    """A client of the owner of *home*'s core. Waits for one that is starting."""
    from aiserver_tray.carriers.local.client import Client  # noqa: PLC0415 - after Ctrl-C works
    from aiserver_tray.carriers.local.place import is_owned  # noqa: PLC0415

    until = time.monotonic() + _ANSWER_TIMEOUT_SECONDS
    while True:
        try:
            return Client.connect(home, "command", language=system_language())
        except NotRunningError:
            if time.monotonic() > until or not is_owned(home):
                raise
        time.sleep(_RETRY_SECONDS)


@click.command()
@click.argument("wanted", type=click.Choice(["on", "off"]), required=False, metavar="[on|off]")
@common_options
def autostart_(wanted: Literal["on", "off"] | None) -> None:
    """Start the applet at login, or turn that off. Without an argument, show the current state."""
    from aiserver_tray.system.autostart import state  # noqa: PLC0415 - after Ctrl-C works

    app = current_app()
    enabled = None if wanted is None else wanted == "on"
    click.echo(state(**request(app, "ai/system/autostart", enabled=enabled)).render(app.language))
