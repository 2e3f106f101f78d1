"""The forms in which clients get samples."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

from aiserver_tray.core.stats.history import INTERVAL_SECONDS, Load, Sample, total


class LoadJson(TypedDict):
    """What was used at one moment."""

    cpu: float | None
    """in percent of one processor, as `docker stats` shows it; `null` if it is not known yet"""
    memory: int | None
    """in bytes, without the page cache; `null` if it is not known"""


class ModuleLoadJson(LoadJson):
    """What a module used at one moment."""

    module: str


class ServiceLoadJson(ModuleLoadJson):
    """What a service used at one moment."""

    service: str


class SampleJson(TypedDict):
    """What everything used at one moment."""

    time: int
    """seconds since 1970"""
    total: LoadJson
    """all modules together"""
    modules: list[ModuleLoadJson]
    """the modules that run"""
    services: list[ServiceLoadJson]
    """the services that run"""


class SeriesJson(TypedDict):
    """What was used over time, a value for each of the times."""

    cpu: list[float | None]
    """in percent of one processor; `null` if it is not known, or nothing ran"""
    memory: list[int | None]
    """in bytes"""


class ModuleSeriesJson(SeriesJson):
    """What a module used over time."""

    module: str


class ServiceSeriesJson(ModuleSeriesJson):
    """What a service used over time."""

    service: str


class StatsHistoryJson(TypedDict):
    """What was used in the last 30 minutes."""

    interval: int
    """seconds between two samples"""
    times: list[int]
    """when each sample was taken, the newest last: seconds since 1970"""
    total: SeriesJson
    """all modules together"""
    modules: list[ModuleSeriesJson]
    """each module that ran, or only the requested one"""
    services: list[ServiceSeriesJson]
    """the services of the requested module; without one, none"""


def sample_json(sample: Sample) -> SampleJson:
    """*sample*, with the sums of its modules."""
    loads = sample.loads or {}
    return {
        "time": round(sample.time),
        "total": _load(_everything(sample)),
        "modules": [
            {"module": module, **_load(_of_module(sample, module))}
            for module in sorted({module for module, _ in loads})
        ],
        "services": [
            {"module": module, "service": service, **_load(load)}
            for (module, service), load in sorted(loads.items())
        ],
    }


def history_json(samples: Sequence[Sample], module: str | None) -> StatsHistoryJson:
    """*samples* of everything, or of *module* with its services."""
    addresses = sorted({address for sample in samples for address in sample.loads or ()})
    if module is not None:
        addresses = [address for address in addresses if address[0] == module]
    return {
        "interval": INTERVAL_SECONDS,
        "times": [round(sample.time) for sample in samples],
        "total": _series(map(_everything, samples)),
        "modules": [
            {"module": name, **_series(_of_module(sample, name) for sample in samples)}
            for name in dict.fromkeys(name for name, _ in addresses)
        ],
        "services": [
            {
                "module": address[0],
                "service": address[1],
                **_series((sample.loads or {}).get(address) for sample in samples),
            }
            for address in (addresses if module is not None else ())
        ],
    }


def _everything(sample: Sample) -> Load | None:
    return None if sample.loads is None else total(sample.loads.values())


def _of_module(sample: Sample, module: str) -> Load | None:
    loads = [load for (name, _), load in (sample.loads or {}).items() if name == module]
    return total(loads) if loads else None


def _load(load: Load | None) -> LoadJson:
    if load is None:
        return {"cpu": None, "memory": None}
    return {"cpu": None if load.cpu is None else round(load.cpu, 2), "memory": load.memory}


def _series(loads: Iterable[Load | None]) -> SeriesJson:
    values = [_load(load) for load in loads]
    return {"cpu": [load["cpu"] for load in values], "memory": [load["memory"] for load in values]}
