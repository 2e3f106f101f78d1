"""Our folders, and how they stay private to the user. Our folders get mode 0700, which Python turns
into an access list on Windows (https://docs.python.org/3/library/os.html#os.mkdir)."""

import os
import stat
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_paths import no_user_home
from aiserver_tray.base.i18n import Text

APP_NAME = "aiserver-tray"
HOME_VARIABLE = "AISERVER_HOME"

KeyPlace = Literal["credential store", "home"]


@dataclass(frozen=True)
class Home:
    """The home folder: settings, secrets, state and logs of one installation. ``key_place``: where
    a new master key is stored. A home folder that the user named must contain everything, so that
    it can be moved."""

    folder: Path
    key_place: KeyPlace


def find_home(option: str | os.PathLike[str] | None = None) -> Home:
    """The home folder from *option* (``--home``) or AISERVER_HOME, otherwise the user's default.
    Creates nothing.

    Raises:
        SettingError: there is no default, or the name is not valid UTF-8.
    """
    if named := option or os.environ.get(HOME_VARIABLE):
        return Home(_only_name(named), "home")
    return default_home()


def default_home() -> Home:
    """The default home folder.

    Raises:
        SettingError: the user has no home folder, or the name is not valid UTF-8.
    """
    try:
        own = platformdirs.user_data_path(APP_NAME, appauthor=False)
    except RuntimeError:
        raise no_user_home() from None
    return Home(_only_name(own), "credential store")


def _only_name(folder: str | os.PathLike[str]) -> Path:
    """One folder, one name: locks and sockets are named by it."""
    found = os.path.realpath(folder)
    try:
        found.encode()  # labels, messages and files of others hold the name
    except UnicodeEncodeError:
        why = Text(
            "the name of the home folder is not valid UTF-8. Use another folder with --home or "
            "AISERVER_HOME"
        )
        raise SettingError(os.fsencode(found).decode(errors="backslashreplace"), why) from None
    return Path(found)


def runtime_folder(*inner: str) -> Path:
    """The user's private folder for locks and sockets, or its subfolder *inner*. It may be gone
    after a reboot.

    Raises:
        SettingError: it can't be made, or is another user's (its place may be a shared /tmp).
    """
    own = _runtime_place()
    folder = own.joinpath(*inner)
    try:
        _make(own)
        _keep_own(own)
        _make(folder)
    except OSError as error:
        why = Text(
            "can't create the folder for locks ({reason}). Fix the cause. On Linux and macOS, "
            "you can also set XDG_RUNTIME_DIR to a folder that only you can use",
            reason=error.strerror or error,
        )
        raise SettingError(str(folder), why) from error
    return folder


def has_session() -> bool:
    """Whether the user's folder for locks and sockets is that of a login session. Without a
    session, it is in the folder for temporary files. macOS and Windows always have their own.

    Raises:
        SettingError: no folder is safe.
    """
    if sys.platform != "linux":
        return True
    own = _runtime_place().parent
    is_temporary = own.name == f"runtime-{os.geteuid()}"
    return not is_temporary or str(own) == os.environ.get("XDG_RUNTIME_DIR")


def _runtime_place() -> Path:
    with warnings.catch_warnings():
        # Whether there is an XDG_RUNTIME_DIR is nothing that our user can act on.
        warnings.simplefilter("ignore")
        try:
            return platformdirs.user_runtime_path(APP_NAME, appauthor=False)
        except OSError as error:
            why = Text(
                "no folder for locks is safe ({reason}). Set this variable to a folder that only "
                "you can use",
                reason=error,
            )
            raise SettingError("XDG_RUNTIME_DIR", why) from error


def make_folder(folder: Path) -> None:
    """Create *folder* for the user only, if it does not exist. An existing folder keeps its mode;
    our files in it are user-only anyway.

    Raises:
        SettingError: it can't be made.
    """
    try:
        _make(folder)
    except OSError as error:
        why = Text(
            "can't create the folder ({reason}). Use another folder with --home",
            reason=error.strerror or error,
        )
        raise SettingError(str(folder), why) from error


def _make(folder: Path) -> None:
    for part in (*reversed(folder.parents), folder):
        part.mkdir(mode=0o700, exist_ok=True)


def _keep_own(folder: Path) -> None:
    if sys.platform != "win32":
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            why = Text(
                "the folder belongs to another user. Set XDG_RUNTIME_DIR to a folder of yours"
            )
            raise SettingError(str(folder), why)
        folder.chmod(0o700)
