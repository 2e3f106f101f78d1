"""Operations of other processes: known by the locks that they hold."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from threading import Event, Lock, Thread

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.core.watcher import RELIST
from aiserver_tray.model import OperationKind, OperationView
from aiserver_tray.operations.locks import Holder, holders
from aiserver_tray.settings.store import Settings
from aiserver_tray.state.facts import DesiredChanged, OperationChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store

_AGAIN = 0.5
"""Seconds until an operation under way is looked at again: its end need not change any
container."""

_GATHER = 0.2
"""Seconds in which changes are taken together."""

_CLOSE_LIMIT = 5.0

_ON_OWN_ONLY: frozenset[OperationKind] = frozenset({"stop", "down", "restart"})
"""Operations that leave alone what their modules require."""

_logger = logging.getLogger(__name__)


class Others:
    """Tells *store* what other processes do, and what the user asked for through them.

    It looks when containers change, and, while another process is at work, until that has ended;
    otherwise it sleeps, and looks after *relook* seconds: what is asked for may change without any
    container.
    """

    def __init__(self, store: Store, settings: Settings, *, relook: float = RELIST) -> None:
        self._store = store
        self._settings = settings
        self._relook = relook
        self._containers: object = None
        self._engine_id: str | None = None
        self._changed = Event()
        self._closing = Event()
        self._looking = Lock()
        self._known: dict[str, OperationView] = {}
        self._thread = Thread(target=self._run, name="others", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._store.observe(self._on_state)
        self._thread.start()

    def close(self) -> None:
        """End, without waiting for a file that somebody else holds."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_LIMIT)

    def look(self, engine_id: str) -> None:
        """Tell now what is under way on the engine and what is desired there.

        Raises:
            SettingError: it can't be read.
        """
        with self._looking:
            before, found = self._known, self._tell_begun(engine_id)
            self._store.put(DesiredChanged(frozenset(self._settings.engine(engine_id).desired)))
            for gone in before.keys() - found.keys():
                self._store.put(OperationChanged(ended(before[gone])))
            self._known = found

    def look_for_begun(self) -> None:
        """Tell now what is under way and was not known: what it does is then no surprise. Waits
        for nobody, and is silent where nothing can be seen."""
        if self._engine_id and self._looking.acquire(blocking=False):
            try:
                if begun := self._tell_begun(self._engine_id):
                    self._known = self._known | begun
                    self._changed.set()  # its end is looked for
            except AiServerError:
                pass  # `look` comes soon, and says so
            finally:
                self._looking.release()

    def _tell_begun(self, engine_id: str) -> dict[str, OperationView]:
        """What is under way; new is told."""
        found = {view.id: view for view in views(holders(engine_id))}
        for view in found.values():
            if self._known.get(view.id) != view:
                self._store.put(OperationChanged(view))
        return found

    def _on_state(self, state: State) -> None:
        if state.engine.running and state.containers is not self._containers:
            self._containers = state.containers
            self._engine_id = state.engine.id
            self._changed.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(_AGAIN if self._known else self._relook)
            if self._closing.wait(_GATHER):
                return
            self._changed.clear()
            if self._engine_id:
                try:
                    self.look(self._engine_id)
                except AiServerError as error:
                    _logger.warning("what other processes do can't be seen: %s", error)


def views(held: Mapping[str, Holder]) -> list[OperationView]:
    """One operation for each other process and command that holds modules. What its own modules
    require is among them only where it may be started with them."""
    modules: dict[tuple[int, str, OperationKind], list[str]] = {}
    for module, holder in held.items():
        if holder.pid != os.getpid():
            names = modules.setdefault((holder.pid, holder.command, holder.kind), [])
            if holder.is_own or holder.kind not in _ON_OWN_ONLY:
                names.append(module)
    return [
        OperationView(f"{pid} {command}", kind, tuple(names), is_foreign=True)
        for (pid, command, kind), names in modules.items()
    ]


def ended(view: OperationView) -> OperationView:
    """*view*, over; how it ended its process knows."""
    return replace(view, status="succeeded")
