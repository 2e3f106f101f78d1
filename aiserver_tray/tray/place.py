"""Reporting a desktop without a place for the icon: the user would see nothing at all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Literal

from aiserver_tray.base.i18n import Text

Starter = Literal["user", "login"]
"""Whether the user or the login started the applet."""

PANEL_TIMEOUT_SECONDS: Final[Mapping[Starter, float]] = {"user": 5.0, "login": 60.0}
"""Seconds within which the desktop's panel may still start. After login, this may be slow."""

_POLL_SECONDS = 1.0
_SLOW_POLL_SECONDS = 10.0
"""Seconds between two checks, while the panel may be starting, and after the icon was reported
missing."""


@dataclass(frozen=True)
class PlaceCallbacks:
    """Callbacks: the icon is ``missing``, with the reason; later it is ``found``; ``show`` opens
    something visible for a user who started the applet."""

    missing: Callable[[Text], None]
    found: Callable[[], None]
    show: Callable[[], None]


class PlaceWatch:
    """Checks the icon's place until the icon is visible. *why_hidden* returns the reason why it is
    not."""

    def __init__(
        self, starter: Starter, why_hidden: Callable[[], Text | None], callbacks: PlaceCallbacks
    ) -> None:
        self._starter = starter
        self._why_hidden = why_hidden
        self._callbacks = callbacks
        self._closing = Event()
        self._thread = Thread(target=self._run, name="place", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        until = time.monotonic() + PANEL_TIMEOUT_SECONDS[self._starter]
        while why := self._why_hidden():
            if time.monotonic() > until:
                self._on_missing(why)
                return
            if self._closing.wait(_POLL_SECONDS):
                return

    def _on_missing(self, why: Text) -> None:
        self._callbacks.missing(why)
        if self._starter == "user":
            self._callbacks.show()
        while not self._closing.wait(_SLOW_POLL_SECONDS):
            if not self._why_hidden():
                self._callbacks.found()
                return
