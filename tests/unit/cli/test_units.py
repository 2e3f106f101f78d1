"""Amounts read as people write them."""

import pytest

from aiserver_tray.cli import words


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (456_700_000, "456.7 MB"),
        (12e15, "12000.0 TB"),
    ],
)
def test_sizes(count: float, shown: str) -> None:
    assert words.size(count) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0.0 MiB"),
        (12_900_000, "12.3 MiB"),
        (999 << 20, "999.0 MiB"),
        (1000 << 20, "1.0 GiB"),
        (16 << 30, "16.0 GiB"),
    ],
)
def test_memory(count: int, shown: str) -> None:
    assert words.memory(count) == shown


@pytest.mark.parametrize(
    ("duration", "shown", "rough"),
    [
        (0.04, "0.0 s", "1 s"),
        (12.34, "12.3 s", "12 s"),
        (99.97, "1 min 40 s", "1 min 40 s"),
        (125, "2 min 05 s", "2 min 05 s"),
        (3599.9, "1 h 00 min", "1 h 00 min"),
        (3725, "1 h 02 min", "1 h 02 min"),
    ],
)
def test_durations(duration: float, shown: str, rough: str) -> None:
    assert words.seconds(duration) == shown
    assert words.rough_seconds(duration) == rough
