"""A small contract over a real store, and processes that own it: ``store_contract.py HOME``."""

import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Language, LocalText, Text
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.monitoring.samples import Sample, sample_json
from aiserver_tray.features.predecessor.channels import ModuleStatuses
from aiserver_tray.features.stack.publishing import Publishing
from aiserver_tray.model import Carrier
from aiserver_tray.protocol.hub import Hub
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from aiserver_tray.state.encode import snapshot_json
from aiserver_tray.state.facts import (
    ContainersListed,
    DesiredChanged,
    Fact,
    ModulesChanged,
    OperationChanged,
    TextsChanged,
)
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationSummary, OperationView, Snapshot
from aiserver_tray.system.paths import Home
from tests.support import made

TITLE: LocalText = {"en": "Web", "zh": "网页"}
SUMMARY: LocalText = {"en": "A web page", "zh": "一个网页"}
OPERATION = "op"
"""The id of every operation that clients begin."""


class StoreContract:
    """Keeps `contract.Contract`. Channels: ``echo``; ``wait`` until `released`; ``emit`` sends
    ``count`` log events of ``size`` bytes; ``fail``; ``huge``; the snapshot; the `newest` sample;
    operations, whose views the test shows."""

    def __init__(self) -> None:
        self.store = Store()
        self.chosen: Language | None = None
        self.hub = Hub()
        self.publishing = Publishing(self.store, self.hub, self._language)
        self.hub.add_changes(ModuleStatuses(self.store, self._language).current)
        self.released = Event()
        self.waiting: list[Peer] = []
        self.forgotten: list[Peer] = []
        self.asked: list[tuple[str, Json]] = []
        self.is_awaited = Event()
        self.newest = Sample(0, None)
        self.handlers: dict[str, Callable[[], Envelope]] = {}
        """Channel -> what answers it, instead of the contract."""
        self.refusals: list[tuple[str, str]] = []
        self.publishing.start()

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

    def choose(self, language: Language) -> None:
        """Let the user choose *language*."""
        self.chosen = language
        self.put(TextsChanged())

    def snapshot(self, language: Language = "en") -> Json:
        """What a client that reads *language* is to know now."""
        return dict(snapshot_json(self.store.snapshot, language))

    def close(self) -> None:
        self.released.set()
        self.publishing.close()
        self.store.close()

    # -- the contract ---------------------------------------------------------------------------

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401
        handler = self.handlers.get(channel)
        return handler() if handler else self._answer(channel, payload, peer)

    def _answer(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401
        language = self._language(peer.language)
        match channel:
            case "ai/operation/start" | "ai/operation/cancel":
                self.asked.append((channel, payload))
                return answer({"operationId": OPERATION})
            case "ai/operation/wait":
                return answer({"operation": to_json(self._end_of(payload["id"]), language)})
            case "ai/snapshot/get":
                return answer(self.snapshot(language))
            case "ai/stats/newest":
                return answer(dict(sample_json(self.newest)))
            case "wait":
                self.waiting.append(peer)
                self.released.wait()
            case "emit":
                chunk = "x" * payload["size"]
                for _ in range(payload["count"]):
                    peer.send(LOG.message({"streamId": "s", "event": "stdout", "chunk": chunk}))
            case "fail":
                raise ZeroDivisionError
            case "huge":
                return answer({"text": "x" * 9 * 2**20})
        return answer({"payload": payload, "language": language, "kind": peer.kind})

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        self.hub.subscribe(peer, events)

    def forget(self, peer: Peer) -> None:
        self.hub.forget(peer)
        self.forgotten.append(peer)

    def refused(self, carrier: Carrier, reason: Text) -> None:
        self.refusals.append((carrier, str(reason)))

    def _language(self, own: Language) -> Language:
        return self.chosen or own

    def _end_of(self, id: str) -> OperationSummary:
        def ended(snapshot: Snapshot) -> list[OperationSummary]:
            self.is_awaited.set()
            return [view for view in snapshot.operations if view.id == id and view.is_over]

        return ended(self.store.wait_until(lambda snapshot: bool(ended(snapshot))))[0]


def main(folder: str) -> None:
    """Own *folder*'s core until the input ends."""
    home = Home(Path(folder), "home")
    contract = StoreContract()
    contract.start_stack()
    with Instance(home):
        server = Server(home, contract)
        server.start()
        print("hosting", flush=True)  # noqa: T201 - its result
        sys.stdin.read()
        server.close()


if __name__ == "__main__":
    main(sys.argv[1])
