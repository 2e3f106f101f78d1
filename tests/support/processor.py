"""Processor seconds of each test: of its own processes, of its engines', and of their containers'.

A worker and the engines that it starts run in control groups of their own. So the kernel counts
for us, also what has ended and what has left its parent. Where a process may make no groups (not
as root, or not on Linux), only the processes that it has waited for are counted.
"""

import os
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

VARIABLE = "AISERVER_TESTS_GROUP"
"""Environment variable with the folder of the worker's groups; its engines read it."""
_OWN, _ENGINES = "own", "engines"
_NAME = "aiserver-tests-{}"


@dataclass(frozen=True)
class Seconds:
    """Processor seconds; the three parts do not overlap."""

    own: float = 0
    engines: float = 0
    containers: float = 0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Seconds") -> "Seconds":
        return self + Seconds(*(-one for one in astuple(other)))

    @property
    def all(self) -> float:
        """The sum of the parts."""
        return self.own + self.engines + self.containers


def place_of_groups() -> Path | None:
    """Where control groups that count processor time are mounted; None: nowhere."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for _, target, kind, options, *_ in map(str.split, mounts):
        if kind == "cgroup2" and target == "/sys/fs/cgroup":
            return Path(target)
        if kind == "cgroup" and "cpuacct" in options.split(","):
            return Path(target)
    return None


def used_by(group: Path) -> float:
    """The processor seconds of a control group and of all below it, those removed included."""
    first = group / "cpuacct.usage"
    if first.exists():
        return int(first.read_text()) / 1e9
    lines = (group / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


class Meter:
    """Reads what this process, its engines and their containers have used."""

    def __init__(self, groups: Path | None) -> None:
        """*groups*: where control groups are mounted; None: there are none."""
        self._group = self._made(groups) if groups else None
        self._last = self.read()

    @staticmethod
    def _made(groups: Path) -> Path | None:
        for old in groups.glob(_NAME.format("*")):
            if not Path("/proc", old.name.rpartition("-")[2]).exists():
                _remove(old)  # of a run that was killed
        group = groups / _NAME.format(os.getpid())
        try:
            for name in (_OWN, _ENGINES):
                (group / name).mkdir(parents=True)
            _enter(group / _OWN)
        except OSError:  # no right
            return None
        os.environ[VARIABLE] = str(group)
        return group

    def read(self) -> Seconds:
        """All since it was made."""
        if self._group is None:
            return Seconds(sum(os.times()[:4]))
        own, engines = used_by(self._group / _OWN), used_by(self._group / _ENGINES)
        return Seconds(own, engines, used_by(self._group) - own - engines)

    def look(self) -> Seconds:
        """What has been used since the last look."""
        before, self._last = self._last, self.read()
        return self._last - before

    def close(self) -> None:
        """Leave the groups, and remove them."""
        if self._group:
            _enter(self._group.parent)
            _remove(self._group)


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _remove(group: Path) -> None:
    """Remove a control group with all below it, in each hierarchy, unless something runs in it."""
    for one in group.parent.parent.glob(f"*/{group.name}"):
        for folder in sorted(one.rglob("*/"), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        with suppress(OSError):
            one.rmdir()
