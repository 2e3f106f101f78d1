"""Starting the tray of a home folder, or showing the one that runs."""

import time

from aiserver_tray.base.errors import AlreadyRunningError, NotRunningError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.owner.claim import Claim
from aiserver_tray.system import logfile, process
from aiserver_tray.system.process import give_foreground, limit_heap
from aiserver_tray.tray.process import Starter, Tray

_HANDOVER_TIMEOUT_SECONDS = 10.0
"""Seconds to wait for a tray that starts or exits, and for each of its answers."""

_RETRY_SECONDS = 0.1
"""Seconds between two attempts to reach it."""


def run(app: App, starter: Starter = "user") -> None:
    """Show the icon until the user quits. If the tray of this home folder already runs, show its
    dashboard instead, or, at login, do nothing. *starter* also decides what happens if the icon is
    not visible.

    Raises:
        NoDesktopError: there is nothing to show an icon on.
        AlreadyRunningError: the tray that runs does not answer.
        AiServerError: the home can't be used.
    """
    until = time.monotonic() + _HANDOVER_TIMEOUT_SECONDS
    while True:
        try:
            _run_or_show(app, starter)
            return
        except AlreadyRunningError:
            if time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)


def _run_or_show(app: App, starter: Starter) -> None:
    """Like `run`.

    Raises:
        AlreadyRunningError: the owner of the core does not answer; it may be starting or exiting.
    """
    with Claim(app) as claim:
        try:
            claim.take()
        except AlreadyRunningError as running:
            if _show_running_tray(app, starter, running):
                return
        limit_heap()
        process.claim_app_id()
        logfile.set_up(app.settings.home, "tray")
        Tray(app, starter, claim).run()


def _show_running_tray(app: App, starter: Starter, running: AlreadyRunningError) -> bool:
    """Show the dashboard of the tray that owns the core, unless this is a start at login. Returns
    False if ``serve`` owns the core.

    Raises:
        AlreadyRunningError: the owner does not answer.
    """
    limit = _HANDOVER_TIMEOUT_SECONDS
    try:
        with Client.connect(app.settings.home, "command", language=app.language) as client:
            if client.request("ai/app/about", timeout=limit)["owner"] != "tray":
                return False
            if starter != "login":
                give_foreground()
                client.request("ai/window/show", {"page": "home"}, timeout=limit)
            return True
    except (NotRunningError, TimeoutError):
        raise running from None
