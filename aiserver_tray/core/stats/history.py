"""Samples of processor and memory use, by service, and those of the last minutes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiserver_tray.engine.values import Usage

INTERVAL_SECONDS: Final = 15
"""Seconds between two samples of a container."""

MAX_SAMPLES: Final = 30 * 60 // INTERVAL_SECONDS

Address = tuple[str, str]
"""Module and service."""


class Load(NamedTuple):
    """``cpu`` in percent of one processor, None until two readings are known; ``memory`` in
    bytes."""

    cpu: float | None
    memory: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The loads of all running services at ``time`` (seconds since 1970). None: not known, because
    the engine did not answer or this machine slept."""

    time: float
    loads: Mapping[Address, Load] | None


class Rates:
    """Turns readings of containers into loads."""

    def __init__(self) -> None:
        self._last: dict[str, Usage] = {}

    def load(self, id: str, usage: Usage) -> Load:
        """The load of the container *id* since its last reading."""
        before = self._last.get(id)
        self._last[id] = usage
        return Load(_percent(before, usage) if before else None, usage.memory)

    def keep(self, ids: Collection[str]) -> None:
        """Forget the readings of all containers except *ids*."""
        self._last = {id: usage for id, usage in self._last.items() if id in ids}


def _percent(before: Usage, now: Usage) -> float | None:
    """As ``docker stats`` computes it. None if the container or the machine was restarted."""
    used, passed = now.cpu - before.cpu, now.system - before.system
    return used / passed * now.cpus * 100 if used >= 0 and passed > 0 else None


def extended(samples: tuple[Sample, ...], sample: Sample) -> tuple[Sample, ...]:
    """*samples* of the last half hour with *sample*. Missed ones are filled in, so that the
    distance between two samples is always about the same. The first one after the engine came,
    which is early, replaces the unknown one before."""
    if samples and samples[-1].loads is None:
        is_early = sample.time - samples[-1].time < INTERVAL_SECONDS / 2
        samples = samples[:-1] if is_early else samples
    if samples:
        last = samples[-1].time
        missed = round((sample.time - last) / INTERVAL_SECONDS) - 1
        steps = range(1, min(missed, MAX_SAMPLES) + 1)
        samples += tuple(Sample(last + step * INTERVAL_SECONDS, None) for step in steps)
    return (*samples, sample)[-MAX_SAMPLES:]


def total(loads: Collection[Load]) -> Load:
    """The sum of *loads*. A processor use that is not known counts as none, unless none is
    known."""
    known = [load.cpu for load in loads if load.cpu is not None]
    return Load(sum(known) if known or not loads else None, sum(load.memory for load in loads))
