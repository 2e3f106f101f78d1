"""Channels that tell of modules and change their settings."""

from typing import Any

from aiserver_tray.app import App
from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.base.i18n import Language, in_language
from aiserver_tray.contract.channels.dispatch import Handlers
from aiserver_tray.contract.channels.file_refresh import FileRefresh
from aiserver_tray.contract.contract import (
    Caller,
    Choice,
    Json,
    Nothing,
    OfModule,
    OfType,
    SettingName,
    SettingValue,
)
from aiserver_tray.core.core import Core
from aiserver_tray.model import ModuleView, Port, Snapshot
from aiserver_tray.settings.store import Entry, address_of
from aiserver_tray.state.codec import snapshot_json, sorted_by_title

_PREDECESSOR = {"running": "running", "stopped": "stopped"}
"""State -> the status that the application before this one would have told; else ``error``."""


class ModuleChannels:
    """``ai/snapshot/get``, ``ai/modules/list``, ``ai/module/status``, ``ai/config/…``."""

    def __init__(self, app: App, core: Core, file_refresh: FileRefresh) -> None:
        self._app = app
        self._core = core
        self._file_refresh = file_refresh
        self.handlers: Handlers = {
            "ai/config/choose": self._choose,
            "ai/config/get": self._settings,
            "ai/config/set": self._set,
            "ai/module/status": self._status,
            "ai/modules/list": self._list,
            "ai/snapshot/get": self._snapshot,
        }

    def snapshot(self, language: Language) -> Json:
        """Everything as it is shown now."""
        return dict(snapshot_json(self._core.store.snapshot, language))

    def module(self, name: str) -> ModuleView:
        """The module as it is shown now.

        Raises:
            UnknownNameError: there is none; tells near names.
        """
        return _module(self._core.store.snapshot, name)

    def _snapshot(self, _asked: Nothing, caller: Caller) -> Json:
        return self.snapshot(caller.language)

    def _list(self, asked: OfType, caller: Caller) -> Json:
        language = caller.language
        items = [
            {
                "name": module.name,
                "type": module.kind,
                "title": module.title_in(language),
                "summary": module.summary_in(language),
            }
            for module in sorted_by_title(self._core.store.snapshot.modules, language)
            if asked.type in (None, module.kind)
        ]
        return {"items": items}

    def _status(self, asked: OfModule, caller: Caller) -> Json:
        return status_of(self.module(asked.name), caller.language)

    # -- settings ------------------------------------------------------------------------------

    def _settings(self, asked: SettingName, caller: Caller) -> Json:
        declared = self._app.declared
        if asked.name is not None:
            address = address_of(declared, asked.name)
            declared = {address: declared[address]}
        entries = self._app.settings.entries(declared)
        return {"entries": [_entry(entry, caller.language) for entry in entries]}

    def _set(self, asked: SettingValue, caller: Caller) -> Json:
        if asked.value is None:
            self._app.settings.unset(self._app.declared, asked.name)
        else:
            self._app.settings.set(self._app.declared, asked.name, asked.value)
        self._file_refresh.refresh()
        return self._settings(SettingName(name=asked.name), caller)

    def _choose(self, asked: Choice, _caller: Caller) -> Json:
        if asked.modules is not None:
            for name in asked.modules:
                self._app.catalog.module(name)
            self._app.settings.choose(dict.fromkeys(asked.modules))
            self._file_refresh.refresh()
        return {"chosen": list(self._app.chosen)}


def _module(snapshot: Snapshot, name: str) -> ModuleView:
    by_name = {module.name: module for module in snapshot.modules}
    if name not in by_name:
        raise UnknownNameError(name, list(by_name))
    return by_name[name]


def status_of(module: ModuleView, language: Language) -> Json:
    """*module* with every field that the predecessor's page knew, and the new ones."""
    return {
        "running": module.state == "running",
        "status": _PREDECESSOR.get(module.state, "error" if _is_wrong(module) else "stopped"),
        "ports": {
            service.container: ", ".join(map(_port, service.ports))
            for service in module.services
            if service.ports
        },
        "usedBy": list(module.used_by),
        "state": module.state,
        "reason": module.reason.render(language) if module.reason else None,
        "ready": module.ready,
        "total": module.total,
    }


def _is_wrong(module: ModuleView) -> bool:
    return module.state in ("error", "degraded")


def _port(port: Port) -> str:
    return f"{port.address}:{port.host}->{port.container}/{port.protocol}"


def _entry(entry: Entry, language: Language) -> dict[str, Any]:
    setting = entry.setting
    return {
        "address": entry.address,
        "type": setting.type,
        "value": entry.shown,
        "origin": entry.origin,
        "title": in_language(setting.title, language) or entry.address,
        "help": in_language(setting.help, language),
        "keep": setting.keep,
        "choices": setting.answers(language),
    }
