"""A small contract over a real store, and processes that host it: ``store_contract.py HOME``."""

import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from aiserver_tray.base.i18n import Language, LocalText
from aiserver_tray.contract.contract import LOG_EVENT, Caller, Envelope, Json, answer
from aiserver_tray.contract.local.instance import Instance, Role
from aiserver_tray.contract.local.server import Server
from aiserver_tray.model import OperationView, Snapshot
from aiserver_tray.state.codec import snapshot_json, steps_json
from aiserver_tray.state.facts import (
    ContainersListed,
    DesiredChanged,
    Fact,
    ModulesChanged,
    OperationChanged,
)
from aiserver_tray.state.store import Store
from aiserver_tray.system.paths import Home
from tests.support import made

ROLE: Role = "core"
TITLE: LocalText = {"en": "Web"}
SUMMARY: LocalText = {"en": "A web page"}
OPERATION = "op"
"""The id of every operation that clients begin."""


class StoreContract:
    """Keeps `contract.Contract`. Channels: ``echo``; ``wait`` until `released`; ``emit`` sends
    ``count`` log events of ``size`` bytes; ``fail``; ``huge``; what snapshots need; operations,
    whose views the test shows."""

    def __init__(self) -> None:
        self.store = Store()
        self.released = Event()
        self.waiting: list[Caller] = []
        self.forgotten: list[Caller] = []
        self.asked: list[tuple[str, Json]] = []
        self.is_awaited = Event()

    def put(self, *facts: Fact) -> None:
        for fact in facts:
            self.store.put(fact)
        self.store.flush()

    def start_stack(self) -> None:
        """An engine that runs the module ``web``."""
        self.put(
            ContainersListed((made.container(),)),
            made.UP,
            ModulesChanged((replace(made.model(), title=TITLE, summary=SUMMARY),)),
            DesiredChanged(frozenset({"web"})),
        )

    def show(self, operation: OperationView) -> None:
        self.put(OperationChanged(operation))

    def close(self) -> None:
        self.released.set()
        self.store.close()

    # -- the contract ---------------------------------------------------------------------------

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401
        match channel:
            case "ai/operation/start" | "ai/operation/cancel":
                self.asked.append((channel, payload))
                return answer(operationId=OPERATION)
            case "ai/operation/wait":
                view = self._end_of(payload["id"])
                return answer(operation=steps_json(view, caller.language))
            case "ai/snapshot/get":
                return answer(**self.snapshot(caller.language))
            case "ai/module/status":
                state = made.shown(self.store.state, payload["name"]).state
                return answer(state=state)
            case "wait":
                self.waiting.append(caller)
                self.released.wait()
            case "emit":
                for _ in range(payload["count"]):
                    caller.emit(LOG_EVENT, {"chunk": "x" * payload["size"]})
            case "fail":
                raise ZeroDivisionError
            case "huge":
                return answer(text="x" * 9 * 2**20)
        return answer(payload=payload, language=caller.language)

    def _end_of(self, id: str) -> OperationView:
        def ended(snapshot: Snapshot) -> list[OperationView]:
            self.is_awaited.set()
            return [view for view in snapshot.operations if view.id == id and view.is_over]

        return ended(self.store.wait_until(lambda snapshot: bool(ended(snapshot))))[0]

    def snapshot(self, language: Language) -> Json:
        return dict(snapshot_json(self.store.snapshot, language))

    def operations(self, language: Language) -> list[Json]:
        snapshot: Snapshot = self.store.snapshot
        return [dict(steps_json(view, language)) for view in snapshot.operations]

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self.store.observe(lambda _state: callback())

    def forget(self, caller: Caller) -> None:
        self.forgotten.append(caller)


def main(folder: str) -> None:
    """Host *folder*'s core until it is killed."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    home = Home(Path(folder), "home")
    contract = StoreContract()
    contract.start_stack()
    with Instance(home, ROLE):
        server = Server(home, ROLE, contract)
        server.start()
        print("hosting", flush=True)  # noqa: T201 - its result
        signal.sigwait({signal.SIGTERM})
        server.close()


if __name__ == "__main__":
    main(sys.argv[1])
