"""Points in time as people give them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.cli.words import parse_since

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5s", timedelta(seconds=1.5)),
    ],
)
def test_a_span_is_counted_back_from_now(text: str, ago: timedelta) -> None:
    assert parse_since(text, NOW) == NOW - ago


def test_a_date_may_have_a_zone_and_is_local_without() -> None:
    assert parse_since("2026-01-31T12:00:00Z", NOW) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert parse_since("2026-01-31T12:00+08:00", NOW) == datetime(2026, 1, 31, 4, tzinfo=UTC)
    assert parse_since("2026-01-31", NOW) == datetime(2026, 1, 31).astimezone()


@pytest.mark.parametrize("text", ["", " ", "10", "m", "30m2h", "yesterday", "-5m", "999999999999d"])
def test_text_that_is_no_time_is_refused(text: str) -> None:
    assert parse_since(text, NOW) is None


@given(st.text())
def test_no_text_is_an_exception(text: str) -> None:
    found = parse_since(text, NOW)
    assert found is None or found.tzinfo is not None
