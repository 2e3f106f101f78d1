"""The host of the core puts back what the engine's restart took away."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event

from aiserver_tray.api.front import Front
from aiserver_tray.contract import Caller
from aiserver_tray.hosting.link import Link
from tests.engine.operating import Installation, checked
from tests.host_process import NoWindows
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place

LIMIT = 60.0
CALLER = Caller("en", lambda _event, _payload: None)


class Modules:
    """The states of modules as *link* tells them."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._changed = Event()
        self.leave = link.observe(self._changed.set)

    def wait_for(self, **wanted: str) -> None:
        """Until they are so. Raises ``AssertionError`` where nothing changes any more before."""
        while True:
            self._changed.clear()
            told = self._link.snapshot("en")["modules"]
            states = {module["name"]: module["state"] for module in told}
            if all(states.get(name) == state for name, state in wanted.items()):
                return
            assert self._changed.wait(LIMIT), states


@contextmanager
def hosted(here: Installation) -> Iterator[tuple[Link, Modules]]:
    app = here.app
    with closing(Link(app, lambda core: Front(app, core, NoWindows()))) as link:
        modules = Modules(link)
        link.start()
        yield link, modules


def test_what_ran_runs_again_after_a_restart_of_the_engine_or_of_the_applet(
    here: Installation, lab: Place
) -> None:
    here.write("db", {"db": checked("true", stop_signal="SIGKILL")}, kind="basic")
    here.write("web", {"web": checked("true", stop_signal="SIGKILL")}, requires=["db"])
    here.write("other", {"other": checked("true")})
    with hosted(here) as (link, modules):
        modules.wait_for(web="stopped", other="stopped")
        up = {"kind": "up", "modules": ["web"], "untilEnd": True}
        assert link.invoke("ai/operation/start", up, CALLER)["success"]
        modules.wait_for(web="running", db="running")
        lab_engine.kill(lab)
        modules.wait_for(web="engine_down")
        lifecycle.up(lab)
        modules.wait_for(web="running", db="running", other="stopped")
    with closing(lab_engine.client(lab)) as client:
        client.containers.get("ai-web").kill()
    with hosted(here) as (_, modules):
        modules.wait_for(web="running", db="running", other="stopped")
