"""Samples of the resources that services use."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypedDict, cast

from aiserver_tray.engine.values import Usage

INTERVAL_SECONDS: Final = 15
"""Seconds between two samples of a container."""

_YOUNG_SECONDS = 2 * INTERVAL_SECONDS
_NANOSECONDS = 1e9

Address = tuple[str, str]
"""Module and service."""


class Load(NamedTuple):
    """``cpu`` in percent of one processor; ``memory`` in bytes; ``rx`` and ``tx`` (network),
    ``read`` and ``write`` (disks) in bytes per second. None until two readings are known.
    ``limit``: of the memory, in bytes; of a container without one, the machine's memory; 0 for a
    sum."""

    cpu: float | None
    memory: int
    rx: float | None = None
    tx: float | None = None
    read: float | None = None
    write: float | None = None
    pids: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """The loads of all running services at ``time`` (seconds since 1970). None: not known, because
    the engine did not answer."""

    time: float
    loads: Mapping[Address, Load] | None


class Rates:
    """Turns readings of containers into loads."""

    def __init__(self) -> None:
        self._last: dict[str, Usage] = {}

    def load(self, id: str, usage: Usage, started_at: datetime | None = None) -> Load:
        """The load of the container *id* since its last reading. Of one that was started since
        then, or was not read before and is young, the load since its start."""
        before = self._last.get(id)
        self._last[id] = usage
        started = started_at.timestamp() if started_at else -math.inf
        if before is None or before.time < started <= usage.time:
            if not 0 < usage.time - started < _YOUNG_SECONDS:
                return Load(None, usage.memory, pids=usage.pids, limit=usage.limit)
            before = Usage(time=started, cpu=0, system=0, cpus=usage.cpus, memory=0)
            # The counter of the machine's processors was not read then.
            cpu: float | None = usage.cpu / _NANOSECONDS / (usage.time - started) * 100
        else:
            cpu = _percent(before, usage)
        seconds = usage.time - before.time
        return Load(
            cpu=cpu,
            memory=usage.memory,
            rx=_rate(usage.rx - before.rx, seconds),
            tx=_rate(usage.tx - before.tx, seconds),
            read=_rate(usage.read - before.read, seconds),
            write=_rate(usage.write - before.write, seconds),
            pids=usage.pids,
            limit=usage.limit,
        )

    def keep(self, ids: Collection[str]) -> None:
        """Forget the readings of all containers except *ids*."""
        self._last = {id: usage for id, usage in self._last.items() if id in ids}


def _percent(before: Usage, now: Usage) -> float | None:
    """As ``docker stats`` computes it. None if the container or the machine was restarted."""
    used, passed = now.cpu - before.cpu, now.system - before.system
    return used / passed * now.cpus * 100 if used >= 0 and passed > 0 else None


def _rate(count: int, seconds: float) -> float | None:
    """None if the container was restarted, which begins to count from 0."""
    return count / seconds if count >= 0 and seconds > 0 else None


def total(loads: Collection[Load]) -> Load:
    """The sum of *loads*. A rate that is not known counts as none, unless none is known."""
    return Load(
        _sum(loads, lambda load: load.cpu),
        sum(load.memory for load in loads),
        _sum(loads, lambda load: load.rx),
        _sum(loads, lambda load: load.tx),
        _sum(loads, lambda load: load.read),
        _sum(loads, lambda load: load.write),
        sum(load.pids for load in loads),
    )


def _sum(loads: Collection[Load], value: Callable[[Load], float | None]) -> float | None:
    known = [found for load in loads if (found := value(load)) is not None]
    return sum(known) if known or not loads else None


def by_module(loads: Mapping[Address, Load]) -> dict[str, Load]:
    """The sums of each module."""
    parts: dict[str, list[Load]] = {}
    for (module, _), load in sorted(loads.items()):
        parts.setdefault(module, []).append(load)
    return {module: total(found) for module, found in parts.items()}


class LoadJson(TypedDict):
    """The resources that were used at one moment. `null`: not known yet."""

    cpu: float | None
    """in percent of one processor, as `docker stats` shows it"""
    memory: int | None
    """in bytes, without the page cache"""
    rx: int | None
    """bytes per second that it received from the network"""
    tx: int | None
    """bytes per second that it sent"""
    read: int | None
    """bytes per second that it read from disks"""
    write: int | None
    """bytes per second that it wrote"""
    pids: int | None
    """processes and threads"""


class ModuleLoadJson(LoadJson):
    """The resources that a module used at one moment."""

    module: str


class ServiceLoadJson(ModuleLoadJson):
    """The resources that a service used at one moment."""

    service: str


class SampleJson(TypedDict):
    """The resources that everything used at one moment."""

    time: int
    """seconds since 1970"""
    total: LoadJson
    """all modules together"""
    modules: list[ModuleLoadJson]
    """the modules that run"""
    services: list[ServiceLoadJson]
    """the services that run"""


def sample_json(sample: Sample) -> SampleJson:
    """*sample*, with the sums of its modules."""
    loads = sample.loads or {}
    everything = None if sample.loads is None else total(loads.values())
    return {
        "time": round(sample.time),
        "total": _load(everything),
        "modules": [{"module": name, **_load(load)} for name, load in by_module(loads).items()],
        "services": [
            {"module": module, "service": service, **_load(load)}
            for (module, service), load in sorted(loads.items())
        ],
    }


def _load(load: Load | None) -> LoadJson:
    found = {name: rounded(name, getattr(load, name, None)) for name in LoadJson.__annotations__}
    return cast("LoadJson", found)


def rounded(name: str, value: float | None) -> float | None:
    """The *value* of the field *name* of a load as it is sent."""
    if value is None or math.isnan(value):
        return None
    return round(value, 2) if name == "cpu" else round(value)
