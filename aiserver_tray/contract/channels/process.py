"""Channels about the owner's own process: its windows, and its end."""

import os
from typing import Protocol, TypedDict

from pydantic import Field

from aiserver_tray import __version__
from aiserver_tray.app import App
from aiserver_tray.base.errors import NotPossibleError, SettingError, UnknownNameError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.address import HOME, PATTERN
from aiserver_tray.contract.channel import Name, Payload, channel
from aiserver_tray.contract.channels.operations import OperationChannels, ended
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.core.core import Core
from aiserver_tray.model import OwnerKind
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.entries import OwnerEntry
from aiserver_tray.system import autostart


class Process(Protocol):
    """What channels ask of the process that they run in. Every method returns at once."""

    @property
    def kind(self) -> OwnerKind:
        """Which process it is."""

    def show_dashboard(self, page: str) -> None:
        """Open the dashboard on *page*, or raise it.

        Raises:
            AiServerError: there is no window here; says what to do instead.
        """

    def open_module(self, name: str, title: str, address: str) -> None:
        """Open the module's own page."""

    def refresh_autostart(self) -> None:
        """Whether the applet starts at login may have changed."""

    def quit(self) -> None:
        """Exit, once the answer is sent."""

    def give_up_core(self) -> None:
        """Stop owning the core, once the answer is sent, and go on as a client."""


class ModuleName(Payload):
    """A module."""

    name: str = Name


class PageName(Payload):
    """A page of the dashboard."""

    page: str = Field(default=HOME, max_length=2000, pattern=PATTERN)
    """its address, such as `logs/n8n?level=error`"""


class Quitting(Payload):
    """How to quit."""

    stop: bool = False
    """stop all modules first"""


class Switch(Payload):
    """A switch."""

    enabled: bool | None = None
    """without it, nothing changes"""


class About(TypedDict):
    """The owner of the core."""

    version: str
    pid: int
    owner: OwnerKind
    """the process that owns the core"""
    language: Language
    """the language of its texts for this client"""
    home: str
    """the folder of its settings"""
    engine: str
    """the engine's address"""
    catalogs: list[str]
    """further catalog folders"""
    catalogStamp: str
    """changes whenever the catalog's files do"""
    engineSetting: str | None
    """the engine in the user's settings, which may have changed since; empty: none; null: it can't
    be read"""
    moduleFolders: list[str] | None
    """the module folders in the user's settings; null: they can't be read"""


class ModulePage(TypedDict):
    """The page of a module."""

    url: str


class Autostart(TypedDict):
    """Whether the applet starts at login."""

    enabled: bool
    supported: bool
    """this system has start at login"""


class ProcessChannels(Part):
    """``ai/app/…``, ``ai/window/show`` and what else concerns the owner's process."""

    def __init__(
        self, app: App, core: Core, process: Process, operations: OperationChannels
    ) -> None:
        self._app = app
        self._core = core
        self._operations = operations
        self._process = process

    @channel("ai/app/about")
    def _about(self, caller: Caller) -> About:
        """Tell which process owns the core, and for which home, engine and catalog."""
        # The engine that is in use: the setting may have changed since.
        identity = self._app.identity_with(self._core.engine.host)
        folders = self._app.module_folders
        return {
            "version": __version__,
            "pid": os.getpid(),
            "owner": self._process.kind,
            "language": caller.language,
            "home": identity["home"],
            "engine": identity["engine"],
            "catalogs": identity["catalogs"],
            "catalogStamp": identity["catalogStamp"],
            "engineSetting": self._engine_setting(),
            "moduleFolders": folders if folders is None else list(folders),
        }

    def _engine_setting(self) -> str | None:
        try:
            return self._app.settings.app.engine
        except SettingError:
            return None

    @channel("ai/app/quit")
    def _quit(self, asked: Quitting, caller: Caller) -> None:
        """Quit the applet."""
        if asked.stop:
            ended(self._operations.begin(Request("stop"), caller.actor))
        self._process.quit()

    @channel("ai/window/show", callers=["command", "tray"])
    def _show(self, asked: PageName) -> None:
        """Open the dashboard, or raise it."""
        self._process.show_dashboard(asked.page)

    @channel("ai/module/open")
    def _open_module(self, asked: ModuleName, caller: Caller) -> ModulePage:
        """Open a module's own page."""
        modules = {module.name: module for module in self._core.store.snapshot.modules}
        if asked.name not in modules:
            raise UnknownNameError(asked.name, list(modules))
        module = modules[asked.name]
        if not module.open:
            why = module.abilities["open"]
            assert why
            raise NotPossibleError(asked.name, "open", why)
        self._process.open_module(module.name, module.title_in(caller.language), module.open)
        return {"url": module.open}

    @channel("ai/system/autostart")
    def _autostart(self, asked: Switch) -> Autostart:
        """Start the applet at login, or stop doing that."""
        home, options = self._app.settings.home, self._app.start_options
        if asked.enabled:
            autostart.enable(home, options)
        elif asked.enabled is not None:
            autostart.disable(home)
        self._process.refresh_autostart()
        is_enabled = autostart.is_enabled(home, options)
        return {"enabled": is_enabled, "supported": autostart.is_supported()}

    @channel("owner/yield", callers=["tray"])
    def _yield(self, caller: Caller) -> None:
        """Let the tray own the core from now on; refused while an operation is under way."""

        def hand_over() -> None:
            self._process.give_up_core()
            self._app.settings.journal.add(
                OwnerEntry(
                    actor=caller.actor,
                    owner=self._process.kind,
                    event="handed_over",
                    pid=os.getpid(),
                )
            )

        self._operations.give_up(hand_over)
