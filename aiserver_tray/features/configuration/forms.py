"""The form in which clients and ``--json`` get settings.

The text below a field is its meaning; documentation and the page's types are generated from it.
"""

from collections.abc import Collection
from typing import Literal, TypedDict

from aiserver_tray.base.i18n import Language, in_language
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.extension import AddressSetting
from aiserver_tray.catalog.further_variables import FurtherVariable
from aiserver_tray.catalog.resolve import limited_services
from aiserver_tray.catalog.setting import Setting, SettingType
from aiserver_tray.settings.declared import Declared, Entry, Origin
from aiserver_tray.settings.previous import Previous

SettingGroup = Literal["general", "memory", "secrets", "advanced", "variables"]


class SettingJson(TypedDict):
    """A setting with its value."""

    address: str
    """such as `n8n.N8N_HOST_PORT`"""
    type: SettingType
    value: str
    """as text; secrets are masked"""
    origin: Origin
    """`set` by you, `default`, or `none` (no value yet)"""
    title: str
    """for people; without a title, the address"""
    help: str
    """for people; may be empty"""
    keep: bool
    """it can't be changed once it has a value, because stored data depends on it"""
    choices: dict[str, str]
    """value → title, for a `choice`"""


def setting_json(entry: Entry, language: Language) -> SettingJson:
    """*entry* with texts in *language*."""
    setting = entry.setting
    return {
        "address": entry.address,
        "type": setting.type,
        "value": entry.shown,
        "origin": entry.origin,
        "title": in_language(setting.title, language) or entry.address,
        "help": in_language(setting.help, language),
        "keep": setting.keep,
        "choices": setting.answers(language),
    }


class FieldJson(SettingJson):
    """A setting as a form shows it."""

    group: SettingGroup
    """`memory`: it limits the memory of services; `variables`: a further variable of a service"""
    section: str
    """for people: the section that an `advanced` setting belongs to; otherwise empty"""
    default: str | None
    """its value after a reset; `null`: it has none then"""
    choiceHelp: dict[str, str]
    """value → a line about it, for a `choice`; may be empty"""
    pattern: str | None
    """the regular expression that a value matches, for display only"""
    generated: bool
    """a reset generates a new secret"""
    locked: bool
    """its value is kept, because stored data depends on it"""
    upgraded: bool
    """it is the version of a module in use: an upgrade alone changes it"""
    tokenOf: str | None
    """the module that issues this access token"""
    services: list[str]
    """the services whose memory it limits"""
    readBy: list[str]
    """the other modules whose files use it"""


class PreviousJson(TypedDict):
    """The values before the last change, kept for a day."""

    time: str
    """when they were changed"""
    values: dict[str, str | None]
    """by address, secrets masked; `null`: it was not set"""


def fields(
    catalog: Catalog,
    module: str,
    entries: list[Entry],
    language: Language,
    fixed: Collection[str],
) -> list[FieldJson]:
    """The *entries* of *module* with texts in *language*, without the variables of its address.
    *fixed*: the addresses of those that only an upgrade changes."""
    limited = limited_services(catalog.module(module))
    return [
        {
            **_field(entry, limited.get(entry.address.rpartition(".")[2], []), catalog, language),
            "upgraded": entry.address in fixed,
        }
        for entry in entries
        if not isinstance(entry.setting, AddressSetting)
    ]


def _field(entry: Entry, services: list[str], catalog: Catalog, language: Language) -> FieldJson:
    setting = entry.setting
    own, _, name = entry.address.rpartition(".")
    readers = [
        other.name
        for other in catalog.modules.values()
        if other.name != own and own in other.possible_requires and name in other.variables
        if name not in other.settings and setting.is_readable_by_users
    ]
    return {
        **setting_json(entry, language),
        "group": _group(setting, services),
        "section": in_language(setting.group, language),
        "default": None if setting.is_secret else setting.shown,
        "choiceHelp": {v: in_language(c.help, language) for v, c in setting.choices.items()},
        "pattern": setting.pattern,
        "generated": setting.generate is not None,
        "locked": setting.keep and entry.origin == "set",
        "upgraded": False,
        "tokenOf": setting.token_of,
        "services": services,
        "readBy": readers,
    }


def _group(setting: Setting, services: list[str]) -> SettingGroup:
    if isinstance(setting, FurtherVariable):
        return "variables"
    if setting.group:
        return "advanced"
    if setting.is_secret:
        return "secrets"
    return "memory" if services and setting.type == "size" else "general"


def previous_json(previous: Previous, declared: Declared) -> PreviousJson:
    """*previous* without secrets."""
    values = {
        address: MASK if value is not None and declared[address].is_secret else value
        for address, value in previous.values.items()
        if address in declared
    }
    return {"time": previous.time.isoformat(), "values": values}
