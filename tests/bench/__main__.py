"""Benchmarks: each measures ours beside what a user would take instead, in pairs, in one run.

Only the ratio means anything: machines differ, and this one may be busy.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench import (
    access,
    backup,
    cluster,
    commands,
    configs,
    desktop,
    desktop_events,
    first_start,
    first_start_eta,
    kills,
    log_collecting,
    logs,
    logstore,
    many,
    models,
    page,
    page_logs,
    samples,
    stacks,
    state,
    upgrade,
    whole,
)
from tests.bench.result import HEAD, Result, Results
from tests.bench.shapes import CHAIN, HUNDRED, TEN, TEN_CHECKED
from tests.lab import engine, lifecycle
from tests.lab.place import Place, default_place
from tests.support.ending import end_in_order

PAIRS = 5
"""As few as tell a median and a spread: one pair of the greatest shape takes a minute."""


Benchmark = Callable[[Place, int], Results]
"""Takes the lab and the number of pairs."""


def benchmarks() -> Mapping[str, Benchmark]:
    """Name -> what measures it."""
    on_lab: Mapping[str, Benchmark] = {
        "chain": partial(stacks.stack, CHAIN),
        "ten": partial(stacks.stack, TEN),
        "ten-checked": partial(stacks.stack, TEN_CHECKED),
        "hundred": partial(stacks.stack, HUNDRED),
        "whole": whole.whole,
        "kills": lambda place, _pairs: kills.kill_to_snapshot(place),
        "status": commands.status,
        "logs": logs.logs,
        "memory": lambda place, _pairs: commands.memory(place),
        "events": lambda place, _pairs: state.event_to_snapshot(place),
        "log-collecting": lambda place, _pairs: log_collecting.log_collecting(place),
        "idle": lambda place, _pairs: state.idle_watcher(place),
        "sampling": lambda place, _pairs: samples.sampling(place),
        "access": access.access,
        "backup": backup.backup,
        "upgrade": upgrade.upgrade,
        "models": models.models,
        "cluster": cluster.cluster,
        "first-start": first_start.first_start,
        "first-start-eta": first_start_eta.first_start_eta,
        **desktop.BENCHMARKS,
    }
    alone: Mapping[str, Benchmark] = {
        "config": lambda _place, pairs: configs.config(pairs),
        "tray-day": lambda _place, _pairs: desktop_events.growth(),
        "logstore": lambda _place, pairs: logstore.logstore(pairs),
        "history": lambda _place, _pairs: samples.history(),
        "many": lambda _place, _pairs: many.changes(),
        "page": lambda _place, _pairs: page.page(),
        "page-logs": lambda _place, _pairs: page_logs.page_logs(),
    }
    return {**alone, **{name: partial(_with_lab, one) for name, one in on_lab.items()}}


def _with_lab(benchmark: Benchmark, place: Place, pairs: int) -> Results:
    lifecycle.up(place)
    return benchmark(place, pairs)


@contextmanager
def _left_as_found(place: Place) -> Iterator[None]:
    """Takes the lab down at the end where it was down before."""
    was_up = engine.alive(place)
    try:
        yield
    finally:
        if not was_up:
            lifecycle.down(place)


def main(words: Sequence[str]) -> None:
    """Measure what the command line names, or all; print the figures and store them."""
    parser = argparse.ArgumentParser("dev.py bench")
    known = benchmarks()
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--json", type=Path, dest="file")
    options = parser.parse_args(words)
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    place = default_place()
    results: dict[str, Result] = {}
    _print("benchmark", HEAD)
    with _left_as_found(place):
        for name in options.names or known:
            found = known[name](place, options.pairs)
            results.update(found)
            for title, result in found.items():
                _print(title, result.line())
            if options.file:  # each time, so that a later failure loses nothing
                _store(options.file, results)


def _print(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<36}{line}\n")
    sys.stdout.flush()


def _store(file: Path, results: Results) -> None:
    figures = {name: result.as_json() for name, result in results.items()}
    file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
