"""A window's connection to the owner of the core, which reconnects by itself."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from aiserver_tray.base.errors import AiServerError, NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import AnyClient, Envelope, Message, refusal
from aiserver_tray.state.encode import language_of
from aiserver_tray.system.language import system_language
from aiserver_tray.system.paths import Home

FIRST_RETRY_SECONDS: Final = 0.25
MAX_RETRY_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Receives the data of the connection, in its threads. Its methods return at once."""

    def heard(self, message: Message) -> None:
        """An event came."""

    def lost(self) -> None:
        """The owner is gone, or there is none yet."""


class OwnerConnection:
    """``connect``: creates a client, or raises NotRunningError. ``language``: the language of the
    last owner; at first the given one."""

    def __init__(
        self, connect: Callable[[], AnyClient], events: Iterable[str], language: Language
    ) -> None:
        self._connect = connect
        self._events = tuple(events)
        self.language = language
        self._client: AnyClient | None = None

    def start(self, listener: Listener) -> None:
        """Connect, in a thread that ends with the process."""
        threading.Thread(target=self._run, args=(listener,), name="connection", daemon=True).start()

    def call(self, channel: str, payload: Mapping[str, Any] | None = None) -> Envelope:
        """The owner's response, or that there is no owner."""
        client = self._client
        try:
            if client is None:
                raise NotRunningError
            return client.call(channel, payload)
        except AiServerError as error:
            return refusal(error, self.language)

    def _run(self, listener: Listener) -> None:
        pause, is_reported = FIRST_RETRY_SECONDS, False
        waiting = threading.Event()
        while True:
            try:
                client = self._connect()
                is_reported = False
                self._serve(client, listener)
                pause = FIRST_RETRY_SECONDS
            except NotRunningError:
                pass
            except Exception:  # for example an owner of another version; a later one may work
                log.exception("no connection to the owner of the core")
            if not is_reported:
                is_reported = True
                listener.lost()
            waiting.wait(pause)
            pause = min(2 * pause, MAX_RETRY_SECONDS)

    def _serve(self, client: AnyClient, listener: Listener) -> None:
        """Until *client* is lost."""
        lost = threading.Event()

        def heard(message: Message) -> None:
            if message.event == SNAPSHOT.name:
                self.language = language_of(message.payload)
            listener.heard(message)

        try:
            self._client = client
            client.subscribe(self._events, heard, lost.set)
            lost.wait()
        finally:
            self._client = None
            client.close()


def client(home: Home) -> AnyClient:
    """A client of the owner of the core.

    Raises:
        NotRunningError, RequestError, RemoteError, SettingError: there is none that we can talk to.
    """
    # In the connection's own thread, so that the window does not wait for it.
    from aiserver_tray.carriers.local.client import Client  # noqa: PLC0415

    return Client.connect(home, "window", language=system_language())
