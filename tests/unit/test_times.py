"""The table at the end of a test run, and how tests are dealt out to workers."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

import budget
from developer import packages
from tests.support.parallel import LEVELS, Scheduling
from tests.support.processor import Meter
from tests.support.times import Times, budgets


def test_every_level_has_a_budget_and_a_place_in_the_order() -> None:
    assert budgets().keys() == packages.TESTS.keys() == set(LEVELS)


@pytest.mark.parametrize(
    ("changes", "lines", "said"),
    [
        ({}, 99, []),
        ({"allowances": {"answers": {"engine": 5}}}, 99, []),
        ({"allowances": {"answers": {"engine": 6}}}, 99, ["allowances have 21 units"]),
        ({"allowances": {"answers": {"motor": 1}}}, 99, ["answers allows for motor"]),
        ({"levels": {"engine": 1}}, 99, ["the levels are engine, unit"]),
        ({}, 110, []),
        ({}, 111, ["111 lines of Python, and may have 110"]),
    ],
)
def test_a_budget_is_held(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], lines: int, said: list[str]
) -> None:
    monkeypatch.setattr(budget, "LEVELS", {"engine", "unit"})
    whole = {"units": 20, "levels": {"engine": 10, "unit": 5}, "allowances": {}}
    found = budget.problems(whole | changes, {"tests": lines, "aiserver_tray": 100})
    assert len(found) == len(said)
    assert all(map(str.__contains__, found, said)), found


def report(
    nodeid: str, seconds: float, used: tuple[float, ...], *lab: tuple[float, ...]
) -> pytest.TestReport:
    """What is reported of a phase of a test."""
    properties = [*(("lab", one) for one in lab), ("used", used)]
    found = SimpleNamespace(nodeid=nodeid, duration=seconds, user_properties=properties)
    return cast(pytest.TestReport, found)


def test_the_table_names_the_dearest_tests_and_the_levels_over_their_budget() -> None:
    times = Times(2, {"engine": 30.0, "unit": 30.0}, 2)
    took = {"tests/engine/test_a.py::test_x": 100.0, "tests/unit/test_b.py::test_y": 90.0}
    for nodeid, seconds in took.items():
        for phase in (0.25, 0.5, 0.25):
            used = (phase * 8.0, phase * seconds / 2, 0.0)
            times.pytest_runtest_logreport(report(nodeid, phase * seconds, used))
    of_lab = (300.0, 1.0, 2.0, 0.0)
    times.pytest_runtest_logreport(
        report("tests/engine/test_a.py::z", 340.0, (1.0, 9.0, 2.0), of_lab)
    )
    times.pytest_testnodedown(SimpleNamespace(workeroutput={"rest": (3.0, 0.0, 0.0)}))

    unit, *table = times.table()
    assert unit == "A unit: 2.00 processor seconds, those of a small program at the start."
    over = ["over", "its", "budget"]
    assert [line.split() for line in table] == [
        ["level", "tests", "time", "own", "engine", "contain.", "all", "seconds", "budget"],
        ["engine", "2", "1:10", "4.5", "29.5", "1.0", "35.0", "(70.0)", "30", *over],
        ["unit", "1", "0:45", "4.0", "22.5", "0.0", "26.5", "(53.0)", "30"],
        ["lab", "2:30", "0.5", "1.0", "0.0", "1.5", "(3.0)"],
        ["made", "once", "0:00", "0.0", "0.0", "0.0", "0.0", "(0.0)"],
        ["rest", "1.5", "0.0", "0.0", "1.5", "(3.0)"],
        ["all", "3", "4:25", "10.5", "53.0", "1.0", "64.5", "(129.0)", "60"],
        ["Time:", "that", "of", "all", "tests", "of", "a", "level,", "over", "2", "workers."],
        ["The", "dearest", "tests:", "own", "engine", "contain.", "all"],
        ["4.0", "25.0", "0.0", "29.0", "tests/engine/test_a.py::test_x"],
        ["4.0", "22.5", "0.0", "26.5", "tests/unit/test_b.py::test_y"],
        ["0.5", "4.5", "1.0", "6.0", "tests/engine/test_a.py::z"],
    ]


def test_a_meter_without_control_groups_reads_this_process() -> None:
    meter = Meter(None)
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert 0.05 < meter.look().own < 60


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
