"""Moments as nanoseconds since 1970, which are exact where a datetime has microseconds."""

from datetime import UTC, datetime, timedelta

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """*moment*, which has a time zone, as nanoseconds."""
    return (moment - _BEGIN) // timedelta(microseconds=1) * 1000


def moment_of(nanoseconds: int) -> datetime:
    """*nanoseconds* as a moment, cut to microseconds."""
    return _BEGIN + timedelta(microseconds=nanoseconds // 1000)


def rfc3339(nanoseconds: int) -> str:
    """*nanoseconds* as text, with all digits, such as ``2026-01-31T12:00:00.123456789Z``."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{moment_of(seconds * 10**9):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"
