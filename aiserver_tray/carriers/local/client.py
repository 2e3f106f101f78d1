"""The client's side of the control channel."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Any, NamedTuple, Self

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.errors import NotRunningError, RequestError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.carriers.local.place import find_key, socket_address
from aiserver_tray.carriers.local.wire import (
    MAX_BYTES_FROM_CLIENT,
    MAX_BYTES_FROM_OWNER,
    LostError,
    Wire,
    enter,
)
from aiserver_tray.protocol.message import AnyClient, CallerKind, Envelope, Json, Message, data_of
from aiserver_tray.system import pipes
from aiserver_tray.system.paths import Home

_logger = logging.getLogger(__name__)


class _Listener(NamedTuple):
    events: frozenset[str]
    callback: Callable[[Message], None]
    on_lost: Callable[[], None]


class Client(AnyClient):
    """A connection to the owner of a home folder's core. It does not reconnect by itself."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._ids = count(1)
        self._lock = Lock()
        self._sending = Lock()
        self._answers: dict[int, SimpleQueue[Envelope | None]] = {}
        self._listeners: tuple[_Listener, ...] = ()
        self._is_lost = False
        self._is_closing = False
        self._reader = Thread(target=self._read, name="control-reader", daemon=True)
        self._reader.start()

    @classmethod
    def connect(
        cls, home: Home, kind: CallerKind, *, language: Language = "en", timeout: float = 2.0
    ) -> Self:
        """A client, of this *kind*, of the process that owns the core of *home*.

        Raises:
            NotRunningError: there is none, or it did not answer within *timeout* seconds.
            RequestError: it has another key, or speaks another version of the contract.
            RemoteError: it has too many clients.
            SettingError: there is no folder for sockets.
        """
        key = find_key(home)
        if key is None:
            raise NotRunningError
        try:
            wire = Wire(pipes.connect(socket_address(home), timeout), MAX_BYTES_FROM_OWNER)
        except OSError:
            raise NotRunningError from None
        try:
            with wire.limited(timeout):
                enter(wire, key, kind, language)
        except BaseException as error:
            wire.close()
            if isinstance(error, LostError):
                raise NotRunningError from None
            raise
        return cls(wire)

    def call(
        self, channel: str, payload: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Envelope:
        """The answer of *channel* to *payload*.

        Raises:
            NotRunningError: the owner is gone.
            TimeoutError: *timeout* seconds have passed. The answer, if it comes, is forgotten.
            RequestError: *payload* is too long.
        """
        return self._ask({"type": "call", "channel": channel, "payload": payload}, timeout)

    def subscribe(
        self,
        events: Iterable[str],
        callback: Callable[[Message], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Call *callback* with each of *events*, starting with the current state, and *on_lost*
        when the owner is gone. Both run in the reader's thread, must return at once, and can't send
        requests.

        Raises:
            NotRunningError: the owner is gone; *on_lost* is called, too.
            RemoteError: there are no such events.
        """
        listener = _Listener(frozenset(events), callback, on_lost)
        with self._lock:
            is_lost = self._is_lost
            self._listeners += (listener,)
        if is_lost:
            on_lost()
        known = sorted({event for one in self._listeners for event in one.events})
        data_of(self._ask({"type": "subscribe", "events": known}, None))

    def close(self) -> None:
        """Close the connection. Waiting threads get a NotRunningError. Can be called more than
        once."""
        self._is_closing = True
        self._wire.sever()
        if current_thread() is not self._reader:
            self._reader.join()

    def _ask(self, frame: Json, timeout: float | None) -> Envelope:
        id = next(self._ids)
        answers: SimpleQueue[Envelope | None] = SimpleQueue()
        with self._lock:
            if self._is_lost:
                raise NotRunningError
            self._answers[id] = answers
        try:
            self._send({**frame, "id": id})
            answer = answers.get(timeout=timeout)
        except Empty:
            raise TimeoutError(frame["type"]) from None
        finally:
            with self._lock:
                self._answers.pop(id, None)
        if answer is None:
            raise NotRunningError
        return answer

    def _send(self, frame: Json) -> None:
        content = compact_json(frame)
        if len(content) > MAX_BYTES_FROM_CLIENT:
            raise RequestError(Text("it is too long"), ["payload"])
        try:
            with self._sending:
                self._wire.send(content)
        except LostError:
            raise NotRunningError from None

    # -- in the reader's thread -----------------------------------------------------------------

    def _read(self) -> None:
        with suppress(LostError):
            while True:
                self._take(*self._wire.receive_with_payload())
        self._wire.sever()
        with self._lock:
            self._is_lost = True
            answers, listeners = list(self._answers.values()), self._listeners
        for waiting in answers:
            waiting.put(None)
        if not self._is_closing:
            for listener in listeners:
                _guarded(listener.on_lost)
        with self._sending:
            self._wire.close()

    def _take(self, frame: Any, payload: bytes) -> None:  # noqa: ANN401 - JSON
        match frame:
            case {"type": "answer", "id": id, "answer": dict(answer)}:
                with self._lock:
                    waiting = self._answers.get(id)
                if waiting:
                    waiting.put(answer)
            case {"type": "event", "event": str(event), "key": None | str() as key}:
                for listener in self._listeners:
                    if event in listener.events:
                        _guarded(listener.callback, Message(event, payload, key))


def _guarded(callback: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
    try:
        callback(*arguments)
    except Exception as bug:  # noqa: BLE001 - the other callbacks must still be called
        log_bug(_logger, "a listener failed", bug)
