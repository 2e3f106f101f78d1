"""What a benchmark found, as a line for people and as JSON."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Action = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Seconds of ours and of theirs, pair by pair; ``limit`` is that of the median ratio."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    limit: float | None = None

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, of each pair."""
        return [mine / other for mine, other in zip(self.ours, self.theirs, strict=True)]

    def as_json(self) -> dict[str, object]:
        """Medians in seconds, the pairs' ratios, and whether the limit is kept."""
        return {
            "ours": statistics.median(self.ours),
            "theirs": statistics.median(self.theirs),
            "ratio": statistics.median(self.ratios),
            "least": min(self.ratios),
            "greatest": max(self.ratios),
            "pairs": len(self.ratios),
            **_judged(statistics.median(self.ratios), self.limit),
        }

    def line(self) -> str:
        """Under `HEAD`."""
        ratio = statistics.median(self.ratios)
        return (
            f"{statistics.median(self.ours):>9.3f}{statistics.median(self.theirs):>10.3f}"
            f"{ratio:>11.2f}{_verdict(ratio, self.limit):>12}"
            f"  {min(self.ratios):.2f}-{max(self.ratios):.2f} ({len(self.ratios)} pairs)"
        )


@dataclass(frozen=True)
class Figure:
    """One number that stands for itself; ``limit`` is the greatest that is right."""

    value: float
    unit: str
    limit: float | None = None

    def as_json(self) -> dict[str, object]:
        """Value, unit, and whether the limit is kept."""
        return {"value": self.value, "unit": self.unit, **_judged(self.value, self.limit)}

    def line(self) -> str:
        """Under `HEAD`."""
        value = f"{self.value:.4g} {self.unit}"
        return f"{'':>9}{'':>10}{value:>11}{_verdict(self.value, self.limit):>12}"


Result = Comparison | Figure
Results = Mapping[str, Result]

HEAD = f"{'ours s':>9}{'theirs s':>10}{'ratio':>11}{'limit':>12}  spread"


def _judged(value: float, limit: float | None) -> dict[str, object]:
    return {} if limit is None else {"limit": limit, "ok": value <= limit}


def _verdict(value: float, limit: float | None) -> str:
    return "" if limit is None else f"{limit:g} {'ok' if value <= limit else 'OVER'}"


def seconds(action: Action) -> float:
    """How long *action* takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def alternating(sides: Sequence[T], number: int) -> list[T]:
    """*sides* in the order of round *number*: each begins as often as the others, so that none
    has what the machine still does after another's turn always against it."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def compare(
    ours: Action,
    theirs: Action,
    pairs: int,
    limit: float | None = None,
    after: Action = lambda: None,
) -> Comparison:
    """Both in turn, after a first time that fills caches for both. *after* each pair is not
    measured."""
    ours(), theirs(), after()
    took: dict[Action, list[float]] = {ours: [], theirs: []}
    for number in range(pairs):
        for side in alternating((ours, theirs), number):
            took[side].append(seconds(side))
        after()
    return Comparison(tuple(took[ours]), tuple(took[theirs]), limit)
