"""What is done where the desktop has no place for the icon: the user would see nothing at all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Literal

from aiserver_tray.base.i18n import Text

Starter = Literal["user", "login"]
"""Who started the applet."""

PANEL_TIMEOUT_SECONDS: Final[Mapping[Starter, float]] = {"user": 5.0, "login": 60.0}
"""Seconds in which the desktop's panel may still come up: with the session that may be slow."""

_POLL_SECONDS = 1.0
_SLOW_POLL_SECONDS = 10.0
"""Seconds between two looks, while the panel may be coming up and when it was missed."""


@dataclass(frozen=True)
class PlaceCallbacks:
    """What is told: that the icon is ``missing`` and why, and later that it is ``found``;
    ``show`` gives who started the applet something to see."""

    missing: Callable[[Text], None]
    found: Callable[[], None]
    show: Callable[[], None]


class PlaceWatch:
    """Looks after the icon's place until it is seen once. *why_hidden* says why it is not seen."""

    def __init__(
        self, starter: Starter, why_hidden: Callable[[], Text | None], remarks: PlaceCallbacks
    ) -> None:
        self._starter = starter
        self._why_hidden = why_hidden
        self._remarks = remarks
        self._closing = Event()
        self._thread = Thread(target=self._run, name="place", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        until = time.monotonic() + PANEL_TIMEOUT_SECONDS[self._starter]
        while why := self._why_hidden():
            if time.monotonic() > until:
                self._miss(why)
                return
            if self._closing.wait(_POLL_SECONDS):
                return

    def _miss(self, why: Text) -> None:
        self._remarks.missing(why)
        if self._starter == "user":
            self._remarks.show()
        while not self._closing.wait(_SLOW_POLL_SECONDS):
            if not self._why_hidden():
                self._remarks.found()
                return
