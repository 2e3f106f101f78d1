"""A container's log, line by line."""

import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, Self

from aiserver_tray.engine.parse import moment
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import LogLine

LogStreamName = Literal["stdout", "stderr"]

MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
RAW = "application/vnd.docker.raw-stream"
"""The content types of an answer in frames, and without, from API 1.42 on."""

_HEADER_BYTES = 8
_MAX_LINE_BYTES = 1 << 20
"""Maximum bytes of a line; longer lines are cut, because a program may write for ever without a
line end."""


class LogStream:
    """Lines of a log. Iterate it in one thread; `close` it from any."""

    def __init__(self, stream: Stream, *, framed: bool) -> None:
        self._stream = stream
        self._framed = framed

    def __iter__(self) -> Iterator[LogLine]:
        """The lines, until the log ends or is closed.

        Raises:
            EngineDownError: the engine went away.
        """
        return _framed_lines(self._stream) if self._framed else _plain_lines(self._stream)

    def close(self) -> None:
        """Close the log, from any thread. Its iteration ends without an error."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def frames(pieces: Iterator[bytes]) -> Iterator[tuple[LogStreamName, bytes]]:
    """The frames that contain both outputs of a program: eight bytes with the stream's number
    and the length, then that many bytes
    (https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach)."""
    held = b""
    for piece in pieces:
        held += piece
        start = 0
        while len(held) - start >= _HEADER_BYTES:
            number, length = struct.unpack_from(">BxxxL", held, start)
            end = start + _HEADER_BYTES + length
            if end > len(held):
                break
            yield "stderr" if number == 2 else "stdout", held[start + _HEADER_BYTES : end]
            start = end
        held = held[start:]


def _framed_lines(stream: Stream) -> Iterator[LogLine]:
    """A frame is a line with its time, or a part of a long one: parts have their time too."""
    begun: dict[LogStreamName, bytes] = {}
    for name, frame in frames(iter(stream)):
        before = begun.pop(name, b"")
        content = before + frame.partition(b" ")[2] if before else frame
        if content.endswith(b"\n") or len(content) > _MAX_LINE_BYTES:
            yield _line(name, content)
        else:
            begun[name] = content
    for name, content in begun.items():
        yield _line(name, content)


def _plain_lines(stream: Stream) -> Iterator[LogLine]:
    """The log of a container with a terminal, which has one output."""
    for content in stream.lines():
        yield _line("stdout", content)


def _line(name: LogStreamName, content: bytes) -> LogLine:
    stamp, _, text = content.decode(errors="replace").rstrip("\r\n").partition(" ")
    try:
        return LogLine(name, moment(stamp), text)
    except ValueError:  # a line without its time: part of a longer one
        return LogLine(name, None, f"{stamp} {text}".rstrip())


def log_params(
    *, since: datetime | None, tail: int | None, follow: Literal["follow", "stop"]
) -> Mapping[str, str]:
    """The query of a request for a log."""
    params = {"stdout": "1", "stderr": "1", "timestamps": "1"}
    if follow == "follow":
        params["follow"] = "1"
    if since is not None:
        params["since"] = f"{since.timestamp():.6f}"
    if tail is not None:
        params["tail"] = str(tail)
    return params
