"""The contract as another process keeps it."""

from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any

from aiserver_tray.base.errors import AiServerError, NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channels.dispatch import refusal
from aiserver_tray.contract.contract import LOG_EVENT, Caller, Envelope, Json
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.mirror import Mirror

_STREAMS = ("ai/module/logsAttach", "ai/module/logsDetach")


class RemoteContract:
    """What the host of *client* offers, in the language that it speaks with that client.
    *on_lost* is called when it goes away.

    Raises:
        NotRunningError: it is gone already.
    """

    def __init__(self, client: Client, on_lost: Callable[[], None]) -> None:
        self._client = client
        self._lock = Lock()
        self._observers: tuple[Callable[[], None], ...] = ()
        self._numbers = count(1)
        self._streams: dict[str, tuple[Caller, str, str]] = {}
        self._mirror = Mirror(client, self._changed, on_lost)
        client.subscribe([LOG_EVENT], self._log)

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401 - JSON
        """The host's answer, or that it is gone."""
        try:
            if channel in _STREAMS and isinstance(payload, dict):
                return self._invoke_stream(channel, payload, caller)
            return self._client.call(channel, payload)
        except AiServerError as error:
            return refusal(error, caller)

    def snapshot(self, language: Language) -> Json:  # noqa: ARG002 - the client has one
        """Everything as it was last told.

        Raises:
            NotRunningError: the host went away before it told anything.
        """
        return self._mirror.snapshot()

    def operations(self, language: Language) -> list[Json]:  # noqa: ARG002
        """The operations with their steps, as they were last told.

        Raises:
            NotRunningError: as for `snapshot`.
        """
        return self._mirror.operations()

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls *callback* in the client's thread after every change."""
        with self._lock:
            self._observers += (callback,)

        def leave() -> None:
            with self._lock:
                self._observers = tuple(o for o in self._observers if o is not callback)

        return leave

    def forget(self, caller: Caller) -> None:
        """End what *caller* listened to."""
        with self._lock:
            own = [id for id, (who, _, _) in self._streams.items() if who == caller]
        for id in own:
            try:
                self._client.call("ai/module/logsDetach", {"streamId": id})
            except NotRunningError:
                return

    def _changed(self) -> None:
        for callback in self._observers:
            callback()

    # -- log streams: all of ours are one client's to the host, so each gets a name of its own --

    def _invoke_stream(self, channel: str, payload: Json, caller: Caller) -> Envelope:
        if channel == "ai/module/logsAttach":
            return self._attach(payload, caller)
        name, stream = payload.get("name"), payload.get("streamId")
        with self._lock:
            own = [
                id
                for id, (who, module, known) in self._streams.items()
                if who == caller and name in (None, module) and stream in (None, known)
            ]
        answers = [self._client.call(channel, {"streamId": id}) for id in own]
        return answers[-1] if answers else self._client.call(channel, {"streamId": "none"})

    def _attach(self, payload: Json, caller: Caller) -> Envelope:
        id = f"s{next(self._numbers)}"
        with self._lock:
            self._streams[id] = (caller, str(payload.get("name")), str(payload.get("streamId")))
        answer = self._client.call("ai/module/logsAttach", {**payload, "streamId": id})
        if not answer["success"]:
            with self._lock:
                self._streams.pop(id, None)
        return answer

    def _log(self, _event: str, payload: Json) -> None:
        with self._lock:
            caller, _, stream = self._streams.get(payload["streamId"], (None, "", ""))
            if payload["event"] in ("end", "error"):
                self._streams.pop(payload["streamId"], None)
        if caller:
            caller.emit(LOG_EVENT, {**payload, "streamId": stream})
