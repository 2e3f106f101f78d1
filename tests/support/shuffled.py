"""Tests in a random order, for ``build/dev.py soak --all``: files, and the tests of a file where
each has its own fixtures. `tests.support.parallel` sorts them by level then.

It is loaded before the others, so it imports none of them: pytest could not rewrite their
assertions any more.
"""

import json
import random
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """pytest's hook."""
    parser.addoption("--shuffle", type=int, metavar="SEED", help="the number of a random order")
    parser.addoption("--failures", type=Path, metavar="FILE", help="where to list what failed")


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook. Workers send their reports to the process that started them."""
    file = config.getoption("failures")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(file))


class Failures:
    """Lists what failed in *file*, each in a line: test and first line of the error, in JSON."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        if report.failed:
            self._add(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """pytest's hook."""
        if report.failed:
            self._add(report)

    def _add(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        line = json.dumps([report.nodeid, _first_line(report)])
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else report.longreprtext
    return next(filter(None, map(str.strip, text.splitlines())), "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """pytest's hook. It is the same in each worker, as pytest-xdist wants it."""
    if (seed := config.getoption("shuffle")) is not None:
        items[:] = shuffled(items, random.Random(seed))


def shuffled(items: Sequence[pytest.Item], chance: random.Random) -> list[pytest.Item]:
    """*items* in another order. The tests of a file stay together."""
    files = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    chance.shuffle(files)
    for tests in files:
        if not any(map(_shares, tests)):
            chance.shuffle(tests)
    return [test for tests in files for test in tests]


def _shares(item: pytest.Item) -> bool:
    """Whether the test gets something from its file or folder that another one may have changed."""
    found = getattr(item, "_fixtureinfo", None)  # pytest has no other way to the scopes
    fixtures = found.name2fixturedefs.values() if found else ()
    return any(one.scope in ("class", "module", "package") for defs in fixtures for one in defs)
