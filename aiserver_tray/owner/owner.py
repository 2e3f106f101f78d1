"""Owning the core in this process."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal, Self

from aiserver_tray.base.errors import EngineDownError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.core.app import App
from aiserver_tray.core.core import Core
from aiserver_tray.core.upkeep import Reviver
from aiserver_tray.features.alerts.channels import AlertsFeature
from aiserver_tray.features.alerts.watch import RuleWatch
from aiserver_tray.features.backup.channels import BackupFeature
from aiserver_tray.features.place import Process
from aiserver_tray.model import Actor
from aiserver_tray.owner.api import Api
from aiserver_tray.settings.entries import OwnerEntry

_logger = logging.getLogger(__name__)


class EngineFolder:
    """The folder for what is kept about the engine of *core*. If another engine answers than the
    one that answered before at this address, *restart* is called, and `check` refuses it: its logs,
    samples and alerts have another folder."""

    def __init__(self, app: App, core: Core, restart: Callable[[], None]) -> None:
        self._engines = app.settings.engines
        self._engine = core.engine
        self._folder = self._engines.folder(core.engine.host)
        self._restart = restart
        self._is_over = False

    def check(self, engine_id: str) -> None:
        """The engine with this ID answers.

        Raises:
            EngineDownError: its folder is not the one in use.
        """
        host = self._engine.host  # it may have been found only now
        try:
            folder = self._engines.meet(host, engine_id, self._folder)
        except SettingError as error:  # such as a full disk, on which nothing is kept either
            _logger.warning("%s", error)
            return
        if folder == self._folder:
            return
        if not self._is_over:
            self._is_over = True
            self._restart()
        raise EngineDownError(host, Text("another engine answers there now"))


class Owner:
    """Within ``with``, this process has store and operations of *app*'s home folder, and serves the
    control channel. It does not wait for the engine. Its `Instance` must be held.

    Raises:
        SettingError: the home can't be used.
    """

    def __init__(self, app: App, process: Process) -> None:
        self._app = app
        self._process = process
        self._stack = ExitStack()
        self.core: Core

    @property
    def alerts(self) -> RuleWatch:
        """The watch over the alert rules."""
        return self.api.place.feature(AlertsFeature).watch

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            core = self.core = self._app.core()
            stack.callback(core.close)
            core.on_answer = EngineFolder(self._app, core, self._process.restart_core).check
            core.open()
            api = self.api = Api(self._app, core, self._process)
            stack.callback(api.close)
            api.start()
            own = Actor("owner", os.getpid())
            reviver = Reviver(
                self._app.settings,
                lambda: self._app.names,
                core,
                lambda request: api.begin(request, own),
                api.place.feature(BackupFeature).recover,
            )
            reviver.start()
            stack.callback(reviver.close)
            server = Server(self._app.settings.home, api)
            server.start()
            stack.callback(server.close)
            self._stack = stack.pop_all()
        self._record("started")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._record("stopped")

    def _record(self, event: Literal["started", "stopped"]) -> None:
        entry = OwnerEntry(owner=self._process.kind, event=event, pid=os.getpid())
        self._app.settings.journal.add(entry)
