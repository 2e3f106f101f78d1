"""A host of the core in the test's own process."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event

from aiserver_tray.contract.channels.front import Front
from aiserver_tray.contract.contract import Caller
from aiserver_tray.contract.owner.link import Link
from tests.support.installation import Installation
from tests.support.surroundings import NoWindows

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
