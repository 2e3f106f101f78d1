"""An answer that comes bit by bit, and that another thread can end."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, NoReturn, Self

from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError

from aiserver_tray.engine.client import Client

_PIECE = 1 << 16
_SWITCHED = 101


class SilenceError(Exception):
    """Not a byte came for as long as the caller allows."""


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
        self.is_closed = False
        self.silence: float | None = None
        """What was allowed last by `allow_silence`."""

    @property
    def content_type(self) -> str:
        """That of the answer; empty before it is there."""
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
        return self

    def __iter__(self) -> Iterator[bytes]:
        """The pieces as they arrive, until the answer ends or is closed.

        Raises:
            EngineDownError, SilenceError: the engine went away, or was silent for too long.
        """
        if self._response is None:
            self.open()
        with self._busy:
            try:
                with self._watched():
                    yield from self._pieces()
            finally:
                self._release()

    def _pieces(self) -> Iterator[bytes]:
        if self._response is None:  # closed before it was answered
            return
        try:
            if self._response.status == _SWITCHED:
                # Through the reader that read the headers: it may hold what came with them.
                reader: Any = self._response._fp.fp  # type: ignore[union-attr]
                yield from iter(lambda: reader.read1(_PIECE), b"")
            else:
                yield from self._response.stream(_PIECE, decode_content=False)
        except Exception as error:  # whatever a socket raises when it is closed
            if not self.is_closed:
                _raise_silence(error)
                raise

    def lines(self) -> Iterator[bytes]:
        """The answer line by line, without line ends. Raises as iteration does."""
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
        """From now on, let so much time pass between two bytes. For the thread that iterates."""
        self.silence = seconds
        with suppress(Exception):  # closed meanwhile
            self._socket.settimeout(seconds)

    def send(self, data: bytes) -> None:
        """Write to what the connection was switched to, from any thread; empty: no more will
        come. Of no effect once the other end has gone."""
        with suppress(Exception):
            if data:
                self._socket.sendall(data)
            else:
                _end_writing(self._socket)

    def broken(self) -> NoReturn:
        """For those whose answer never ends by itself: it did.

        Raises:
            EngineDownError
        """
        with self._watched():
            raise EOFError

    def close(self) -> None:
        """End it, from any thread: its iteration ends without an error."""
        self.is_closed = True
        if self._busy.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._busy.release()
        else:
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(Exception):  # ended meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        # Closing alone does not wake a thread that is just in `send`.
        self._shut_down()
        if self._response is not None:
            self._response.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _raise_silence(error: Exception) -> None:
    if isinstance(error, ReadTimeoutError):
        raise SilenceError from error


def _end_writing(connection: Any) -> None:  # noqa: ANN401 - a socket, or the SDK's pipe
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_WR)
    else:
        connection.sendall(b"")  # on a pipe of messages an empty one is the end
