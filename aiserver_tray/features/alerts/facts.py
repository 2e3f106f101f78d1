"""The facts that rules look at, and times. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

Subject = tuple[str, str | None]
"""A module, or a service of it."""


class Moment(NamedTuple):
    """A time by two clocks."""

    clock: float
    """Seconds of a clock that nobody can set."""
    time: float
    """Seconds since 1970."""


@dataclass
class Due:
    """Compares times with now, and keeps the earliest that is still to come. Seconds."""

    now: float
    next: float | None = None

    def reached(self, at: float) -> bool:
        """Whether it is *at* or later."""
        if self.now >= at:
            return True
        self.next = at if self.next is None else min(self.next, at)
        return False


class Disk(NamedTuple):
    """The engine's disk, in bytes."""

    free: int
    total: int


class Excess(NamedTuple):
    """A use over the limit of a rule."""

    since: float
    """When the first sample over the limit was taken, in seconds of the clock."""
    value: float
    """In the newest sample, in the unit of the limit."""
    calm_samples: int = 0
    """The newest samples in a row that are below the limit."""


class Hits(NamedTuple):
    """Lines of a service that match a rule."""

    number: int
    last: float
    """When the last line came, in seconds of the clock."""
    text: str
    """The last line."""
