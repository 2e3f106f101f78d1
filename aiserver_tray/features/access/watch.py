"""Follows what is open: first accounts that are waited for, the network, and the daily proof. The
thread is there only while something is open, or is to be."""

import logging
import time
from collections.abc import Callable, Container
from threading import Condition, Thread
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError
from aiserver_tray.features.access.addresses import Addresses
from aiserver_tray.features.access.gateway import account_of
from aiserver_tray.features.access.names import Names
from aiserver_tray.features.access.opening import Openings
from aiserver_tray.features.access.store import AccessData, OpenData
from aiserver_tray.features.place import Place
from aiserver_tray.model import Actor
from aiserver_tray.state.reduce import State

_TICK_SECONDS: Final = 5.0
_PROOF_SECONDS: Final = 24 * 3600.0
_FIRST_RETRY_SECONDS: Final = 15.0
"""After a proof that failed: a computer with much to do may just have been slow. Each further pause
is twice as long, up to:"""
_LAST_RETRY_SECONDS: Final = 600.0
_RENEW_SECONDS: Final = 300 * 24 * 3600.0
"""Age of a certificate, which lasts for 397 days, at which the gateway gets another one."""
_CLOSE_SECONDS: Final = 2.0

_logger = logging.getLogger(__name__)


class Watch:
    """Follows *addresses* of *place*, whose *names* this process answers for; *openings* opens
    those that wait."""

    def __init__(
        self, place: Place, addresses: Addresses, openings: Openings, names: Names
    ) -> None:
        self._place = place
        self._addresses = addresses
        self._openings = openings
        self._names = names
        self._changed = Condition()
        self._closing = False
        self._thread: Thread | None = None
        self._leave: Callable[[], None] | None = None
        self._pause = _FIRST_RETRY_SECONDS
        self._start = ""
        """The start of the gateway's container that was last seen."""

    def start(self) -> None:
        """Follow what is open, if anything is, or the gateway does not follow yet."""
        with self._changed:
            if self._leave is None:
                self._leave = self._place.core.store.observe(self._on_state)
            if self._thread or self._closing or self._is_over():
                return
            self._thread = Thread(target=self._run, name="access", daemon=True)
            self._thread.start()

    def _on_state(self, _: State) -> None:
        """The gateway may have started, with a configuration that is older than what is open, or
        stopped."""
        before, self._start = self._start, self._addresses.gateway_start
        if before and not self._start:
            self._names.forward("", {})  # its next start needs the ports
        if self._start not in ("", before):
            self.start()

    def _is_over(self) -> bool:
        data = self._addresses.file.read()
        return self._addresses.is_loaded and not (data.modules or data.pending)

    def close(self) -> None:
        """Stop, and give the names back."""
        if self._leave:
            self._leave()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join(_CLOSE_SECONDS)
        self._names.close()

    def _run(self) -> None:
        while not self._closing:
            try:
                self._tick(time.time())
            except AiServerError as error:
                _logger.warning("addresses can't be followed: %s", error)
            except Exception as bug:  # noqa: BLE001 - the next time may succeed
                log_bug(_logger, "following addresses failed", bug)
            with self._changed:
                if self._is_over():
                    self._thread = None
                    return
                if not self._closing:
                    self._changed.wait(_TICK_SECONDS)

    def _tick(self, now: float) -> None:
        if not self._place.core.store.state.engine.running:
            return
        data = self._addresses.file.read()
        if self._addresses.elsewhere(data):
            return
        self._open_next(data)
        here = self._addresses.network()
        is_here = bool(here and here.is_same(data.range, data.router))
        address = here.address if here and is_here else ""
        is_moved = address != data.told or bool(
            address and here and not self._addresses.refuses(here)
        )
        # Also if the clock was wrong when the certificate was made.
        is_old = (bool(data.near) and is_moved) or not 0 <= now - data.loaded_at <= _RENEW_SECONDS
        if data.pending or not self._addresses.is_loaded or (data.open and is_old):
            if self._addresses.opening:  # that operation loads, and proves
                return
            self._addresses.load()
        elif not any(
            self._is_due(data.open[name], now) for name in data.open if name in self._known
        ):
            self._addresses.forward()  # the address may be another one
            return
        if data.open:
            self._prove()
        self._addresses.on_change()

    def _prove(self) -> None:
        self._addresses.check()
        failed = any(one.trouble for one in self._addresses.file.read().open.values())
        self._pause = min(2 * self._pause, _LAST_RETRY_SECONDS) if failed else _FIRST_RETRY_SECONDS

    def _is_due(self, known: OpenData, now: float) -> bool:
        """Whether it is time to prove the address again."""
        since = now - (known.checked_at or 0)
        return not 0 <= since <= (self._pause if known.trouble else _PROOF_SECONDS)

    @property
    def _known(self) -> Container[str]:
        """The modules whose file is there; others can't be proven."""
        return self._place.app.catalog.modules

    def _open_next(self, data: AccessData) -> None:
        """Open a module that has got its first account. One after the other, and beside no other
        operation: each needs the gateway, and one that finds it locked fails."""
        operations = self._place.core.store.state.operations
        if self._addresses.opening or not all(view.is_over for view in operations):
            return
        waiting = (name for name, one in data.modules.items() if one.state == "waiting")
        owned = (name for name in waiting if account_of(self._place, name) == "exists")
        if name := next(owned, None):
            self._openings.begin(name, data.modules[name], Actor("owner"))
