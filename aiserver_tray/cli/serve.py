"""``aiserver-tray serve``: the dashboard in a browser, for a machine without a desktop."""

import signal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import UsageError, common_options, current_app, report

if TYPE_CHECKING:
    from aiserver_tray.app import App
    from aiserver_tray.contract.channels.surroundings import HostKind
    from aiserver_tray.contract.contract import Json
    from aiserver_tray.contract.http.server import Binding

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port to listen on. Default: any free port.",
)
@click.option(
    "--bind", metavar="ADDRESS", default="127.0.0.1", help="Loopback address to listen on."
)
@click.option(
    "--dangerously-bind",
    metavar="ADDRESS",
    help="Address to listen on that other machines can reach. Anyone who has the token, or who "
    "can read the traffic of a connection without TLS, can control your containers.",
)
@click.option("--tls-cert", type=_file, help="TLS certificate, a PEM file.")
@click.option("--tls-key", type=_file, help="Key of the TLS certificate, if it is in another file.")
@click.option("--yes", is_flag=True, help="Accept connections from other machines without TLS.")
@common_options
def command(  # noqa: PLR0913, PLR0917 - one for each option
    port: int,
    bind: str,
    dangerously_bind: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    yes: bool,  # noqa: FBT001 - command line flag
) -> None:
    """Serve the dashboard to a web browser until Ctrl-C. Open the address that it prints."""
    from aiserver_tray.contract.http.server import Binding  # noqa: PLC0415 - Ctrl-C is answered before

    app = current_app()
    binding = Binding(dangerously_bind or bind, port, tls_cert, tls_key)
    if not binding.is_loopback:
        if dangerously_bind is None:
            raise UsageError(
                Text("other machines can reach this address. To allow that, use --dangerously-bind")
            )
        if tls_cert is None and not yes:
            raise UsageError(
                Text(
                    "without TLS, others on the network can read the traffic. Use --tls-cert, or "
                    "accept this with --yes"
                )
            )
    _serve(app, binding)


def _serve(app: "App", binding: "Binding") -> None:
    from aiserver_tray.contract.channels.front import Front  # noqa: PLC0415 - as above
    from aiserver_tray.contract.http.server import BrowserServer  # noqa: PLC0415
    from aiserver_tray.contract.owner.link import Link  # noqa: PLC0415
    from aiserver_tray.system import logfile  # noqa: PLC0415
    from aiserver_tray.system.language import system_language  # noqa: PLC0415
    from aiserver_tray.system.resume import ResumeWatch  # noqa: PLC0415

    logfile.set_up(app.settings.home, "serve")
    headless = Headless()
    link = Link(app, lambda core: Front(app, core, headless))
    # Whether the address can be had is known before the core is.
    server = BrowserServer(Front(app, link, headless), binding, system_language())
    watch = ResumeWatch(link.look)
    link.start()
    watch.start()
    try:
        with server:
            headless.wait_for(link.linked)
            click.echo(server.address)
            report([_HINT.render(app.language)])
            headless.wait_for(headless.ended)
    finally:
        watch.close()
        link.close()


_HINT = Text("Anyone with this address can control your containers. Press Ctrl-C to stop.")


class Headless:
    """What is around the contract here: no window, and a process that Ctrl-C ends."""

    kind: "HostKind" = "serve"

    def __init__(self) -> None:
        self.ended = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.quit())

    def wait_for(self, event: Event) -> None:
        """Until *event*, or until the process is to end: by Ctrl-C, a signal, or a client."""
        # In steps: on Windows, Ctrl-C does not end a wait.
        while not (event.wait(0.5) or self.ended.is_set()):
            pass

    def show_dashboard(self, page: str) -> None:  # noqa: ARG002 - there is none
        """Refuse.

        Raises:
            RequestError: always.
        """
        raise RequestError(
            Text("there is no window here. Open the address printed by `serve` in a browser")
        )

    def open_module(self, module: "Json") -> None:
        """Nothing: the browser opens it."""

    def refresh_autostart(self) -> None:
        """Nothing: there is no menu."""

    def quit(self) -> None:
        """End the process soon."""
        self.ended.set()
