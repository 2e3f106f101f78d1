"""A contract whose owner shows what a test says, and notes what clients ask."""

from collections.abc import Callable, Collection
from copy import deepcopy
from threading import Condition
from typing import Any

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.model import Carrier
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.message import Envelope, Event, Json, Peer, answer
from tests.support.limits import LIMIT

CHANNELS = every_channel()

NO_SERIES: Json = {name: [] for name in ("cpu", "memory", "rx", "tx", "read", "write", "pids")}
NO_SAMPLES: Json = {
    "interval": 15,
    "times": [],
    "total": NO_SERIES,
    "modules": [],
    "services": [],
    "peaks": NO_SERIES,
    "marks": [],
}

NO_LOGS = {"modules": [], "bytes": 0, "problem": None, "recovered": None, "unreadable": []}
NO_RULES: Json = {
    **{name: [] for name in ("kinds", "rules", "alerts", "mutes")},
    "muted": None,
    "desktop": False,
    "webhook": False,
}

NO_BACKUPS: Json = {
    "backups": [],
    "folder": "",
    "folderProblem": None,
    "freeBytes": None,
    "schedule": {
        "every": "never",
        "time": "03:00",
        "weekday": 0,
        "keepDaily": 7,
        "keepWeekly": 4,
        "keepMonthly": 3,
        "nextAt": None,
        "overdue": False,
    },
    "key": {"savedAt": None, "remind": False, "public": ""},
    "operation": None,
    "moved": None,
    "checking": None,
    "problem": None,
}
NO_UPGRADES: Json = {
    "modules": [],
    "askedAt": None,
    "problem": None,
    "asking": False,
    "operation": None,
    "unended": None,
}
NO_MODELS: Json = {"servers": [], "waiting": [], "checked": None, "every": "never"}
NO_OFFER: Json = {"modules": [], "engineBytes": 0, "fileBytes": 0, "blockers": []}


class Scripted:
    """Keeps `contract.Contract`. ``answers``: channel -> what is answered; ``handlers``: channel ->
    what answers it, whatever the payload; ``calls``: what was asked, in order; ``callers``: who
    asked, in the same order; ``chosen``: the user's language."""

    def __init__(self, snapshot: Json) -> None:
        self.answers: dict[str, Envelope] = {
            "ai/stats/history": answer(NO_SAMPLES),
            "ai/rules/list": answer(NO_RULES),
            "ai/backup/list": answer(NO_BACKUPS),
            "ai/backup/offer": answer(NO_OFFER),
            "ai/upgrade/list": answer(NO_UPGRADES),
            "ai/models/list": answer(NO_MODELS),
            "ai/logs/kept": answer(NO_LOGS),
            "ai/logs/lines": answer({"lines": []}),
            "ai/config/get": answer({"entries": []}),
            "ai/config/set": answer({"entries": []}),
        }
        self.handlers: dict[str, Callable[[Any, Peer], Envelope]] = {}
        self.calls: list[tuple[str, Json]] = []
        self.callers: list[Peer] = []
        self.forgotten: list[Peer] = []
        self.refusals: list[tuple[str, str]] = []
        self.chosen: Language | None = None
        self._snapshot = deepcopy(snapshot)
        self._subscriptions: dict[Peer, frozenset[str]] = {}
        self._changed = Condition()

    def show(self, snapshot: Json) -> None:
        """Let the state be *snapshot* from now on."""
        with self._changed:
            self._snapshot = deepcopy(snapshot)
            for peer in self._subscriptions:
                self._send_snapshot(peer)

    def publish(self, event: Event[Any], payload: Json) -> None:
        """Send *event* to all that subscribed to it, once somebody has."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_heard(event), LIMIT), event.name
            for peer, events in self._subscriptions.items():
                if event.name in events:
                    peer.send(event.of_json(payload))

    def snapshot(self, language: Language) -> Json:
        """The state for a client that reads *language*."""
        return deepcopy(self._snapshot) | {"language": self.chosen or language}

    def wait_for_call(self, channel: str) -> Json:
        """The payload of the next call of *channel*, which is taken out."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._find(channel) is not None, LIMIT), (
                self.calls
            )
            index = self._find(channel)
            assert index is not None
            return self.calls.pop(index)[1]

    def wait_until_forgotten(self, peer: Peer) -> None:
        """Wait until *peer* is said to be gone."""
        with self._changed:
            assert self._changed.wait_for(lambda: peer in self.forgotten, LIMIT)

    @property
    def subscribers(self) -> int:
        """How many clients get events."""
        return len(self._subscriptions)

    # -- the contract --------------------------------------------------------------------------

    def invoke(self, channel: str, payload: Any, peer: Peer) -> Envelope:  # noqa: ANN401
        handler = self.handlers.get(channel)
        if handler is None:
            CHANNELS[channel].reader.validate_python(payload or {})
        with self._changed:
            self.calls.append((channel, payload))
            self.callers.append(peer)
            self._changed.notify_all()
            # Who has seen the call may change what the next one is answered.
            known = self.answers.get(channel, answer({}))
        if handler:
            return handler(payload, peer)
        return answer(self.snapshot(peer.language)) if channel == "ai/snapshot/get" else known

    def subscribe(self, peer: Peer, events: Collection[str]) -> None:
        with self._changed:
            self._subscriptions[peer] = frozenset(events)
            self._send_snapshot(peer)
            self._changed.notify_all()

    def forget(self, peer: Peer) -> None:
        with self._changed:
            self._subscriptions.pop(peer, None)
            self.forgotten.append(peer)
            self._changed.notify_all()

    def refused(self, carrier: Carrier, reason: Text) -> None:
        self.refusals.append((carrier, str(reason)))

    # ------------------------------------------------------------------------------------------

    def _send_snapshot(self, peer: Peer) -> None:
        if SNAPSHOT.name in self._subscriptions[peer]:
            peer.send(SNAPSHOT.of_json(self.snapshot(peer.language)))

    def _is_heard(self, event: Event[Any]) -> bool:
        return any(event.name in events for events in self._subscriptions.values())

    def _find(self, channel: str) -> int | None:
        return next((i for i, (name, _) in enumerate(self.calls) if name == channel), None)
