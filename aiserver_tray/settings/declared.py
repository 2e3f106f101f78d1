"""Declared settings by address, and changes of their values."""

from collections.abc import Mapping, Sequence

from aiserver_tray.base.errors import AiServerError, SettingError, UnknownSettingError, raise_all
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.setting import Setting

Declared = Mapping[str, Setting]
"""Declared settings by address (``module.NAME``, ``app.name``): those of the catalog's modules and
`APP_SETTINGS`, or a part of them."""


Changes = Mapping[str, str | None]
"""New values of settings, by name. None resets the setting; a secret is then generated again."""


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
        raise UnknownSettingError(name, _spelt_as(name, declared))
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


def _spelt_as(name: str, declared: Declared) -> Sequence[str]:
    """All settings that *name* can mean: addresses, or bare names."""
    return list(declared if "." in name else dict.fromkeys(map(_bare, declared)))
