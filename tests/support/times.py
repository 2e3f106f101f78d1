"""The table at the end of a test run: how long each level took, the slowest tests, and what is over
its budget."""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.parallel import level_of

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
SLOWEST = 10


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

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        self._seconds[report.nodeid] += report.duration

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
        lines.append(f"{'all':10} {tests.total():6} {clock(sum(seconds.values())):>6}")
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
