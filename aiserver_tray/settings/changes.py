"""Changes that a user makes, each recorded in the journal."""

from collections.abc import Iterable

from aiserver_tray.model import Actor, Changes
from aiserver_tray.settings.declared import Declared, address_of
from aiserver_tray.settings.entries import ChosenEntry, SettingEntry, shortened
from aiserver_tray.settings.store import Settings


def change_setting(
    settings: Settings, declared: Declared, name: str, value: str | None, actor: Actor
) -> None:
    """Set the setting *name* of *declared* to *value*, or reset it if that is None.

    Raises:
        UnknownSettingError: there is no such setting.
        SettingError: it does not take this value, or its value is kept.
    """
    change_settings(settings, declared, {name: value}, actor)


def change_settings(settings: Settings, declared: Declared, changes: Changes, actor: Actor) -> None:
    """Make all *changes* or none of them.

    Raises:
        UnknownSettingError: there is no such setting.
        SettingError, JointError: settings that do not take their value, or whose value is kept.
    """
    settings.change(declared, changes)
    for name, value in changes.items():
        address = address_of(declared, name)
        shown = None if value is None or declared[address].is_secret else shortened(value)
        made = SettingEntry(actor=actor, address=address, is_reset=value is None, value=shown)
        settings.journal.add(made)


def forget_setting(settings: Settings, address: str, actor: Actor) -> None:
    """Remove the value of *address*, which no module declares."""
    settings.forget(address)
    settings.journal.add(SettingEntry(actor=actor, address=address, is_reset=True, value=None))


def choose_modules(settings: Settings, modules: Iterable[str], actor: Actor) -> None:
    """Make *Start all* start *modules*."""
    chosen = tuple(dict.fromkeys(modules))
    settings.choose(chosen)
    settings.journal.add(ChosenEntry(actor=actor, modules=chosen))
