"""The table at the end of a test run: what each level took, in time and in processor seconds, the
dearest tests, and what is over its budget."""

import heapq
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.support.parallel import level_of
from tests.support.processor import Meter, Seconds, place_of_groups

BUDGET = Path(__file__).parents[1] / "budget.toml"
DEAREST = 30
LAB, USED = "lab", "used"
REST = "rest"
"""What workers use outside of tests: imports, the collection, and the end of their engines."""


class Gauge:
    """Adds to each report what was used since the one before it."""

    def __init__(self) -> None:
        self._meter = Meter(place_of_groups())
        self._told = Seconds()
        self.labs: list[tuple[float, Seconds]] = []

    @contextmanager
    def starting_lab(self) -> Iterator[None]:
        """The block starts the lab for all tests, so what it takes is not the first one's."""
        start, before = time.monotonic(), self._meter.read()
        yield
        self.labs.append((time.monotonic() - start, self._meter.read() - before))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """pytest's hook. What was used since the last test is no test's."""
        self._meter.look()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """pytest's hook, in the process that runs the test."""
        report = yield
        used = self._meter.look()
        for seconds, processor in self.labs:
            report.user_properties.append((LAB, (seconds, *astuple(processor))))
            used -= processor
            self._told += processor
        self.labs.clear()
        report.user_properties.append((USED, astuple(used)))
        self._told += used
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """pytest's hook, after the end of the session's fixtures."""
        rest = astuple(self._meter.read() - self._told)
        self._meter.close()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[REST] = rest
        elif times := session.config.pluginmanager.get_plugin("times"):
            times.add_rest(rest)


_gauges: list[Gauge] = []
"""The one of this process, if it runs tests."""


@contextmanager
def starting_lab() -> Iterator[None]:
    """The block starts the lab for all tests, so what it takes is not the first one's."""
    with _gauges[0].starting_lab():
        yield


class Times:
    """Collects what tests take, set-up and teardown included."""

    def __init__(self, workers: int, budget: Mapping[str, float]) -> None:
        """*budget*: processor seconds of each level."""
        self._workers = workers
        self._budget = budget
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._used: defaultdict[str, Seconds] = defaultdict(Seconds)
        self._lab = (0.0, Seconds())
        self._rest = Seconds()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        lab = 0.0
        for name, value in report.user_properties:
            values: Any = value
            if name == LAB:
                lab += values[0]
                self._lab = self._lab[0] + values[0], self._lab[1] + Seconds(*values[1:])
            elif name == USED:
                self._used[report.nodeid] += Seconds(*values)
        self._seconds[report.nodeid] += report.duration - lab

    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist's
        """pytest-xdist's hook: a worker has ended."""
        self.add_rest(getattr(node, "workeroutput", {}).get(REST, ()))

    def add_rest(self, used: tuple[float, ...]) -> None:
        """Add what a process used outside of tests."""
        self._rest += Seconds(*used)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """pytest's hook."""
        if not self._seconds:
            return
        terminalreporter.section("times")
        for line in self.table():
            terminalreporter.write_line(line)

    def table(self) -> list[str]:
        """The lines of the table."""
        seconds, used, tests = self.levels()
        lab_time = self._lab[0] / self._workers
        whole = sum(used.values(), Seconds()) + self._lab[1] + self._rest
        return [
            f"{'':10} {'':6} {'':6} processor seconds",
            f"{'level':10} {'tests':>6} {'time':>6} {_HEAD} {'budget':>7}",
            *(
                self._row(level, tests[level], seconds[level], used[level])
                for level in sorted(tests)
            ),
            f"{LAB:10} {'':6} {clock(lab_time):>6} {_parts(self._lab[1])}",
            f"{REST:10} {'':6} {'':6} {_parts(self._rest)}",
            f"{'all':10} {tests.total():6} {clock(sum(seconds.values()) + lab_time):>6} "
            f"{_parts(whole)} {sum(self._budget.values()):7.0f}",
            f"Time: that of all tests of a level, over {self._workers} workers.",
            f"The dearest tests: {_HEAD}",
            *(
                f"{'':18} {_parts(used)} {name}"
                for name, used in heapq.nlargest(
                    DEAREST, self._used.items(), key=lambda item: item[1].all
                )
            ),
        ]

    def _row(self, level: str, tests: int, seconds: float, used: Seconds) -> str:
        budget = self._budget.get(level)
        limit = "-" if budget is None else f"{budget:.0f}"
        mark = "  over its budget" if budget is not None and used.all > budget else ""
        return f"{level:10} {tests:6} {clock(seconds):>6} {_parts(used)} {limit:>7}{mark}"

    def levels(self) -> tuple[Mapping[str, float], Mapping[str, Seconds], Counter[str]]:
        """Level -> seconds of a worker's time over the number of workers, -> processor seconds,
        and -> tests."""
        seconds: defaultdict[str, float] = defaultdict(float)
        used: defaultdict[str, Seconds] = defaultdict(Seconds)
        tests: Counter[str] = Counter()
        for nodeid, taken in self._seconds.items():
            level = level_of(nodeid) or "other"
            seconds[level] += taken / self._workers
            used[level] += self._used[nodeid]
            tests[level] += 1
        return seconds, used, tests


_HEAD = f"{'own':>6} {'engine':>7} {'contain.':>8} {'all':>6}"


def _parts(used: Seconds) -> str:
    return f"{used.own:6.1f} {used.engines:7.1f} {used.containers:8.1f} {used.all:6.1f}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 12:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def budgets() -> dict[str, float]:
    """Level -> processor seconds, with the allowances of it."""
    budget = tomllib.loads(BUDGET.read_text(encoding="utf-8"))
    found = Counter[str](budget["levels"])
    for allowance in budget["allowances"].values():
        found.update(allowance)
    return dict(found)


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook. Workers leave the table to the process that started them."""
    is_worker = hasattr(config, "workerinput")
    workers = getattr(config.option, "numprocesses", None)
    if is_worker or not workers:
        _gauges.append(Gauge())
        config.pluginmanager.register(_gauges[0], "gauge")
    if not is_worker:
        config.pluginmanager.register(Times(workers or 1, budgets()), "times")
