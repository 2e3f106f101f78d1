"""Storing in batches."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.features.logs import kept as keeping
from aiserver_tray.features.logs import writer as writers
from aiserver_tray.features.logs.kept import KeptLogs
from aiserver_tray.features.logs.line import Gap, Line, Mark
from aiserver_tray.features.logs.lines import MODULE
from aiserver_tray.features.logs.writer import LogWriter
from aiserver_tray.settings.entries import ChosenEntry
from tests.support.kept_logs import kept, limited_pages
from tests.support.made import at
from tests.support.waiting import eventually


def line(number: int) -> Line:
    return Line(number, "web", "app", "stdout", "info", continues=False, text=str(number))


class Disk:
    """Takes lines when it is open."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[Line], list[Mark], list[Gap]]] = []
        self.open = Event()
        self.open.set()

    def add(self, lines: Sequence[Line], marks: Sequence[Mark], gaps: Sequence[Gap]) -> None:
        assert self.open.wait(30)
        self.batches.append(([*lines], [*marks], [*gaps]))


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> Iterator[LogWriter]:
    writer = LogWriter(cast(Any, disk), lambda problem: pytest.fail(str(problem)))
    writer.start()
    yield writer
    writer.close(30)


@pytest.fixture
def logs(app: App, core: Core) -> Iterator[KeptLogs]:
    """The kept logs of a home. They are not yet started."""
    kept_logs = KeptLogs(
        app, core.engine.containers, core.store, app.home.folder, lambda _entry: True
    )
    with closing(kept_logs):
        yield kept_logs


def test_lines_of_all_sources_are_one_batch_until_the_end(disk: Disk, writer: LogWriter) -> None:
    gap = Gap("web", "app", 1, 2)
    writer.put([line(1)], [Mark("a", "stdout", 1, 1)])
    writer.put([line(2), line(3)], [Mark("a", "stdout", 3, 3), Mark("b", "stdout", 1, 1)], [gap])
    writer.flush(30)
    marks = [Mark("a", "stdout", 3, 3), Mark("b", "stdout", 1, 1)]
    assert disk.batches == [([line(1), line(2), line(3)], marks, [gap])]
    writer.put([line(4)], [])
    writer.close(30)
    writer.put([line(5)], [])
    assert [lines for lines, _, _ in disk.batches[1:]] == [[line(4)]]


def test_sources_wait_while_too_much_is_waiting(disk: Disk, writer: LogWriter) -> None:
    disk.open.clear()
    many = [line(number) for number in range(writers._MOST_LINES)]
    writer.put(many[:1], [])
    threads = [Thread(target=writer.put, args=(many, []), daemon=True) for _ in range(3)]
    for thread in threads:  # one is being stored, one waits, and for one there is no room
        thread.start()
        thread.join(0.5)
    assert threads[-1].is_alive()
    disk.open.set()
    for thread in threads:
        thread.join(30)
    writer.flush(30)
    assert sum(len(lines) for lines, _, _ in disk.batches) == 1 + 3 * len(many)


def test_logs_are_kept_again_after_a_full_disk_although_its_notices_were_read(
    app: App, logs: KeptLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_RETRY_SECONDS", (0.01,))
    long = random.Random(1).randbytes(200_000).hex()
    with limited_pages():
        logs.start()
        logs.note(ChosenEntry(time=at(1), modules=(long,)))
        eventually(lambda: logs.full_since, "the full disk")
        (finding,) = logs.findings()
        assert str(finding.text).startswith("No logs have been kept since 20")
        app.settings.notices.clear()  # as the tray does when it shows them
        logs.note(ChosenEntry(time=at(2), modules=("dify",)))
    eventually(lambda: kept(app.home.folder, MODULE), "the line")
    logs.note(ChosenEntry(time=at(3), modules=("web",)))
    lines = [f"Chosen modules: {one}" for one in (long, "dify", "web")]
    eventually(lambda: kept(app.home.folder, MODULE) == lines, "that the thread goes on")
    assert (logs.problem, [*logs.findings()]) == (None, [])


def test_lines_are_kept_for_the_days_of_the_setting(
    app: App, logs: KeptLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, today = 86_400, [0]
    clock = SimpleNamespace(
        monotonic=time.monotonic, time_ns=lambda: int(at(today[0] * day).timestamp()) * 10**9
    )
    monkeypatch.setattr(keeping, "time", clock)
    monkeypatch.setattr(keeping, "_TRIM_SECONDS", 0.01)
    app.settings.change(app.declared, {"app.logs_keep_days": "3"})
    lines = [f"Chosen modules: {number}" for number in range(6)]
    logs.start()
    for number in range(6):
        today[0] = number
        logs.note(ChosenEntry(time=at(number * day + 1), modules=(str(number),)))
        expected = lines[max(0, number - 3) : number + 1]
        eventually(lambda: kept(app.home.folder, MODULE) == expected, f"day {number}")  # noqa: B023
    today[0] = 90
    eventually(lambda: not kept(app.home.folder, MODULE), "that nothing is left")
