"""An owner of the core in the test's own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Peer
from aiserver_tray.state.store import Store
from tests.support.installation import Installation
from tests.support.limits import LIMIT
from tests.support.surroundings import NoWindows

PEER = Peer("command", "en", lambda _message: None)


class Modules:
    """The states of modules in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = Event()
        self.leave = store.observe(lambda _state: self._changed.set())

    def wait_for(self, **wanted: str) -> None:
        """Until they are so. Raises ``AssertionError`` where nothing changes any more before."""
        while True:
            self._changed.clear()
            states = {module.name: module.state for module in self._store.snapshot.modules}
            if all(states.get(name) == state for name, state in wanted.items()):
                return
            assert self._changed.wait(LIMIT), states


@contextmanager
def owned(here: Installation) -> Iterator[tuple[Owner, Modules]]:
    """While it lasts, this process owns the core of *here*."""
    app = here.app
    with Claim(app) as claim:
        claim.take()
        with Owner(app, NoWindows()) as owner:
            yield owner, Modules(owner.core.store)
