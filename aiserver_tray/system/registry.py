"""The values of Windows' registry that concern the user and the programs installed."""

import sys
from typing import Literal

Hive = Literal["user", "machine"]


class Registry:
    """Values by hive, key and name. Keys are written with backslashes."""

    def get(self, hive: Hive, key: str, name: str) -> object:
        """The value. None if it does not exist or can't be read."""
        if sys.platform != "win32":
            return None
        import winreg  # noqa: PLC0415 - on Windows only

        root = winreg.HKEY_CURRENT_USER if hive == "user" else winreg.HKEY_LOCAL_MACHINE
        try:
            with winreg.OpenKey(root, key) as opened:
                return winreg.QueryValueEx(opened, name)[0]
        except OSError:
            return None

    def keys(self, hive: Hive, key: str) -> list[str]:
        """The names of the keys below *key*; none if it does not exist or can't be read."""
        if sys.platform != "win32":
            return []
        import winreg  # noqa: PLC0415 - on Windows only

        root = winreg.HKEY_CURRENT_USER if hive == "user" else winreg.HKEY_LOCAL_MACHINE
        try:
            with winreg.OpenKey(root, key) as opened:
                return [winreg.EnumKey(opened, n) for n in range(winreg.QueryInfoKey(opened)[0])]
        except OSError:
            return []

    def put(self, key: str, name: str, value: str) -> None:
        """Set a text of the user's.

        Raises:
            OSError: it can't be set.
        """
        if sys.platform == "win32":
            import winreg  # noqa: PLC0415 - on Windows only

            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

    def remove(self, key: str, name: str) -> None:
        """Remove a value of the user, if it exists.

        Raises:
            OSError: it can't be removed.
        """
        if sys.platform != "win32":
            return
        import winreg  # noqa: PLC0415 - on Windows only

        access = winreg.KEY_SET_VALUE
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, access=access) as opened:
                winreg.DeleteValue(opened, name)
        except FileNotFoundError:
            pass
