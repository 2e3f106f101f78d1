"""Channels that tell what the services write."""

from collections.abc import Iterable, Iterator
from threading import Lock, Thread
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import AiServerError, RequestError, refuse_unknown
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channels.dispatch import Handlers
from aiserver_tray.contract.contract import (
    LOG_EVENT,
    Caller,
    Json,
    LogsRequest,
    LogStream,
    LogStreamEnd,
)
from aiserver_tray.core.core import Core
from aiserver_tray.core.logs.level import Level
from aiserver_tray.core.logs.sources import (
    Follower,
    OnUnreadable,
    Source,
    Span,
    history,
    levelled,
    sources,
)

if TYPE_CHECKING:
    from aiserver_tray.engine.values import LogLine

_TAIL_LINES = 200
"""Lines from before that a stream begins with."""

_MAX_STREAMS = 16
"""Of one client."""


class LogChannels:
    """``ai/module/logs``, ``logsAttach`` and ``logsDetach``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = Lock()
        self._streams: dict[Caller, dict[str, tuple[str, Follower]]] = {}
        self.handlers: Handlers = {
            "ai/module/logs": self._logs,
            "ai/module/logsAttach": self._attach,
            "ai/module/logsDetach": self._detach,
        }

    def forget(self, caller: Caller) -> None:
        """End what *caller* listened to."""
        with self._lock:
            streams = self._streams.pop(caller, {})
        for _, follower in streams.values():
            follower.close()

    def _logs(self, asked: LogsRequest, caller: Caller) -> Json:
        modules = self._modules(asked.name)
        wanted = sources(self._core.store.snapshot, modules)
        notices: list[str] = []

        def on_unreadable(source: Source) -> None:
            notices.append(source.unreadable.render(caller.language))

        lines = history(self._core.engine, wanted, Span(tail=asked.tail), on_unreadable)
        entries = [self._entry(*found, number) for number, found in enumerate(levelled(lines))]
        return {"entries": entries[: -asked.tail - 1 : -1], "notices": notices}

    def _modules(self, name: str | None) -> tuple[str, ...]:
        if name is None:
            return ()
        refuse_unknown([name], (module.name for module in self._core.store.snapshot.modules))
        return (name,)

    def _entry(self, source: Source, line: "LogLine", level: Level, number: int) -> Json:
        kinds = {module.name: module.kind for module in self._core.store.snapshot.modules}
        return {
            "id": str(number),
            "timestamp": line.time.isoformat() if line.time else None,
            "service": source.container,
            "module": source.module,
            "moduleType": kinds.get(source.module, "feature"),
            "level": level,
            "message": line.text,
        }

    def _attach(self, asked: LogStream, caller: Caller) -> Json:
        modules = self._modules(asked.name)
        tell = _teller(asked, caller)
        follower = Follower(
            self._core.engine, self._core.store, modules, Span(tail=_TAIL_LINES), tell
        )
        with self._lock:
            streams = self._streams.setdefault(caller, {})
            if asked.stream_id in streams or len(streams) >= _MAX_STREAMS:
                why = Text(
                    "stream {id!r} already exists, or this client has too many streams",
                    id=asked.stream_id,
                )
                raise RequestError(why, ["streamId"])
            streams[asked.stream_id] = (asked.name, follower)
        Thread(target=self._send, args=(asked, follower, caller), name="logs", daemon=True).start()
        return {}

    def _detach(self, asked: LogStreamEnd, caller: Caller) -> Json:
        with self._lock:
            streams = self._streams.get(caller, {})
            ended = [
                id
                for id, (module, _) in streams.items()
                if asked.stream_id in (None, id) and asked.name in (None, module)
            ]
            followers = [streams.pop(id)[1] for id in ended]
        for follower in followers:
            follower.close()
        return {}

    def _send(self, asked: LogStream, follower: Follower, caller: Caller) -> None:
        """In a thread of its own, until the stream ends."""
        end: Json = {"event": "end"}
        try:
            for event in _events(levelled(follower.lines())):
                caller.emit(LOG_EVENT, {"streamId": asked.stream_id, **event})
        except AiServerError as error:
            message = error.render(caller.language)
            end = {"event": "error", "code": error.code, "message": message}
        caller.emit(LOG_EVENT, {"streamId": asked.stream_id, **end})
        with self._lock:
            streams = self._streams.get(caller, {})
            _, known = streams.get(asked.stream_id, ("", None))
            if known is follower:  # else its name was given to another since
                del streams[asked.stream_id]


def _teller(asked: LogStream, caller: Caller) -> OnUnreadable:
    def tell(source: Source) -> None:
        notice = {
            "streamId": asked.stream_id,
            "event": "notice",
            "message": source.unreadable.render(caller.language),
            "module": source.module,
            "service": source.service,
        }
        caller.emit(LOG_EVENT, notice)

    return tell


def _events(lines: Iterable[tuple[Source, "LogLine", Level]]) -> Iterator[Json]:
    for source, line, level in lines:
        yield {
            "event": line.stream,
            "chunk": line.text,
            "timestamp": line.time.isoformat() if line.time else None,
            "module": source.module,
            "service": source.service,
            "level": level,
        }
