"""Killing services of the whole stack, and what the snapshots then show of each of them."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, zip_longest
from threading import Condition

from docker.models.containers import Container

from aiserver_tray.engine.parse import moment
from aiserver_tray.state.reduce import State
from aiserver_tray.state.views import ModuleView, ServiceView, Snapshot
from tests.support.limits import stretched
from tests.support.processes import kill
from tests.support.whole.catalog import Service
from tests.support.whole.stack import Stack

_WAIT_SECONDS = stretched(300.0)


@dataclass
class Victim:
    """A service that is killed, and the first snapshots that show its end and its recovery."""

    service: Service
    container: Container
    started: str
    """When its container was started before the kill, by the engine's clock."""
    restarted: str = ""
    """When it was started last."""
    killed_at: float | None = None
    shown_at: float | None = None
    shown_in: int | None = None
    """Number of the first snapshot that shows, with name and reason, that it ended."""
    healthy_in: int | None = None
    """Number of the first snapshot that shows it healthy after a new start."""

    @property
    def seconds(self) -> float:
        """From the kill until a snapshot showed it. Raises ``LookupError`` if none did."""
        if self.killed_at is None or self.shown_at is None:
            raise LookupError(self.service)
        return self.shown_at - self.killed_at

    def has_shown(self) -> bool:
        """Whether its end has shown, or can't show any more."""
        return self.shown_in is not None or self.is_healthy_again()

    def is_healthy_again(self) -> bool:
        """Whether it was healthy after a new start."""
        return self.healthy_in is not None

    def kill(self) -> None:
        """End its first process, as a crash would."""
        self.container.reload()
        self.started = self.container.attrs["State"]["StartedAt"]
        self.healthy_in = None
        self.killed_at = time.monotonic()
        kill(self.container)

    def look(self, snapshot: Snapshot) -> None:
        """Note what *snapshot* shows of it."""
        module = next(m for m in snapshot.modules if m.name == self.service[0])
        service = next(s for s in module.services if s.name == self.service[1])
        if self.shown_in is None and shows_end(module, service):
            self.shown_in, self.shown_at = snapshot.seq, time.monotonic()
        is_restarted = service.started_at != moment(self.started)
        if self.healthy_in is None and service.health == "healthy" and is_restarted:
            self.healthy_in = snapshot.seq


def shows_end(module: ModuleView, service: ServiceView) -> bool:
    """Whether the module is in trouble or comes back, and says that it is because this service
    ended."""
    # A service that is called like its module is not named beside it.
    why = str(module.reason).removeprefix(f"{service.name}: ")
    is_named = service.name == module.name or why != str(module.reason)
    has_ended = "killed from outside" in why or "exited unexpectedly" in why
    is_shown = module.state in ("error", "degraded") or service.is_coming_back
    return is_shown and is_named and has_ended


class Watch:
    """Shows *victims* every snapshot while it is open."""

    def __init__(self, stack: Stack, victims: Sequence[Victim]) -> None:
        self._victims = victims
        self._changed = Condition()
        self._leave = stack.core.store.observe(self._look)

    def _look(self, state: State) -> None:
        with self._changed:
            for victim in self._victims:
                victim.look(state.snapshot)
            self._changed.notify_all()

    def wait(self, *holds: Callable[[], bool]) -> None:
        """Wait until all of *holds* are true, but not forever: the victims are judged later."""
        with self._changed:
            self._changed.wait_for(lambda: all(one() for one in holds), _WAIT_SECONDS)

    def close(self) -> None:
        self._leave()


def kill_together(stack: Stack, services: Iterable[Service]) -> dict[Service, Victim]:
    """Kill *services*, and wait until each has shown and is healthy again, or had time for it.

    A module names the first of its services that are in trouble. So one service of each module is
    killed at a time, the last first, and the one before it once that has shown.
    """
    wanted, ids = {*services}, stack.lasting()
    assert wanted <= ids.keys()
    victims = [_victim(stack, one, ids[one]) for one in ids if one in wanted]
    of_modules = [[*found][::-1] for _, found in groupby(victims, lambda v: v.service[0])]
    with closing(Watch(stack, victims)) as watch:
        for together in zip_longest(*of_modules):
            killed = [victim for victim in together if victim]
            for victim in killed:
                victim.kill()
            watch.wait(*(victim.has_shown for victim in killed))
            # The engine is asked after an end. On a busy machine, a service that starts fast may be
            # healthy by then. After a second end in a row, Docker waits longer before it starts it.
            unseen = [victim for victim in killed if victim.shown_in is None]
            for victim in unseen:
                victim.kill()
            watch.wait(*(victim.has_shown for victim in unseen))
        watch.wait(*(victim.is_healthy_again for victim in victims))
    for victim in victims:
        victim.container.reload()
        victim.restarted = victim.container.attrs["State"]["StartedAt"]
    return {victim.service: victim for victim in victims}


def _victim(stack: Stack, service: Service, container_id: str) -> Victim:
    container = stack.client.containers.get(container_id)
    return Victim(service, container, container.attrs["State"]["StartedAt"])
