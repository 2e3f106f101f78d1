"""The key that clients of a home's owner have to show."""

import secrets
from pathlib import Path

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.files import write_private
from aiserver_tray.system.paths import Home, make_folder

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
