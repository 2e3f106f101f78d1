"""Declared settings by address, changes of their values, and those in the stored data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiserver_tray.base.errors import AiServerError, SettingError, UnknownSettingError, raise_all
from aiserver_tray.base.errors.remedies import enter
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from aiserver_tray.model import Changes

if TYPE_CHECKING:
    from aiserver_tray.catalog.setting import Setting


Declared = Mapping[str, "Setting"]
"""Declared settings by address (``module.NAME``, ``app.name``): those of the catalog's modules and
`APP_SETTINGS`, or a part of them."""


def address_of(declared: Declared, name: str) -> str:
    """The address of *name*: itself, or that of the only setting with this bare name.

    Raises:
        UnknownSettingError: there is none; names similar ones.
        SettingError: several match; names them.
    """
    if name in declared:
        return name
    hits = [address for address in declared if _bare(address) == name]
    if not hits:
        known = list(declared if "." in name else dict.fromkeys(map(_bare, declared)))
        raise UnknownSettingError(name, known)
    if len(hits) > 1:
        why = Text("several modules have this setting. Use one of {names}", names=", ".join(hits))
        raise SettingError(name, why)
    return hits[0]


def parsed(declared: Declared, changes: Changes) -> dict[str, str | None]:
    """*changes* by address, in canonical form.

    Raises:
        UnknownSettingError: there is no such setting.
        SettingError, JointError: settings that do not take their value.
    """
    found: dict[str, str | None] = {}
    errors: list[AiServerError] = []
    for name, text in changes.items():
        address = address_of(declared, name)
        try:
            found[address] = None if text is None else declared[address].parse(address, text)
        except SettingError as error:
            errors.append(error)
    raise_all(errors)
    return found


def _bare(address: str) -> str:
    return address.rpartition(".")[2]


Origin = Literal["set", "default", "none"]
"""The source of a value; none: there is no value (yet)."""


@dataclass(frozen=True)
class Entry:
    """A setting and its value: `MASK` for a secret with a value, None if there is none (yet)."""

    address: str
    setting: "Setting"
    value: str | None
    origin: Origin

    @property
    def shown(self) -> str:
        """The displayed value: a mask for a secret, even before it is generated."""
        return self.value or self.setting.mask or ""


def entry(address: str, setting: "Setting", stored: str | None) -> Entry:
    """The entry of a setting whose *stored* value is shown as it is, even if it is not valid."""
    if stored is not None:
        return Entry(address, setting, MASK if setting.is_secret else stored, "set")
    return Entry(address, setting, setting.shown, "none" if setting.shown is None else "default")


def without_value(address: str) -> SettingError:
    """The setting needs a value that only the user can give."""
    why = Text(
        "it has no value. Set it with: aiserver-tray config set {name} - (the command asks for "
        "the value)",
        name=address,
    )
    return SettingError(address, why, [enter(Text("Enter a value"), address)])


def stored_value(address: str, setting: "Setting", stored: Mapping[str, str]) -> str | None:
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
