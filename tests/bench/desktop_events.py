"""What a long day of events leaves in memory: in one process, without an engine."""

import tempfile
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, cast

import psutil

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.core.app import App
from aiserver_tray.protocol.message import Message, Peer, answer, owner_events
from aiserver_tray.state.facts import ContainerSeen, Fact
from aiserver_tray.system.clock import ResumeWatch
from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.view import TrayView
from tests.bench.result import Figure
from tests.support import made
from tests.support.store_contract import StoreContract

EVENTS_A_DAY = 100_000
WARMED_UP = 10_000
"""Events after which all that is kept is there."""
GROWTH_LIMIT = 5.0
_AT_ONCE = 100


class _Icon:
    """Is shown views, and keeps the last."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def show(self, view: TrayView) -> None:
        with self._changed:
            self.view, self.count = view, self.count + 1
            self._changed.notify_all()

    def notify(self, message: object) -> None:
        """Nobody looks."""

    def wait_for(self, state: str) -> None:
        """Until it shows *state*."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.view.icon.state == state, 30)


def growth() -> dict[str, Figure]:
    """How much memory a store, an icon updater and a client gain over a day of events: one
    container exits and starts again and again."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        app = App(Path(folder, "home"), [], "unix:///nowhere.sock")
        contract = stack.enter_context(closing(StoreContract()))
        contract.start_stack()
        contract.handlers["ai/rules/list"] = lambda: answer({"alerts": []})
        icon, peer, watch = _Icon(), Peer("tray", "en", _drop), ResumeWatch(lambda: None)
        icon_updater = IconUpdater(
            app, contract.store, contract, peer, cast(Any, icon), watch.check
        )
        stack.enter_context(closing(icon_updater))
        icon_updater.start()
        stack.enter_context(closing(server := Server(app.settings.home, contract)))
        server.start()
        client = stack.enter_context(Client.connect(app.settings.home, "window"))
        client.subscribe(owner_events(), _drop)
        _live(contract, icon, WARMED_UP)
        before = _resident()
        _live(contract, icon, EVENTS_A_DAY)
        return {
            "tray-memory-day": Figure(100 * (_resident() / before - 1), "%", GROWTH_LIMIT),
            "tray-memory-day-paints": Figure(icon.count, "paints"),
        }


def _live(contract: StoreContract, icon: _Icon, events: int) -> None:
    for _ in range(events // (2 * _AT_ONCE)):
        for number in range(_AT_ONCE):
            contract.put(*_ends_and_runs(number))
    icon.wait_for("running")


def _ends_and_runs(number: int) -> tuple[Fact, Fact]:
    ended = made.ended(exit_code=1 + number % 100, finished_at=made.at(number))
    return ContainerSeen(ended), ContainerSeen(made.container(started_at=made.at(number + 0.5)))


def _drop(_message: Message) -> None:
    """Nobody listens."""


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
