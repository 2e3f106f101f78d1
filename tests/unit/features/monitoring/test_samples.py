"""Loads from readings, and restarts and exits of services from two states."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aiserver_tray.engine.values import Usage
from aiserver_tray.features.monitoring.history import Mark
from aiserver_tray.features.monitoring.samples import Load, Rates, Sample, sample_json
from aiserver_tray.features.monitoring.statistics import restart_marks
from aiserver_tray.state.facts import ContainerSeen, ContainersListed, OperationChanged
from aiserver_tray.state.reduce import State, reduce
from tests.support.made import BEGIN, UP, at, container, ended, operation

SECOND = 1_000_000_000
FIRST = Usage(10.0, cpu=5 * SECOND, system=100 * SECOND, cpus=4, memory=7, limit=64)


@pytest.mark.parametrize(
    ("cpu", "system", "expected"),
    [(8, 140, 30.0), (5, 140, 0.0), (3, 140, None), (8, 100, None), (8, 20, None)],
    ids=["busy", "idle", "restarted", "the same reading", "another boot"],
)
def test_processor_use_is_between_readings(cpu: int, system: int, expected: float | None) -> None:
    rates = Rates()
    assert rates.load("id", FIRST) == Load(None, 7, limit=64)
    later = replace(FIRST, time=20.0, cpu=cpu * SECOND, system=system * SECOND, memory=9, pids=3)
    assert rates.load("id", later) == Load(expected, 9, 0, 0, 0, 0, 3, 64)


def test_rates_are_by_the_engines_clock_and_unknown_after_a_restart() -> None:
    rates = Rates()
    rates.load("id", replace(FIRST, rx=100, tx=100, read=100, write=100))
    load = rates.load("id", replace(FIRST, time=12.5, rx=350, tx=100, read=99, write=600))
    assert (load.rx, load.tx, load.read, load.write) == (100, 0, None, 200)
    rates = Rates()
    rates.load("id", FIRST)
    rates.keep(["other"])
    assert rates.load("id", replace(FIRST, time=20.0)).cpu is None


@pytest.mark.parametrize(
    ("began", "before", "expected"),
    [
        (16.0, None, Load(50.0, 7, 25, 0, 0, 0, 0, 64)),
        (16.0, 12.0, Load(50.0, 7, 25, 0, 0, 0, 0, 64)),
        (-99.0, None, Load(None, 7, limit=64)),
    ],
    ids=["new", "restarted", "long ago"],
)
def test_a_new_load_is_since_its_start(began: float, before: float | None, expected: Load) -> None:
    rates = Rates()
    if before is not None:
        rates.load("id", replace(FIRST, time=before, cpu=9 * SECOND, rx=900))
    usage = replace(FIRST, time=20.0, cpu=2 * SECOND, rx=100)
    assert rates.load("id", usage, datetime.fromtimestamp(began, UTC)) == expected


def test_a_sample_has_the_sums_of_its_modules_and_of_all() -> None:
    unknown = dict.fromkeys(("cpu", "memory", "rx", "tx", "read", "write", "pids"))
    sample = Sample(
        130.4,
        {
            ("n8n", "n8n"): Load(10.0, 6, 5.4, 1, 0, 0, 2),
            ("n8n", "runners"): Load(None, 1, pids=1),
            ("redis", "redis"): Load(2.5, 3, 1, 1, 1, 1, 1),
        },
    )
    found = sample_json(sample)
    assert found["time"] == 130
    n8n = {"module": "n8n", "cpu": 10, "memory": 7, "rx": 5, "tx": 1, "read": 0, "write": 0}
    redis = {"module": "redis", "cpu": 2.5, "memory": 3, "rx": 1, "tx": 1, "read": 1, "write": 1}
    assert found["modules"] == [n8n | {"pids": 3}, redis | {"pids": 1}]
    assert [(s["service"], s["cpu"]) for s in found["services"]] == [
        ("n8n", 10), ("runners", None), ("redis", 2.5),
    ]  # fmt: skip
    assert found["total"] == {
        "cpu": 12.5, "memory": 10, "rx": 6, "tx": 2, "read": 1, "write": 1, "pids": 4,
    }  # fmt: skip
    assert sample_json(Sample(1, None))["total"] == unknown
    assert sample_json(Sample(1, {}))["total"] == dict.fromkeys(unknown, 0)


APP = container("web/app")
BEGUN = reduce(reduce(State(), ContainersListed((APP, container("web/db")))), UP)


def after(*facts: ContainerSeen | OperationChanged) -> list[Mark]:
    found: list[Mark] = []
    state = BEGUN
    for fact in facts:
        new = reduce(state, fact)
        found += restart_marks(state, new)
        state = new
    return found


def test_only_restarts_and_exits_without_an_operation_are_marked() -> None:
    second = round(BEGIN.timestamp())
    died = ended("web/app", exit_code=1, finished_at=at(20))
    again = container("web/app", started_at=at(30), restart_count=1)
    assert after(ContainerSeen(died), ContainerSeen(again)) == [
        Mark(second + 20, "web", "app", "exit"),
        Mark(second + 30, "web", "app", "restart"),
    ]
    again = container("web/app", started_at=at(30))
    begun = OperationChanged(operation("restart"))
    assert after(begun, ContainerSeen(again)) == []
    other = container("web/app", id="another", started_at=at(30))
    assert after(ContainerSeen(other)) == [], "it was recreated"
