"""The values of settings, from the stored data. Pure."""

from collections.abc import Mapping
from pathlib import Path

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.declared import Declared


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


def stored_values(
    declared: Declared, stored: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """The values of all settings of *declared* that have one. *secrets* come before *stored*.

    Raises:
        SettingError: a setting does not take its stored value; names the fix.
    """
    found = {
        address: secrets[address] if address in secrets else stored_value(address, setting, stored)
        for address, setting in declared.items()
    }
    return {address: value for address, value in found.items() if value is not None}


def misplaced(declared: Declared, stored: Mapping[str, str]) -> dict[str, str]:
    """The *stored* values of secrets, which belong into another file."""
    return {a: v for a, v in stored.items() if a in declared and declared[a].is_secret}


def in_the_clear(address: str, file: Path) -> SettingError:
    """The error of a secret that *file* contains in plain text."""
    why = Text(
        "{file} must not contain secrets. Remove this one there, and set it with: "
        "aiserver-tray config set {name} - (the command asks for the value)",
        file=file,
        name=address,
    )
    return SettingError(address, why)
