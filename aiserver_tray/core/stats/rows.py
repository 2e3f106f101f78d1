"""Rows of the history: what all series had in one span of time. Pure."""

import math
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

FIELDS: Final = ("cpu", "memory", "rx", "tx", "read", "write", "pids")
"""The values of a series, in order; as in `Load`."""

_WIDTH = len(FIELDS)
_LEVEL = 6
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
    """*row* as a few bytes. Column by column, and the peak as its distance from the mean, which is
    mostly 0: that halves the size."""
    numbers = sorted(row.cells)
    cells = [row.cells[number] for number in numbers]
    columns = [cell.mean[field] for field in range(_WIDTH) for cell in cells]
    columns += [cell.peak[field] - cell.mean[field] for field in range(_WIDTH) for cell in cells]
    body = struct.pack(f"<{len(numbers)}H{len(columns)}f", *numbers, *columns)
    return zlib.compress(_HEAD.pack(row.samples, len(numbers)) + body, _LEVEL)


def unpacked(data: bytes, wanted: Collection[int] | None = None) -> Row:
    """The row of *data*, with only the *wanted* series."""
    content = zlib.decompress(data)
    samples, count = _HEAD.unpack_from(content)
    numbers = struct.unpack_from(f"<{count}H", content, _HEAD.size)
    values = struct.unpack_from(f"<{count * 2 * _WIDTH}f", content, _HEAD.size + 2 * count)
    middle = count * _WIDTH
    cells = {}
    for index, number in enumerate(numbers):
        if wanted is None or number in wanted:
            mean = values[index:middle:count]
            above = values[middle + index :: count]
            cells[number] = Cell(mean, tuple(m + a for m, a in zip(mean, above, strict=True)))
    return Row(samples, cells)


def rolled(rows: Sequence[Row]) -> Row:
    """The row of the whole span of *rows*."""
    if len(rows) == 1:
        return rows[0]
    numbers = {number for row in rows for number in row.cells}
    weights = [row.samples for row in rows]
    cells = {}
    for number in numbers:
        found = [row.cells.get(number) for row in rows]
        means = zip(*(cell.mean if cell else _NOTHING for cell in found), strict=True)
        peaks = zip(*(cell.peak for cell in found if cell), strict=True)
        cells[number] = Cell(
            tuple(_mean(column, weights) for column in means), tuple(map(_peak, peaks))
        )
    return Row(sum(weights), cells)


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """Of the known *values*."""
    total, weight = 0.0, 0
    for value, own in zip(values, weights, strict=True):
        if value == value:  # noqa: PLR0124 - a number
            total += value * own
            weight += own
    return total / weight if weight else math.nan


def _peak(values: Iterable[float]) -> float:
    return max((value for value in values if value == value), default=math.nan)  # noqa: PLR0124
