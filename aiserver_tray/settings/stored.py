"""The value of a setting, from the stored data."""

from collections.abc import Mapping

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Setting


def stored_value(address: str, setting: Setting, stored: Mapping[str, str]) -> str | None:
    """The value of the *setting* at *address*: the *stored* one, else its `Setting.fallback`.

    Raises:
        SettingError: the setting does not take the stored value; names the fix.
    """
    if address not in stored:
        return setting.fallback
    try:
        return setting.parse(address, stored[address])
    except SettingError as error:
        why = Text(
            "the stored value is not valid: {why}. Set another value, or reset it to the default "
            "with: aiserver-tray config unset {name}",
            why=error.why,
            name=address,
        )
        raise SettingError(address, why) from error
