"""Talking to the engine from any thread."""

import json
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Unpack
from weakref import WeakSet

from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.client import (
    CHANGE_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    Client,
    Payload,
    drop,
    is_costly,
    negotiate,
    renew,
)
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.translate import translated


class Connection:
    """The connection that all parts of the `Engine` share. Each thread has its own client, because
    the SDK does not promise that clients can be shared. After the engine was lost, each thread
    creates a new one. Until an engine has responded, *find* is called each time: it may start
    later, at another address."""

    def __init__(self, find: Callable[[], Address]) -> None:
        self.address = find()
        self._find = find
        self._has_answered = False
        self._own = threading.local()
        self._asking = threading.Lock()
        self._lock = threading.Lock()
        self._version: str | None = None
        self._clients: WeakSet[Client] = WeakSet()
        self.generation = 0
        """Counts how often the engine was lost or reconnected."""

    @property
    def api_version(self) -> str:
        """The API version spoken with this engine, asked for once.

        Raises:
            EngineDownError, EngineNotInstalledError, SettingError: it can't be reached.
        """
        with self._asking:
            if self._version is None:
                if not self._has_answered:
                    self.address = self._find()
                with self._watched():
                    self._version = negotiate(self.address)
                self._has_answered = True
            return self._version

    def call(self, method: str, path: str, *names: str, **payload: Unpack[Payload]) -> bytes:
        """A whole request: *path* with *names* filled in; the answer's body.

        Raises:
            EngineDownError, EngineNotInstalledError, SettingError: the engine can't be reached.
            EngineRequestError and its subclasses, ResourcesError: it refused.
        """
        with self._watched():
            return self._client().ask(method, path, *names, **payload).data

    def get(self, path: str, *names: str, **payload: Unpack[Payload]) -> Any:  # noqa: ANN401 - JSON
        """A question; the answer's JSON. Raises as `call` does."""
        payload.setdefault("timeout", READ_TIMEOUT_SECONDS)
        return self._parsed(self.call("GET", path, *names, **payload))

    def post(self, path: str, *names: str, **payload: Unpack[Payload]) -> Any:  # noqa: ANN401 - JSON
        """A request that changes something. Returns the JSON of the response, None if it is empty.
        Raises as `call` does."""
        answer = self.call("POST", path, *names, **payload)
        return self._parsed(answer) if answer else None

    def stream(self, method: str, path: str, *names: str, **payload: Unpack[Payload]) -> Stream:
        """A request with a streamed response, on its own connection. `Stream.open` or iterating
        sends it.

        Raises as `call` does.
        """
        client = self._new_client()
        payload.setdefault("timeout", None)
        return Stream(client, partial(client.ask, method, path, *names, **payload), self._watched)

    def upload(
        self,
        method: str,
        path: str,
        *names: str,
        params: Mapping[str, Any],
        pieces: Iterable[bytes],
        cancelled: Cancellation,
    ) -> bytes:
        """A request that sends the tar *pieces*; the answer's body. What *pieces* raises ends it.

        Raises `CancelledError` once *cancelled* is set, and as `call` does.
        """
        failures: list[Exception] = []

        def sent() -> Generator[bytes, None, None]:
            stream.allow_silence(CHANGE_TIMEOUT_SECONDS)  # a busy disk takes its time
            try:
                yield from pieces
            except Exception as error:
                failures.append(error)
                raise

        data = sent()
        headers = {"Content-Type": "application/x-tar"}
        stream = self.stream(method, path, *names, params=params, headers=headers, data=data)
        try:
            return b"".join(stream.until(cancelled))
        except AiServerError:
            if failures:  # an error of reading the pieces is not one of the engine
                raise failures[0] from None
            raise
        finally:
            data.close()

    def _parsed(self, answer: bytes) -> Any:  # noqa: ANN401 - JSON
        try:
            return json.loads(answer)
        except ValueError as error:
            why = Text("the response is not from a Docker engine")
            raise EngineDownError(self.address.host, why) from error

    @property
    def is_costly(self) -> bool:
        """Whether each connection needs a program of its own, so that few should be open.

        Raises:
            EngineDownError: the engine can't be reached.
        """
        with self._watched():
            return is_costly(self.address)

    def reconnect(self) -> None:
        """Drop all connections: they may be dead, and the next engine may have another version."""
        self.generation += 1
        self._version = None
        renew(self.address)

    def close(self) -> None:
        """Close the connections of all threads. Streams are closed by their owners."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.close()
        drop(self.address)

    def _client(self) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        generation = self.generation
        if client is None or self._own.generation != generation:
            if client is not None:
                client.close()
            client = self._own.client = self._new_client()
            self._own.generation = generation
            with self._lock:
                self._clients.add(client)
        return client

    def _new_client(self) -> Client:
        version = self.api_version
        with self._watched():
            return Client(self.address, version)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Translates errors, and notes when the engine is lost."""
        try:
            with translated(self.address):
                yield
        except EngineDownError:
            self.reconnect()
            raise
