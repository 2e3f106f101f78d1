"""The owner's side of the control channel."""

import logging
import time
from multiprocessing.connection import Connection
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import Final

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import OverloadedError, RequestError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Contract
from aiserver_tray.contract.local.instance import socket_address
from aiserver_tray.contract.local.key import make_key
from aiserver_tray.contract.local.session import Session
from aiserver_tray.contract.local.wire import (
    MAX_BYTES_FROM_CLIENT,
    LostError,
    Wire,
    admit,
    refused,
    welcome,
)
from aiserver_tray.system import pipes
from aiserver_tray.system.paths import Home

MAX_CLIENTS: Final = 32
_MAX_CONNECTIONS = 2 * MAX_CLIENTS
"""Including clients without authentication; above it, the oldest of these is disconnected."""

_HANDSHAKE_SECONDS = 2.0
_CLOSE_TIMEOUT_SECONDS = 0.5
"""Seconds to send remaining data to clients before the exit."""

_RETRY_SECONDS = 0.1
"""Seconds until a retry after a connection could not be accepted (too many open files)."""

_logger = logging.getLogger(__name__)


class Server:
    """Offers *contract* to the clients of *home*. Its process holds the `Instance`."""

    def __init__(self, home: Home, contract: Contract) -> None:
        self._home = home
        self._contract = contract
        self._places = BoundedSemaphore(MAX_CLIENTS)
        self._lock = Lock()
        self._guests: dict[_Guest, None] = {}  # the oldest first
        self._closing = Event()

    def start(self) -> None:
        """Start to listen.

        Raises:
            SettingError: the key can't be made, or the socket can't be had.
        """
        self._key = make_key(self._home)
        self._address = socket_address(self._home)
        try:
            self._listener = pipes.listen(self._address)
        except OSError as error:
            why = Text("can't listen at this address ({reason})", reason=error.strerror or error)
            raise SettingError(self._address, why) from error
        self._thread = Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send remaining data to every client, and stop. Requests that wait for an operation get no
        response; the operation continues."""
        self._closing.set()
        self._wake()
        self._thread.join(_CLOSE_TIMEOUT_SECONDS)
        try:
            self._listener.close()
        except OSError:  # the socket was removed
            _logger.info("the socket was gone: %s", self._address)
        with self._lock:
            guests = list(self._guests)
        for guest in guests:
            guest.finish()
        until = time.monotonic() + _CLOSE_TIMEOUT_SECONDS
        for guest in guests:
            guest.join(max(0.0, until - time.monotonic()))
        for guest in guests:
            guest.sever()
            guest.join(None)

    def _wake(self) -> None:
        """The thread waits for a client: be one."""
        try:
            pipes.connect(self._address, _CLOSE_TIMEOUT_SECONDS).close()
        except OSError:
            _logger.info("nobody could be reached at %s", self._address)

    # -- in its thread --------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._listener.accept()
            except OSError:
                self._closing.wait(_RETRY_SECONDS)
                continue
            self._make_room()
            guest = _Guest(self, connection)
            with self._lock:
                is_welcome = not self._closing.is_set()
                if is_welcome:
                    self._guests[guest] = None
            if is_welcome:
                guest.start()
            else:
                connection.close()

    def _make_room(self) -> None:
        """Disconnect the client that has waited the longest without authentication, so that
        processes without the key can't block others."""
        with self._lock:
            if len(self._guests) < _MAX_CONNECTIONS:
                return
            oldest = next((guest for guest in self._guests if not guest.session), None)
        if oldest:
            oldest.sever()
            oldest.join(None)

    # -- in a connection's thread ---------------------------------------------------------------

    def receive(self, guest: "_Guest") -> None:
        """Serve *guest* until it disconnects."""
        try:
            self._serve(guest)
        except LostError:
            pass
        except RequestError as error:
            _logger.warning("a client was refused: %s", error)
            self._contract.refused("control", error.why)
        except Exception as bug:  # noqa: BLE001 - the other clients are still to be served
            log_bug(_logger, "a client was lost", bug)
        finally:
            with self._lock:
                del self._guests[guest]
            guest.wire.sever()
            guest.wire.close()

    def _serve(self, guest: "_Guest") -> None:
        with guest.wire.limited(_HANDSHAKE_SECONDS):
            hello = admit(guest.wire, self._key)
        if not self._places.acquire(blocking=False):
            why = Text("{count} windows and commands are already connected", count=MAX_CLIENTS)
            guest.wire.send(refused(OverloadedError(why), hello.language))
            return
        try:
            guest.wire.send(welcome())
            guest.session = Session(guest.wire, hello, self._contract)
            guest.session.run()
        finally:
            self._places.release()


class _Guest:
    """A connection, with its thread; a client once it has proved itself."""

    def __init__(self, server: Server, connection: "Connection") -> None:
        self.wire = Wire(connection, MAX_BYTES_FROM_CLIENT)
        self.session: Session | None = None
        self._thread = Thread(
            target=server.receive, args=(self,), name="control-client", daemon=True
        )
        self.start = self._thread.start
        self.join = self._thread.join
        self.sever = self.wire.sever

    def finish(self) -> None:
        if self.session:
            self.session.finish()
        else:
            self.wire.sever()
