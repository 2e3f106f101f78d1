"""Hosting the core in this process."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from aiserver_tray.app import App
from aiserver_tray.contract.channels.api import Api
from aiserver_tray.contract.contract import Contract
from aiserver_tray.contract.local.instance import Instance
from aiserver_tray.contract.local.server import Server
from aiserver_tray.core.core import Core
from aiserver_tray.core.revive import Reviver

FrontOf = Callable[[Contract], Contract]
"""What a process puts before the core's part of the contract, for its clients."""


class CoreHost:
    """Between ``with`` and its end, this process owns store and operations of *app*'s home, and
    serves the control channel. It does not wait for the engine.

    Raises:
        BusyError: another process does.
        SettingError: the home, or the folder for locks, can't be used.
    """

    def __init__(self, app: App, front_of: FrontOf) -> None:
        self._app = app
        self._front_of = front_of
        self._stack = ExitStack()
        self._core: Core | None = None

    def look(self) -> None:
        """Look at the engine and all of its containers now."""
        if self._core:
            self._core.refresh()

    def __enter__(self) -> Contract:
        home = self._app.settings.home
        with ExitStack() as stack:
            stack.enter_context(Instance(home, "core"))
            core = self._core = self._app.core()
            stack.callback(core.close)
            core.open()
            api = Api(self._app, core)
            stack.callback(api.close)
            api.start()
            reviver = Reviver(self._app.settings, lambda: self._app.names, core, api.begin)
            reviver.start()
            stack.callback(reviver.close)
            server = Server(home, "core", self._front_of(api))
            server.start()
            stack.callback(server.close)
            self._stack = stack.pop_all()
        return api

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
