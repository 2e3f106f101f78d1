"""Rows of the history: what all series had in one span of time. Pure."""

import math
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import add, mul
from typing import Final, NamedTuple

FIELDS: Final = ("cpu", "memory", "rx", "tx", "read", "write", "pids")
"""The values of a series, in order; as in `Load`."""

_WIDTH = len(FIELDS)
_LEVEL = 6
_MEAN_BYTES, _PEAK_BYTES = 3, 2
_HEAD = struct.Struct("<HH")

Values = tuple[float, ...]
"""One for each of `FIELDS`; not a number: not known."""

UNKNOWN: Final[Values] = (math.nan,) * _WIDTH
_NOTHING: Final[Values] = (0.0,) * _WIDTH


class Cell(NamedTuple):
    """Mean and greatest values of a series."""

    mean: Values
    peak: Values


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of all series, by number, in a span with so many ``samples``. A series without a
    cell did not run. One that did not run all the time counts as 0 in the rest, so that the mean of
    a sum is the sum of the means."""

    samples: int
    cells: Mapping[int, Cell]


def packed(row: Row) -> bytes:
    """*row* as a few bytes, with 16 significant bits of each mean and 8 of the distance of its
    peak, which is mostly 0. Column by column and byte by byte, so that like is beside like."""
    numbers = sorted(row.cells)
    cells = [row.cells[number] for number in numbers]
    means = [cell.mean[field] for field in range(_WIDTH) for cell in cells]
    above = [cell.peak[field] - cell.mean[field] for field in range(_WIDTH) for cell in cells]
    ids = struct.pack(f"<{len(numbers)}H", *numbers)
    body = _truncated(means, _MEAN_BYTES) + _truncated(above, _PEAK_BYTES)
    return zlib.compress(_HEAD.pack(row.samples, len(numbers)) + ids + body, _LEVEL)


def unpacked(data: bytes, wanted: Collection[int] | None = None) -> Row:
    """The row of *data*, with only the *wanted* series."""
    content = zlib.decompress(data)
    samples, count = _HEAD.unpack_from(content)
    numbers = struct.unpack_from(f"<{count}H", content, _HEAD.size)
    begin, size = _HEAD.size + 2 * count, count * _WIDTH
    middle = begin + size * _MEAN_BYTES
    means = _restored(content[begin:middle], size)
    above = _restored(content[middle:], size)
    cells = {}
    for index, number in enumerate(numbers):
        if wanted is None or number in wanted:
            mean = means[index::count]
            cells[number] = Cell(mean, tuple(map(add, mean, above[index::count])))
    return Row(samples, cells)


def _truncated(values: Sequence[float], size: int) -> bytes:
    """The first *size* bytes of each as a 32-bit number: all first bytes, then all second ones."""
    half = 1 + 2.0 ** -(8 * size - 8)  # rounds what is cut off
    data = struct.pack(f">{len(values)}f", *(value * half for value in values))
    return b"".join(data[byte::4] for byte in range(size))


def _restored(data: bytes, count: int) -> tuple[float, ...]:
    whole = bytearray(4 * count)
    for byte in range(len(data) // count if count else 0):
        whole[byte::4] = data[byte * count : (byte + 1) * count]
    return struct.unpack(f">{count}f", whole)


def rolled(rows: Sequence[Row]) -> Row:
    """The row of the whole span of *rows*."""
    if len(rows) == 1:
        return rows[0]
    weights = [row.samples for row in rows]
    cells = {}
    for number in {number for row in rows for number in row.cells}:
        found = [row.cells.get(number) for row in rows]
        means = zip(*(cell.mean if cell else _NOTHING for cell in found), strict=True)
        peaks = zip(*(cell.peak for cell in found if cell), strict=True)
        mean = tuple(_mean(column, weights) for column in means)
        cells[number] = Cell(mean, tuple(map(_peak, peaks)))
    return Row(sum(weights), cells)


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """Of the known *values*."""
    total: float = sum(map(mul, values, weights))
    if not math.isnan(total):
        return total / sum(weights)
    known = [pair for pair in zip(values, weights, strict=True) if not math.isnan(pair[0])]
    weight = sum(own for _, own in known)
    return sum(value * own for value, own in known) / weight if weight else math.nan


def _peak(values: Sequence[float]) -> float:
    if not math.isnan(sum(values)):
        return max(values)
    return max((value for value in values if not math.isnan(value)), default=math.nan)
