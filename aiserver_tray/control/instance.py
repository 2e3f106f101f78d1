"""One process per home: its lock, where it listens, and the key that its clients show.

There are several roles, each of which one process of a home has; the host of the core is one.
The lock is the operating system's, so a killed process never blocks a start. Beside it a file tells
whose it is: Windows lets nobody read a file that is locked.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from os.path import normcase
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from filelock import FileLock, Timeout

from aiserver_tray.errors import AlreadyRunningError, SettingError
from aiserver_tray.host import pipes
from aiserver_tray.host.files import write_private
from aiserver_tray.host.paths import Home, make_folder, runtime_folder
from aiserver_tray.i18n import Text

Role = Literal["core", "tray"]
"""core: owns store and operations; tray: has icon and windows. Mostly one process has both."""

KEY_BYTES = 32
_KEY_SECONDS = 10.0


class Instance:
    """Between ``with`` and its end, this process has *role* for *home*.

    Raises:
        AlreadyRunningError: another process has it; tells its pid.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """

    def __init__(self, home: Home, role: Role) -> None:
        self._base = runtime_folder() / _name(home, role)
        self._lock = FileLock(f"{self._base}.lock", mode=0o600, thread_local=False)

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise AlreadyRunningError(self._pid()) from None
        except OSError as error:
            why = Text(
                "it can't be read or written ({reason}). Check its folder and the free space there",
                reason=error.strerror or error,
            )
            raise SettingError(str(self._base), why) from error
        self._write(str(os.getpid()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write("")
        self._lock.release()

    @property
    def _who(self) -> Path:
        return Path(f"{self._base}.pid")

    def _pid(self) -> int | None:
        try:
            return int(self._who.read_text(encoding="ascii"))
        except (OSError, ValueError):  # it has just been taken
            return None

    def _write(self, pid: str) -> None:
        with suppress(OSError):  # the lock holds all the same
            self._who.write_text(pid, encoding="ascii")


def socket_address(home: Home, role: Role) -> str:
    """Where the process listens that has *role* for *home*.

    Raises:
        SettingError: there is no folder for sockets, or its path is too long.
    """
    return pipes.address(runtime_folder(), _name(home, role))


def make_key(home: Home) -> bytes:
    """The key that clients of *home* must have; made where there is none yet.

    Raises:
        SettingError: the home can't be written.
    """
    make_folder(home.folder)
    path = _key_file(home)
    try:
        # Processes of different roles may begin together.
        with FileLock(f"{path}.lock", timeout=_KEY_SECONDS, mode=0o600):
            if key := find_key(home):
                return key
            key = secrets.token_bytes(KEY_BYTES)
            write_private(path, key.hex().encode())
    except (OSError, Timeout) as error:
        why = Text("it can't be written ({reason}). Check its folder", reason=error)
        raise SettingError(str(path), why) from error
    return key


def find_key(home: Home) -> bytes | None:
    """The key that clients of *home* must have; None where there is none."""
    try:
        key = bytes.fromhex(_key_file(home).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _key_file(home: Home) -> Path:
    return home.folder / "control.key"


def _name(home: Home, role: Role) -> str:
    """Short, since a socket's path must be; and the user's own, since on Windows all users' pipes
    are in one place."""
    places = f"{normcase(runtime_folder())}\0{normcase(home.folder)}"
    return f"{hashlib.sha256(places.encode()).hexdigest()[:12]}-{role}"
