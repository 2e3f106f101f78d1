"""The host that all carriers lead to, and what it has."""

from dataclasses import dataclass
from threading import Event

from aiserver_tray.app import App
from aiserver_tray.contract import Contract
from tests.support.installation import Installation, checked, gated, script
from tests.support.installation import after as depends
from tests.support.surroundings import Recorded
from tests.support.waiting import eventually

SECRET = "web.WEB_KEY"
PORT = "web.WEB_PORT"


@dataclass(frozen=True)
class Host:
    """A process that hosts the core; ``front`` is its contract."""

    app: App
    front: Contract
    around: Recorded

    def wait_for_engine(self) -> None:
        """Until there is a core, and it knows what is on the engine."""
        changed = Event()
        leave = self.front.observe(changed.set)
        eventually(lambda: self.front.snapshot("en")["engine"]["running"], "the engine")
        leave()


def write_modules(here: Installation) -> None:
    """``web`` (two services, a page, settings) with the basic ``base``; ``slow``, which is never
    ready; ``talk``, which says a few lines."""
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
