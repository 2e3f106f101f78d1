"""The table at the end of a test run, and how tests are dealt out to workers."""

from types import SimpleNamespace
from typing import cast

import pytest

from developer import packages
from tests.support.parallel import LEVELS, Scheduling
from tests.support.times import CONTRIBUTING, Times, budgets


def test_every_level_has_a_budget_and_a_place_in_the_order() -> None:
    limits = budgets(CONTRIBUTING.read_text(encoding="utf-8"))
    assert limits.keys() == packages.TESTS.keys() == set(LEVELS)


def report(nodeid: str, seconds: float, **properties: float) -> pytest.TestReport:
    """What is reported of a phase of a test."""
    found = SimpleNamespace(nodeid=nodeid, duration=seconds, user_properties=properties.items())
    return cast(pytest.TestReport, found)


def test_the_table_names_the_slowest_tests_and_the_levels_over_their_budget() -> None:
    times = Times(2, {"engine": 60.0, "unit": 60.0})
    took = {"tests/engine/test_a.py::test_x": 100.0, "tests/unit/test_b.py::test_y": 90.0}
    for nodeid, seconds in took.items():
        for phase in (0.25, 0.5, 0.25):
            times.pytest_runtest_logreport(report(nodeid, phase * seconds))
    times.pytest_runtest_logreport(report("tests/engine/test_a.py::z", 340.0, lab=300.0))

    assert times.table() == [
        "level       tests   time  budget",
        "engine          2   1:10    1:00  over its budget",
        "unit            1   0:45    1:00",
        "lab                 2:30       -",
        "all             3   4:25",
        "Time: that of all tests of a level, over 2 workers.",
        "The slowest tests:",
        "  100.0 s tests/engine/test_a.py::test_x",
        "   90.0 s tests/unit/test_b.py::test_y",
        "   40.0 s tests/engine/test_a.py::z",
    ]


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/unit/test_a.py::test_x[a/b]", "tests/unit/test_a.py"),
        ("tests/wine/test_tray.py::test_x", "tests/wine/"),
        ("tests/contract/test_events.py::test_x", "tests/contract/"),
        ("tests/packages/test_deb.py::test_x", "tests/packages/test_deb.py"),
        ("tests/packages/test_setup.py::test_x", "tests/packages/test_bundle.py"),
    ],
)
def test_a_file_goes_to_one_worker_and_a_few_do_together(nodeid: str, scope: str) -> None:
    assert Scheduling._split_scope(cast(Scheduling, None), nodeid) == scope
