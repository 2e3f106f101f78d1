"""When the log of a container is read, and how. Connections are cut in tests on the engine."""

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
from aiserver_tray.features.logs.streams import Follower, Source, Span, history
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support import made
from tests.support.limits import LIMIT
from tests.support.made import BEGIN, STACK_ABLE
from tests.unit.cli.modules import MODULE, SERVICE


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

    def hurry(self, *_: object) -> None:
        """There are no pauses; it is silent at once, or never; nothing is open."""

    allow_silence = close = hurry


class Lines:
    newest = 1

    def __init__(self) -> None:
        self.texts: list[str] = []

    def reopen(self) -> None:
        """From the beginning: what is new is not decided here. Nothing waits."""

    flush = reopen

    def put(self, lines: list[LogLine]) -> None:
        self.texts += [line.text for line in lines]


RUNNING = made.container(status="running", started_at=made.at(1))
EXITED = replace(RUNNING, status="exited")
CUT = EngineDownError("here", "cut")


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
    engine.answers += [["d"], ["e"]]
    log.container = again = replace(RUNNING, started_at=made.at(9))
    assert (step(log, 9), step(log, 0)) == (None, module._AGAIN_SECONDS), "the state may be late"
    log.container = ended = replace(again, status="exited")
    assert not log.is_complete(ended)
    assert (step(log, 9), step(log, 9), lines.texts[-2:]) == (None, None, ["d", "e"])
    assert (log.is_complete(ended), log.is_complete(again)) == (True, False)
    assert engine.asked == ["stop", *3 * ["follow"], "stop", "follow", "stop"], "no more"


def test_failures_are_retried_ever_later_and_once_the_engine_is_back(lines: Lines) -> None:
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


LINES = [LogLine("stdout", second * 10**9, str(second)) for second in range(4)]


class CutLog:
    """The *lines* of a log, and what ends it."""

    def __init__(self, lines: list[LogLine], error: EngineDownError | None = None) -> None:
        self._lines = lines
        self._error = error

    def __iter__(self) -> Iterator[LogLine]:
        yield from self._lines
        if self._error:
            raise self._error

    def batches(self) -> Iterator[list[LogLine]]:
        return ([line] for line in self)

    def __enter__(self) -> "CutLog":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    close = __exit__


DOWN = EngineDownError("here", "cut")


class Lost:
    """An engine with one log, whose connections end as *logs* say. The container exits then."""

    def __init__(self, *logs: CutLog | EngineDownError) -> None:
        self._logs = [*logs]
        self.containers = self
        self.snapshot = snapshot("running")
        self.state = SimpleNamespace(is_elsewhere=False)

    def now(self) -> Any:  # noqa: ANN401 - a time
        return BEGIN

    def logs(self, _container: str, **_: object) -> CutLog:
        log = self._logs.pop(0)
        if not self._logs:
            self.snapshot = snapshot("exited")
        if isinstance(log, EngineDownError):
            raise log
        return log

    def follower(self) -> Follower:
        return Follower(cast("Any", self), cast("Any", self), (), Span(), lambda _source: None)

    def history(self, span: Span) -> list[str]:
        source = Source("web", "app", "ai-web-app")
        found = history(cast("Any", self), [source], span, lambda _source: None)
        return [line.text for _, line in found]


def snapshot(state: Any) -> Snapshot:  # noqa: ANN401 - a word of the engine
    module = replace(MODULE, services=(replace(SERVICE, state=state, started_at=BEGIN),))
    engine = EngineView(running=True, version="28.0")
    return Snapshot(engine, "running", (module,), abilities=STACK_ABLE)


def test_a_cut_log_is_read_on_also_after_its_end_and_from_an_engine_elsewhere() -> None:
    first, second, third = (LINES[:count] for count in (1, 2, 3))
    cut = Lost(CutLog(first), CutLog(second, DOWN), CutLog(third, DOWN), CutLog(LINES))
    assert [line for _, line in cut.follower().lines()] == LINES

    begin: list[CutLog | EngineDownError] = [DOWN, CutLog(second, DOWN), DOWN, CutLog(LINES)]
    lost = Lost(*begin, CutLog(LINES, DOWN), DOWN, CutLog(LINES))
    lost.state.is_elsewhere = True
    batches = lost.follower().batches()
    found, running = next(batches), lost.snapshot
    lost.snapshot = replace(running, engine=replace(running.engine, running=False))
    waiting = [next(batches) for _ in range(3)]
    assert waiting[1:] == [[], []]
    lost.snapshot = running
    assert [line for batch in [found, *waiting, *batches] for _, line in batch] == LINES


def test_following_fails_when_the_engine_is_down_and_reading_after_its_attempts() -> None:
    found: list[tuple[Source, LogLine]] = []
    with pytest.raises(EngineDownError):
        found.extend(Lost(CutLog([]), CutLog(LINES, DOWN), DOWN).follower().lines())
    assert [line for _, line in found] == LINES
    with pytest.raises(EngineDownError):
        Lost(*[DOWN] * 5).history(Span(attempts=5))


def test_lines_of_the_other_output_stand_at_their_time() -> None:
    """The engine writes them later now and then."""
    early = [LogLine("stderr", 1, "it failed"), LogLine("stderr", 3, "  at app.js:1")]
    behind = [LogLine("stdout", 2, "begin"), LogLine("stdout", None, ", continued")]
    set_back = [LogLine("stderr", 2, "the clock was set back"), LogLine("stderr", 4, "end")]
    assert Lost(CutLog([*early, *behind, *set_back])).history(Span()) == [
        "it failed", "begin", ", continued", "  at app.js:1", "the clock was set back", "end",
    ]  # fmt: skip
