"""The home folder of the user."""

from pathlib import Path

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text


def user_home() -> Path:
    """The home folder of the user.

    Raises:
        SettingError: the system knows none, as for a user ID without a name in a container.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise no_user_home() from None


def no_user_home() -> SettingError:
    """The error for a user without a home folder."""
    return SettingError("HOME", Text("this user has no home folder. Set HOME to a folder"))
