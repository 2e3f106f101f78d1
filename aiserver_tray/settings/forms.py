"""The form in which clients and ``--json`` get settings.

The text below a field is its meaning; documentation and the page's types are generated from it.
"""

from typing import TypedDict

from aiserver_tray.base.i18n import Language, in_language
from aiserver_tray.catalog.setting import SettingType
from aiserver_tray.settings.store import Entry, Origin


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
