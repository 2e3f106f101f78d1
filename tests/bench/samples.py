"""Costs of samples: processor time of the engine and of this process, disk space, a chart."""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from aiserver_tray.base.codec import compact_json
from aiserver_tray.features.monitoring.forms import history_json
from aiserver_tray.features.monitoring.history import History, span
from aiserver_tray.features.monitoring.sampler import Sampler
from aiserver_tray.features.monitoring.samples import INTERVAL_SECONDS, Address, Load, Sample
from tests.bench.engine_cpu import EngineCpu
from tests.bench.result import Figure
from tests.bench.state import CONTAINERS, thirty, watched
from tests.lab.place import Place

FAST_SECONDS = 2.0
"""Between two samples here: what one costs is known sooner, and more exactly."""
MEASURED_SECONDS = 60.0
SERVICES = 35
DAY = 86_400
NOW = 20_000 * DAY
RANGES = {"1-h": 3600, "24-h": DAY, "7-d": 7 * DAY, "30-d": 30 * DAY}


def sampling(place: Place) -> dict[str, Figure]:
    """Shares of one core for 30 containers: of the engine, and of this process with the history,
    beyond what both do without samples."""
    with thirty(place) as engine, watched(engine) as store, tempfile.TemporaryDirectory() as folder:
        cpu = EngineCpu(place)
        before = _seconds(cpu)
        with (
            closing(History(Path(folder) / "stats.sqlite")) as history,
            closing(Sampler(engine.containers.usage, store, history.add, FAST_SECONDS)) as sampler,
        ):
            sampler.start()
            during = _seconds(cpu)
    scale = 100 / MEASURED_SECONDS * FAST_SECONDS / INTERVAL_SECONDS
    theirs, ours = ((now - then) * scale for now, then in zip(during, before, strict=True))
    unit = f"% of a core, {CONTAINERS} containers"
    return {
        "sampling-engine": Figure(theirs, unit),
        "sampling-ours": Figure(ours, unit),
        "sampling-both": Figure(theirs + ours, unit, 1.0),
    }


def _seconds(cpu: EngineCpu) -> tuple[float, float]:
    """Of the engine and of this process, in a minute."""
    theirs, ours = cpu.seconds, time.process_time()
    time.sleep(MEASURED_SECONDS)
    return cpu.seconds - theirs, time.process_time() - ours


def history() -> dict[str, Figure]:
    """The file after 30 days of 35 services whose values never rest, and the processor time of a
    chart of all modules with its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stats.sqlite"
        with closing(History(path)) as kept:
            took = [_timed(kept, sample) for sample in _month()]
            charts = {f"chart-{name}": _chart(kept, seconds) for name, seconds in RANGES.items()}
        size = path.stat().st_size / 1e6
    return {
        "history-add": Figure(1000 * statistics.mean(took), "ms of CPU"),
        "history-file": Figure(size, f"MB, {SERVICES} services", 24.0),
        **charts,
    }


def _timed(kept: History, sample: Sample) -> float:
    begun = time.process_time()
    kept.add(sample)
    return time.process_time() - begun


def _chart(kept: History, seconds: int) -> Figure:
    begun = time.process_time()
    compact_json(history_json(kept, span(NOW - seconds, NOW, 400, NOW), None, []))
    return Figure(1000 * (time.process_time() - begun), "ms of CPU", 200.0)


def _month() -> Iterator[Sample]:
    """Every 15 s of the last day, and so many before that each longer row is made from a few."""
    chance = random.Random(1)
    services: list[tuple[Address, float]] = [
        ((f"module-{number // 3}", f"service-{number}"), chance.uniform(0, 50))
        for number in range(SERVICES)
    ]
    starts = (*range(NOW - 30 * DAY, NOW - 7 * DAY, 900), *range(NOW - 7 * DAY, NOW - DAY, 60))
    for time_ in (*starts, *range(NOW - DAY, NOW + 1, INTERVAL_SECONDS)):
        loads = {address: _load(chance, base) for address, base in services}
        yield Sample(time_, loads)


def _load(chance: random.Random, base: float) -> Load:
    rx, tx, read, write = (base * 1e4 * chance.random() for _ in range(4))
    memory = int(base * 4e7 + chance.uniform(0, 1e6))
    return Load(base * chance.random(), memory, rx, tx, read, write, int(base))
