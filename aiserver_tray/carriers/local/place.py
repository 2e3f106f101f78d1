"""The owner of a home folder's core: its lock and its address.

The process with the lock owns the core; all others of the home folder are its clients. The
operating system releases the lock of a killed process, so it never blocks a start. A separate file
names the process and the home, because Windows allows nobody to read a locked file.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from os.path import normcase
from pathlib import Path
from typing import Self

from aiserver_tray.base.errors import AlreadyRunningError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system import pipes
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import Home, make_folder, runtime_folder

_CORE = "-core"
_PID_SUFFIX = ".pid"


class Instance:
    """Within ``with``, this process owns the core of *home*.

    Raises:
        AlreadyRunningError: another process has it; tells its pid.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """

    def __init__(self, home: Home) -> None:
        from filelock import FileLock  # noqa: PLC0415 - clients only need the address

        self._home = home.folder
        self._base = runtime_folder() / _name(home)
        self._lock = FileLock(f"{self._base}.lock", mode=0o600, thread_local=False)

    def __enter__(self) -> Self:
        from filelock import Timeout  # noqa: PLC0415

        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise AlreadyRunningError(self._pid()) from None
        except OSError as error:
            why = Text(
                "it can't be read or written ({reason}). Check its folder and the free disk space",
                reason=error.strerror or error,
            )
            raise SettingError(str(self._base), why) from error
        self._write(f"{os.getpid()}\n{self._home}")
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")
        self._lock.release()

    @property
    def _who(self) -> Path:
        return Path(f"{self._base}{_PID_SUFFIX}")

    def _pid(self) -> int | None:
        try:
            return int(self._who.read_text(encoding="utf-8").partition("\n")[0])
        except (OSError, ValueError):  # it has just been taken
            return None

    def _write(self, content: str) -> None:
        with suppress(OSError):  # the lock works all the same
            self._who.write_text(content, encoding="utf-8")


def is_owned(home: Home) -> bool:
    """Whether a process owns the core of *home*. It may still be starting.

    Raises:
        SettingError: there is no folder for locks.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - seldom needed

    try:
        with FileLock(f"{runtime_folder() / _name(home)}.lock", timeout=0, mode=0o600):
            return False
    except Timeout:
        return True


def owned_homes() -> list[Path]:
    """The home folders whose core a process of this user owns, or owned until it was killed.

    Raises:
        SettingError: there is no folder for locks.
    """
    found = []
    for file in sorted(runtime_folder().glob(f"*{_CORE}{_PID_SUFFIX}")):
        with suppress(OSError, ValueError):  # it is being written
            home = file.read_text(encoding="utf-8").partition("\n")[2]
            found += [Path(home)] if home else []
    return found


def socket_address(home: Home) -> str:
    """The address of the owner of *home*'s core.

    Raises:
        SettingError: there is no folder for sockets, or its path is too long.
    """
    return pipes.address(runtime_folder(), _name(home))


def _name(home: Home) -> str:
    """Short, since a socket's path must be; and the user's own, since on Windows all users' pipes
    are in one place."""
    places = f"{normcase(runtime_folder())}\0{normcase(home.folder)}"
    return f"{hashlib.sha256(places.encode()).hexdigest()[:12]}{_CORE}"


KEY_BYTES = 32
_KEY_SECONDS = 10.0


def make_key(home: Home) -> bytes:
    """The key that clients of *home* need. Created if it does not exist.

    Raises:
        SettingError: the home can't be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - clients only read the key

    make_folder(home.folder)
    path = _key_file(home)
    try:
        # Several processes may start at the same time.
        with FileLock(f"{path}.lock", timeout=_KEY_SECONDS, mode=0o600):
            if key := find_key(home):
                return key
            key = secrets.token_bytes(KEY_BYTES)
            write_private(path, key.hex().encode())
    except (OSError, Timeout) as error:
        why = Text("can't write it ({reason}). Check its folder", reason=error)
        raise SettingError(str(path), why) from error
    return key


def find_key(home: Home) -> bytes | None:
    """The key that clients of *home* need. None if it does not exist."""
    try:
        key = bytes.fromhex(_key_file(home).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _key_file(home: Home) -> Path:
    return home.folder / "control.key"
