"""The claim to own the core of a home; ``serve`` gives the core up to a tray."""

from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from typing import Final, Self

from aiserver_tray.base.errors import (
    AlreadyRunningError,
    BusyError,
    CancelledError,
    NotRunningError,
    RemoteError,
)
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.core.app import App

RETRY_SECONDS: Final = 0.2
ANSWER_TIMEOUT_SECONDS: Final = 2.0
"""Seconds for each answer of the owner, so that an owner that hangs does not keep this process from
exiting."""


class Claim:
    """The `Instance` of *app*'s home folder, from `take` or `take_over` to the end of ``with``."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stack = ExitStack()
        self._is_held = False

    def take(self) -> None:
        """Become the owner of the core.

        Raises:
            AlreadyRunningError: another process owns it.
            SettingError: the lock can't be made.
        """
        self._stack.enter_context(Instance(self._app.settings.home))
        self._is_held = True

    def take_over(self, closing: Event, on_busy: Callable[[], None] = lambda: None) -> None:
        """Become the owner of the core once ``serve`` has released it, which requires that no
        operation is running there; *on_busy* is called once if one is. Returns at once if this
        process is already the owner.

        Raises:
            AlreadyRunningError: another tray owns it.
            CancelledError: *closing* was set.
            SettingError: the lock can't be made.
        """
        is_reported = False
        while not self._is_held:
            if closing.is_set():
                raise CancelledError
            try:
                self.take()
            except AlreadyRunningError:
                if self._is_refused() and not is_reported:
                    is_reported = True
                    on_busy()
                closing.wait(RETRY_SECONDS)

    def _is_refused(self) -> bool:
        """Ask for the core, and return whether its owner is busy with an operation."""
        try:
            with Client.connect(self._app.settings.home, "tray") as client:
                about = client.request("ai/app/about", timeout=ANSWER_TIMEOUT_SECONDS)
                if about["owner"] == "tray":
                    raise AlreadyRunningError(about["pid"])
                client.request("owner/yield", timeout=ANSWER_TIMEOUT_SECONDS)
        except RemoteError as error:
            return error.code == BusyError.code
        except (NotRunningError, TimeoutError):  # it starts, exits or hangs
            pass
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_held = False
        self._stack.close()
