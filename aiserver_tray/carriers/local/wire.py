"""Frames between the owner of the core and a client, and mutual authentication.

A frame is a JSON object, never a pickle. An event's frame is followed by a line break and the
payload, so that the payload can be forwarded without parsing. The owner begins with a challenge;
each side proves that it has the key of the home folder without sending it (HMAC over both sides'
nonces).
"""

import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.errors import AiServerError, RemoteError, RequestError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.protocol.message import VERSION, CallerKind, Json, Message
from aiserver_tray.system import pipes

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MAX_BYTES_OF_HELLO: Final = 2**17
MAX_BYTES_FROM_CLIENT: Final = 2**20
MAX_BYTES_FROM_OWNER: Final = 8 * 2**20
"""Bytes of a frame."""

_MAX_VERSION: Final = 40
"""Characters of another version in a message. A client without the key sends it."""


class LostError(Exception):
    """The other side is gone, or breaks the protocol."""


class Wire:
    """One end of a connection. One thread receives, one sends, any can close it. ``most``: maximum
    bytes of a received frame."""

    def __init__(self, connection: "Connection", most: int) -> None:
        self.most = most
        self._connection = connection
        self._lock = Lock()
        self._is_severed = False

    def send(self, frame: bytes) -> None:
        """Send *frame*. Blocks while the other side does not read.

        Raises:
            LostError: the connection has ended.
        """
        try:
            self._connection.send_bytes(frame)
        except (OSError, ValueError) as error:
            raise LostError from error

    def receive(self) -> Any:  # noqa: ANN401 - JSON
        """The next frame; blocks until there is one.

        Raises:
            LostError: the connection has ended, or what came is too long or no JSON.
        """
        return self.receive_with_payload()[0]

    def receive_with_payload(self) -> tuple[Any, bytes]:
        """The next frame, and the payload after an event's frame.

        Raises:
            LostError: as for `receive`.
        """
        if self._is_severed:  # earlier frames can still be read, and no thread waits for this
            raise LostError
        try:
            # RuntimeError: on Windows, another thread severed it.
            head, _, payload = self._connection.recv_bytes(self.most).partition(b"\n")
            return json.loads(head), payload
        except (OSError, EOFError, ValueError, RecursionError, RuntimeError) as error:
            raise LostError from error

    def sever(self) -> None:
        """Close the connection, even for a thread that is blocked in it."""
        with self._lock:
            self._is_severed = True
            if not self._connection.closed:
                with suppress(OSError):  # the other side was faster
                    pipes.sever(self._connection)

    def close(self) -> None:
        """Release the socket. No thread may use it after that."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Limit the block to *seconds*; then the connection is closed. The other side may stop in
        the middle of a frame."""
        timer = Timer(seconds, self.sever)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def event_frame(message: Message) -> bytes:
    """*message* as bytes."""
    head = {"type": "event", "event": message.event, "key": message.key}
    return compact_json(head) + b"\n" + message.payload


def refused(error: AiServerError, language: Language) -> bytes:
    """The frame with the reason for closing a connection."""
    return compact_json({"type": "refused", **error.as_json(language)})


class Hello(NamedTuple):
    """A client's words about itself."""

    kind: CallerKind
    language: Language
    pid: int | None


def admit(wire: Wire, key: bytes) -> Hello:
    """As owner: let the client prove that it has *key*. `welcome` must follow.

    Raises:
        LostError: it went away, or says what can't be understood.
        RequestError: it has another key, or speaks another version. It got that answer.
    """
    nonce = secrets.token_hex(16)
    wire.send(compact_json({"type": "challenge", "version": VERSION, "nonce": nonce}))
    hello = wire.receive()
    if not (isinstance(hello, dict) and hello.get("type") == "hello"):
        raise LostError
    language: Language = "zh" if hello.get("language") == "zh" else "en"
    given: Any = hello.get("kind")
    kind: CallerKind = given if given in get_args(CallerKind) else "window"
    try:
        _check_version(hello.get("version"))
        _check_proof(hello, key, "client", nonce, hello.get("nonce"))
    except RequestError as error:
        wire.send(refused(error, language))
        raise
    proof = _proof(key, "owner", nonce, hello["nonce"])
    wire.send(compact_json({"type": "proof", "proof": proof}))
    pid = hello.get("pid")
    return Hello(kind, language, pid if type(pid) is int else None)


def enter(wire: Wire, key: bytes, kind: CallerKind, language: Language) -> None:
    """As client: prove to have *key*, and let the owner prove it.

    Raises:
        LostError: it went away, or is no owner of ours.
        RequestError: it has another key, or speaks another version.
        RemoteError: it has no place for this client.
    """
    challenge = _object(wire.receive())
    _check_version(challenge.get("version"))
    theirs, ours = challenge.get("nonce"), secrets.token_hex(16)
    own = {"version": VERSION, "kind": kind, "pid": os.getpid(), "language": language}
    proof = {"nonce": ours, "proof": _proof(key, "client", theirs, ours)}
    wire.send(compact_json({"type": "hello", **own, **proof}))
    _check_proof(_answer(wire), key, "owner", theirs, ours)
    _answer(wire)


def welcome() -> bytes:
    """The frame with which the owner accepts a client that it has a place for."""
    return compact_json({"type": "welcome"})


def _object(frame: Any) -> Json:  # noqa: ANN401 - JSON
    if not isinstance(frame, dict):
        raise LostError
    return frame


def _answer(wire: Wire) -> Json:
    """The owner's next frame, unless it is a refusal."""
    frame = _object(wire.receive())
    if frame.get("type") == "refused":
        data = frame.get("data")
        code, message = str(frame.get("code")), str(frame.get("message"))
        raise RemoteError(code, message, data if isinstance(data, dict) else {})
    return frame


def _check_version(version: object) -> None:
    if version != VERSION:
        why = Text(
            "one process uses version {version} of the contract, the other version {own}. Quit "
            "the older AI-Server Tray",
            version=in_line(str(version))[:_MAX_VERSION],
            own=VERSION,
        )
        raise RequestError(why, ["version"])


def _check_proof(frame: Json, key: bytes, side: str, *nonces: object) -> None:
    proof = frame.get("proof")
    is_text = isinstance(proof, str) and proof.isascii()
    if not is_text or not hmac.compare_digest(str(proof), _proof(key, side, *nonces)):
        raise RequestError(Text("it comes from a process without the key of this home folder"))


def _proof(key: bytes, side: str, *nonces: object) -> str:
    return hmac.digest(key, json.dumps([side, *nonces]).encode(), "sha256").hex()
