"""Channels about the application itself: its process with its windows, its packages, and the first
steps in a new home.
"""

import os
from collections.abc import Callable
from typing import TypedDict, TypeVar

from pydantic import Field

from aiserver_tray import __version__
from aiserver_tray.base.errors import NotPossibleError, SettingError
from aiserver_tray.base.i18n import Language
from aiserver_tray.base.strings import HOME, PATTERN
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.features.app.system import SystemChannels
from aiserver_tray.features.place import Place
from aiserver_tray.features.stack.channels import StackFeature, ended, module_of
from aiserver_tray.model import OwnerKind
from aiserver_tray.operations.request import Request
from aiserver_tray.protocol.channel import Feature, ModuleName, Payload, channel
from aiserver_tray.protocol.message import Caller
from aiserver_tray.settings.entries import OwnerEntry
from aiserver_tray.system import autostart
from aiserver_tray.system.engine_install import Package, installed_packages

_Value = TypeVar("_Value")


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


class FirstSteps(Payload):
    """The first steps."""

    done: bool = False
    """the user has left them: they don't open by themselves again"""


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
    engineOrigin: str
    """where that comes from, and whether the settings name another one by now, as sentences"""
    catalogs: list[str]
    """further catalog folders"""
    catalogStamp: str
    """changes whenever the catalog's files do"""
    engineSetting: str | None
    """the engine in the user's settings, which may have changed since; empty: none; null: it can't
    be read"""
    canSwitchEngine: bool
    """that setting counts; otherwise, the owner was started with the option `--engine`"""
    engines: dict[str, str] | None
    """the addresses of the engines that have a name there, by name; null: they can't be read"""
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


class PackageList(TypedDict):
    """The packages that the applet consists of."""

    packages: list[Package]


class FirstStepsState(TypedDict):
    """Whether the first steps are to be shown."""

    pending: bool
    """no module was chosen or started yet, and the user has not left them"""


class ModuleNeedsEntry(TypedDict):
    """What a module needs of the machine, as its catalog file says."""

    name: str
    download: int | None
    """about the bytes of its images in a registry"""
    memory: int | None
    """bytes that it uses"""
    disk: int | None
    """bytes of its images and data"""


class ModuleNeeds(TypedDict):
    """What all modules need."""

    modules: list[ModuleNeedsEntry]


class AppFeature(Feature):
    """``ai/app/…``, ``ai/window/show`` and what else concerns the application."""

    parts: tuple[SystemChannels]

    def __init__(self, place: Place) -> None:
        self._app = place.app
        self._process = place.process
        self._place = place
        self.parts = (SystemChannels(),)
        self.page_of: Callable[[str], str | None] = lambda _name: None
        """The address of a module's page, if not the usual one. Returns at once."""

    @property
    def _stack(self) -> StackFeature:
        return self._place.feature(StackFeature)

    @channel("ai/app/about")
    def _about(self, caller: Caller) -> About:
        """Tell which process owns the core, and for which home, engine and catalog."""
        # The engine that is in use: the setting may have changed since.
        identity = self._app.identity_with(self._place.core.engine.host)
        folders = self._app.module_folders
        return {
            "version": __version__,
            "pid": os.getpid(),
            "owner": self._process.kind,
            "language": caller.language,
            "home": identity["home"],
            "engine": identity["engine"],
            "engineOrigin": self._engine_origin(caller.language),
            "catalogs": identity["catalogs"],
            "catalogStamp": identity["catalogStamp"],
            "engineSetting": self._setting(lambda: self._app.settings.app.engine),
            "canSwitchEngine": self._app.has_chosen_engine,
            "engines": self._setting(lambda: self._app.settings.app.engines),
            "moduleFolders": folders if folders is None else list(folders),
        }

    def _engine_origin(self, language: Language) -> str:
        sentences = (self._place.core.engine.address.origin, self._app.engine_change)
        return " ".join(one.render(language) for one in sentences if one)

    def _setting(self, read: Callable[[], _Value]) -> _Value | None:
        try:
            return read()
        except SettingError:
            return None

    @channel("ai/app/quit")
    def _quit(self, asked: Quitting, caller: Caller) -> None:
        """Quit the applet."""
        if asked.stop:
            ended(self._stack.begin(Request("stop"), caller.actor))
        self._process.quit()

    @channel("ai/window/show", callers=["command", "tray"])
    def _show(self, asked: PageName) -> None:
        """Open the dashboard, or raise it."""
        self._process.show_dashboard(asked.page)

    @channel("ai/module/open")
    def _open_module(self, asked: ModuleName, caller: Caller) -> ModulePage:
        """Open a module's own page."""
        module = module_of(self._place.core.store.snapshot, asked.name)
        if not module.open:
            why = module.abilities["open"]
            assert why
            raise NotPossibleError(asked.name, "open", why)
        url = self.page_of(module.name) or module.open
        self._process.open_module(module.name, module.title_in(caller.language), url)
        return {"url": url}

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
            actor, owner, pid = caller.actor, self._process.kind, os.getpid()
            entry = OwnerEntry(actor=actor, owner=owner, event="handed_over", pid=pid)
            self._app.settings.journal.add(entry)

        self._stack.give_up(hand_over)

    @channel("ai/app/packages")
    def _packages(self) -> PackageList:
        """List the packages that the applet consists of, with their licences."""
        return {"packages": installed_packages()}

    @channel("ai/app/welcome")
    def _welcome(self, asked: FirstSteps) -> FirstStepsState:
        """Tell whether the first steps are to be shown, or end that."""
        if asked.done:
            self._app.settings.welcome()
        return {"pending": self._app.settings.is_new}

    @channel("ai/modules/needs")
    def _needs(self) -> ModuleNeeds:
        """List what each module needs of the machine, without the modules that it requires."""
        modules: list[ModuleNeedsEntry] = [
            {
                "name": module.name,
                "download": _bytes(module.needs.download),
                "memory": _bytes(module.needs.memory),
                "disk": _bytes(module.needs.disk),
            }
            for module in self._app.catalog.modules.values()
        ]
        return {"modules": modules}


def _bytes(size: str | None) -> int | None:
    return None if size is None else parse_size(size)
