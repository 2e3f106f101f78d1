"""An engine that does what a test wants, and waiting for what the store makes of it."""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue

from aiserver_tray.base.errors import ObjectNotFoundError
from aiserver_tray.core.watcher import Watcher
from aiserver_tray.engine.values import ContainerSummary, EngineInfo, Event
from aiserver_tray.model import Container
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import Snapshot
from tests.support.limits import LIMIT

INFO = EngineInfo(
    "ENGINE",
    "26.1.5",
    (1, 45),
    2,
    1 << 30,
    "/data",
    "Debian",
    is_local=True,
    shares_kernel=True,
    log_drivers=("local",),
)

Watch = Callable[..., Watcher]


class Events:
    """A stream that the test fills; an exception in it is raised."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Event | Exception | None] = SimpleQueue()

    def __iter__(self) -> Iterator[Event]:
        while (item := self.queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self.queue.put(None)


class FakeEngine:
    """An engine that has *found*, notes what it is asked, and does what the test prepares."""

    host = "here"

    def __init__(self, *found: Container) -> None:
        self.found = {one.id: one for one in found}
        self.asked: list[str] = []
        self.failures: list[Exception] = []
        self.before_inspect: Callable[[str], object] = lambda _: None
        self.stream = Events()

    @property
    def containers(self) -> "FakeEngine":
        return self

    def each(
        self, ask: Callable[[str], Container | None], items: Iterable[str]
    ) -> list[Container | None]:
        return [*map(ask, items)]

    def info(self) -> EngineInfo:
        self.asked.append("info")
        return INFO

    def events(self, installation: str) -> Events:
        self.asked.append(f"events {installation}")
        if self.failures:
            raise self.failures.pop(0)
        self.stream = Events()
        return self.stream

    def summaries(self, installation: str | None = None) -> list[ContainerSummary]:
        self.asked.append(f"list {installation}")
        return [
            ContainerSummary(c.id, c.name, {}, c.status, health, c.image, c.image_id, c.ports)
            for c in [*self.found.values()]  # a test changes them meanwhile
            # The list tells the health of those that run alone.
            for health in (c.health if c.status == "running" else "none",)
        ]

    def inspect(self, name_or_id: str) -> Container:
        self.asked.append(f"inspect {name_or_id}")
        self.before_inspect(name_or_id)
        if name_or_id not in self.found:
            raise ObjectNotFoundError(404, f"No such container: {name_or_id}")
        return self.found[name_or_id]

    def happens(self, action: str, id: str) -> None:
        self.stream.queue.put(Event(id, action, "", {}, 0))


def until(store: Store, predicate: Callable[[Snapshot], bool]) -> Snapshot:
    return store.wait_until(predicate, LIMIT)


def lost(store: Store, lose: Callable[[], object]) -> Snapshot:
    """The first state without the engine that *lose* takes away. The engine may be back at once."""
    found: SimpleQueue[Snapshot] = SimpleQueue()
    leave = store.observe(lambda state: None if state.engine.running else found.put(state.snapshot))
    lose()
    down = found.get(timeout=LIMIT)
    leave()
    return down


def until_up(store: Store) -> Snapshot:
    return until(store, lambda snapshot: snapshot.engine.running)


def until_known(store: Store, count: int) -> None:
    until(store, lambda snapshot: sum(len(m.services) for m in snapshot.modules) == count)
