"""Channels that check and add folders with modules of the user."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypedDict, cast

from pydantic import Field

from aiserver_tray.app import App
from aiserver_tray.base.errors import CatalogError, RefusedError
from aiserver_tray.base.errors.remedies import PermissionJson
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.channel import Payload, channel
from aiserver_tray.contract.channels.part import Part
from aiserver_tray.contract.contract import Caller
from aiserver_tray.model import Actor
from aiserver_tray.settings.app_declared import MODULE_FOLDERS
from aiserver_tray.settings.changes import change_setting
from aiserver_tray.settings.folder_list import join_folders


class Folder(Payload):
    """A module's folder, or one of several modules."""

    folder: str = Field(min_length=1, max_length=4000)
    """its full path; `~` is the user's home"""


class CatalogProblem(TypedDict):
    """One thing about a file of a module."""

    file: str
    line: int | None
    key: str
    """dotted, as in `services.web.ports.0`; may be empty"""
    message: str


class CatalogReport(TypedDict):
    """What `catalog check` finds in a folder."""

    folder: str
    """its full path"""
    modules: list[str]
    problems: list[CatalogProblem]
    """reasons for which it can't be added"""
    notes: list[CatalogProblem]
    permissions: dict[str, list[PermissionJson]]
    """module → what it asks of the machine, to be allowed at its first start"""


class CatalogAdded(TypedDict):
    """A folder was added."""

    folder: str
    modules: list[str]


class CatalogChannels(Part):
    """``ai/catalog/…``. *refresh* publishes what was changed to the state."""

    def __init__(self, app: App, refresh: Callable[[], None]) -> None:
        self._app = app
        self._refresh = refresh

    @channel("ai/catalog/check")
    def _check(self, asked: Folder, caller: Caller) -> CatalogReport:
        """Check the modules in a folder, which need not be added."""
        folder = _path(asked.folder)
        report = self._app.check(folder).as_data(caller.language)
        return cast("CatalogReport", {"folder": str(folder), **report})

    @channel("ai/catalog/add")
    def _add(self, asked: Folder, caller: Caller) -> CatalogAdded:
        """Add the modules in a folder, unless that has a problem."""
        folder = _path(asked.folder)
        report = self._app.check(folder)
        if report.problems:
            raise CatalogError(report.problems)
        if not report.checked:
            why = Text("There is no Compose file in {path}.", path=folder)
            raise RefusedError(why, ["folder"])
        added = self._app.settings.app.module_folders
        if str(folder) not in added:
            self._set([*added, str(folder)], caller.actor)
        return {"folder": str(folder), "modules": list(report.checked)}

    @channel("ai/catalog/remove")
    def _remove(self, asked: Folder, caller: Caller) -> None:
        """Forget a folder that was added. Its files stay."""
        added = self._app.settings.app.module_folders
        self._set([folder for folder in added if folder != asked.folder], caller.actor)

    def _set(self, folders: list[str], actor: Actor) -> None:
        value = join_folders(folders) or None
        change_setting(self._app.settings, self._app.declared, MODULE_FOLDERS, value, actor)
        self._refresh()


def _path(text: str) -> Path:
    """The folder *text*.

    Raises:
        RefusedError: there is no such folder.
    """
    folder = Path(text.strip())
    with suppress(RuntimeError):  # there is no such user
        folder = folder.expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        why = Text("There is no folder {folder}. Enter its full path.", folder=text)
        raise RefusedError(why, ["folder"])
    return folder.resolve()
