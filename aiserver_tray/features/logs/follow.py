"""New kept lines, for clients that follow them. The writer of the store never waits for them."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Condition, Event, Lock, Thread
from typing import Final, NamedTuple, TypedDict

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.logs.events import FOLLOWED, FollowedLines
from aiserver_tray.features.logs.line import Cursor, Kept, Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.requests import (
    HealthChecks,
    LogFilterForm,
    cursor_text,
    line_json,
)
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.search import Search
from aiserver_tray.features.logs.store.store import encoded
from aiserver_tray.protocol.channel import Name, Part, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer

BATCH_LINES: Final = 1000
"""Maximum lines of a message."""
BATCH_CHARACTERS: Final = 1 << 20
"""Maximum characters of a message, unless it has one line. In JSON, a character has up to six
bytes, and a message at most 8 MiB."""


def fitting(lines: Iterable[Line | Kept], characters: int = BATCH_CHARACTERS) -> int:
    """How many of *lines*, from the first on, fit in so many *characters*: at least one."""
    number = 0
    for line in islice(lines, BATCH_LINES):
        characters -= len((line.line if isinstance(line, Kept) else line).text)
        if number and characters < 0:
            break
        number += 1
    return number


class Matcher:
    """Selects the lines that *wanted* accepts.

    Raises:
        LogFilterError: the pattern can't be compiled.
    """

    def __init__(self, wanted: LogFilter) -> None:
        self._wanted = wanted
        self._search = Search(wanted)

    def places(self, lines: Sequence[Line]) -> list[int]:
        """The places of the wanted ones among *lines*."""
        found = [place for place, line in enumerate(lines) if self._wanted.wants(line)]
        if not self._search or not found:
            return found
        # As in a block of the store: one search over all of them is much faster.
        body = b"\n".join(encoded([lines[place].text for place in found]))
        return [found[number] for number, _ in self._search.lines(body)]


BATCH_SECONDS: Final = 0.1
"""Between two batches of a client."""
MAX_WAITING_LINES: Final = 5000
MAX_WAITING_CHARACTERS: Final = 4 << 20
"""Maximum lines, and characters in them, that wait for a client. Then the oldest are dropped."""
MAX_WAITING_BYTES: Final = 1 << 20
"""If more bytes than that wait in a client's connection, it gets no further batch."""
_MAX_ARRIVED: Final = 20_000
"""Maximum lines that were not compared with the filters yet. Then the oldest ones are dropped."""

_logger = logging.getLogger(__name__)


class Batch(NamedTuple):
    """New lines for a client."""

    lines: Sequence[Kept]
    dropped: int
    """lines before these that were dropped"""
    total: int
    """lines since the beginning, with those that were dropped"""


@dataclass(eq=False)
class Following:
    """The new lines of one client: those that *matcher* selects and that are newer than number
    *after*. *send* must return at once; *waiting* tells how many bytes wait in the client's
    connection."""

    matcher: Matcher
    send: Callable[[Batch], None]
    waiting: Callable[[], int]
    after: int = 0
    _lines: deque[Kept] = field(default_factory=deque)
    _characters: int = 0
    """In `_lines`."""
    _dropped: int = 0
    _total: int = 0

    @property
    def has_more(self) -> bool:
        return bool(self._lines)

    def take(self, lines: Sequence[Kept], dropped: int) -> None:
        """Keep the wanted of *lines*. *dropped*: the number of those that were not compared."""
        self._dropped += dropped
        self._total += dropped
        newer = [kept for kept in lines if kept.cursor.number > self.after]
        places = self.matcher.places([kept.line for kept in newer])
        self._total += len(places)
        self._lines.extend(newer[place] for place in places)
        self._characters += sum(len(newer[place].line.text) for place in places)
        while len(self._lines) > MAX_WAITING_LINES or (
            self._characters > MAX_WAITING_CHARACTERS and len(self._lines) > 1
        ):
            self._next()
            self._dropped += 1

    def pass_on(self) -> None:
        """Send a batch, unless the client is too slow."""
        if not self._lines or self.waiting() > MAX_WAITING_BYTES:
            return
        lines = [self._next() for _ in range(fitting(self._lines))]
        self.send(Batch(lines, self._dropped, self._total - len(self._lines)))
        self._dropped = 0

    def _next(self) -> Kept:
        kept = self._lines.popleft()
        self._characters -= len(kept.line.text)
        return kept


Observe = Callable[[Callable[[Sequence[Kept]], None]], Callable[[], None]]
"""Has a callback called with all lines that are stored from now on. Returns what ends that."""


class LineFeed:
    """Passes new lines on, in a thread of its own. *newest_number* reads the number of the line
    that was stored last."""

    def __init__(self, observe: Observe, newest_number: Callable[[], int]) -> None:
        self._newest_number = newest_number
        self._changed = Condition()
        self._closing = Event()
        self._arrived: deque[Sequence[Kept]] = deque()
        self._count = 0
        self._dropped = 0
        self._followings: tuple[Following, ...] = ()
        self._newest = 0
        self._thread: Thread | None = None
        self._leave = observe(self._take)

    def add(self, following: Following) -> int:
        """Begin to send *following* its lines. Returns the number of the last line that it does
        not get.

        Raises:
            LogStoreError: the kept logs can't be read.
        """
        stored = self._newest_number()
        with self._changed:
            # What was stored meanwhile was already passed on.
            following.after = max(stored, self._newest)
            self._followings += (following,)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="log-feed", daemon=True)
                self._thread.start()
            return following.after

    def remove(self, following: Following) -> None:
        """Send it no more."""
        with self._changed:
            self._followings = tuple(f for f in self._followings if f is not following)

    def close(self) -> None:
        """Send no more. Does not wait."""
        self._leave()
        self._closing.set()
        with self._changed:
            self._changed.notify()

    def _take(self, lines: Sequence[Kept]) -> None:
        """Called by the store's writer."""
        with self._changed:
            self._newest = lines[-1].cursor.number
            if not self._followings:
                return
            self._arrived.append(lines)
            self._count += len(lines)
            while self._count > _MAX_ARRIVED and len(self._arrived) > 1:
                oldest = len(self._arrived.popleft())
                self._count -= oldest
                self._dropped += oldest
            self._changed.notify()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(self._has_work)
                arrived, dropped = [*self._arrived], self._dropped
                self._arrived.clear()
                self._count = self._dropped = 0
                followings = self._followings
            lines = [kept for each in arrived for kept in each]
            for following in followings:
                try:
                    following.take(lines, dropped)
                    following.pass_on()
                except Exception as bug:  # noqa: BLE001 - the other clients still get theirs
                    log_bug(_logger, "new log lines were not sent to a client", bug)
            self._closing.wait(BATCH_SECONDS)

    def _has_work(self) -> bool:
        return (
            bool(self._arrived)
            or self._closing.is_set()
            or any(following.has_more for following in self._followings)
        )


_MAX_STREAMS = 16
"""Maximum streams of one client."""


class LogFollowRequest(Payload):
    """A stream of the lines that are kept from now on."""

    stream_id: str = Name
    """the client's own name for the stream; replaces its stream of that name"""
    filter: LogFilterForm


class LogFollowBegun(TypedDict):
    """A stream has begun."""

    keptUntil: str
    """the stream has the lines that are kept after this cursor. For the others, give it to
    `ai/logs/lines`: no line is then missing, and none comes twice"""


class LogUnfollowRequest(Payload):
    """A stream of this client."""

    stream_id: str = Name
    """the client's own name for the stream"""


class LogFollowChannels(Part):
    """``ai/logs/follow`` and ``ai/logs/unfollow``."""

    def __init__(self, observe: Observe, reader: LogReader, checks: HealthChecks) -> None:
        self._checks = checks
        self._feed = LineFeed(observe, reader.newest_number)
        self._lock = Lock()
        self._streams: dict[Peer, dict[str, Following]] = {}

    def forget(self, peer: Peer) -> None:
        """End the streams of *peer*."""
        with self._lock:
            streams = self._streams.pop(peer, {})
        for stream in streams.values():
            self._feed.remove(stream)

    def close(self) -> None:
        """Send no more lines."""
        self._feed.close()

    @channel("ai/logs/follow")
    def _follow(self, asked: LogFollowRequest, caller: Caller) -> LogFollowBegun:
        """Start a stream of the kept lines that are new, which arrive as `ai/logs/followed`. It
        ends with the client."""
        peer = caller.peer

        def send(batch: Batch) -> None:
            payload: FollowedLines = {
                "streamId": asked.stream_id,
                "lines": [line_json(kept, self._checks) for kept in batch.lines],
                "dropped": batch.dropped,
                "total": batch.total,
            }
            peer.send(FOLLOWED.message(payload))

        stream = Following(Matcher(asked.filter.read()), send, peer.waiting)
        with self._lock:
            streams = self._streams.setdefault(peer, {})
            before = streams.pop(asked.stream_id, None)
            if len(streams) >= _MAX_STREAMS:
                raise RequestError(Text("this client has too many streams"), ["streamId"])
            streams[asked.stream_id] = stream
            number = self._feed.add(stream)
        if before:
            self._feed.remove(before)
        return {"keptUntil": cursor_text(Cursor(0, number))}

    @channel("ai/logs/unfollow")
    def _unfollow(self, asked: LogUnfollowRequest, caller: Caller) -> None:
        """End a stream of this client."""
        with self._lock:
            stream = self._streams.get(caller.peer, {}).pop(asked.stream_id, None)
        if stream:
            self._feed.remove(stream)
