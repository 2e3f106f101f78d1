"""A followed log whose connection is lost."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs.streams import Follower, Source, Span, history
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support.made import BEGIN, STACK_ABLE
from tests.unit.cli.modules import MODULE, SERVICE

LINES = [LogLine("stdout", second * 10**9, str(second)) for second in range(4)]


class Log:
    """The *lines* of a log, and what ends it."""

    def __init__(self, lines: list[LogLine], error: EngineDownError | None = None) -> None:
        self._lines = lines
        self._error = error

    def __iter__(self) -> Iterator[LogLine]:
        yield from self._lines
        if self._error:
            raise self._error

    def batches(self) -> Iterator[list[LogLine]]:
        for line in self:
            yield [line]

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""


DOWN = EngineDownError("here", "cut")


class Lost:
    """An engine with one log, whose connections end as *logs* say. The container exits then."""

    def __init__(self, logs: list[Log | EngineDownError]) -> None:
        self._logs = logs
        self.containers = self
        self.snapshot = snapshot("running")
        self.state = SimpleNamespace(is_elsewhere=False)

    def now(self) -> Any:  # noqa: ANN401 - a time
        return BEGIN

    def logs(self, _container: str, **_: object) -> Log:
        log = self._logs.pop(0)
        if not self._logs:
            self.snapshot = snapshot("exited")
        if isinstance(log, EngineDownError):
            raise log
        return log

    def follower(self) -> Follower:
        return Follower(cast("Any", self), cast("Any", self), (), Span(), lambda _source: None)


def snapshot(state: Any) -> Snapshot:  # noqa: ANN401 - a word of the engine
    service = replace(SERVICE, state=state, started_at=BEGIN)
    module = replace(MODULE, services=(service,))
    return Snapshot(
        EngineView(running=True, version="28.0"), "running", (module,), abilities=STACK_ABLE
    )


def test_a_log_whose_connection_is_cut_is_read_on_also_after_the_containers_end() -> None:
    cut = [Log(LINES[:2], DOWN), Log(LINES[:3], DOWN)]
    follower = Lost([Log(LINES[:1]), *cut, Log(LINES)]).follower()
    assert [line for _, line in follower.lines()] == LINES


def test_following_fails_when_the_engine_is_down() -> None:
    found: list[tuple[Source, LogLine]] = []
    follower = Lost([Log([]), Log(LINES, DOWN), DOWN]).follower()
    with pytest.raises(EngineDownError):
        found.extend(follower.lines())
    assert [line for _, line in found] == LINES


def test_an_engine_elsewhere_is_waited_for_and_asked_again() -> None:
    begin: list[Log | EngineDownError] = [DOWN, Log(LINES[:2], DOWN), DOWN, Log(LINES)]
    lost = Lost([*begin, Log(LINES, DOWN), DOWN, Log(LINES)])
    lost.state.is_elsewhere = True
    batches = lost.follower().batches()
    found = [line for _, line in next(batches)]
    running = lost.snapshot
    lost.snapshot = replace(running, engine=replace(running.engine, running=False))
    waiting = [next(batches) for _ in range(3)]
    assert waiting[1:] == [[], []]
    lost.snapshot = running
    rest = [line for batch in [*waiting, *batches] for _, line in batch]
    assert found + rest == LINES


def test_an_engine_elsewhere_that_never_answers_is_given_up() -> None:
    engine: Any = Lost([DOWN] * 5)
    source = Source("web", "app", "ai-web-app")
    with pytest.raises(EngineDownError):
        list(history(engine, [source], Span(attempts=5), lambda _source: None))


def test_lines_of_the_other_output_stand_at_their_time() -> None:
    """The engine writes them later now and then."""
    early = [LogLine("stderr", 1, "it failed"), LogLine("stderr", 3, "  at app.js:1")]
    behind = [LogLine("stdout", 2, "begin"), LogLine("stdout", None, ", continued")]
    set_back = [LogLine("stderr", 2, "the clock was set back"), LogLine("stderr", 4, "end")]
    engine: Any = Lost([Log([*early, *behind, *set_back])])
    source = Source("web", "app", "ai-web-app")

    found = [line.text for _, line in history(engine, [source], Span(), lambda _source: None)]

    assert found == [
        "it failed", "begin", ", continued", "  at app.js:1", "the clock was set back", "end",
    ]  # fmt: skip
