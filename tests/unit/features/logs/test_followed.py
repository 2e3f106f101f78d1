"""When the log of a container is read, and how."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import EngineDownError, ObjectNotFoundError, UnsupportedError
from aiserver_tray.engine.stream import SilenceError
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs import collector as module
from aiserver_tray.features.logs.collector import FollowedLog
from tests.support import made


class Engine:
    """Answers requests for a log with *answers*, in order: an error, or lines and perhaps the error
    that cuts them."""

    is_costly_to_follow = False

    def __init__(self, *answers: Sequence[object]) -> None:
        self.answers = list(answers)
        self.has_more: bool | Exception = False
        self.asked: list[str] = []

    def logs(self, _container: str, *, follow: str, **_: object) -> Any:  # noqa: ANN401
        self.asked.append(follow)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return closing(Log(cast("list[object]", answer)))

    def has_written(self, _container: str, _since: int) -> bool:
        if isinstance(self.has_more, Exception):
            raise self.has_more
        return self.has_more


class Log:
    def __init__(self, items: list[object]) -> None:
        self._items = items

    def batches(self) -> Iterator[list[LogLine]]:
        for item in self._items:
            if isinstance(item, Exception):
                raise item
            yield [LogLine("stdout", 1, str(item))]

    def hurry(self) -> None:
        """There are no pauses."""

    def allow_silence(self, seconds: float) -> None:
        """It is silent at once, or never."""

    def close(self) -> None:
        """Nothing is open."""


class Lines:
    newest = 1

    def __init__(self) -> None:
        self.texts: list[str] = []

    def reopen(self) -> None:
        """From the beginning: what is new is not decided here."""

    def flush(self) -> None:
        """Nothing waits."""

    def put(self, lines: list[LogLine]) -> None:
        self.texts += [line.text for line in lines]


RUNNING = made.container(status="running", started_at=made.at(1))
EXITED = replace(RUNNING, status="exited")
CUT = EngineDownError("here", "cut")
LIMIT = 20.0


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands: only what a test says counts, not how fast this machine is."""
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))


def step(log: FollowedLog, seconds: float) -> float | None:
    """What is left to wait some *seconds* from now; waits for what was begun."""
    left = log.advance(seconds)
    log.join(LIMIT)
    return left


@pytest.fixture
def lines() -> Lines:
    return Lines()


def followed(engine: Engine, lines: Lines) -> FollowedLog:
    return FollowedLog(cast("Any", engine), RUNNING, cast("Any", lines), lambda: None)


def test_a_log_that_ends_is_read_on_until_it_was_read_after_the_containers_end(
    lines: Lines,
) -> None:
    engine = Engine(["a"], [], [], ["b"])
    log = followed(engine, lines)
    step(log, 0)
    assert (step(log, 0) or 0) > 0, "the state may be late"
    step(log, 2)
    log.container = EXITED
    assert not log.is_complete(EXITED)
    step(log, 4)
    assert step(log, 9) is None
    assert (log.is_complete(EXITED), log.is_complete(RUNNING)) == (True, False)
    assert engine.asked == ["stop", "follow", "follow", "stop"]
    assert lines.texts == ["a", "b"]
    log.container = replace(RUNNING, started_at=made.at(9))
    engine.answers.append(["c"])
    step(log, 9)
    assert lines.texts[-1] == "c"


def test_a_quiet_log_is_followed_again_once_there_is_more(lines: Lines) -> None:
    quiet = SilenceError()
    engine = Engine([], ["a", quiet], ["b", quiet], [quiet], ["c"])
    engine.is_costly_to_follow = True
    log = followed(engine, lines)
    step(log, 0)
    assert log.is_quiet
    for news in (False, CUT):
        engine.has_more = news
        log.look()
        assert (step(log, 9), log.is_quiet, lines.texts) == (None, True, ["a"])
    engine.has_more = True
    log.look()
    step(log, 9)
    assert (lines.texts, log.is_quiet) == (["a", "b"], True)
    engine.has_more = ObjectNotFoundError(404, "gone")
    log.look()
    step(log, 9)
    assert log.is_quiet
    log.container = EXITED  # what it wrote last is read without a look
    step(log, 9)
    assert (lines.texts, log.is_quiet) == (["a", "b", "c"], False)
    assert log.is_complete(EXITED)
    assert engine.asked == ["stop", *3 * ["follow"], "stop"]


def test_failures_are_retried_later_and_later_and_at_once_when_the_engine_is_back(
    lines: Lines,
) -> None:
    log = followed(Engine(CUT, CUT, ["a", CUT], CUT), lines)  # type: ignore[arg-type]
    pauses = []
    for _ in range(3):
        step(log, 60)
        pauses.append(step(log, 0) or 0)
    first, second = module._BACK_OFF_SECONDS[:2]
    assert pauses == [first, second, first], "lines came meanwhile"
    log.retry()
    assert step(log, 0) is None
    assert log.advance(0) is not None


def test_a_log_that_the_engine_can_not_read_is_asked_for_once(lines: Lines) -> None:
    engine = Engine(UnsupportedError(501, "none"))  # type: ignore[arg-type]
    log = followed(engine, lines)
    step(log, 0)
    assert log.is_unreadable
    assert step(log, 60) is None
    log.container = EXITED
    assert step(log, 60) is None
    assert engine.asked == ["stop"]
