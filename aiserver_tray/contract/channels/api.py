"""The core's part of the contract."""

from collections.abc import Callable
from typing import Any

from aiserver_tray.app import App
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.channels.dispatch import Handler, Handlers, dispatch
from aiserver_tray.contract.channels.engine import EngineChannels
from aiserver_tray.contract.channels.file_refresh import FileRefresh
from aiserver_tray.contract.channels.logs import LogChannels
from aiserver_tray.contract.channels.modules import ModuleChannels
from aiserver_tray.contract.channels.operations import OperationChannels
from aiserver_tray.contract.contract import Caller, Envelope, Json, Payload
from aiserver_tray.core.core import Core
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.service import Operation
from aiserver_tray.state.codec import steps_json


class Api:
    """Keeps `contract.Contract` for the installation *app* with its running *core*."""

    def __init__(self, app: App, core: Core) -> None:
        self._core = core
        self._file_refresh = FileRefresh(app, core)
        self._modules = ModuleChannels(app, core, self._file_refresh)
        self._operations = OperationChannels(core)
        self._logs = LogChannels(core)
        self._engine = EngineChannels(core)
        channels = (self._modules, self._operations, self._logs, self._engine)
        self._handlers: Handlers = {
            name: self._up_to_date(handler)
            for each in channels
            for name, handler in each.handlers.items()
        }

    def _up_to_date(self, handler: Handler) -> Handler:
        """*handler*, which knows the catalog as it is when it is asked."""

        def handle(asked: Payload, caller: Caller) -> Json:
            self._file_refresh.refresh()
            return handler(asked, caller)

        return handle

    def invoke(self, channel: str, payload: Any, caller: Caller) -> Envelope:  # noqa: ANN401 - JSON
        """The answer. Blocks until there is one, and never raises."""
        return dispatch(self._handlers, channel, payload, caller)

    def snapshot(self, language: Language) -> Json:
        """Everything as it is now."""
        return self._modules.snapshot(language)

    def operations(self, language: Language) -> list[Json]:
        """The operations with all of their steps."""
        return [dict(steps_json(view, language)) for view in self._core.store.snapshot.operations]

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls *callback* in the store's thread after every change."""
        return self._core.store.observe(lambda _state: callback())

    def forget(self, caller: Caller) -> None:
        """The client is gone."""
        self._logs.forget(caller)

    def begin(self, request: Request) -> Operation:
        """Start *request*, so that clients can cancel it."""
        self._file_refresh.refresh()
        return self._operations.begin(request)

    def start(self) -> None:
        """Tell *core* what there is, and look after it from now on."""
        self._file_refresh.start()

    def close(self) -> None:
        """Look after nothing, and wait for nothing any more."""
        self._file_refresh.close()
        self._engine.close()
