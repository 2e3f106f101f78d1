"""An installation on the lab's engine, whose core is called directly."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from aiserver_tray.base.i18n import Language
from aiserver_tray.core.app import App
from aiserver_tray.features.logs.events import FOLLOWED, LOG
from aiserver_tray.features.monitoring.events import WATCHED
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import CallerKind, Contract, Envelope, Message, Peer
from aiserver_tray.state.views import Snapshot
from tests.contract.heard import Payloads
from tests.support.installation import Installation, checked, gated, idle, script
from tests.support.installation import after as depends
from tests.support.limits import LIMIT
from tests.support.surroundings import Recorded

T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """A process that owns the core; ``around`` are its windows."""

    app: App
    owner: Owner
    around: Recorded

    def caller(self, language: Language = "en", kind: CallerKind = "window") -> "DirectCaller":
        """A client in this process."""
        return DirectCaller(self.owner.api, language, kind)

    def until(self, look: Callable[[Snapshot], T | None]) -> T:
        """The first true result of *look* for the state, which is asked again after each change."""
        changes: SimpleQueue[None] = SimpleQueue()
        leave = self.owner.core.store.observe(lambda _state: changes.put(None))
        try:
            while not (found := look(self.owner.core.store.snapshot)):
                changes.get(timeout=LIMIT)
            return found
        finally:
            leave()


class DirectCaller:
    """Calls the contract itself. ``log``: the payloads of the log events that it is sent."""

    def __init__(self, contract: Contract, language: Language, kind: CallerKind) -> None:
        self._contract = contract
        self._peer = Peer(kind, language, self._take)
        self.log: Payloads = SimpleQueue()

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        return self._contract.invoke(channel, payload, self._peer)

    def close(self) -> None:
        """Leave."""
        self._contract.forget(self._peer)

    def _take(self, message: Message) -> None:
        if message.event in {WATCHED.name, FOLLOWED.name}:
            return
        assert message.event == LOG.name, message
        self.log.put(json.loads(message.payload))


def write_modules(here: Installation) -> None:
    """``web`` (two services, a page, settings) with the basic ``base``; ``slow``, which is never
    ready; ``talk``, which writes a line every now and then; ``side``, which nobody starts."""
    here.write("base", {"base": checked("true", stop_signal="SIGKILL")}, kind="basic")
    web = checked("true", depends_on=depends("healthy", "db"), environment=["WEB_KEY"])
    here.write(
        "web",
        {"db": checked("true"), "web": web},
        requires=["base"],
        open="http://localhost:${WEB_PORT}",
        title={"en": "Web", "zh": "网页"},
        settings={
            "WEB_PORT": {"type": "port", "default": 18998},
            "WEB_KEY": {"type": "secret", "generate": "hex32"},
        },
    )
    here.write("slow", {"slow": gated()})
    here.write("side", {"side": idle()})
    talk = "trap exit TERM; n=0; while true; do n=$((n+1)); echo line $n; sleep 0.2 & wait; done"
    here.write("talk", {"talk": script(talk)})
