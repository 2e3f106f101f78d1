"""Channels that show what the services write."""

from threading import Lock, Thread
from typing import TYPE_CHECKING, TypedDict

from pydantic import Field

from aiserver_tray.base.errors import AiServerError, RequestError, refuse_unknown
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.strings import moment_of
from aiserver_tray.core.core import Core
from aiserver_tray.features.logs.events import LOG, LogEvent
from aiserver_tray.features.logs.line import Level
from aiserver_tray.features.logs.parser import Parsed
from aiserver_tray.features.logs.streams import Follower, Parsing, Source, Span, history, sources
from aiserver_tray.model import Kind
from aiserver_tray.protocol.channel import Name, Part, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer

if TYPE_CHECKING:
    from aiserver_tray.engine.values import LogLine

_MAX_STREAMS = 16
"""Maximum streams of one client."""


class LogsRequest(Payload):
    """The last lines of a module, or of all modules."""

    name: str | None = None
    """the module; all modules without it"""
    tail: int = Field(default=20, ge=1, le=5000)
    """the number of lines"""


class LogStream(Payload):
    """A stream of lines: the last ones, then each as it comes."""

    name: str | None = None
    """the module; all modules without it"""
    stream_id: str = Name
    """the client's own name for the stream"""
    tail: int = Field(default=200, ge=0, le=5000)
    """the number of earlier lines of each service"""


class LogStreamEnd(Payload):
    """Which streams of this client to end."""

    name: str | None = None
    """the module; all modules without it"""
    stream_id: str | None = None
    """the stream; all streams without it"""


class LogEntry(TypedDict):
    """A line of a service."""

    id: str
    """its number"""
    timestamp: str | None
    """time of writing"""
    service: str
    """the name of its *container*, as with the predecessor; in `ai/module/log` and `logs --json`,
    the name of the service"""
    module: str
    moduleType: Kind
    level: Level
    """from the line's own structure, or of the entry that the line continues"""
    continues: bool
    """whether it belongs to the service's entry above it, as a line of a stack trace does"""
    message: str
    """the line"""


class LogEntries(TypedDict):
    """Lines, newest first."""

    entries: list[LogEntry]
    notices: list[str]
    """which logs can't be read, and why"""


class LogChannels(Part):
    """``ai/module/logs``, ``logsAttach`` and ``logsDetach``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = Lock()
        self._streams: dict[Peer, dict[str, _Stream]] = {}

    def forget(self, peer: Peer) -> None:
        """End what *peer* listened to."""
        with self._lock:
            streams = self._streams.pop(peer, {})
        for stream in streams.values():
            stream.follower.close()

    @channel("ai/module/logs")
    def _logs(self, asked: LogsRequest, caller: Caller) -> LogEntries:
        """Get the last lines of a module, or of all modules."""
        wanted = sources(self._core.store.snapshot, self._modules(asked.name))
        notices: list[str] = []

        def on_unreadable(source: Source) -> None:
            notices.append(source.unreadable.render(caller.language))

        lines = history(self._core.engine, wanted, Span(tail=asked.tail), on_unreadable)
        parsed = Parsing().parsed(lines)
        entries = [self._entry(*item, number) for number, item in enumerate(parsed)]
        return {"entries": entries[: -asked.tail - 1 : -1], "notices": notices}

    def _modules(self, name: str | None) -> tuple[str, ...]:
        if name is None:
            return ()
        refuse_unknown([name], (module.name for module in self._core.store.snapshot.modules))
        return (name,)

    def _entry(self, source: Source, line: "LogLine", found: Parsed, number: int) -> LogEntry:
        kinds = {module.name: module.kind for module in self._core.store.snapshot.modules}
        return {
            "id": str(number),
            "timestamp": moment_of(line.time).isoformat() if line.time else None,
            "service": source.container,
            "module": source.module,
            "moduleType": kinds.get(source.module, "feature"),
            "level": found.level,
            "continues": found.continues,
            "message": line.text,
        }

    @channel("ai/module/logsAttach")
    def _attach(self, asked: LogStream, caller: Caller) -> None:
        """Start a stream of the lines of a module, or of all, which arrive as `ai/module/log`."""
        modules = self._modules(asked.name)
        with self._lock:
            streams = self._streams.setdefault(caller.peer, {})
            if asked.stream_id in streams or len(streams) >= _MAX_STREAMS:
                why = Text(
                    "stream {id!r} already exists, or this client has too many streams",
                    id=asked.stream_id,
                )
                raise RequestError(why, ["streamId"])
            stream = streams[asked.stream_id] = _Stream(self._core, modules, asked, caller)
        Thread(target=self._send, args=(stream, caller.peer), name="logs", daemon=True).start()

    @channel("ai/module/logsDetach")
    def _detach(self, asked: LogStreamEnd, caller: Caller) -> None:
        """End one stream of this client, or all streams of a module."""
        with self._lock:
            streams = self._streams.get(caller.peer, {})
            ended = [
                streams.pop(id)
                for id, stream in list(streams.items())
                if asked.stream_id in (None, id) and asked.name in (None, stream.module)
            ]
        for stream in ended:
            stream.follower.close()

    def _send(self, stream: "_Stream", peer: Peer) -> None:
        """Runs in a thread of its own, until the stream ends."""
        stream.send()
        with self._lock:
            streams = self._streams.get(peer, {})
            # Another stream may have got its name since.
            if streams.get(stream.id) is stream:
                del streams[stream.id]


class _Stream:
    """The lines of *modules* on their way to one client."""

    def __init__(
        self, core: Core, modules: tuple[str, ...], asked: LogStream, caller: Caller
    ) -> None:
        self.id = asked.stream_id
        self.module = asked.name
        self._peer = caller.peer
        self._language: Language = caller.language
        span = Span(tail=asked.tail)
        self.follower = Follower(core.engine, core.store, modules, span, self._on_unreadable)

    def send(self) -> None:
        """Send all lines, until `follower` is closed or fails."""
        end: LogEvent = {"streamId": self.id, "event": "end"}
        try:
            for source, line, found in Parsing().parsed(self.follower.lines()):
                self._emit(
                    {
                        "streamId": self.id,
                        "event": line.stream,
                        "chunk": line.text,
                        "timestamp": moment_of(line.time).isoformat() if line.time else None,
                        "module": source.module,
                        "service": source.service,
                        "level": found.level,
                        "continues": found.continues,
                    }
                )
        except AiServerError as error:
            message = error.render(self._language)
            end = {**end, "event": "error", "code": error.code, "message": message}
        self._emit(end)

    def _on_unreadable(self, source: Source) -> None:
        self._emit(
            {
                "streamId": self.id,
                "event": "notice",
                "message": source.unreadable.render(self._language),
                "module": source.module,
                "service": source.service,
            }
        )

    def _emit(self, event: LogEvent) -> None:
        self._peer.send(LOG.message(event))
