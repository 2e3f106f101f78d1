"""Kept lines as files."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from aiserver_tray.base.errors import OverloadedError
from aiserver_tray.features.logs.export import (
    MAX_FILES,
    MAX_RUNNING,
    Export,
    ExportFormat,
    LogExports,
)
from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.query import LogFilter, Page
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from tests.support.limits import LIMIT
from tests.support.systems import has_mode

TIME = 1_790_000_000_123_456_789


def line(number: int, text: str) -> Line:
    return Line(TIME + number, "web", "app", "stderr", "warn", continues=False, text=text)


@pytest.fixture
def exports(store: LogStore, tmp_path: Path) -> Iterator[LogExports]:
    with closing(LogExports(tmp_path / "exports", LogReader(store.path, inf))) as exports:
        yield exports


def ended(
    exports: LogExports, format: ExportFormat = "text", wanted: LogFilter | None = None
) -> Export:
    """An export, once it has ended."""
    changes: SimpleQueue[Export] = SimpleQueue()
    exports.begin(wanted or LogFilter(), format, changes.put)
    while (export := changes.get(timeout=LIMIT)).status == "running":
        pass
    return export


def test_each_format_has_what_was_written(store: LogStore, exports: LogExports) -> None:
    said = ["plain", "\x1b[31mred\x1b[0m, 红", "=1+1", '"quoted", it\'s', "unwanted"]
    store.add([line(number, text) for number, text in enumerate(said)])
    wanted = LogFilter(until=TIME + 4)
    text = ended(exports, "text", wanted)
    jsonl = ended(exports, "jsonl", wanted)
    table = ended(exports, "csv", wanted)
    times = [f"2026-09-21T14:13:20.{123456789 + number}Z" for number in range(4)]
    clean = ["plain", "red, 红", "=1+1", said[3]]
    assert text.file.read_text(encoding="utf-8").splitlines() == [
        f"{time} web/app | {message}" for time, message in zip(times, clean, strict=True)
    ]
    objects = [json.loads(row) for row in jsonl.file.read_text(encoding="utf-8").splitlines()]
    assert [one["message"] for one in objects] == said[:4]
    assert objects[0] == {
        "time": times[0], "module": "web", "service": "app", "stream": "stderr", "level": "warn",
        "continues": False, "message": "plain",
    }  # fmt: skip
    rows = [*csv.reader(io.StringIO(table.file.read_text(encoding="utf-8-sig")))]
    assert rows[0] == ["time", "module", "service", "stream", "level", "message"]
    assert [row[5] for row in rows[1:]] == ["plain", "red, 红", "'=1+1", said[3]]
    assert (text.status, text.lines, text.percent) == ("succeeded", 4, 100.0)
    assert text.size == text.file.stat().st_size
    assert has_mode(text.file, 0o600)


def test_the_progress_is_that_of_lines_and_not_of_time(
    store: LogStore, exports: LogExports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiserver_tray.features.logs.export._REPORT_SECONDS", 0)
    store.add([line(-(10**15), "long before")])
    for batch in range(20):
        store.add([line(500 * batch + number, "x") for number in range(500)])
    changes: SimpleQueue[Export] = SimpleQueue()
    exports.begin(LogFilter(), "text", changes.put)
    assert 10 < changes.get(timeout=LIMIT).percent < 30, "2000 of 10,001 lines"


class Held(LogReader):
    """A reader that answers once it may."""

    may_answer = Event()

    def newer(self, wanted: LogFilter, after: Cursor, limit: int = 200) -> Page:
        assert self.may_answer.wait(LIMIT)
        return super().newer(wanted, after, limit)


def test_few_run_at_once_and_cancelled_ones_leave_nothing(store: LogStore, tmp_path: Path) -> None:
    store.add([line(0, "x")])
    changes: SimpleQueue[Export] = SimpleQueue()
    with closing(LogExports(tmp_path / "exports", Held(store.path))) as exports:
        begun = [exports.begin(LogFilter(), "text", changes.put) for _ in range(MAX_RUNNING)]
        with pytest.raises(OverloadedError):
            exports.begin(LogFilter(), "text", changes.put)
        for export in begun:
            exports.cancel(export.id)
        Held.may_answer.set()
        assert [changes.get(timeout=LIMIT).status for _ in begun] == ["cancelled"] * MAX_RUNNING
        assert [*exports.folder.iterdir()] == []
        assert ended(exports).status == "succeeded"


def test_only_the_newest_files_stay(exports: LogExports) -> None:
    done = [ended(exports) for _ in range(MAX_FILES + 2)]
    assert {*exports.folder.iterdir()} == {export.file for export in done[2:]}
    assert [export.id for export in exports.all] == [export.id for export in done[2:]]


def test_export_that_cannot_be_written_fails_with_the_reason(exports: LogExports) -> None:
    exports.folder.write_text("no folder")
    export = ended(exports)
    assert export.status == "failed"
    assert export.error is not None
    assert export.error.code == "E_SETTING"
