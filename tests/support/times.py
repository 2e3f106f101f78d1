"""The table at the end of a test run: what each level took, in time and in units of a small, fixed
program, the dearest tests, and what is over its budget."""

import heapq
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.support.parallel import level_of
from tests.support.processor import Meter, Seconds, place_of_groups
from tests.support.yardstick import measured

BUDGET = Path(__file__).parents[1] / "budget.toml"
DEAREST = 30
LAB, ONCE, USED = "lab", "made once", "used"
APART = (LAB, ONCE)
"""What is no single test's: the start of the engines, and what later runs find made."""
REST = "rest"
"""What workers use outside of tests: imports, the collection, and the end of their engines."""


class Gauge:
    """Adds to each report what was used since the one before it."""

    def __init__(self) -> None:
        self._meter = Meter(place_of_groups())
        self._told = Seconds()
        self._apart: list[tuple[str, float, Seconds]] = []

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """See `apart`."""
        start, before = time.monotonic(), self._meter.read()
        yield
        self._apart.append((name, time.monotonic() - start, self._meter.read() - before))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """pytest's hook. What was used since the last test is no test's."""
        self._meter.look()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """pytest's hook, in the process that runs the test."""
        report = yield
        used = self._meter.look()
        for name, seconds, processor in self._apart:
            report.user_properties.append((name, (seconds, *astuple(processor))))
            used -= processor
            self._told += processor
        self._apart.clear()
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


def apart(name: str) -> AbstractContextManager[None]:
    """The block makes for all tests what *name* of `APART` says, so that what it takes is not the
    first one's."""
    return _gauges[0].apart(name) if _gauges else nullcontext()


class Times:
    """Collects what tests take, set-up and teardown included."""

    def __init__(self, workers: int, budget: Mapping[str, float], unit: float = 1) -> None:
        """*budget*: units of each level; *unit*: its processor seconds."""
        self._workers = workers
        self._budget = budget
        self._unit = unit
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._used: defaultdict[str, Seconds] = defaultdict(Seconds)
        self._apart = dict.fromkeys(APART, (0.0, Seconds()))
        self._rest = Seconds()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        self._seconds[report.nodeid] += report.duration
        for name, value in report.user_properties:
            values: Any = value
            if name in self._apart:
                seconds, used = self._apart[name]
                self._apart[name] = seconds + values[0], used + Seconds(*values[1:])
                self._seconds[report.nodeid] -= values[0]
            elif name == USED:
                self._used[report.nodeid] += Seconds(*values)

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
        apart = {name: (time / self._workers, used) for name, (time, used) in self._apart.items()}
        whole = sum((*used.values(), *(used for _, used in apart.values())), self._rest)
        time = sum(seconds.values()) + sum(time for time, _ in apart.values())
        return [
            f"A unit: {self._unit:.2f} processor seconds, those of a small program at the start.",
            f"{'level':10} {'tests':>6} {'time':>6} {_HEAD} {'seconds':>9} {'budget':>7}",
            *(
                self._row(level, tests[level], seconds[level], used[level])
                for level in sorted(tests)
            ),
            *(
                f"{name:10} {'':6} {clock(time):>6} {self._parts(used)} {_seconds(used)}"
                for name, (time, used) in apart.items()
            ),
            f"{REST:10} {'':6} {'':6} {self._parts(self._rest)} {_seconds(self._rest)}",
            f"{'all':10} {tests.total():6} {clock(time):>6} {self._parts(whole)} "
            f"{_seconds(whole)} {sum(self._budget.values()):7.0f}",
            f"Time: that of all tests of a level, over {self._workers} workers.",
            f"The dearest tests: {_HEAD}",
            *(
                f"{'':18} {self._parts(used)} {name}"
                for name, used in heapq.nlargest(
                    DEAREST, self._used.items(), key=lambda item: item[1].all
                )
            ),
        ]

    def _row(self, level: str, tests: int, seconds: float, used: Seconds) -> str:
        budget = self._budget.get(level)
        limit = "-" if budget is None else f"{budget:.0f}"
        mark = "  over its budget" if budget is not None and used.all > budget * self._unit else ""
        return (
            f"{level:10} {tests:6} {clock(seconds):>6} {self._parts(used)} {_seconds(used)} "
            f"{limit:>7}{mark}"
        )

    def _parts(self, used: Seconds) -> str:
        own, engines, containers = (one / self._unit for one in astuple(used))
        return f"{own:6.1f} {engines:7.1f} {containers:8.1f} {used.all / self._unit:6.1f}"

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


def _seconds(used: Seconds) -> str:
    return f"{f'({used.all:.1f})':>9}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as in 12:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def budgets() -> dict[str, float]:
    """Level -> units, with the allowances of it."""
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
        unit = measured() if workers else 1  # what a single process runs is over too soon
        config.pluginmanager.register(Times(workers or 1, budgets(), unit), "times")
