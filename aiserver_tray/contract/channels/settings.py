"""Channels that read and change settings."""

from collections.abc import Callable
from typing import TypedDict

from aiserver_tray.app import App
from aiserver_tray.contract.channel import Name, Names, Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.settings.changes import change_setting, choose_modules
from aiserver_tray.settings.declared import address_of
from aiserver_tray.settings.forms import SettingJson, setting_json


class SettingName(Payload):
    """A setting, or all of them."""

    name: str | None = None
    """its address, such as `n8n.N8N_HOST_PORT`; all settings without it"""


class SettingValue(Payload):
    """A setting with its new value."""

    name: str = Name
    """its address"""
    value: str | None
    """`null` resets it"""


class ModuleNames(Payload):
    """Some modules."""

    modules: Names | None = None
    """without it, nothing changes"""


class SettingList(TypedDict):
    """Settings with their values."""

    entries: list[SettingJson]


class Chosen(TypedDict):
    """The chosen modules."""

    chosen: list[str]
    """the modules that *Start all* starts"""


class SettingChannels(Part):
    """``ai/config/…``. *refresh* publishes what was changed to the state."""

    def __init__(self, app: App, refresh: Callable[[], None]) -> None:
        self._app = app
        self._refresh = refresh

    @channel("ai/config/get")
    def _get(self, asked: SettingName, caller: Caller) -> SettingList:
        """Get one setting, or all settings."""
        declared = self._app.declared
        if asked.name is not None:
            address = address_of(declared, asked.name)
            declared = {address: declared[address]}
        entries = self._app.settings.entries(declared)
        return {"entries": [setting_json(entry, caller.language) for entry in entries]}

    @channel("ai/config/set")
    def _set(self, asked: SettingValue, caller: Caller) -> SettingList:
        """Change or reset a setting."""
        app = self._app
        change_setting(app.settings, app.declared, asked.name, asked.value, caller.actor)
        self._refresh()
        return self._get(SettingName(name=asked.name), caller)

    @channel("ai/config/choose")
    def _choose(self, asked: ModuleNames, caller: Caller) -> Chosen:
        """Get or change the modules that *Start all* starts."""
        if asked.modules is not None:
            for name in asked.modules:
                self._app.catalog.module(name)
            choose_modules(self._app.settings, asked.modules, caller.actor)
            self._refresh()
        return {"chosen": list(self._app.chosen)}
