"""A history as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiserver_tray.core.stats.forms import MarkJson, SeriesJson, StatsHistoryJson

UNITS: Final = {
    "cpu": "cpu %",
    "memory": "memory B",
    "rx": "rx B/s",
    "tx": "tx B/s",
    "read": "read B/s",
    "write": "write B/s",
    "pids": "pids",
}
"""Of the values, in the order of the columns; CPU in percent of one processor."""


def csv_table(history: StatsHistoryJson) -> str:
    """A line for each time: all modules together, then each module or service, then what
    happened."""
    series: dict[str, Mapping[str, Any]] = dict(_series(history))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    heads = [f"{name} {unit}" for name in series for unit in UNITS.values()]
    writer.writerow(["time", *heads, "events"])
    times = history["times"]
    for place, time in enumerate(times):
        after = times[place + 1] if place + 1 < len(times) else time + history["interval"]
        events = [_text(m) for m in history["marks"] if time <= m["time"] < after]
        values = [values[field][place] for values in series.values() for field in UNITS]
        writer.writerow([datetime.fromtimestamp(time, UTC).isoformat(), *values, "; ".join(events)])
    return target.getvalue()


def _series(history: StatsHistoryJson) -> Iterator[tuple[str, SeriesJson]]:
    yield "total", history["total"]
    yield from ((one["module"], one) for one in history["modules"])
    yield from ((f"{one['module']}/{one['service']}", one) for one in history["services"])


def _text(mark: MarkJson) -> str:
    name = "/".join(part for part in (*mark["modules"], mark["service"]) if part)
    return mark["text"] or f"{mark['kind']}: {name}"
