"""Additions to pystray's icon for macOS: calls in the main thread, as AppKit requires, and
notifications that neither block nor fail."""

import logging
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread
from typing import Any

from aiserver_tray.system.tray_place import Way
from aiserver_tray.tray.actions import Action, Message
from aiserver_tray.tray.menu import Entry

_log = logging.getLogger(__name__)

_PystrayIcon: Any = object
"""Type of the class that `mac_icon` extends."""


def mac_icon(base: Any, size: int) -> Any:  # noqa: ANN401 - pystray's
    """A subclass of *base*, pystray's icon for macOS, with pictures of *size* pixels."""
    return type("MacIcon", (_MacIcon, base), {"pixels": size})


class _MacIcon(_PystrayIcon):  # type: ignore[misc]
    """The methods below the line override pystray's."""

    entries: tuple[Entry, ...] = ()
    pixels: int
    ways: Collection[Way] = ()

    def set_up(self, _folder: Path, _on_change: Callable[[], None]) -> None:
        """Nothing is needed."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call it in the loop's thread, which is the main thread."""
        from PyObjCTools.AppHelper import (  # type: ignore[import-not-found] # noqa: PLC0415
            callAfter,
        )

        callAfter(callback)

    def label(self, text: str) -> str:
        return text

    def send(self, message: Message, _on_action: Callable[[Action], None]) -> None:
        """Show a notification. The program that shows it does not report clicks."""
        if not message.is_update:
            self.notify(message.body, message.title)

    # -- pystray's -----------------------------------------------------------------------------

    def _notify(self, message: str, title: str | None = None) -> None:
        """Pystray runs a program and waits for it, so this is done in a thread."""
        arguments = (message, title)
        Thread(target=self._send, args=arguments, name="notification", daemon=True).start()

    def _send(self, message: str, title: str | None) -> None:
        try:
            super()._notify(message, title)
        except (OSError, subprocess.SubprocessError) as error:
            _log.info("the desktop shows no notification: %s", type(error).__name__)
