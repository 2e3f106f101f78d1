"""The samples of used resources, and their channels."""

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

from pydantic import Field

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import RequestError, SettingError, refuse_unknown
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.engine.values import DiskUse, Volume, VolumeUse
from aiserver_tray.features.activity.activity import text_of
from aiserver_tray.features.monitoring.events import STATS, WATCHED
from aiserver_tray.features.monitoring.forms import (
    MarkView,
    SeriesJson,
    StatsHistoryJson,
    history_json,
)
from aiserver_tray.features.monitoring.history import Mark, Span, span
from aiserver_tray.features.monitoring.samples import Sample, SampleJson, sample_json
from aiserver_tray.features.monitoring.statistics import (
    MAX_AGE_SECONDS,
    MachineUse,
    OperationMarks,
    Statistics,
    machine_use,
)
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Feature, OfModule, Payload, channel
from aiserver_tray.protocol.message import Caller, Peer
from aiserver_tray.settings.entries import OperationEntry
from aiserver_tray.spec import labels
from aiserver_tray.system.desktop import can_open_folder
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import make_folder

_DEFAULT_SECONDS: Final = 30 * 60
_MAX_MARKS: Final = 200
_KEPT_FILES: Final = 5

Seconds = Annotated[float, Field(ge=0, le=1e11)]


class StatsRequest(Payload):
    """A range of the last 30 days, of everything or of one module."""

    module: str | None = None
    """the module, with its services; all modules without it"""
    begin: Seconds | None = Field(default=None, alias="from")
    """seconds since 1970; 30 minutes before the end without it"""
    end: Seconds | None = Field(default=None, alias="to")
    """seconds since 1970; now without it"""
    points: int = Field(default=300, ge=10, le=600)
    """the largest number of times; older samples are kept with longer intervals"""


class CsvRequest(StatsRequest):
    """The same range as a table."""

    save: bool = False
    """also write it to a file on the owner's machine; of these, the newest five are kept"""


class CsvTable(TypedDict):
    """A table of comma-separated values."""

    name: str
    """a name for a file"""
    text: str
    file: str | None
    """the path of the file, if it was written"""
    canOpen: bool
    """`ai/logs/openExports` can show its folder"""


class Watched(Payload):
    """The modules that somebody looks at."""

    module: str | None = None
    """the module; all modules without it"""


class DiskRequest(Payload):
    """How old the answer may be."""

    refresh: bool = False
    """count again now, which takes the engine seconds; without it, every ten minutes at most"""


@dataclass(frozen=True)
class EngineDiskView(DiskUse):
    """Bytes on the disk of the engine."""

    time: int
    """when they were counted: seconds since 1970"""


class DiskJson(TypedDict):
    """The disk of the engine and its machine."""

    engine: EngineDiskView
    machine: MachineUse | None
    """`null`: the engine is not on this machine, or in a virtual one"""


class VolumeSize(TypedDict):
    """A volume."""

    name: str
    bytes: int | None
    """`null`: the engine can't tell"""


class VolumeSizes(TypedDict):
    """The volumes of a module."""

    volumes: list[VolumeSize]
    time: int
    """when they were counted: seconds since 1970"""


class MonitoringFeature(Feature):
    """``ai/stats/…``."""

    def __init__(self, place: Place) -> None:
        self._place = place
        core = self._core = place.core
        self._installation_id = place.app.settings.installation_id
        self._publish = place.publish
        self._exports = place.app.home.folder / "exports"
        marks = OperationMarks(place.app.settings.journal, lambda: place.engine_ids)
        file = place.kept_folder / "data" / "stats.sqlite"
        self._statistics = Statistics(core.engine, core.store, marks, file, self._on_sample)
        self._observers: tuple[Callable[[Sample], object], ...] = ()

    def start(self) -> None:
        self._statistics.start()

    def forget(self, peer: Peer) -> None:
        """End what *peer* watched."""
        self._statistics.watching.remove(peer)

    def close(self) -> None:
        self._statistics.close()

    def observe(self, callback: Callable[[Sample], object]) -> None:
        self._observers += (callback,)

    def _on_sample(self, sample: Sample) -> None:
        for observer in self._observers:
            observer(sample)
        self._publish(STATS.message(sample_json(sample)))

    @channel("ai/stats/history")
    def _history(self, asked: StatsRequest) -> StatsHistoryJson:
        """Get the resources that were used over time, with the operations and restarts."""
        return self._read(asked)

    @channel("ai/stats/csv")
    def _csv(self, asked: CsvRequest, caller: Caller) -> CsvTable:
        """Get the resources that were used over time as a table for spreadsheets."""
        text = csv_table(self._read(asked), caller.language)
        time = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        file = self._exports / f"stats-{time}{self._place.app.engine_label}.csv"
        if asked.save:
            _save(file, text)
        path = str(file) if asked.save else None
        return {"name": file.name, "text": text, "file": path, "canOpen": can_open_folder()}

    def _read(self, asked: StatsRequest) -> StatsHistoryJson:
        self._check(asked.module)
        now = time.time()
        end = now if asked.end is None else min(asked.end, now)
        begin = end - _DEFAULT_SECONDS if asked.begin is None else asked.begin
        if begin >= end:
            raise RequestError(Text("it begins after its end"), ["from", "to"])
        chosen = span(begin, end, asked.points, now)
        marks = self._marks(chosen, asked.module)
        return history_json(self._statistics.history, chosen, asked.module, marks)

    @channel("ai/stats/newest")
    def _newest(self) -> SampleJson:
        """Get the resources that everything uses, as of the newest sample."""
        return sample_json(self._statistics.sampler.newest)

    @channel("ai/stats/watch")
    def _watch(self, asked: Watched, caller: Caller) -> None:
        """Get a sample of a module, or of all, every second as `ai/stats/watched`, instead of those
        before. It ends with the client."""
        self._check(asked.module)
        peer = caller.peer
        modules = None if asked.module is None else frozenset({asked.module})
        self._statistics.watching.add(
            peer, modules, lambda sample: peer.send(WATCHED.message(sample_json(sample)))
        )

    @channel("ai/stats/unwatch")
    def _unwatch(self, caller: Caller) -> None:
        """End the samples of every second for this client."""
        self._statistics.watching.remove(caller.peer)

    @channel("ai/stats/disk")
    def _disk(self, asked: DiskRequest) -> DiskJson:
        """Get the disk use of the engine, and the free memory and disk of its machine."""
        counted = self._statistics.disk.counted(0 if asked.refresh else MAX_AGE_SECONDS)
        disk = view_of(EngineDiskView, counted.use, time=round(counted.time))
        return {"engine": disk, "machine": machine_use(self._core.engine)}

    @channel("ai/stats/volumes")
    def _volumes(self, asked: OfModule) -> VolumeSizes:
        """Get the sizes of a module's volumes with data. They are counted with the disk use of the
        engine; a volume that is newer lets the engine count again."""
        ours = {labels.INSTALLATION: self._installation_id, labels.MODULE: asked.module}

        def is_data(volume: Volume | VolumeUse) -> bool:
            return ours.items() <= volume.labels.items() and labels.CONFIG_OF not in volume.labels

        names = {volume.name for volume in self._core.engine.volumes.all() if is_data(volume)}
        counted = self._statistics.disk.counted()
        if names - {volume.name for volume in counted.volumes}:
            counted = self._statistics.disk.counted(0)
        sizes = {volume.name: volume.size for volume in counted.volumes}
        volumes: list[VolumeSize] = [{"name": n, "bytes": sizes.get(n)} for n in sorted(names)]
        return {"volumes": volumes, "time": round(counted.time)}

    def _check(self, module: str | None) -> None:
        if module is not None:
            refuse_unknown([module], (known.name for known in self._core.store.snapshot.modules))

    def _marks(self, chosen: Span, module: str | None) -> list[MarkView]:
        marks = self._statistics.history.marks(chosen)
        found = [_restart(mark) for mark in marks if module in (None, mark.module)]
        found += map(_operation, self._statistics.operations.between(chosen, module))
        return sorted(found, key=lambda mark: mark.time)[-_MAX_MARKS:]


def _save(file: Path, text: str) -> None:
    make_folder(file.parent)
    try:
        write_private(file, text.encode())
        for old in sorted(file.parent.glob("stats-*.csv"))[:-_KEPT_FILES]:
            old.unlink()
    except OSError as error:
        why = Text("can't write it ({reason}). Check its folder", reason=error)
        raise SettingError(str(file), why) from error


def _restart(mark: Mark) -> MarkView:
    return MarkView(time=mark.time, kind=mark.kind, modules=(mark.module,), service=mark.service)


def _operation(entry: OperationEntry) -> MarkView:
    return MarkView(
        time=entry.time.timestamp(),
        kind="operation",
        modules=entry.modules,
        seconds=entry.seconds,
        text=text_of(entry),
        activity=entry.id,
    )


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


def csv_table(history: StatsHistoryJson, language: Language) -> str:
    """A line for each time: all modules together, then each module or service, then what
    happened."""
    series: dict[str, Mapping[str, Any]] = dict(_series(history))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    heads = [f"{name} {unit}" for name in series for unit in UNITS.values()]
    writer.writerow(["time", *heads, "events"])
    times = history["times"]
    for place, at in enumerate(times):
        after = times[place + 1] if place + 1 < len(times) else at + history["interval"]
        events = [_text(m, language) for m in history["marks"] if at <= m.time < after]
        values = [values[field][place] for values in series.values() for field in UNITS]
        writer.writerow([datetime.fromtimestamp(at, UTC).isoformat(), *values, "; ".join(events)])
    return target.getvalue()


def _series(history: StatsHistoryJson) -> Iterator[tuple[str, SeriesJson]]:
    yield "total", history["total"]
    yield from ((one["module"], one) for one in history["modules"])
    yield from ((f"{one['module']}/{one['service']}", one) for one in history["services"])


def _text(mark: MarkView, language: Language) -> str:
    name = "/".join(part for part in (*mark.modules, mark.service) if part)
    return mark.text.render(language) if mark.text else f"{mark.kind}: {name}"
