"""The owner's side of the control channel."""

import logging
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.errors import AiServerError, OverloadedError, RequestError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.local.place import make_key, socket_address
from aiserver_tray.carriers.local.wire import (
    MAX_BYTES_FROM_CLIENT,
    MAX_BYTES_FROM_OWNER,
    MAX_BYTES_OF_HELLO,
    Hello,
    LostError,
    Wire,
    admit,
    event_frame,
    refused,
    welcome,
)
from aiserver_tray.model import MAX_NAMES
from aiserver_tray.protocol.hub import Mailbox
from aiserver_tray.protocol.message import (
    Contract,
    Envelope,
    Message,
    Peer,
    answer,
    owner_events,
    refusal,
)
from aiserver_tray.system import pipes
from aiserver_tray.system.paths import Home

_logger = logging.getLogger(__name__)

MAX_CLIENTS: Final = 32
_MAX_CONNECTIONS = 2 * MAX_CLIENTS
"""Including clients without authentication; above it, the oldest of these is disconnected."""

_HANDSHAKE_SECONDS = 2.0
_CLOSE_TIMEOUT_SECONDS = 0.5
"""Seconds to send remaining data to clients before the exit."""

_RETRY_SECONDS = 0.1
"""Seconds until a retry after a connection could not be accepted (too many open files)."""


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
        """Let the thread, which waits for a client, notice the end."""
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
            with suppress(LostError):
                self._serve(guest)
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
            guest.wire.most = MAX_BYTES_FROM_CLIENT
            guest.wire.send(welcome())
            guest.session = Session(guest.wire, hello, self._contract)
            guest.session.run()
        finally:
            self._places.release()


class _Guest:
    """A connection, with its thread; a client once it has proved itself."""

    def __init__(self, server: Server, connection: "Connection") -> None:
        self.wire = Wire(connection, MAX_BYTES_OF_HELLO)
        self.session: Session | None = None
        thread = Thread(target=server.receive, args=(self,), name="control-client", daemon=True)
        self.start, self.join, self.sever = thread.start, thread.join, self.wire.sever

    def finish(self) -> None:
        if self.session:
            self.session.finish()
        else:
            self.wire.sever()


MAX_CALLS: Final = 16
"""Maximum number of unanswered requests of one client."""

_TURN_TIMEOUT_SECONDS = 0.05
"""Seconds that a request waits for its turn before it is rejected."""

_MAX_INVALID_FRAMES = 10
"""Maximum number of invalid frames of one client, which is then disconnected."""


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictInt | Annotated[StrictStr, Field(max_length=100)]


class _Call(_Frame):
    type: Literal["call"]
    channel: StrictStr
    payload: Any = None


def _known(event: str) -> str:
    if event not in owner_events():
        raise ValueError("there is no such event")
    return event


_EventName = Annotated[StrictStr, AfterValidator(_known)]


class _Subscribe(_Frame):
    type: Literal["subscribe"]
    events: Annotated[tuple[_EventName, ...], Field(max_length=MAX_NAMES)]


_FRAMES: TypeAdapter[_Call | _Subscribe] = TypeAdapter(
    Annotated[_Call | _Subscribe, Field(discriminator="type")]
)


class Session:
    """Serves one authenticated client: responses and events. Each request runs in its own thread,
    so that a slow one does not block others."""

    def __init__(self, wire: Wire, client: Hello, contract: Contract) -> None:
        self._wire = wire
        self._contract = contract
        self._mailbox = Mailbox(wire.sever)
        kind, language, pid = client
        self._peer = Peer(kind, language, self._send, pid, self._mailbox.waiting)
        self._turns = BoundedSemaphore(MAX_CALLS)
        self._pace = Pace()
        self._wrong = 0
        self._is_over = False
        self._writer = Thread(target=self._write, name="control-writer", daemon=True)

    def run(self) -> None:
        """To be called in the client's own thread; returns when the client is gone."""
        self._writer.start()
        try:
            with suppress(LostError):
                while self._wrong < _MAX_INVALID_FRAMES:
                    self._take(self._wire.receive())
                    time.sleep(self._pace.delay(time.monotonic()))
        finally:
            self._mailbox.close()
            self._wire.sever()
            self._writer.join()
            self._is_over = True
            self._contract.forget(self._peer)

    def finish(self) -> None:
        """Send the remaining data, and close."""
        self._mailbox.close()

    # -- in the client's thread -----------------------------------------------------------------

    def _take(self, frame: Any) -> None:  # noqa: ANN401 - JSON
        try:
            found = _FRAMES.validate_python(frame)
        except ValidationError as error:
            self._take_invalid(frame, error)
            return
        if isinstance(found, _Call):
            self._call(found)
        else:
            # First: who has the answer misses no change from then on.
            self._contract.subscribe(self._peer, found.events)
            self._answer(found.id, answer({}))

    def _take_invalid(self, frame: Any, error: ValidationError) -> None:  # noqa: ANN401 - JSON
        self._wrong += 1
        id = frame.get("id") if isinstance(frame, dict) else None
        if isinstance(id, int | str) and not isinstance(id, bool):
            wrong = [".".join(map(str, found["loc"])) for found in error.errors()]
            why = Text("the frame is not valid ({wrong})", wrong=", ".join(wrong))
            self._refuse(id, RequestError(why, wrong))

    def _call(self, call: _Call) -> None:
        if self._turns.acquire(timeout=_TURN_TIMEOUT_SECONDS):
            Thread(target=self._run_call, args=(call,), name="control-call", daemon=True).start()
            return
        why = Text("this client has {count} unanswered requests", count=MAX_CALLS)
        self._refuse(call.id, OverloadedError(why))

    # -- in a call's thread ---------------------------------------------------------------------

    def _run_call(self, call: _Call) -> None:
        try:
            self._answer(call.id, self._contract.invoke(call.channel, call.payload, self._peer))
        except Exception as bug:  # noqa: BLE001 - the client must get a response in any case
            log_bug(_logger, f"{call.channel} failed", bug)
            self._refuse(call.id, bug_error(bug))
        finally:
            self._turns.release()
            if self._is_over:  # it may have subscribed after it was removed
                self._contract.forget(self._peer)

    # -- in any thread --------------------------------------------------------------------------

    def _answer(self, id: int | str, envelope: Envelope) -> None:
        frame = compact_json({"type": "answer", "id": id, "answer": envelope})
        if len(frame) > MAX_BYTES_FROM_OWNER:
            self._refuse(id, RequestError(Text("the response is too long. Request less")))
        else:
            self._mailbox.put(frame)

    def _refuse(self, id: int | str, error: AiServerError) -> None:
        self._answer(id, refusal(error, self._peer.language))

    def _send(self, message: Message) -> None:
        self._mailbox.put(event_frame(message), message.slot)

    # -- in the writer's thread -----------------------------------------------------------------

    def _write(self) -> None:
        try:
            with suppress(LostError):  # the client is gone
                while (frames := self._mailbox.take()) is not None:
                    for frame in frames:
                        self._wire.send(frame)
        finally:
            self._wire.sever()


class Pace:
    """Limits the rate of a client: a burst, and then a number of frames per second."""

    BURST: Final = 500
    PER_SECOND: Final = 500

    def __init__(self) -> None:
        self._left = float(self.BURST)
        self._at = 0.0

    def delay(self, now: float) -> float:
        """Seconds to wait before the next frame."""
        self._left = min(self.BURST, self._left + (now - self._at) * self.PER_SECOND) - 1
        self._at = now
        return max(0.0, -self._left / self.PER_SECOND)
