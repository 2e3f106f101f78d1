"""Channels that send kept log lines as they come."""

from threading import Lock
from typing import TypedDict

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.log_filter import LogFilterForm
from aiserver_tray.contract.channels.log_forms import cursor_text, line_json
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller, Peer
from aiserver_tray.core.logs.feed import Batch, Following, LineFeed, Observe
from aiserver_tray.core.logs.matcher import Matcher
from aiserver_tray.core.logs.store.line import Cursor
from aiserver_tray.core.logs.store.reader import LogReader
from aiserver_tray.features.logs.events import FOLLOWED

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

    def __init__(self, observe: Observe, reader: LogReader) -> None:
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
            lines = [line_json(kept) for kept in batch.lines]
            peer.send(
                FOLLOWED.message(
                    {
                        "streamId": asked.stream_id,
                        "lines": lines,
                        "dropped": batch.dropped,
                        "total": batch.total,
                    }
                )
            )

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
