"""Owning the core in this process."""

import os
from contextlib import ExitStack
from typing import Final, Literal, Self

from aiserver_tray.app import App
from aiserver_tray.contract.channel import Channel, channels_of
from aiserver_tray.contract.channels.api import Api
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.channels.process import Process
from aiserver_tray.contract.local.server import Server
from aiserver_tray.contract.owner.browser_channels import BrowserChannels
from aiserver_tray.core.core import Core
from aiserver_tray.core.revive import Reviver
from aiserver_tray.model import Actor
from aiserver_tray.settings.entries import OwnerEntry
from aiserver_tray.state.store import Store

CHANNELS: Final[dict[str, Channel]] = {
    channel.name: channel
    for part in Part.__subclasses__()
    if part.__module__.startswith("aiserver_tray.contract.")
    for channel in channels_of(part)
}
"""Every channel of the owner, by name."""


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
        self._core: Core

    @property
    def store(self) -> Store:
        """The state."""
        return self._core.store

    def refresh(self) -> None:
        """Read the engine and all of its containers again."""
        self._core.refresh()
        self.api.logs.reconnect()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            core = self._core = self._app.core()
            stack.callback(core.close)
            core.open()
            api = self.api = Api(self._app, core, self._process)
            stack.callback(api.close)
            api.include(BrowserChannels(api))
            api.start()
            own = Actor("owner", os.getpid())
            reviver = Reviver(
                self._app.settings,
                lambda: self._app.names,
                core,
                lambda request: api.begin(request, own),
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
