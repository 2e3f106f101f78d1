"""The stream of events, on the lab's engine."""

import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.engine.engine import Engine, EventStream
from aiserver_tray.engine.values import Event
from aiserver_tray.spec.labels import INSTALLATION
from tests.engine.our_engine import SECOND, core, run
from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.limits import LIMIT

__all__ = ["core"]

MINE = {INSTALLATION: "me"}


class Listener:
    """Reads a stream in a thread: its events, then how it ended."""

    def __init__(self, events: EventStream) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.error: Exception | None = None
        self._stream = events
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for event in self._stream:
                self.events.put(event)
        except EngineDownError as error:
            self.error = error

    def until(self, action: str) -> list[Event]:
        """Events up to the first *action*."""
        found = [self.events.get(timeout=LIMIT)]
        while found[-1].action != action:
            found.append(self.events.get(timeout=LIMIT))
        return found

    def ended(self) -> Exception | None:
        """The error that ended it, if any."""
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        return self.error


@contextmanager
def listening(core: Engine) -> Iterator[Listener]:
    with closing(core.events("me")) as events:
        listener = Listener(events)
        try:
            yield listener
        finally:
            events.close()
            listener.ended()


def test_only_events_of_our_containers_are_reported(core: Engine) -> None:
    with listening(core) as listener:
        run(core, "foreign")
        created = run(core, "ai-mine", Labels=MINE)
        core.containers.kill(created)
        core.containers.remove(created)
        events = listener.until("destroy")
    assert [event.action for event in events] == ["create", "start", "die", "destroy"]
    assert {event.id for event in events} == {created}
    assert events[2].attributes["exitCode"] == "137"
    assert events[0].attributes["name"] == "ai-mine"
    assert events == sorted(events, key=lambda event: event.time_ns)


def test_each_end_and_each_start_is_reported_once(core: Engine) -> None:
    with listening(core) as listener:
        created = run(core, "ai-mine", Labels=MINE)
        core.containers.stop(created, grace=0)
        core.containers.start(created)
        core.containers.remove(created)
        events = listener.until("destroy")
    actions = [event.action for event in events]
    assert actions == ["create", "start", "die", "start", "die", "destroy"]


def test_health_is_reported_and_the_checks_are_not(core: Engine) -> None:
    check = {"Test": ["CMD", "true"], "Interval": SECOND // 10}
    with listening(core) as listener:
        run(core, "ai-healthy", Labels=MINE, Healthcheck=check)
        events = listener.until("health_status")
    assert [event.action for event in events] == ["create", "start", "health_status"]
    assert events[-1].detail == "healthy"


def test_events_are_received_from_the_moment_of_subscription(core: Engine) -> None:
    with closing(core.events("me")) as events:
        run(core, "ai-first", Labels=MINE)
        assert next(iter(events)).action == "create"


def test_closing_it_from_another_thread_ends_it_without_an_error(core: Engine) -> None:
    with closing(core.events("me")) as events:
        listener = Listener(events)
        run(core, "ai-seen", Labels=MINE)
        listener.until("start")  # it waits in its read now, or will
        events.close()
        assert listener.ended() is None


def test_a_killed_engine_ends_it_with_an_error(core: Engine, lab: Place) -> None:
    with closing(core.events("me")) as events:
        listener = Listener(events)
        lab_engine.kill(lab)
        assert isinstance(listener.ended(), EngineDownError)
    with pytest.raises(EngineDownError):
        core.events("me")
