"""A reader of logs gets each line once, however slow it is."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, cast

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.logs.follow import BATCH_CHARACTERS
from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.origins import KeptLines, Wanted
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.reading import Reading
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support.made import BEGIN, STACK_ABLE
from tests.unit.cli.modules import MODULE, SERVICE


def lines(begin: int, end: int) -> list[Line]:
    return [
        Line(number * 10**9, "web", "app", "stdout", "info", continues=False, text=str(number))
        for number in range(begin, end)
    ]


@dataclass
class State:
    """The state of one service ``web/app``."""

    state: Any = "running"

    @property
    def snapshot(self) -> Snapshot:
        service = replace(SERVICE, name="app", state=self.state, started_at=BEGIN)
        module = replace(MODULE, name="web", services=(service,))
        return Snapshot(EngineView(running=True), "running", (module,), abilities=STACK_ABLE)


class Keeping:
    """What is told of a *store* that keeps everything."""

    behind = ()
    unreadable = ()
    problem = None
    is_late = False
    """Whether lines of containers that have ended are still on their way."""

    def __init__(self, store: LogStore) -> None:
        self.observe = store.observe

    def is_complete(self, _is_wanted: object) -> bool:
        return not self.is_late


def kept(
    store: LogStore,
    state: Any,  # noqa: ANN401 - a `State`
    wanted: Wanted = Wanted(LogFilter()),  # noqa: B008 - frozen
    keeping: Keeping | None = None,
    notice: Callable[[Text], None] | None = None,
) -> KeptLines:
    def refuse(text: Text) -> None:
        raise AssertionError(text)

    told = cast("Any", keeping or Keeping(store))
    return KeptLines(LogReader(store.path), told, state, wanted, notice or refuse)


def texts(source: Iterator[Sequence[Line]]) -> list[str]:
    return [line.text for batch in source for line in batch]


def test_a_slow_reader_gets_each_line_once(store: LogStore) -> None:
    state = State()

    def write() -> None:
        for begin in range(1000, 9000, 100):
            store.add(lines(begin, begin + 100))
        # Of a time before those that were read.
        store.add(lines(500, 600))
        state.state = "exited"

    store.add(lines(0, 100))
    followed = kept(store, state).followed()
    found = [line.text for line in next(followed)]
    writer = threading.Thread(target=write)
    writer.start()
    writer.join()  # meanwhile nothing is read
    found += texts(followed)
    wanted = [line.text for line in [*lines(0, 100), *lines(500, 600), *lines(1000, 9000)]]
    assert sorted(found, key=int) == wanted


def test_following_ends_once_the_last_lines_are_stored(store: LogStore) -> None:
    keeping = Keeping(store)
    keeping.is_late = True
    store.add(lines(0, 1))
    followed = kept(store, State("exited"), keeping=keeping).followed()
    batches = [next(followed) for _ in range(5)]
    store.add(lines(1, 2))
    keeping.is_late = False
    assert texts(iter([*batches, *followed])) == ["0", "1"]


def test_the_tail_of_each_service_is_the_end_of_its_lines(store: LogStore) -> None:
    store.add([line._replace(service="early") for line in lines(0, 30)])
    store.add(lines(30, 2530))
    wanted = LogFilter(modules=("web",))

    def tail(number: int) -> list[str]:
        return texts(kept(store, State(), Wanted(wanted, number)).existing())

    early, late = [str(n) for n in range(30)], [str(n) for n in range(30, 2530)]
    assert tail(7) == [*early[-7:], *late[-7:]]
    assert tail(1500) == [*early, *late[-1500:]]
    assert tail(0) == []


def test_lines_are_taken_as_many_at_once_as_fit_until_the_reading_is_closed() -> None:
    long = [line._replace(text="x" * (BATCH_CHARACTERS // 2)) for line in lines(0, 3)]
    closed = threading.Event()
    source = Reading(iter([(), long, lines(3, 2003), lines(0, 1), lines(1, 2)]), closed.set)
    assert [len(source.next() or ()) for _ in range(4)] == [2, 1, 1000, 1000]
    assert source.next() == lines(0, 1)
    source.close()
    assert source.next() is None
    assert closed.is_set()


def test_each_time_whose_kept_lines_are_damaged_is_reported_once(store: LogStore) -> None:
    for begin in (0, 2, 4):
        store.add(lines(begin, begin + 2))
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute("UPDATE data SET columns = x'' WHERE id = 2")
    noticed: list[Text] = []
    source = kept(store, State(), Wanted(LogFilter(), tail=100), notice=noticed.append)
    assert [texts(source.existing()) for _ in range(2)] == [["0", "1", "4", "5"]] * 2
    assert [*map(str, noticed)] == [
        "Lines of web/app from 1970-01-01T00:00:02.000000000Z to 1970-01-01T00:00:03.000000000Z "
        "can't be read, because the kept logs are damaged there."
    ]
