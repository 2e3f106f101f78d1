"""Follows clusters: closely while a client shows them, otherwise every half minute. The thread is
there only while there is a cluster."""

import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.protocol.message import Peer

_logger = logging.getLogger(__name__)

_SHOWN_SECONDS: Final = 2.0
_IDLE_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 2.0


class Watch:
    """Calls *refresh* with each of the clusters that *names* returns."""

    def __init__(
        self, names: Callable[[], Sequence[str]], refresh: Callable[[str], object]
    ) -> None:
        self._names = names
        self._refresh = refresh
        self._changed = Condition()
        self._peers: set[Peer] = set()
        self._closing = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Follow them, if there are any."""
        with self._changed:
            if self._thread or self._closing or not self._names():
                return
            self._thread = Thread(target=self._run, name="cluster-watch", daemon=True)
            self._thread.start()

    def watch(self, peer: Peer) -> None:
        """*peer* shows clusters."""
        with self._changed:
            self._peers.add(peer)
            self._changed.notify_all()

    def unwatch(self, peer: Peer) -> None:
        """*peer* does not show them any more."""
        with self._changed:
            self._peers.discard(peer)

    def close(self) -> None:
        """Follow nothing any more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        try:
            while self._go_on():
                for name in self._names():
                    try:
                        self._refresh(name)
                    except AiServerError as error:  # the others go on, and it the next time
                        _logger.warning("the cluster %s can't be followed: %s", name, error)
        except AiServerError as error:  # its file can't be read: reported where it is used
            _logger.warning("clusters can't be followed: %s", error)
        except Exception as bug:  # noqa: BLE001 - there is nobody to tell
            log_bug(_logger, "following clusters failed", bug)
        with self._changed:
            self._thread = None

    def _go_on(self) -> bool:
        """Wait for the next turn. Whether there is one."""
        with self._changed:
            if self._is_first:
                self._is_first = False
            else:
                seconds = _SHOWN_SECONDS if self._peers else _IDLE_SECONDS
                before = bool(self._peers)
                self._changed.wait_for(lambda: self._closing or bool(self._peers) > before, seconds)
            return not self._closing and bool(self._names())

    _is_first = True
