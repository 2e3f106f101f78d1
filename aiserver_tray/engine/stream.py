"""A streamed response that another thread can end."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from io import BufferedReader
from typing import Any, NoReturn, Self

from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError

from aiserver_tray.base.errors import CancelledError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.client import Client
from aiserver_tray.engine.sockets import reader_of

_CHUNK_BYTES = 1 << 16
_SWITCHED = 101

_BURST_BYTES = 1 << 14
_SHORTEST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.25
"""Seconds between two reads of a response that comes in many small chunks. Each read then returns
many of them at once, which costs a fraction of the processor time. After a read that was full,
there is no pause: the engine can't send more than the connection holds."""


class SilenceError(Exception):
    """No byte came within the time that the caller allows."""


class Stream:
    """The body of an answer. Open and iterate it in one thread; `close` it from any."""

    def __init__(
        self,
        client: Client,
        ask: Callable[[], HTTPResponse],
        watched: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._ask = ask
        self._watched = watched
        self._socket: Any = None
        self._response: HTTPResponse | None = None
        self._busy = threading.Lock()
        self._hurry = threading.Event()
        self.is_closed = False
        self.silence: float | None = None
        """The timeout that `allow_silence` set last."""

    @property
    def content_type(self) -> str:
        """The content type of the response; empty before there is one."""
        return self._response.headers.get("Content-Type", "") if self._response else ""

    def open(self) -> Self:
        """Send the request, and wait until the engine begins to answer.

        Raises:
            EngineDownError, EngineRequestError and its subclasses, SilenceError
        """
        with self._busy, self._watched():
            try:
                self._socket = self._client.connected()
                if not self.is_closed:
                    self._response = self._ask()
            except Exception as error:
                self._client.close()
                if not self.is_closed:
                    _raise_silence(error)
                    raise
        if self.is_closed:  # meanwhile, by another thread, which could not release it
            self.close()
        return self

    def __iter__(self) -> Iterator[bytes]:
        """The pieces as they arrive, until the response ends or is closed.

        Raises:
            EngineDownError, SilenceError: the engine went away, or was silent for too long.
        """
        return self._iterate(self._pieces)

    def bursts(self) -> Iterator[bytes]:
        """Like iteration, for a response of many small chunks that may never end: fewer and larger
        pieces, each at most a moment late. Raises as iteration does."""
        return self._iterate(self._bursts)

    def until(self, cancelled: Cancellation) -> Iterator[bytes]:
        """Like iteration, and closed at its end. Raises `CancelledError` once *cancelled* is set,
        and as iteration does."""
        with self, cancelled.closes(self.close):
            yield from self
        if cancelled.is_set():
            raise CancelledError

    def hurry(self) -> None:
        """Make no more pauses in `bursts`. Can be called from any thread."""
        self._hurry.set()

    def _iterate(self, read: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        if self._response is None:
            self.open()
        with self._busy:
            try:
                with self._watched():
                    if self._response is not None:  # otherwise closed before it was answered
                        yield from self._until_closed(read)
            finally:
                self._release()

    def _until_closed(self, read: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        try:
            yield from read()
        except Exception as error:  # a closed socket can raise anything
            if not self.is_closed:
                if self.silence and isinstance(error, TimeoutError):  # not by urllib3
                    raise SilenceError from error
                _raise_silence(error)
                raise

    def _pieces(self) -> Iterator[bytes]:
        response = self._answered
        if response.status == _SWITCHED:
            return iter(partial(reader_of(response).read1, _CHUNK_BYTES), b"")
        return response.stream(_CHUNK_BYTES, decode_content=False)

    def _bursts(self) -> Iterator[bytes]:
        response = self._answered
        pieces = self._with_pauses(reader_of(response))
        is_chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
        return unchunked(pieces) if is_chunked else pieces

    def _with_pauses(self, reader: BufferedReader) -> Iterator[bytes]:
        pause = _SHORTEST_PAUSE_SECONDS
        while piece := reader.read1(_BURST_BYTES):
            yield piece
            if len(piece) == _BURST_BYTES:
                pause = _SHORTEST_PAUSE_SECONDS
            else:
                self._hurry.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    @property
    def _answered(self) -> HTTPResponse:
        if self._response is None:
            raise ValueError("not open")
        return self._response

    def lines(self) -> Iterator[bytes]:
        """The response line by line, without line ends. Raises as iteration does."""
        rest = b""
        for piece in self:
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def messages(self) -> Iterator[Any]:
        """The JSON of each line. Raises as iteration does."""
        for line in self.lines():
            if line.strip():
                yield json.loads(line)

    def allow_silence(self, seconds: float) -> None:
        """Set the timeout between two bytes from now on. For the thread that iterates."""
        self.silence = seconds
        with suppress(Exception):  # closed meanwhile
            self._socket.settimeout(seconds)

    def send(self, data: bytes) -> None:
        """Write to the upgraded connection, from any thread; empty: end of input. No effect once
        the other side is closed."""
        with suppress(Exception):
            if data:
                self._socket.sendall(data)
            else:
                _end_writing(self._socket)

    def broken(self) -> NoReturn:
        """The error of a response that should never end, but ended.

        Raises:
            EngineDownError
        """
        with self._watched():
            raise EOFError

    def close(self) -> None:
        """Close the response, from any thread. Its iteration ends without an error."""
        self.is_closed = True
        self._hurry.set()
        if self._busy.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._busy.release()
        else:
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(Exception):  # ended in the meantime
                self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        # Closing alone does not wake a thread that is just in `send`.
        self._shut_down()
        if self._response is not None:
            self._response.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def unchunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a body in chunks, from *pieces* that begin and end anywhere. Much cheaper than
    one read for each chunk.

    Raises:
        EOFError: the last chunk is missing, so the connection was cut.
    """
    chunks = _Chunks()
    for content in map(chunks.feed, pieces):
        yield content
        if chunks.are_complete:
            return
    raise EOFError


class _Chunks:
    """A body in chunks (https://www.rfc-editor.org/rfc/rfc9112#section-7.1)."""

    def __init__(self) -> None:
        self._held = b""
        self.are_complete = False

    def feed(self, piece: bytes) -> bytes:
        """The content of the chunks that *piece* completes."""
        held = self._held + piece
        content, begin = [], 0
        while (end := held.find(b"\r\n", begin)) >= 0:
            size = _size(held[begin:end])
            self.are_complete = not size
            next_begin = end + 2 + size + 2
            if self.are_complete or next_begin > len(held):
                break
            content.append(held[end + 2 : end + 2 + size])
            begin = next_begin
        self._held = held[begin:]
        return b"".join(content)


def _size(head: bytes) -> int:
    try:
        return int(head, 16)
    except ValueError:  # it has an extension
        return int(head.partition(b";")[0], 16)


def _raise_silence(error: Exception) -> None:
    if isinstance(error, ReadTimeoutError):
        raise SilenceError from error


def _end_writing(connection: Any) -> None:  # noqa: ANN401 - a socket, or the SDK's pipe
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_WR)
    else:
        connection.sendall(b"")  # on a message pipe, an empty message means the end of input
