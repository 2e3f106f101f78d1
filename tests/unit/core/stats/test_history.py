"""Loads from readings, and the samples of the last half hour."""

import pytest

from aiserver_tray.core.stats.forms import history_json, sample_json
from aiserver_tray.core.stats.history import MAX_SAMPLES, Load, Rates, Sample, extended
from aiserver_tray.engine.values import Usage

SECOND = 1_000_000_000
FIRST = Usage(cpu=5 * SECOND, system=100 * SECOND, cpus=4, memory=7)


@pytest.mark.parametrize(
    ("cpu", "system", "expected"),
    [(8, 140, 30.0), (5, 140, 0.0), (3, 140, None), (8, 100, None), (8, 20, None)],
    ids=["busy", "idle", "restarted", "the same reading", "another boot"],
)
def test_the_load_is_of_the_time_between_two_readings(
    cpu: int, system: int, expected: float | None
) -> None:
    rates = Rates()
    assert rates.load("id", FIRST) == Load(None, 7)
    assert rates.load("id", Usage(cpu * SECOND, system * SECOND, 4, 9)) == Load(expected, 9)


def test_readings_of_containers_that_are_gone_are_forgotten() -> None:
    rates = Rates()
    rates.load("id", FIRST)
    rates.keep(["other"])
    assert rates.load("id", Usage(8 * SECOND, 140 * SECOND, 4, 9)).cpu is None


def times(*samples: tuple[float, bool]) -> list[tuple[float, bool]]:
    """When samples are kept, and whether each is known, if these came one after the other."""
    kept: tuple[Sample, ...] = ()
    for time, known in samples:
        kept = extended(kept, Sample(time, {} if known else None))
    return [(sample.time, sample.loads is not None) for sample in kept]


def test_no_more_than_half_an_hour_is_kept() -> None:
    kept = times(*((15.0 * n, True) for n in range(500)))
    assert (len(kept), kept[-1]) == (MAX_SAMPLES, (15.0 * 499, True))


def test_missed_samples_are_filled_in() -> None:
    assert times((0, True), (16, True), (62, True)) == [
        (0, True), (16, True), (31, False), (46, False), (62, True),
    ]  # fmt: skip
    night = times((0, True), (30_000, True))
    assert (len(night), night[-1], night[-2][1]) == (MAX_SAMPLES, (30_000, True), False)


def test_the_first_one_of_an_engine_that_came_replaces_the_unknown_one() -> None:
    assert times((0, False), (1, True), (16, True)) == [(1, True), (16, True)]
    assert times((0, True), (15, False), (30, False)) == [(0, True), (15, False), (30, False)]


SAMPLES = (
    Sample(100, {("n8n", "n8n"): Load(None, 5), ("n8n", "runners"): Load(None, 1)}),
    Sample(115, None),
    Sample(
        130,
        {
            ("n8n", "n8n"): Load(10.0, 6),
            ("n8n", "runners"): Load(None, 1),
            ("redis", "redis"): Load(2.5, 3),
        },
    ),
    Sample(145, {}),
)


def test_the_history_has_sums_of_everything_and_of_each_module() -> None:
    assert history_json(SAMPLES, None) == {
        "interval": 15,
        "times": [100, 115, 130, 145],
        "total": {"cpu": [None, None, 12.5, 0], "memory": [6, None, 10, 0]},
        "modules": [
            {"module": "n8n", "cpu": [None, None, 10, None], "memory": [6, None, 7, None]},
            {"module": "redis", "cpu": [None, None, 2.5, None], "memory": [None, None, 3, None]},
        ],
        "services": [],
    }


def test_the_history_of_a_module_has_its_services() -> None:
    history = history_json(SAMPLES, "n8n")
    assert [module["module"] for module in history["modules"]] == ["n8n"]
    assert [(s["service"], s["memory"]) for s in history["services"]] == [
        ("n8n", [5, None, 6, None]),
        ("runners", [1, None, 1, None]),
    ]


def test_a_sample_has_what_runs() -> None:
    assert sample_json(SAMPLES[2]) == {
        "time": 130,
        "total": {"cpu": 12.5, "memory": 10},
        "modules": [
            {"module": "n8n", "cpu": 10, "memory": 7},
            {"module": "redis", "cpu": 2.5, "memory": 3},
        ],
        "services": [
            {"module": "n8n", "service": "n8n", "cpu": 10, "memory": 6},
            {"module": "n8n", "service": "runners", "cpu": None, "memory": 1},
            {"module": "redis", "service": "redis", "cpu": 2.5, "memory": 3},
        ],
    }
    unknown = {"cpu": None, "memory": None}
    assert sample_json(SAMPLES[1]) == {"time": 115, "total": unknown, "modules": [], "services": []}
