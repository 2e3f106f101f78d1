"""One client of the owner of the core."""

import logging
import time
from threading import BoundedSemaphore, Thread
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
from aiserver_tray.base.errors import AiServerError, OverloadedError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import Contract, Envelope, Peer, answer
from aiserver_tray.contract.local.wire import (
    MAX_BYTES_FROM_OWNER,
    Hello,
    LostError,
    Wire,
    event_frame,
)
from aiserver_tray.contract.mailbox import Mailbox
from aiserver_tray.contract.message import Message, owner_events
from aiserver_tray.model import MAX_NAMES

MAX_CALLS: Final = 16
"""Maximum number of unanswered requests of one client."""

_TURN_TIMEOUT_SECONDS = 0.05
"""Seconds that a request waits for its turn before it is rejected."""

_MAX_INVALID_FRAMES = 10
"""Maximum number of invalid frames of one client, which is then disconnected."""

_logger = logging.getLogger(__name__)


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


class _Subscribe(_Frame):
    type: Literal["subscribe"]
    events: Annotated[
        tuple[Annotated[StrictStr, AfterValidator(_known)], ...], Field(max_length=MAX_NAMES)
    ]


_FRAMES: TypeAdapter[_Call | _Subscribe] = TypeAdapter(
    Annotated[_Call | _Subscribe, Field(discriminator="type")]
)


class Session:
    """Serves one authenticated client: responses and events.

    Each request runs in its own thread, so that a slow one does not block others.
    """

    def __init__(self, wire: Wire, client: Hello, contract: Contract) -> None:
        self._wire = wire
        self._contract = contract
        self._mailbox = Mailbox(wire.sever)
        self._peer = Peer(
            client.kind, client.language, self._send, client.pid, self._mailbox.waiting
        )
        self._turns = BoundedSemaphore(MAX_CALLS)
        self._pace = Pace()
        self._wrong = 0
        self._is_over = False
        self._writer = Thread(target=self._write, name="control-writer", daemon=True)

    def run(self) -> None:
        """To be called in the client's own thread; returns when the client is gone."""
        self._writer.start()
        try:
            while self._wrong < _MAX_INVALID_FRAMES:
                self._take(self._wire.receive())
                time.sleep(self._pace.delay(time.monotonic()))
        except LostError:
            pass
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
            self._refuse(frame, error)
            return
        if isinstance(found, _Call):
            self._call(found)
        else:
            self._answer(found.id, answer({}))
            self._contract.subscribe(self._peer, found.events)

    def _refuse(self, frame: Any, error: ValidationError) -> None:  # noqa: ANN401 - JSON
        self._wrong += 1
        id = frame.get("id") if isinstance(frame, dict) else None
        if isinstance(id, int | str) and not isinstance(id, bool):
            wrong = [".".join(map(str, found["loc"])) for found in error.errors()]
            why = Text("the frame is not valid ({wrong})", wrong=", ".join(wrong))
            self._answer(id, self._refusal(RequestError(why, wrong)))

    def _call(self, call: _Call) -> None:
        if self._turns.acquire(timeout=_TURN_TIMEOUT_SECONDS):
            Thread(target=self._run_call, args=(call,), name="control-call", daemon=True).start()
            return
        why = Text("this client has {count} unanswered requests", count=MAX_CALLS)
        self._answer(call.id, self._refusal(OverloadedError(why)))

    # -- in a call's thread ---------------------------------------------------------------------

    def _run_call(self, call: _Call) -> None:
        try:
            self._answer(call.id, self._contract.invoke(call.channel, call.payload, self._peer))
        except Exception as bug:  # noqa: BLE001 - the client must get a response in any case
            log_bug(_logger, f"{call.channel} failed", bug)
            self._answer(call.id, self._refusal(bug_error(bug)))
        finally:
            self._turns.release()
            if self._is_over:  # it may have subscribed after it was removed
                self._contract.forget(self._peer)

    # -- in any thread --------------------------------------------------------------------------

    def _answer(self, id: int | str, envelope: Envelope) -> None:
        frame = compact_json({"type": "answer", "id": id, "answer": envelope})
        if len(frame) > MAX_BYTES_FROM_OWNER:
            why = Text("the response is too long. Request less")
            frame = compact_json(
                {"type": "answer", "id": id, "answer": self._refusal(RequestError(why))}
            )
        self._mailbox.put(frame)

    def _refusal(self, error: AiServerError) -> Envelope:
        return {"success": False, **error.as_json(self._peer.language)}

    def _send(self, message: Message) -> None:
        self._mailbox.put(event_frame(message), message.slot)

    # -- in the writer's thread -----------------------------------------------------------------

    def _write(self) -> None:
        try:
            while (frames := self._mailbox.take()) is not None:
                for frame in frames:
                    self._wire.send(frame)
        except LostError:  # the client is gone
            pass
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
