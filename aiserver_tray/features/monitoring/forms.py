"""The forms in which clients get the history of samples."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Literal, TypedDict, cast

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.monitoring.history import TOTAL, History, Span
from aiserver_tray.features.monitoring.rows import FIELDS, UNKNOWN, Cell, Values
from aiserver_tray.features.monitoring.samples import Address, rounded


class SeriesJson(TypedDict):
    """The resources that were used over time: of each span of time the mean. `null`: not known, or
    it did not run."""

    cpu: list[float | None]
    """in percent of one processor"""
    memory: list[int | None]
    """in bytes"""
    rx: list[int | None]
    """bytes per second that it received from the network"""
    tx: list[int | None]
    """bytes per second that it sent"""
    read: list[int | None]
    """bytes per second that it read from disks"""
    write: list[int | None]
    """bytes per second that it wrote"""
    pids: list[int | None]
    """processes and threads"""


class ModuleSeriesJson(SeriesJson):
    """The resources that a module used over time."""

    module: str


class ServiceSeriesJson(ModuleSeriesJson):
    """The resources that a service used over time."""

    service: str


@dataclass(frozen=True, kw_only=True)
class MarkView:
    """Something that happened, for the time axis."""

    time: float
    """seconds since 1970"""
    kind: Literal["operation", "restart", "exit"]
    """`operation`: of the journal; `restart`, `exit`: of a service without an operation"""
    modules: tuple[str, ...]
    """names of modules"""
    service: str | None = None
    """of `restart` and `exit`"""
    seconds: float | None = None
    """duration of an operation, if it has ended"""
    text: Text | None = None
    """the operation, for people"""
    activity: str | None = None
    """id of the operation for `ai/activity/list`"""


class StatsHistoryJson(TypedDict):
    """The resources that were used over time."""

    interval: int
    """seconds between two times"""
    times: list[int]
    """begin of each span of time, the newest last: seconds since 1970"""
    total: SeriesJson
    """all modules together"""
    modules: list[ModuleSeriesJson]
    """each module that ran, or only the requested one"""
    services: list[ServiceSeriesJson]
    """the services of the requested module; without one, none"""
    peaks: SeriesJson
    """the greatest values within each span of time, of the requested module or of all together"""
    marks: list[MarkView]
    """operations, restarts and exits, in order; of more than 200 the newest"""


_Rows = Mapping[int, Mapping[Address, Cell]]
_mean, _peak = attrgetter("mean"), attrgetter("peak")


def history_json(
    history: History, span: Span, module: str | None, marks: Sequence[MarkView]
) -> StatsHistoryJson:
    """The *history* in *span* of everything, or of *module* with its services."""
    wanted = [address for address in history.addresses() if _is_wanted(address, module)]
    rows = history.rows(span, wanted)
    times = _times(span, rows)
    found = sorted({address for row in rows.values() for address in row} - {TOTAL})
    whole = TOTAL if module is None else (module, "")
    mean = partial(_series, rows, times, choose=_mean)
    return {
        "interval": span.step,
        "times": times,
        "total": mean(TOTAL),
        "modules": [{"module": name, **mean((name, ""))} for name, service in found if not service],
        "services": [{"module": m, "service": s, **mean((m, s))} for m, s in found if s],
        "peaks": _series(rows, times, whole, _peak),
        "marks": [*marks],
    }


def _is_wanted(address: Address, module: str | None) -> bool:
    return address == TOTAL or (not address[1] if module is None else address[0] == module)


def _times(span: Span, rows: _Rows) -> list[int]:
    """Without the last ones if their samples are still to come."""
    times = list(span.times)
    while len(times) > len(span.times) - 2 and times and times[-1] not in rows:
        times.pop()
    return times


def _series(
    rows: _Rows, times: Iterable[int], address: Address, choose: Callable[[Cell], Values]
) -> SeriesJson:
    cells = (rows.get(time, {}).get(address) for time in times)
    found = [choose(cell) if cell else UNKNOWN for cell in cells]
    series = {name: [rounded(name, v[place]) for v in found] for place, name in enumerate(FIELDS)}
    return cast("SeriesJson", series)
