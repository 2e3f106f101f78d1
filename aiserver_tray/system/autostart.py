"""Start at login: one entry per home folder in the user's login items."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.desktop import has_desktop
from aiserver_tray.system.login_items import (
    AutostartFolder,
    LaunchAgents,
    LoginItems,
    RunKey,
    autostart_folder,
)
from aiserver_tray.system.paths import Home, default_home
from aiserver_tray.system.process import bundled_program
from aiserver_tray.system.registry import Registry

_NAME = "aiserver-tray"


def command_line(home: Home, options: Sequence[str] = ()) -> list[str]:
    """The command that starts the tray of *home* with *options*, from the bundle or the current
    environment."""
    place = [] if home.folder == default_home().folder else ["--home", str(home.folder)]
    return [*_program(), "--at-login", *place, *options]


def _program() -> list[str]:
    if bundled := bundled_program():
        return [bundled]
    # -P: a folder with our name in the desktop's working folder must not be imported.
    return [_interpreter(), "-P", "-m", "aiserver_tray"]


def _interpreter() -> str:
    """On Windows the one that opens no console window."""
    windowed = Path(sys.executable).with_name("pythonw.exe")
    return str(windowed) if sys.platform == "win32" and windowed.exists() else sys.executable


def is_supported() -> bool:
    """Whether there is a desktop here that one can log in to: on a Unix without one, nothing
    would heed the entry."""
    return has_desktop()


def is_enabled(home: Home, options: Sequence[str] = ()) -> bool:
    """Whether the next login really starts the tray of *home*, as it would be set up now."""
    return _items().starts(_entry_name(home), command_line(home, options))


def state(*, enabled: bool, supported: bool) -> Text:
    """The results of `is_enabled` and `is_supported` as a text."""
    if not supported:
        return Text("There is no desktop that can start the applet at login.")
    if enabled:
        return Text("The applet starts at login.")
    return Text("The applet does not start at login.")


def enable(home: Home, options: Sequence[str] = ()) -> None:
    """Start the tray of *home* at login with *options*.

    Raises:
        SettingError: the entry can't be written.
    """
    try:
        _items().put(_entry_name(home), command_line(home, options))
    except OSError as error:
        why = Text(
            "can't turn on start at login ({reason}). Fix the cause, then try again",
            reason=error.strerror or error.args[0],
        )
        raise SettingError("autostart", why) from error


def start_once(home: Home, options: Sequence[str] = ()) -> None:
    """On Windows, start the tray of *home* at the next login, and not again
    (https://learn.microsoft.com/windows/win32/setupapi/run-and-runonce-registry-keys)."""
    key = r"Software\Microsoft\Windows\CurrentVersion\RunOnce"
    line = subprocess.list2cmdline(command_line(home, options))
    with suppress(OSError):  # the user can start it
        Registry().put(key, _entry_name(home), line)


_KEEPER = f"{_NAME}-engine"


def keeps_engine() -> bool:
    """Whether the next login starts what keeps Windows' own engine running."""
    return _items().starts(_KEEPER, [*_program(), "engine", "keep"])


def keep_engine(*, enabled: bool) -> None:
    """Start the engine of our own at login, without the tray, or not any more.

    Raises:
        OSError: that can't be set.
    """
    if enabled:
        _items().put(_KEEPER, [*_program(), "engine", "keep"])
    else:
        _items().remove(_KEEPER)


def disable(home: Home) -> None:
    """Remove the entry: the tray no longer starts at login.

    Raises:
        SettingError: the entry can't be removed.
    """
    try:
        _items().remove(_entry_name(home))
    except OSError as error:
        why = Text(
            "can't turn off start at login ({reason}). Fix the cause, then try again",
            reason=error.strerror or error.args[0],
        )
        raise SettingError("autostart", why) from error


def _items() -> LoginItems:
    if sys.platform == "win32":
        return RunKey(Registry())
    if sys.platform == "darwin":
        return LaunchAgents(user_home() / "Library/LaunchAgents")
    return AutostartFolder(autostart_folder())


def _entry_name(home: Home) -> str:
    if home.folder == default_home().folder:
        return _NAME
    return f"{_NAME}-{hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:8]}"
