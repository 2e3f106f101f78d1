"""One setting for display."""

from dataclasses import dataclass
from typing import Literal

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.errors.remedies import enter
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.setting import Setting

Origin = Literal["set", "default", "none"]
"""The source of a value; none: there is no value (yet)."""


@dataclass(frozen=True)
class Entry:
    """A setting and its value: `MASK` for a secret with a value, None if there is none (yet)."""

    address: str
    setting: Setting
    value: str | None
    origin: Origin

    @property
    def shown(self) -> str:
        """The displayed value: a mask for a secret, even before it is generated."""
        return self.value or self.setting.mask or ""


def entry(address: str, setting: Setting, stored: str | None) -> Entry:
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
