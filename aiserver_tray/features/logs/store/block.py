"""Blocks of lines as bytes: columns and text apart, so that a question unpacks little. Pure."""

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import le, lt, sub
from typing import Final, NamedTuple, get_args

from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.features.logs.line import Level

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class UnpackError(Exception):
    """A block is damaged on the disk. SQLite does not notice it, but the checksum does, or the
    parts of the block do not fit each other."""


MAX_UNPACKED: Final = 16 << 20
"""Bytes of a part of a block. Ours are much smaller; a damaged one may unpack to any size."""

_PACKING: Mapping[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
_LEVELS: Sequence[Level] = get_args(Level)
_STREAMS: Sequence[LogStreamName] = get_args(LogStreamName)
_KIND_BITS = 5
_STREAM_BIT, _CONTINUES_BIT = 8, 16


class Kind(NamedTuple):
    """What the tag of a line says besides its source."""

    stream: LogStreamName
    level: Level
    continues: bool


KINDS: Mapping[int, Kind] = {
    level | stream * _STREAM_BIT | continues * _CONTINUES_BIT: Kind(
        _STREAMS[stream], _LEVELS[level], bool(continues)
    )
    for level in range(len(_LEVELS))
    for stream in range(len(_STREAMS))
    for continues in range(2)
}
_NUMBERS = {kind: number for number, kind in KINDS.items()}


def tag(source: int, kind: Kind) -> int:
    """One number for the source, the output, the level and whether a line continues an entry."""
    return source << _KIND_BITS | _NUMBERS[kind]


def source_of(tag: int) -> int:
    return tag >> _KIND_BITS


def kind_of(tag: int) -> Kind:
    damaged = Kind("stdout", "unknown", False)  # noqa: FBT003 - of a named tuple
    return KINDS.get(tag & (1 << _KIND_BITS) - 1, damaged)


class Rows(NamedTuple):
    """Lines in the order of their cursors."""

    times: Sequence[int]
    numbers: Sequence[int]
    tags: Sequence[int]
    texts: Sequence[bytes]
    """UTF-8 without line ends"""

    @classmethod
    def merged(cls, parts: Iterable["Rows"]) -> "Rows":
        """The lines of all *parts*."""
        times, numbers, tags, texts = (
            [item for column in columns for item in column] for columns in zip(*parts, strict=True)
        )
        return Rows(times, numbers, tags, texts).ordered()

    def ordered(self) -> "Rows":
        """In the order of time, then of number, by which they are ordered before."""
        times, numbers = self.times, self.numbers
        if all(map(le, times, times[1:])):
            return self
        return self.picked(sorted(range(len(times)), key=lambda row: (times[row], numbers[row])))

    def picked(self, order: Sequence[int]) -> "Rows":
        """The lines at these places."""
        return Rows(
            [self.times[row] for row in order],
            [self.numbers[row] for row in order],
            [self.tags[row] for row in order],
            [self.texts[row] for row in order],
        )

    def cut(self, size: int) -> Iterator["Rows"]:
        """Equal parts of about *size* bytes of text."""
        ends = list(accumulate(len(text) + 1 for text in self.texts))
        parts = max(1, ends[-1] // size)
        begin = 0
        for part in range(1, parts + 1):
            end = bisect_left(ends, ends[-1] * part // parts) + 1
            if begin < end:
                yield self.picked(range(begin, end))
                begin = end


class Head(NamedTuple):
    """What is known of a block without unpacking it."""

    first: int
    last: int
    lines: int
    number: int
    """the least"""
    end: int
    """above the greatest number"""
    tags: bytes
    """different tags, then the count of lines of each"""

    def counts(self) -> "tuple[array[int], array[int]]":
        """The different tags, and the count of lines of each."""
        both = array("I", self.tags)
        half = len(both) // 2
        return both[:half], both[half:]


class Stored(NamedTuple):
    """A block as it is stored, but for compression."""

    head: Head
    columns: bytes
    body: bytes
    """the texts, each but the last with a line feed"""


class Columns(NamedTuple):
    """A block without its text."""

    times: "array[int]"
    numbers: Sequence[int]
    places: Sequence[int]
    """of each line: where the head has its tag"""


def encode(rows: Rows) -> Stored:
    """A block of *rows*, which are in order."""
    times, numbers = rows.times, rows.numbers
    counts = Counter(rows.tags)
    place = {tag: number for number, tag in enumerate(counts)}
    least, end = min(numbers), max(numbers) + 1
    tags = (array("I", counts) + array("I", counts.values())).tobytes()
    head = Head(times[0], times[-1], len(times), least, end, tags)
    places = array(_place_type(len(counts)), map(place.__getitem__, rows.tags))
    # Lines are usually stored in their order; then the least number says it all.
    is_range = end - least == len(numbers) and all(map(lt, numbers, numbers[1:]))
    offsets = b"" if is_range else array("I", [number - least for number in numbers]).tobytes()
    return Stored(head, _times(times) + places.tobytes() + offsets, b"\n".join(rows.texts))


def columns(head: Head, stored: bytes) -> Columns:
    """Read the columns of a block, which are not compressed.

    Raises:
        UnpackError: they are damaged.
    """
    count, different = head.lines, len(head.tags) // 8
    places = array(_place_type(different))
    begin, offsets = 8 * count, (8 + places.itemsize) * count
    is_range = len(stored) == offsets and head.end - head.number == count
    if count < 1 or not (is_range or len(stored) == offsets + 4 * count):
        raise UnpackError
    places.frombytes(stored[begin:offsets])
    if max(places) >= different:
        raise UnpackError
    numbers: Sequence[int] = range(head.number, head.end)
    if not is_range:
        numbers = [head.number + offset for offset in array("I", stored[offsets:])]
        if max(numbers) >= head.end:
            raise UnpackError
    try:
        return Columns(_read_times(head.first, stored[:begin]), numbers, places)
    except OverflowError:
        raise UnpackError from None


def rows(head: Head, columns: Columns, texts: Sequence[bytes]) -> Rows:
    different, _ = head.counts()
    tags = [different[place] for place in columns.places]
    return Rows(columns.times, columns.numbers, tags, texts)


def pack(part: bytes) -> bytes:
    """Compress a part of a block."""
    return zstd.compress(part, options=_PACKING)


def unpack(stored: bytes) -> bytes:
    """Decompress a part of a block.

    Raises:
        UnpackError: it is damaged, or larger than `MAX_UNPACKED`.
    """
    unpacking = zstd.ZstdDecompressor()
    try:
        found = unpacking.decompress(stored, max_length=MAX_UNPACKED)
    except zstd.ZstdError as error:
        raise UnpackError from error
    if not unpacking.eof:
        raise UnpackError
    return found


def _place_type(tags: int) -> str:
    return "B" if tags <= 256 else "H"


def _times(times: Sequence[int]) -> bytes:
    """Differences in planes, from the lowest to the highest byte of each: the high ones are nearly
    always 0 and take no space, where zstd finds little in bytes that alternate."""
    steps = array("q", [0, *map(sub, times[1:], times)]).tobytes()
    return b"".join(steps[plane::8] for plane in range(8))


def _read_times(first: int, planes: bytes) -> "array[int]":
    count = len(planes) // 8
    steps = bytearray(len(planes))
    for plane in range(8):
        steps[plane::8] = planes[plane * count : (plane + 1) * count]
    differences = array("q", bytes(steps))
    differences[0] = first
    return array("q", accumulate(differences))
