"""Amounts and points in time as people read and write them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.cli.words import memory, parse_since, rough_seconds, seconds, size

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_sizes_and_memory() -> None:
    sizes: dict[float, str] = {
        0: "0 B",
        999: "999 B",
        1000: "1.0 kB",
        999_949: "999.9 kB",
        999_999: "1.0 MB",
        456_700_000: "456.7 MB",
        12e15: "12000.0 TB",
    }
    assert {count: size(count) for count in sizes} == sizes
    memories = {
        0: "0.0 MiB",
        12_900_000: "12.3 MiB",
        999 << 20: "999.0 MiB",
        1000 << 20: "1.0 GiB",
        16 << 30: "16.0 GiB",
    }
    assert {count: memory(count) for count in memories} == memories


def test_durations() -> None:
    durations = {
        0.04: ("0.0 s", "1 s"),
        12.34: ("12.3 s", "12 s"),
        99.97: ("1 min 40 s",) * 2,
        125: ("2 min 05 s",) * 2,
        3599.9: ("1 h 00 min",) * 2,
        3725: ("1 h 02 min",) * 2,
    }
    assert {one: (seconds(one), rough_seconds(one)) for one in durations} == durations


def test_a_span_is_counted_back_from_now_and_a_date_is_local_without_a_zone() -> None:
    spans = {"10m": 600, "2h": 7200, "1d": 86400, "1h30m": 5400, "1.5s": 1.5}
    times = {text: NOW - timedelta(seconds=ago) for text, ago in spans.items()} | {
        "2026-01-31T12:00:00Z": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "2026-01-31T12:00+08:00": datetime(2026, 1, 31, 4, tzinfo=UTC),
        "2026-01-31": datetime(2026, 1, 31).astimezone(),
    }
    assert {text: parse_since(text, NOW) for text in times} == times
    for text in ("", " ", "10", "m", "30m2h", "yesterday", "-5m", "999999999999d"):
        assert parse_since(text, NOW) is None


@given(st.text())
def test_no_text_is_an_exception(text: str) -> None:
    found = parse_since(text, NOW)
    assert found is None or found.tzinfo is not None
