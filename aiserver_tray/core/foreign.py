"""Operations of other processes of this installation, known by the locks that they hold."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import Protocol

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.core.watcher import RELIST_SECONDS
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.locks import Holder, Work, holders
from aiserver_tray.state.facts import DesiredChanged, OperationChanged
from aiserver_tray.state.reduce import State
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import OperationView

_POLL_SECONDS = 0.5
"""Seconds between two checks while another process works: its end may change no container."""

_BATCH_SECONDS = 0.2
"""Seconds to wait for further changes before a check."""

_CLOSE_TIMEOUT_SECONDS = 5.0

_ON_OWN_ONLY: frozenset[OperationKind] = frozenset({"stop", "down", "restart", "backup", "move"})
"""Operations that change only the named modules, not those that these require."""

_logger = logging.getLogger(__name__)


class KnownDesired(Protocol):
    """The part of the settings that this needs.

    Raises:
        SettingError: from both methods: they can't be read.
    """

    def desired(self, engine_id: str) -> Sequence[str]:
        """The modules that the user asked for on the engine."""

    def stopped(self, engine_id: str) -> Sequence[str]:
        """The services (``module/service``) that the user stopped alone on the engine."""


class ForeignOperations:
    """Reports operations of other processes, and the desired modules, to *store*. Operations of
    other installations change none of our containers, so they are left out. It checks when
    containers change, and every `_POLL_SECONDS` while another process works. Otherwise it checks
    every *recheck_seconds*, because the desired modules may change without any container."""

    def __init__(
        self,
        store: Store,
        settings: KnownDesired,
        installation_id: str,
        *,
        recheck_seconds: float = RELIST_SECONDS,
    ) -> None:
        self._store = store
        self._settings = settings
        self._installation_id = installation_id
        self._recheck_seconds = recheck_seconds
        self._containers: object = None
        self._engine_id: str | None = None
        self._changed = Event()
        self._closing = Event()
        self._lock = Lock()
        self._known: dict[str, OperationView] = {}
        self._thread = Thread(target=self._run, name="foreign-operations", daemon=True)

    def start(self) -> None:
        self._store.observe(self._on_state)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread, without waiting for a file that another process has locked."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_TIMEOUT_SECONDS)

    def refresh(self, engine_id: str) -> None:
        """Report running operations and desired modules of the engine now.

        Raises:
            SettingError: the desired modules can't be read.
        """
        with self._lock:
            before, found = self._known, self._report_begun(engine_id)
            desired = frozenset(self._settings.desired(engine_id))
            stopped = frozenset(self._settings.stopped(engine_id))
            self._store.put(DesiredChanged(desired, stopped))
            for gone in before.keys() - found.keys():
                # Only its own process knows the result.
                self._store.put(OperationChanged(replace(before[gone], status="succeeded")))
            self._known = found

    def refresh_begun(self) -> None:
        """Report operations that have begun since the last check, so that their effects on
        containers are expected. Does not wait for a check in another thread, and raises nothing."""
        if self._engine_id and self._lock.acquire(blocking=False):
            try:
                if begun := self._report_begun(self._engine_id):
                    self._known = self._known | begun
                    self._changed.set()  # so that its end is noticed
            except AiServerError:
                pass  # the next `refresh` logs it
            finally:
                self._lock.release()

    def _report_begun(self, engine_id: str) -> dict[str, OperationView]:
        """Report new operations; returns all that are running."""
        found = {view.id: view for view in views(holders(engine_id), self._installation_id)}
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
            self._changed.wait(_POLL_SECONDS if self._known else self._recheck_seconds)
            if self._closing.wait(_BATCH_SECONDS):
                return
            self._changed.clear()
            if self._engine_id:
                try:
                    self.refresh(self._engine_id)
                except AiServerError as error:
                    _logger.warning("can't read the operations of other processes: %s", error)


def views(held: Mapping[str, Holder], installation: str) -> list[OperationView]:
    """One operation of *installation* for each other process and command that holds locks. Modules
    that its own modules require are included only if the operation may start them."""
    modules: dict[tuple[int, Work, OperationKind], list[str]] = {}
    for module, (pid, work, is_own) in held.items():
        kind = work.kind
        if kind and pid != os.getpid() and work.installation == installation:
            names = modules.setdefault((pid, work, kind), [])
            if is_own or kind not in _ON_OWN_ONLY:
                names.append(module)
    return [
        OperationView(f"{pid} {work.command}", kind, tuple(names), is_foreign=True)
        for (pid, work, kind), names in modules.items()
    ]
