"""What happened to services without an operation, for the time axis of charts. Pure."""

from collections.abc import Iterator
from datetime import datetime

from aiserver_tray.core.stats.history import Mark, MarkKind
from aiserver_tray.model import AT_REST, Container
from aiserver_tray.state.reduce import State


def marks(before: State, now: State) -> Iterator[Mark]:
    """Restarts and unplanned exits of services between two states."""
    for name, container in now.containers.items():
        old = before.containers.get(name)
        if old is None or old is container or old.id != container.id:
            continue
        is_unplanned = name in now.unplanned and name not in before.unplanned
        if is_unplanned and container.status in AT_REST and container.finished_at:
            yield _mark(container, container.finished_at, "exit")
        was_started = old.started_at and old.started_at != container.started_at
        is_running = container.status == "running" and not now.work.has(container.module)
        if was_started and is_running and container.started_at:
            yield _mark(container, container.started_at, "restart")


def _mark(container: Container, at: datetime, kind: MarkKind) -> Mark:
    return Mark(round(at.timestamp()), container.module, container.service, kind)
