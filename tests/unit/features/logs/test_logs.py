"""Who listens to what, and what it is sent."""

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.base.errors import AiServerError, EngineDownError
from aiserver_tray.base.strings import nanoseconds
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs import attach
from aiserver_tray.features.logs.attach import _MAX_STREAMS, LogChannels
from aiserver_tray.features.logs.streams import Source
from aiserver_tray.protocol.channel import dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Json, Message, Peer
from tests.support import made
from tests.support.limits import LIMIT

SOURCE = Source("web", "app", "ai-web-app")


class Silent:
    """A follower that hears nothing until it is closed."""

    made: list["Silent"]

    def __init__(self, *given: Any) -> None:  # noqa: ANN401 - as the real one's
        self.modules, self.span = given[2:4]
        self.is_closed = threading.Event()
        self.may_end = threading.Event()
        self.made.append(self)

    def lines(self) -> Iterator[Any]:
        self.is_closed.wait(LIMIT)
        self.may_end.wait(LIMIT)
        return iter(())

    def close(self) -> None:
        self.is_closed.set()


class Told:
    """A follower of one log that can't be read, and of one with two lines; then *end*."""

    end: AiServerError | None

    def __init__(self, *given: Any) -> None:  # noqa: ANN401 - as the real one's
        self._on_unreadable = given[-1]

    def lines(self) -> Iterator[tuple[Source, LogLine]]:
        self._on_unreadable(SOURCE)
        for stream in ("stdout", "stderr"):
            yield SOURCE, LogLine(stream, nanoseconds(made.BEGIN), "ERROR it failed")
        if self.end:
            raise self.end

    def close(self) -> None:
        """Nothing is open."""


class Page:
    """A client of the channels of logs, and what it was sent."""

    def __init__(self, channels: LogChannels) -> None:
        self._handlers = handlers_of([channels])
        self.peer = Peer("window", "en", self._take)
        self.events: list[Json] = []
        self.has_ended = threading.Event()

    def ask(self, channel: str, **payload: object) -> Envelope:
        caller = Caller(self.peer, "en")
        return dispatch(self._handlers, f"ai/module/logs{channel}", payload, caller)

    def _take(self, message: Message) -> None:
        assert (message.event, message.key) == ("ai/module/log", None)
        self.events.append(json.loads(message.payload))
        if self.events[-1]["event"] in ("end", "error"):
            self.has_ended.set()


@pytest.fixture
def channels() -> LogChannels:
    snapshot = SimpleNamespace(modules=[SimpleNamespace(name="web")])
    core: Any = SimpleNamespace(engine=None, store=SimpleNamespace(snapshot=snapshot))
    return LogChannels(core)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Silent]]:
    """The followers that were made."""
    monkeypatch.setattr(Silent, "made", [], raising=False)
    monkeypatch.setattr(attach, "Follower", Silent)
    yield Silent.made
    for follower in Silent.made:
        follower.close()
        follower.may_end.set()


def test_a_name_can_be_used_again(channels: LogChannels, silent: list[Silent]) -> None:
    page, before = Page(channels), set(threading.enumerate())
    assert page.ask("Attach", name="web", streamId="s")["success"]
    (thread,) = set(threading.enumerate()) - before
    assert page.ask("Detach", streamId="s")["success"]
    assert page.ask("Attach", name="web", streamId="s")["success"]
    first, second = silent
    first.may_end.set()
    thread.join(LIMIT)
    assert page.has_ended.is_set()
    assert not second.is_closed.is_set()
    channels.forget(page.peer)
    assert second.is_closed.is_set()


@pytest.mark.parametrize(
    ("asked", "modules", "tail"), [({}, (), 200), ({"name": "web", "tail": 0}, ("web",), 0)]
)
def test_a_stream_is_of_one_module_or_of_all_and_begins_as_asked(
    channels: LogChannels, silent: list[Silent], asked: Json, modules: tuple[str, ...], tail: int
) -> None:
    assert Page(channels).ask("Attach", streamId="s", **asked)["success"]
    assert (silent[0].modules, silent[0].span.tail) == (modules, tail)


@pytest.mark.usefixtures("silent")
def test_a_client_has_so_many_streams_each_with_its_name(channels: LogChannels) -> None:
    page, other = Page(channels), Page(channels)
    assert page.ask("Attach", name="web", streamId="1")["success"]
    refusals = [page.ask("Attach", name="web", streamId="1")]
    for number in range(2, _MAX_STREAMS + 1):
        assert page.ask("Attach", name="web", streamId=str(number))["success"]
    refusals.append(page.ask("Attach", name="web", streamId="more"))
    for refusal in refusals:
        assert (refusal["code"], refusal["data"]) == ("E_REQUEST", {"fields": ["streamId"]})
    assert other.ask("Attach", name="web", streamId="1")["success"]


def test_a_client_ends_only_its_own_streams(channels: LogChannels, silent: list[Silent]) -> None:
    page, other = Page(channels), Page(channels)
    for one in (page, other):
        assert one.ask("Attach", name="web", streamId="s")["success"]
    channels.forget(page.peer)
    assert [follower.is_closed.is_set() for follower in silent] == [True, False]
    assert other.ask("Detach", name="web")["success"]
    assert silent[1].is_closed.is_set()


@pytest.mark.parametrize("end", [None, EngineDownError("here", "gone")], ids=["end", "error"])
def test_a_stream_sends_what_can_be_read_and_then_its_end(
    channels: LogChannels, monkeypatch: pytest.MonkeyPatch, end: AiServerError | None
) -> None:
    monkeypatch.setattr(Told, "end", end, raising=False)
    monkeypatch.setattr(attach, "Follower", Told)
    page = Page(channels)
    assert page.ask("Attach", name="web", streamId="s")["success"]
    assert page.has_ended.wait(LIMIT)
    notice, out, err, last = page.events
    origin = {"streamId": "s", "module": "web", "service": "app"}
    assert notice == {**origin, "event": "notice", "message": SOURCE.unreadable.render("en")}
    said = {"chunk": "ERROR it failed", "timestamp": made.BEGIN.isoformat()}
    line = {**origin, **said, "level": "error", "continues": False}
    assert out == {**line, "event": "stdout"}
    assert err == {**line, "event": "stderr"}
    failure = {"code": end.code, "message": end.render("en")} if end else {}
    assert last == {"streamId": "s", "event": "error" if end else "end", **failure}
