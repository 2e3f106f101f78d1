"""A point in time as people give it."""

import re
from datetime import UTC, datetime, timedelta

import click

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.common import language_of

_SPAN = re.compile(
    r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)


class Since(click.ParamType[datetime]):
    """``10m`` or ``1h30m`` ago, or an ISO 8601 date and time (local time without a zone)."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Convert to a point in time.

        Raises:
            click.BadParameter: it is none.
        """
        if isinstance(value, datetime):
            return value
        found = parse_since(str(value), datetime.now(UTC))
        if found is None:
            text = Text(
                "expected a duration such as 10m, 2h or 1d, or a time such as 2026-01-31T12:00, "
                "found {value!r}",
                value=value,
            )
            self.fail(text.render(language_of(ctx)), param, ctx)
        return found


def parse_since(text: str, now: datetime) -> datetime | None:
    """The point in time of *text*, relative to *now*. None if it is not valid."""
    text = text.strip()
    span = _SPAN.fullmatch(text)
    if text and span:
        parts = {name: float(value) for name, value in span.groupdict().items() if value}
        try:
            return now - timedelta(**parts)
        except OverflowError:
            return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
