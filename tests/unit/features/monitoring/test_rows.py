"""Rows of the history: packing rounds, and rolling up is what a naive sum finds."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.features.monitoring.rows import (
    FIELDS,
    Cell,
    Row,
    Values,
    packed,
    rolled,
    unpacked,
)

NUMBERS = st.one_of(st.just(math.nan), st.floats(0, 2.0**40, width=32))
VALUES = st.tuples(*[NUMBERS] * len(FIELDS))


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """The peak is unknown where the mean is, and not below it."""
    mean = draw(VALUES)
    above = draw(st.tuples(*[st.integers(0, 2).map(float)] * len(FIELDS)))
    return Cell(mean, tuple(m * (1 + a) for m, a in zip(mean, above, strict=True)))


ROWS = st.builds(
    Row, st.integers(1, 200), st.dictionaries(st.integers(0, 60_000), cells(), max_size=6)
)


@given(ROWS)
def test_a_packed_row_is_almost_the_same_again(row: Row) -> None:
    again = unpacked(packed(row))
    assert (again.samples, again.cells.keys()) == (row.samples, row.cells.keys())
    for number, cell in row.cells.items():
        assert again.cells[number].mean == pytest.approx(cell.mean, rel=2e-5, nan_ok=True)
        assert again.cells[number].peak == pytest.approx(cell.peak, rel=5e-3, nan_ok=True)
    for number in row.cells:
        assert unpacked(packed(row), {number}).cells.keys() == {number}


SAMPLES = st.lists(st.dictionaries(st.integers(0, 3), VALUES, max_size=4), min_size=1, max_size=40)


@given(SAMPLES, st.integers(1, 12))
def test_rolling_up_is_a_naive_sum(samples: Sequence[dict[int, Values]], size: int) -> None:
    rows = [Row(1, {n: Cell(values, values) for n, values in one.items()}) for one in samples]
    found = rolled(rows)
    assert found.samples == len(samples)
    assert found.cells.keys() == {number for one in samples for number in one}
    for number, cell in found.cells.items():
        for field in range(len(FIELDS)):
            column = [one[number][field] if number in one else 0.0 for one in samples]
            known = [value for value in column if not math.isnan(value)]
            mean = math.fsum(known) / len(known) if known else math.nan
            there = [one[number][field] for one in samples if number in one]
            peak = max((v for v in there if not math.isnan(v)), default=math.nan)
            assert cell.mean[field] == pytest.approx(mean, nan_ok=True)
            assert cell.peak[field] == pytest.approx(peak, nan_ok=True)
    if not any(math.isnan(value) for one in samples for values in one.values() for value in values):
        halves = [rolled(rows[at : at + size]) for at in range(0, len(rows), size)]
        again = rolled(halves)
        for number, cell in found.cells.items():
            assert again.cells[number].mean == pytest.approx(cell.mean)
            assert again.cells[number].peak == pytest.approx(cell.peak)
