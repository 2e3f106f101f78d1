"""``aiserver-tray serve``: the dashboard in a browser, for a machine without a desktop."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING

import click

from aiserver_tray.base.errors import (
    AiServerError,
    AlreadyRunningError,
    NotRunningError,
    RequestError,
    SettingError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import UsageError, common_options, current_app, report
from aiserver_tray.system.process import on_termination

if TYPE_CHECKING:
    from aiserver_tray.carriers.http.access import Keys
    from aiserver_tray.carriers.http.server import Binding
    from aiserver_tray.core.app import App
    from aiserver_tray.model import OwnerKind
    from aiserver_tray.protocol.message import Json

_POLL_SECONDS = 0.5
_OWNER_TIMEOUT_SECONDS = 10.0
"""Seconds for an owner to start or exit."""
_ANSWER_SECONDS = 0.2
"""Seconds to send the response before the process exits."""
_HANDOVER_SECONDS = 1.0
"""Seconds for a tray to claim the core; it tries several times a second."""

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port to listen on. Default: always the same for a home folder, if it is free.",
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
    from aiserver_tray.carriers.http.server import (  # noqa: PLC0415 - Ctrl-C is answered before
        Binding,
        usual_port,
    )

    app = current_app()
    usual = usual_port(app.settings.home)
    binding = Binding(dangerously_bind or bind, port, tls_cert, tls_key, usual)
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


def serve_instead(app: "App") -> None:
    """Serve the dashboard on a machine without a desktop, and open it if a browser is set."""
    from aiserver_tray.carriers.http.server import Binding, usual_port  # noqa: PLC0415 - as above
    from aiserver_tray.system.desktop import open_in_set_browser  # noqa: PLC0415

    report([_NO_DESKTOP.render(app.language)])
    _serve(app, Binding(usual_port=usual_port(app.settings.home)), open_in_set_browser)


def _serve(
    app: "App", binding: "Binding", on_address: Callable[[str], object] = lambda _address: None
) -> None:
    """Serve with an own core, or through the owner of the core, until the process is stopped.
    *on_address* is called with each new address."""
    from aiserver_tray.carriers.http.access import Keys  # noqa: PLC0415 - as above
    from aiserver_tray.carriers.local.place import make_key  # noqa: PLC0415
    from aiserver_tray.owner.claim import Claim  # noqa: PLC0415
    from aiserver_tray.system import logfile  # noqa: PLC0415
    from aiserver_tray.system.process import limit_heap  # noqa: PLC0415

    limit_heap()
    logfile.set_up(app.settings.home, "serve")
    keys = Keys(home=make_key(app.settings.home))
    headless = Headless(app, binding.with_free_port(), keys, on_address)
    while not headless.ended.is_set():
        try:
            with Claim(app) as claim:
                try:
                    claim.take()
                except AlreadyRunningError as running:
                    headless.serve_by_owner(running)
                else:
                    headless.serve_own()
        except AiServerError as error:
            headless.wait_after(error)
        headless.leave_core_to_tray()


_NO_DESKTOP = Text(
    "There is no desktop here, so the dashboard is served to a web browser. Open this address:"
)
_HINT = Text("Anyone with this address can control your containers. Press Ctrl-C to stop.")


class Headless:
    """A process without windows, which Ctrl-C stops. It serves at *binding*, with *keys*, from its
    own core or through that of the tray. Open pages survive a change between the two."""

    kind: "OwnerKind" = "serve"

    def __init__(
        self,
        app: "App",
        binding: "Binding",
        keys: "Keys",
        on_address: Callable[[str], object],
    ) -> None:
        self._app = app
        self._on_address = on_address
        self._binding = binding
        self._keys = keys
        self._announced = ""
        self._waited = 0.0
        self._given_up = Event()
        self._core_over = Event()
        self.ended = Event()
        on_termination(self.ended.set)

    def serve_own(self) -> None:
        """Serve with an own core, until the process is stopped, a tray takes over the core, or the
        core is to be opened again."""
        from aiserver_tray.carriers.http.server import BrowserServer  # noqa: PLC0415 - as above
        from aiserver_tray.owner.owner import Owner  # noqa: PLC0415
        from aiserver_tray.system.clock import ResumeWatch  # noqa: PLC0415
        from aiserver_tray.system.language import system_language  # noqa: PLC0415

        self._core_over.clear()
        with Owner(self._app, self) as owner:
            server = BrowserServer(owner.api, self._binding, system_language(), self._keys)
            watch = ResumeWatch(owner.core.refresh)
            watch.start()
            try:
                with server:
                    self._announce(server.address)
                    self._wait_for(self._core_over)
            finally:
                watch.close()

    def leave_core_to_tray(self) -> None:
        """Give the tray that asked for the core, if any, the chance to claim it first."""
        if self._given_up.is_set():
            self.ended.wait(_HANDOVER_SECONDS)
            self._given_up.clear()

    def serve_by_owner(self, running: AlreadyRunningError) -> None:
        """Let the owner of the core serve, until the process is stopped or the owner is gone.

        Raises:
            AlreadyRunningError: the owner does not respond.
            RemoteError: the owner can't serve.
        """
        from aiserver_tray.carriers.local.client import Client  # noqa: PLC0415 - as above
        from aiserver_tray.system.language import system_language  # noqa: PLC0415

        lost, place = Event(), self._app.settings.home
        try:
            with Client.connect(place, "command", language=system_language()) as client:
                client.subscribe([], lambda _message: None, lost.set)
                opened = client.request("browser/open", self._request(), _OWNER_TIMEOUT_SECONDS)
                self._announce(opened["address"])
                self._wait_for(lost)
        except (NotRunningError, TimeoutError):
            raise running from None

    def wait_after(self, error: AiServerError) -> None:
        """Wait before the next attempt. The owner may be starting or exiting, or the system has not
        freed the port yet: Windows frees it only when all of its connections have ended.

        Raises:
            AiServerError: *error*, if it is permanent or has lasted too long.
        """
        is_temporary = isinstance(error, AlreadyRunningError) or (
            self._announced and error.code == SettingError.code
        )
        self._waited += _POLL_SECONDS
        if not is_temporary or self._waited > _OWNER_TIMEOUT_SECONDS:
            raise error
        self.ended.wait(_POLL_SECONDS)

    def _request(self) -> "Json":
        keys, binding = self._keys, self._binding
        return {
            "address": binding.address,
            "port": binding.port,
            "certificate": binding.certificate and str(binding.certificate.absolute()),
            "key": binding.key and str(binding.key.absolute()),
            "token": keys.token,
            "session": keys.session,
            "page": keys.page,
        }

    def _announce(self, address: str) -> None:
        self._waited = 0.0
        if address != self._announced:
            self._announced = address
            click.echo(address)
            report([_HINT.render(self._app.language)])
            self._on_address(address)

    def _wait_for(self, event: Event) -> None:
        """Wait until *event* is set or the process is stopped."""
        # In short waits: on Windows, Ctrl-C does not interrupt a wait.
        while not (event.wait(_POLL_SECONDS) or self.ended.is_set()):
            pass

    # -- the process, for channels ---------------------------------------------------------------

    def show_dashboard(self, page: str) -> None:  # noqa: ARG002 - there is none
        """Refuse.

        Raises:
            RequestError: always.
        """
        why = Text("there is no window here. Open the address printed by `serve` in a browser")
        raise RequestError(why)

    def open_module(self, name: str, title: str, address: str) -> None:
        """Nothing: the browser opens it."""

    def refresh_autostart(self) -> None:
        """Nothing: there is no menu."""

    def quit(self) -> None:
        """Exit, once the answer is sent."""
        Timer(_ANSWER_SECONDS, self.ended.set).start()

    def restart_core(self) -> None:
        """Close the core, once the answer is sent, and open it again."""
        Timer(_ANSWER_SECONDS, self._core_over.set).start()

    def give_up_core(self) -> None:
        """Leave the core to a tray, once the response is sent."""
        self._given_up.set()
        self.restart_core()


@click.command()
@common_options
def mcp() -> None:
    """Let an assistant, such as Claude Desktop, ask about this installation.

    Speaks the Model Context Protocol on standard input and output; the assistant starts it. It
    reads states, checks, logs and statistics, without secrets. A change happens only after a yes in
    the tray or the dashboard.
    """
    from aiserver_tray.cli.core import connected  # noqa: PLC0415 - the assistant alone needs them
    from aiserver_tray.features.mcp.server import serve  # noqa: PLC0415

    app = current_app()
    serve(app, lambda: connected(app))
