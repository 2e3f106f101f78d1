"""A container's log, line by line."""

import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, Self

from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import LogLine, LogStreamName

MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
RAW = "application/vnd.docker.raw-stream"
"""The content types of an answer in frames, and without, from API 1.42 on."""
_HEADER = struct.Struct(">BxxxL")
"""The number of the output, and the length of the frame."""
_MAX_LINE_BYTES = 1 << 20
"""Longer lines are cut, because a program may write for ever without a line end."""
_PART_BYTES = 1 << 14
"""A line of more bytes than this comes in parts."""
_TIME_BYTES = 30
"""Length of a time in UTC with nanoseconds, which is what Docker writes."""

_Raw = tuple[LogStreamName, bytes, bytes]
"""A line as the engine sends it: its output, its time, and its text with a line end."""


class LogStream:
    """Lines of a log. Iterate it in one thread; `close` it from any."""

    def __init__(self, stream: Stream, *, framed: bool, follow: Literal["follow", "stop"]) -> None:
        self._stream = stream
        self._framed = framed
        self._follow = follow

    def __iter__(self) -> Iterator[LogLine]:
        """The lines, until the log ends or is closed.

        Raises:
            EngineDownError: the engine went away.
        """
        for lines in self.batches():
            yield from lines

    def batches(self) -> Iterator[list[LogLine]]:
        """The lines, as many at once as there are. A followed log is read with pauses, so that many
        lines at once cost little. Raises as iteration does."""
        splitter = Frames() if self._framed else _PlainLines()
        parse = LineReader().read
        if self._follow == "stop":
            self._stream.hurry()
        # Nothing in this chain holds what was passed on, while it waits for more.
        yield from filter(None, map(parse, map(splitter.feed, self._stream.bursts())))
        if raw := splitter.rest():
            yield parse(raw)

    def allow_silence(self, seconds: float) -> None:
        """Let its iteration raise `SilenceError` if so long no line comes. For the thread that
        iterates it."""
        self._stream.allow_silence(seconds)

    def hurry(self) -> None:
        """Read without pauses from now on. Can be called from any thread."""
        self._stream.hurry()

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
        found, end = _split_frames(held)
        yield from found
        held = held[end:]


def _split_frames(data: bytes) -> tuple[list[tuple[LogStreamName, bytes]], int]:
    """The complete frames of *data*, and their length."""
    found: list[tuple[LogStreamName, bytes]] = []
    unpack, size, begin = _HEADER.unpack_from, len(data), 0
    while begin + 8 <= size:
        number, length = unpack(data, begin)
        end = begin + 8 + length
        if end > size:
            break
        found.append(("stderr" if number == 2 else "stdout", data[begin + 8 : end]))
        begin = end
    return found, begin


class Frames:
    """The lines of a log in frames. A frame is a line with its time, or a part of a long one; parts
    have their time, too."""

    def __init__(self) -> None:
        self._held = b""
        self._begun: dict[LogStreamName, bytes] = {}
        self._cut: set[LogStreamName] = set()
        """Outputs whose last line was cut. The next part may only be its end."""

    def feed(self, piece: bytes) -> list[_Raw]:
        """The lines that *piece* completes."""
        data = self._held + piece
        found, end = _split_frames(data)
        self._held = data[end:]
        lines: list[_Raw] = []
        for name, frame in found:
            content = frame
            if self._begun and (before := self._begun.pop(name, None)):
                content = before + frame.partition(b" ")[2]
            if content[-1:] == b"\n":
                time, _, text = content.partition(b" ")
                if text != b"\n" or name not in self._cut:
                    lines.append((name, time, text))
                self._cut.discard(name)
            elif len(content) > _MAX_LINE_BYTES:
                lines.append(_ended(name, content))
                self._cut.add(name)
            else:
                self._begun[name] = content
        return lines

    def rest(self) -> list[_Raw]:
        """The lines without an end, once the log has ended."""
        return [_ended(name, content) for name, content in self._begun.items()]


def _ended(name: LogStreamName, content: bytes) -> _Raw:
    time, _, text = content.partition(b" ")
    return name, time, text + b"\n"


class _PlainLines:
    """The lines of the log of a container with a terminal, which has one output. The parts of a
    long line are joined, with their time between them."""

    def __init__(self) -> None:
        self._held = b""
        self._is_cut = False
        """The last line was cut. The next one may only be its end."""

    def feed(self, piece: bytes) -> list[_Raw]:
        """The lines that *piece* completes."""
        *complete, self._held = (self._held + piece).split(b"\n")
        lines = [_plain(line) for line in complete]
        if lines:
            if self._is_cut and lines[0][2] == b"\n":
                del lines[0]
            self._is_cut = False
        if len(self._held) > _MAX_LINE_BYTES:
            lines.append(_plain(self._held))
            self._held, self._is_cut = b"", True
        return lines

    def rest(self) -> list[_Raw]:
        """The line without an end, once the log has ended."""
        return [_plain(self._held)] if self._held else []


def _plain(line: bytes) -> _Raw:
    name, time, text = _ended("stdout", line)
    return name, time, text.replace(time + b" ", b"") if len(text) > _PART_BYTES else text


class LineReader:
    """Reads the times and texts of lines. Most lines are of the same second as the one before."""

    def __init__(self) -> None:
        self._second = b""
        self._begin = 0

    def read(self, lines: list[_Raw]) -> list[LogLine]:
        """*lines* with numbers as times."""
        # Once for all of them, which is much faster.
        content = b"".join([text for _, _, text in lines])
        if b"\r" in content:
            return self._read_each(lines)
        decoded = content.decode(errors="replace").split("\n")
        if len(decoded) != len(lines) + 1:  # one contains line ends
            return self._read_each(lines)
        second, begin, slow = self._second, self._begin, self._line
        return [
            LogLine(name, begin + int(time[20:29]), text)
            if time[:19] == second and len(time) == _TIME_BYTES
            else slow(name, time, text)
            for (name, time, _), text in zip(lines, decoded, strict=False)
        ]

    def _read_each(self, lines: list[_Raw]) -> list[LogLine]:
        return [
            self._line(name, time, part)
            for name, time, content in lines
            for part in content.rstrip(b"\r\n").decode(errors="replace").split("\n")
        ]

    def _line(self, name: LogStreamName, time: bytes, text: str) -> LogLine:
        nanoseconds = self._nanoseconds(time)
        if nanoseconds is None:  # a line without its time: part of a longer one
            text = f"{time.decode(errors='replace')} {text}".rstrip()
        return LogLine(name, nanoseconds, text)

    def _nanoseconds(self, time: bytes) -> int | None:
        is_utc = time[-1:] == b"Z"
        if time[:19] != self._second or not is_utc:
            try:
                self._begin = _begin_of_second(time.decode())
            except ValueError:
                return None
            self._second = time[:19] if is_utc else b""
        digits = time[20:-1] if is_utc else time[20:-6]
        return self._begin + int(digits.ljust(9, b"0"))


def _begin_of_second(time: str) -> int:
    """The begin of the second of *time*, which has the form of RFC 3339, in nanoseconds."""
    zone = "+00:00" if time.endswith("Z") else time[-6:]
    return int(datetime.fromisoformat(time[:19] + zone).timestamp()) * 10**9


def log_params(
    *, since: int | None, tail: int | None, follow: Literal["follow", "stop"]
) -> Mapping[str, str]:
    """The query of a request for a log. *since*: nanoseconds since 1970."""
    params = {"stdout": "1", "stderr": "1", "timestamps": "1"}
    if follow == "follow":
        params["follow"] = "1"
    if since is not None:
        seconds, fraction = divmod(since, 10**9)
        params["since"] = f"{seconds}.{fraction:09}"
    if tail is not None:
        params["tail"] = str(tail)
    return params
