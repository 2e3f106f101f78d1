"""The core of a home, for a process that needs one: hosted here, or another process's."""

import logging
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from aiserver_tray.app import App
from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, AlreadyRunningError, NotRunningError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import Caller, Contract, Envelope, Json
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.owner.host import CoreHost, FrontOf
from aiserver_tray.contract.owner.no_core import NoCore
from aiserver_tray.contract.owner.remote import RemoteContract
from aiserver_tray.system.language import system_language

_AGAIN = 1.0
"""Seconds until it is tried again, where there is neither a place nor a host."""

_PATIENCE = 4.0
"""Seconds in which a host need not answer: it may only begin, or end."""

_logger = logging.getLogger(__name__)


class Link:
    """Keeps the contract from beginning to end, whoever hosts the core: if the host goes away,
    this process takes its place, or follows who did."""

    def __init__(self, app: App, front_of: FrontOf) -> None:
        self._app = app
        self._front_of = front_of
        self._contract: Contract = NoCore(None)
        self._host: CoreHost | None = None
        self._lock = Lock()
        self._observers: dict[Callable[[], None], Callable[[], None]] = {}
        self._closing = Event()
        self._lost = Event()
        self._heard = 0.0
        """When a host was there the last time, or this began."""
        self.linked = Event()
        """Set once a core was found or hosted, or why there is none is known."""
        self._thread = Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Begin to look for the core."""
        self._thread.start()

    def close(self) -> None:
        """Leave the core; where it is hosted here, it ends."""
        self._closing.set()
        self._lost.set()
        self._thread.join()

    def look(self) -> None:
        """The machine was asleep: look at everything anew."""
        with self._lock:
            host = self._host
        if host:
            host.look()

    # -- the contract ---------------------------------------------------------------------------

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        return self._contract.invoke(channel, payload, caller)

    def snapshot(self, language: Language) -> Json:
        """Everything as it is now."""
        return self._contract.snapshot(language)

    def operations(self, language: Language) -> list[Json]:
        """The operations with all of their steps."""
        return self._contract.operations(language)

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls *callback* after every change."""
        with self._lock:
            self._observers[callback] = self._contract.observe(callback)

        def leave() -> None:
            with self._lock:
                self._observers.pop(callback)()

        return leave

    def forget(self, caller: Caller) -> None:
        """The client is gone."""
        self._contract.forget(caller)

    # -- in its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        self._heard = time.monotonic()
        while not self._closing.is_set():
            try:
                self._host_or_follow()
            except AiServerError as error:
                self._fail(error)
            except Exception as bug:  # noqa: BLE001 - the process stays, and says so
                log_bug(_logger, "the core failed", bug)
                self._fail(bug_error(bug))

    def _fail(self, error: AiServerError) -> None:
        if not isinstance(error, NotRunningError):
            _logger.warning("there is no core: %s", error)
            self._use(NoCore(error))
        self._closing.wait(_AGAIN)

    def _host_or_follow(self) -> None:
        host = CoreHost(self._app, self._front_of)
        try:
            with host as contract:
                with self._lock:
                    self._host = host
                self._use(contract)
                self._closing.wait()
                self._use(NoCore(None))
        except AlreadyRunningError as other:
            self._follow(other)
        finally:
            with self._lock:
                self._host = None

    def _follow(self, other: AlreadyRunningError) -> None:
        self._lost.clear()
        with self._connected(other) as client:
            remote = RemoteContract(client, self._lost.set)
            self._use(remote)
            if not self._closing.is_set():
                self._lost.wait()
        self._heard = time.monotonic()
        self._use(NoCore(None))

    def _connected(self, other: AlreadyRunningError) -> Client:
        """A client of *other*, which is raised where it has been silent for long."""
        try:
            return Client.connect(self._app.settings.home, "core", language=system_language())
        except NotRunningError:
            if time.monotonic() - self._heard < _PATIENCE:
                raise
            raise other from None

    def _use(self, contract: Contract) -> None:
        with self._lock:
            for leave in self._observers.values():
                leave()
            self._contract = contract
            self._observers = {call: contract.observe(call) for call in self._observers}
            observers = list(self._observers)
        self.linked.set()
        for call in observers:
            call()
