"""The settings that even a short command needs, read without the models of their files. Importing
those takes longer than everything else that such a command does.

A file that equals its last good copy has passed the models before. Any other file is left to them:
they know what is wrong with it, and repair it.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from aiserver_tray.base.file_version import file_version
from aiserver_tray.settings.names import (
    DEFAULTS,
    ENGINE,
    ENGINES,
    INSTALLATION,
    MODULE_FOLDERS,
    SECRETS,
    SETTINGS,
    STATE,
    split_engines,
    split_folders,
)
from aiserver_tray.system.engine_place import why_unusable

if TYPE_CHECKING:
    from aiserver_tray.settings.store import Settings

FORMAT: Final = 1
"""The version of the files that this module can read."""
LanguageChoice = Literal["system", "en", "zh"]
_Content = dict[str, Any]


class QuickSettings:
    """Some of the settings in the home *folder*. *load* returns all of them; *is_ahead*: whether
    this process knows more of engines than the file says.

    Raises:
        SettingError: from every property and method, as `Settings` does.
    """

    def __init__(
        self,
        folder: Path,
        load: "Callable[[], Settings]",
        is_ahead: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._load = load
        self._is_ahead = is_ahead
        self._known: tuple[object, _Content | None] | None = None

    @property
    def full(self) -> "Settings":
        """All settings."""
        return self._load()

    @cached_property
    def installation_id(self) -> str:
        """As `Settings.installation_id`."""
        return self._stored_id or self.full.installation_id

    @cached_property
    def id_for_reading(self) -> str:
        """As `Settings.id_for_reading`."""
        return self._stored_id or self.full.id_for_reading

    @property
    def _stored_id(self) -> str | None:
        found = self._read(INSTALLATION)
        return str(found["id"]) if found else None

    def desired(self, engine_id: str) -> Sequence[str]:
        """As `Engines.desired`."""
        found = self._of_engine(engine_id, "desired")
        return self.full.engines.desired(engine_id) if found is None else found

    def stopped(self, engine_id: str) -> Sequence[str]:
        """As `Engines.stopped`."""
        found = self._of_engine(engine_id, "stopped")
        return self.full.engines.stopped(engine_id) if found is None else found

    def _of_engine(self, engine_id: str, name: str) -> Sequence[str] | None:
        """None: the file has to be read as a whole."""
        found = None if self._is_ahead() else self._read(STATE)
        if found is None:
            return None
        names: Sequence[str] = found.get("engines", {}).get(engine_id, {}).get(name, ())
        return names

    @property
    def chosen(self) -> tuple[str, ...] | None:
        """As `Settings.chosen`."""
        if (found := self._settings) is None:
            return self.full.chosen
        chosen = found.get("chosen")
        return None if chosen is None else tuple(chosen)

    @property
    def language(self) -> LanguageChoice:
        """As `AppSettings.language`."""
        choice = self._value("app.language")
        is_known = choice in get_args(LanguageChoice)
        return cast(LanguageChoice, choice) if is_known else self.full.app.language

    @property
    def engine(self) -> str:
        """As `AppSettings.engine`."""
        found = self._value(ENGINE)
        host = found.strip() if isinstance(found, str) else None
        is_usable = host is not None and (not host or why_unusable(host) is None)
        return host if host is not None and is_usable else self.full.app.engine

    @property
    def engines(self) -> dict[str, str]:
        """As `AppSettings.engines`."""
        found = self._value(ENGINES)
        engines = split_engines(found) if isinstance(found, str) else None
        is_usable = engines is not None and not any(map(why_unusable, engines.values()))
        return engines if engines is not None and is_usable else self.full.app.engines

    @property
    def module_folders(self) -> tuple[str, ...]:
        """As `AppSettings.module_folders`."""
        found = self._value(MODULE_FOLDERS)
        folders = split_folders(found) if isinstance(found, str) else None
        is_usable = folders is not None and all(Path(folder).is_absolute() for folder in folders)
        return folders if folders is not None and is_usable else self.full.app.module_folders

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that contain the values of settings."""
        return self._folder / SETTINGS, self._folder / SECRETS

    def _value(self, address: str) -> Any:  # noqa: ANN401 - a user may edit the file
        found = self._settings
        return None if found is None else found.get("values", {}).get(address, DEFAULTS[address])

    @property
    def _settings(self) -> _Content | None:
        """The content of settings.json, read again after a change."""
        stamp = self._stamp(SETTINGS)
        if self._known is None or self._known[0] != stamp:
            self._known = stamp, self._read(SETTINGS)
        return self._known[1]

    def _stamp(self, name: str) -> tuple[int, ...] | None:
        try:
            return file_version((self._folder / name).stat())
        except OSError:  # reading it says why
            return None

    def _read(self, name: str) -> _Content | None:
        """The content of the file *name*, empty if there is none. None: only the models know."""
        path = self._folder / name
        good = self._folder / f"{name}.good"
        try:
            content = path.read_bytes()
            if content != good.read_bytes():
                return None
            found = json.loads(content)
        except FileNotFoundError:
            return None if path.exists() or good.exists() else {}
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("version") == FORMAT else None
