"""The history in its file: queries, retention, damage and restart."""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from aiserver_tray.features.monitoring.channels import csv_table
from aiserver_tray.features.monitoring.forms import MarkView, StatsHistoryJson, history_json
from aiserver_tray.features.monitoring.history import History, Mark, Span, span
from aiserver_tray.features.monitoring.samples import Address, Load, Sample
from tests.support.systems import has_mode

DAY = 86_400
NOW = 20_000 * DAY
"""A multiple of each span of time."""


def load(value: float) -> Load:
    return Load(value, int(value), value, value, value, value, int(value))


def write(history: History, samples: Iterable[tuple[int, dict[Address, float]]]) -> None:
    for time, values in samples:
        history.add(Sample(time + 0.2, {a: load(value) for a, value in values.items()}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "stats.sqlite"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with closing(History(path)) as history:
        yield history


def asked(history: History, chosen: Span, module: str | None = None) -> StatsHistoryJson:
    return history_json(history, chosen, module, [])


WEB, JOB, DATA = ("web", "app"), ("web", "job"), ("data", "db")


def test_samples_are_found_by_module_and_service_also_by_the_next_owner(path: Path) -> None:
    with closing(History(path)) as history:
        write(history, [(NOW, {WEB: 1, JOB: 2, DATA: 4}), (NOW + 15, {WEB: 3, DATA: 4})])
        history.add(Sample(NOW + 30, None))
    with closing(History(path)) as history:
        write(history, [(NOW + 45, {DATA: 5})])
        found = asked(history, Span(NOW, NOW + 90, 15))
        own = asked(history, Span(NOW, NOW + 60, 15), "web")
    assert found["times"] == [NOW, NOW + 15, NOW + 30, NOW + 45], "the last are to come"
    assert found["total"]["cpu"] == [7, 7, None, 5]
    memory = [(m["module"], m["memory"]) for m in found["modules"]]
    assert memory == [("data", [4, 4, None, 5]), ("web", [3, 3, None, None])]
    assert found["services"] == []
    received = [(s["service"], s["rx"]) for s in own["services"]]
    assert received == [("app", [1, 3, None, None]), ("job", [2, None, None, None])]
    assert own["peaks"]["cpu"] == [3, 3, None, None]


def test_long_span_combines_rolled_up_rows_with_newer_samples(history: History) -> None:
    times = range(NOW, NOW + 2 * 1800 + 150, 15)
    write(history, [(time, {WEB: time - NOW}) for time in times])
    for step in (120, 600, 1800):
        found = asked(history, Span(NOW, NOW + 3 * 1800, step))
        values = {time: found["total"]["memory"][i] for i, time in enumerate(found["times"])}
        peaks = dict(zip(found["times"], found["peaks"]["memory"], strict=True))
        for begin in range(NOW, times[-1], step):
            own = [time - NOW for time in times if begin <= time < begin + step]
            assert values[begin] == round(sum(own) / len(own)), (step, begin)
            assert peaks[begin] == pytest.approx(own[-1], rel=0.01)


def test_a_clock_set_back_and_samples_of_every_second(history: History) -> None:
    write(history, [(NOW + 300 * DAY + 15 * n, {WEB: 9}) for n in range(300)])
    write(history, [(NOW - 3600 + 15 * n, {WEB: 1}) for n in range(240)])
    found = asked(history, Span(NOW - 3600, NOW, 120))
    assert found["total"]["cpu"] == [1] * 30
    write(history, [(NOW, {WEB: 1, DATA: 1})])
    for value in (2, 90, 3):
        history.add_peaks(Sample(NOW + 1, {WEB: load(value)}))
    write(history, [(NOW + 15, {WEB: 10, DATA: 1}), (NOW + 30, {WEB: 10, DATA: 1})])
    found = asked(history, Span(NOW, NOW + 45, 15), "web")
    assert found["services"][0]["cpu"] == [1, 10, 10]
    assert found["peaks"]["cpu"] == [1, 90, 10]
    assert asked(history, Span(NOW, NOW + 45, 15))["peaks"]["cpu"] == [2, 11, 11]


def test_thirty_days_are_what_a_recount_of_all_samples_finds(history: History) -> None:
    random, samples = Random(7), list[tuple[int, dict[Address, float]]]()
    for time in range(NOW - 30 * DAY, NOW, 900):
        if time % 1800 == 0 or random.random() < 0.9:  # sometimes, the computer was asleep
            services = [WEB, DATA, *([JOB] if random.random() < 0.3 else ())]
            samples.append((time, {one: random.randrange(1000) for one in services}))
    write(history, samples)
    found = asked(history, Span(NOW - 30 * DAY, NOW, 1800))
    web = asked(history, Span(NOW - 30 * DAY, NOW, 1800), "web")
    counted: dict[int, list[dict[Address, float]]] = {time: [] for time in found["times"]}
    assert [*counted] == web["times"] == [*range(NOW - 30 * DAY, NOW, 1800)]
    for time, values in samples:
        counted[time // 1800 * 1800].append(values)

    def means(value: Callable[[dict[Address, float]], float]) -> object:
        return pytest.approx([fmean(map(value, rows)) for rows in counted.values()], abs=1)

    assert found["total"]["memory"] == means(lambda values: sum(values.values()))
    assert web["services"][0]["memory"] == means(lambda values: values[WEB])
    most = [max(v[WEB] + v.get(JOB, 0) for v in rows) for rows in counted.values()]
    assert web["peaks"]["memory"] == pytest.approx(most, rel=0.01)


def test_each_resolution_is_kept_for_its_time(history: History, path: Path) -> None:
    for begin in (NOW - 31 * DAY, NOW - 8 * DAY, NOW - 2 * DAY, NOW):
        write(history, [(begin + 15 * n, {WEB: 1}) for n in range(242)])
        history.add_mark(Mark(begin, "web", "app", "restart"))
    with closing(sqlite3.connect(path)) as database:

        def begins(step: int) -> set[int]:
            found = database.execute(f"SELECT time/{DAY} FROM rows_{step}")
            return {day * DAY - NOW for (day,) in found}

        assert begins(15) == {0}
        assert begins(120) == {-2 * DAY, 0}
        assert begins(1800) == {-8 * DAY, -2 * DAY, 0}
    marks = history.marks(Span(NOW - 40 * DAY, NOW + DAY, 1800))
    assert [mark.time - NOW for mark in marks] == [-8 * DAY, -2 * DAY, 0]


def test_the_table_has_a_line_for_each_time_with_what_happened(history: History) -> None:
    mark = MarkView(time=NOW + 20.0, kind="restart", modules=("web",), service="app")
    write(history, [(NOW, {WEB: 1}), (NOW + 15, {WEB: 2})])
    found = history_json(history, Span(NOW, NOW + 30, 15), "web", [mark])
    head, *rows = csv.reader(csv_table(found, "en").splitlines())
    assert head[:3] == ["time", "total cpu %", "total memory B"]
    assert head[15:17] == ["web/app cpu %", "web/app memory B"]
    assert [row[0] for row in rows] == [f"2024-10-04T00:00:{s}+00:00" for s in ("00", "15")]
    assert [(row[16], row[-1]) for row in rows] == [("1", ""), ("2", "restart: web/app")]


def test_only_the_user_can_read_the_file_which_stays_after_its_end(path: Path) -> None:
    history = History(path)
    write(history, [(NOW, {WEB: 1})])
    assert all(has_mode(file, 0o600) for file in path.parent.iterdir())
    history.close()
    write(history, [(NOW + 15, {WEB: 2})])
    history.add_mark(Mark(NOW, "web", "app", "exit"))
    assert [*path.parent.iterdir()] == [path]
    with closing(History(path)) as history:
        assert asked(history, Span(NOW, NOW + 30, 15))["total"]["cpu"] == [1]


@pytest.mark.parametrize("part", ["page", "row", "file", "folder"])
def test_damage_is_set_aside_and_another_history_begun(path: Path, part: str) -> None:
    chosen = Span(NOW, NOW + 150 * 15, 15)
    if part in ("page", "row"):  # it is found later
        with closing(History(path)) as history:
            write(history, [(NOW + 15 * n, {(str(n), "app"): n}) for n in range(150)])
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE rows_15 SET data=substr(data, 1, 5) WHERE time=?", (NOW,))
    if part == "page":
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\x55" * (len(content) - 4096))
    elif part == "file":
        path.parent.mkdir()
        path.write_bytes(b"no database" * 1000)
    elif part == "folder":  # none can be made, so the history is in memory
        path.parent.write_text("")
    with closing(History(path)) as history:
        if part in ("page", "row"):
            assert asked(history, chosen)["total"]["cpu"] == [None] * 148
            assert history.marks(chosen) == []
        write(history, [(NOW, {WEB: 1})])
        assert asked(history, Span(NOW, NOW + 15, 15))["total"]["cpu"] == [1]
    assert path.with_name("stats.sqlite.damaged").exists() == (part != "folder")
    if part == "file":
        assert path.with_name("stats.sqlite.damaged").read_bytes().startswith(b"no database")


@pytest.mark.parametrize(
    ("age", "length", "expected"),
    [
        (900, 900, 15), (3600, 3600, 15), (6 * 3600, 6 * 3600, 120), (DAY, DAY, 360),
        (7 * DAY, 7 * DAY, 3600), (30 * DAY, 30 * DAY, 14_400),
        (3 * DAY, 900, 120), (20 * DAY, 3600, 1800), (400 * DAY, 400 * DAY, 14_400),
    ],
)  # fmt: skip
def test_the_step_is_as_fine_as_it_can_be(age: int, length: int, expected: int) -> None:
    chosen = span(NOW - age, NOW - age + length, 300, NOW)
    assert chosen.step == expected
    assert chosen.begin <= NOW - age
    assert chosen.end > NOW - age + length
