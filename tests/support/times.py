"""The table at the end of a test run: how long each level took, the slowest tests, and what is over
its budget."""

import heapq
import re
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.parallel import level_of

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
SLOWEST = 10
LAB = "lab"
_lab_seconds: list[float] = []
"""Of the setup of the current test."""


@contextmanager
def starting_lab() -> Iterator[None]:
    """The block starts the lab for all tests, so its time is not that of the first one."""
    start = time.monotonic()
    yield
    _lab_seconds.append(time.monotonic() - start)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """pytest's hook, in the process that runs the test."""
    report = yield
    report.user_properties += [(LAB, seconds) for seconds in _lab_seconds]
    _lab_seconds.clear()
    return report


def budgets(page: str) -> dict[str, float]:
    """Level -> seconds, from the table of levels in CONTRIBUTING.md."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) min \|$", page, re.MULTILINE)
    return {level: 60.0 * int(minutes) for level, minutes in rows}


class Times:
    """Collects the durations of tests, set-up and teardown included."""

    def __init__(self, workers: int, limits: dict[str, float]) -> None:
        self._workers = workers
        self._limits = limits
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lab = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        lab = sum(float(str(value)) for name, value in report.user_properties if name == LAB)
        self._lab += lab / self._workers
        self._seconds[report.nodeid] += report.duration - lab

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """pytest's hook."""
        if not self._seconds:
            return
        terminalreporter.section("times")
        for line in self.table():
            terminalreporter.write_line(line)

    def table(self) -> list[str]:
        """The lines of the table."""
        seconds, tests = self.levels()
        over = {level for level, limit in self._limits.items() if seconds[level] > limit}
        lines = [f"{'level':10} {'tests':>6} {'time':>6} {'budget':>7}"]
        for level in sorted(tests):
            limit = clock(self._limits[level]) if level in self._limits else "-"
            mark = "  over its budget" if level in over else ""
            lines.append(f"{level:10} {tests[level]:6} {clock(seconds[level]):>6} {limit:>7}{mark}")
        if self._lab:
            lines.append(f"{LAB:10} {'':6} {clock(self._lab):>6} {'-':>7}")
        whole = sum(seconds.values()) + self._lab
        lines.append(f"{'all':10} {tests.total():6} {clock(whole):>6}")
        lines.append(f"Time: that of all tests of a level, over {self._workers} workers.")
        lines.append("The slowest tests:")
        slowest = heapq.nlargest(SLOWEST, self._seconds.items(), key=lambda item: item[1])
        return [*lines, *(f"{taken:7.1f} s {name}" for name, taken in slowest)]

    def levels(self) -> tuple[Mapping[str, float], Counter[str]]:
        """Level -> seconds of a worker's time over the number of workers, and -> tests."""
        seconds: defaultdict[str, float] = defaultdict(float)
        tests: Counter[str] = Counter()
        for nodeid, taken in self._seconds.items():
            level = level_of(nodeid) or "other"
            seconds[level] += taken / self._workers
            tests[level] += 1
        return seconds, tests


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 12:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook. Workers leave the table to the process that started them."""
    if hasattr(config, "workerinput"):
        return
    workers = getattr(config.option, "numprocesses", None) or 1
    limits = budgets(CONTRIBUTING.read_text(encoding="utf-8"))
    config.pluginmanager.register(Times(workers, limits), "times")
