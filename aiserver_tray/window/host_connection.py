"""A window's connection to the host of the core, made again whenever it is lost."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from queue import SimpleQueue
from typing import Any, Final, Literal, Protocol

from aiserver_tray.base.errors import AiServerError, NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import SNAPSHOT_EVENT, Envelope, Json
from aiserver_tray.contract.local.changes import OutOfStepError, language_of
from aiserver_tray.system.language import system_language
from aiserver_tray.system.paths import Home

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0

log = logging.getLogger(__name__)


class Host(Protocol):
    """What a window needs of `control.client.Client`."""

    def call(self, channel: str, payload: Mapping[str, Any] | None = None) -> Envelope:
        """The answer; raises NotRunningError when the connection is lost."""

    def subscribe(
        self,
        events: Iterable[str],
        callback: Callable[[str, Json], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Have *callback* called for each event, until *on_lost* is."""

    def close(self) -> None:
        """Leave."""


class Listener(Protocol):
    """Who hears of what comes over the connection; called in its threads, and returns at once."""

    def heard(self, event: str, payload: Json, /) -> None:
        """An event came; raises OutOfStepError where it needs the whole state first."""

    def found(self, snapshot: Json) -> None:
        """There is a host; this is the whole state."""

    def lost(self) -> None:
        """There is none any more."""


class HostConnection:
    """``connect``: makes a client, or raises NotRunningError. ``language``: what the host speaks,
    or did when there was one; at first what is given."""

    def __init__(
        self, connect: Callable[[], Host], events: Iterable[str], language: Language
    ) -> None:
        self._connect = connect
        self._events = tuple(events)
        self.language = language
        self._client: Host | None = None

    def start(self, listener: Listener) -> None:
        """Connect, in a thread that ends with the process."""
        threading.Thread(target=self._run, args=(listener,), name="connection", daemon=True).start()

    def call(self, channel: str, payload: Mapping[str, Any] | None = None) -> Envelope:
        """The host's answer, or that there is no host."""
        client = self._client
        try:
            if client is None:
                raise NotRunningError
            return client.call(channel, payload)
        except AiServerError as error:
            return {"success": False, **error.as_json(self.language)}

    def _run(self, listener: Listener) -> None:
        pause = FIRST_PAUSE
        waiting = threading.Event()
        while True:
            try:
                self._serve(self._connect(), listener)
                pause = FIRST_PAUSE
            except NotRunningError:
                pass
            except Exception:  # a host of another version, say: a later one may do
                log.exception("no connection to the host of the core")
            waiting.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _serve(self, client: Host, listener: Listener) -> None:
        """Until *client* is lost."""
        todo: SimpleQueue[Literal["whole", "lost"]] = SimpleQueue()

        def heard(event: str, payload: Json) -> None:
            if event == SNAPSHOT_EVENT:
                self.language = language_of(payload) or self.language
            try:
                listener.heard(event, payload)
            except OutOfStepError:
                todo.put("whole")

        try:
            self._client = client
            todo.put("whole")
            client.subscribe(self._events, heard, lambda: todo.put("lost"))
            while todo.get() == "whole":
                answer = client.call("ai/snapshot/get")
                if answer["success"]:
                    self.language = answer["data"]["language"]
                    listener.found(answer["data"])
        except NotRunningError:
            pass
        finally:
            self._client = None
            client.close()
            listener.lost()


def client(home: Home) -> Host:
    """A client of the host of the core.

    Raises:
        NotRunningError, RequestError, RemoteError, SettingError: there is none that we can talk to.
    """
    # In the connection's own thread, so that the window does not wait for it.
    from aiserver_tray.contract.local.client import Client  # noqa: PLC0415

    return Client.connect(home, "tray", language=system_language())
