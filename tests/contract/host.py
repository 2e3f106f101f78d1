"""An installation on the lab's engine, whose core is called directly."""

from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from aiserver_tray.app import App
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import LOG_EVENT, Caller, Contract, Envelope, Json
from tests.contract.heard import LIMIT, Payloads
from tests.support.installation import Installation, checked, gated, script
from tests.support.installation import after as depends
from tests.support.surroundings import Recorded

T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """A process that hosts the core; ``front`` is its contract."""

    app: App
    front: Contract
    around: Recorded

    def caller(self, language: Language = "en") -> "DirectCaller":
        """A client in this process."""
        return DirectCaller(self.front, language)

    def until(self, look: Callable[[], T | None]) -> T:
        """The first true result of *look*, which runs again after each change that the contract
        reports."""
        changes: SimpleQueue[None] = SimpleQueue()
        leave = self.front.observe(lambda: changes.put(None))
        try:
            while not (found := look()):
                changes.get(timeout=LIMIT)
            return found
        finally:
            leave()


class DirectCaller:
    """Calls the contract itself. ``log``: the payloads of the log events that it is sent."""

    def __init__(self, contract: Contract, language: Language) -> None:
        self._contract = contract
        self._caller = Caller(language, self._take)
        self.log: Payloads = SimpleQueue()

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        return self._contract.invoke(channel, payload, self._caller)

    def _take(self, event: str, payload: Json) -> None:
        assert event == LOG_EVENT, event
        self.log.put(payload)


def write_modules(here: Installation) -> None:
    """``web`` (two services, a page, settings) with the basic ``base``; ``slow``, which is never
    ready; ``talk``, which writes a line every now and then."""
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
    talk = "trap exit TERM; n=0; while true; do n=$((n+1)); echo line $n; sleep 0.2 & wait; done"
    here.write("talk", {"talk": script(talk)})
