"""Checks of the files of an installation, and of its setup on this machine."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiserver_tray.base.errors import SettingError, UnknownSettingError
from aiserver_tray.base.i18n import Plural, Text
from aiserver_tray.catalog.catalog import APP, Catalog
from aiserver_tray.catalog.further_variables import further_settings
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.master_key import KeyRecord
from aiserver_tray.settings.secrets import Secrets
from aiserver_tray.settings.store import Settings
from aiserver_tray.system import autostart, desktop, tray_place
from aiserver_tray.system.desktop import graphics_cards
from aiserver_tray.system.logfile import log_folder
from aiserver_tray.system.paths import Home, has_session, runtime_folder
from aiserver_tray.system.resources import free_disk

_LEAST_FREE_BYTES: Final = 1 << 20


def examine_installation(settings: Settings, catalog: Catalog) -> list[Finding]:
    """All findings. A check that fails is a finding, and the others continue."""
    found = [*_secrets(settings), *_catalog(catalog), *_settings(settings, catalog)]
    return [*found, *_room(settings.folder), *_damage(settings)]


def _room(folder: Path) -> Iterator[Finding]:
    free = free_disk(str(folder))
    if free is not None and free < _LEAST_FREE_BYTES:
        text = Text(
            "The disk of {folder} is full. Settings can't be changed, and no logs are kept. Free "
            "some space.",
            folder=folder,
        )
        yield Finding("disk", "problem", text)


def _secrets(settings: Settings) -> Iterator[Finding]:
    """The place of the master key, and the problems of reading secrets with it."""
    try:
        record = settings.secrets.key_record
        errors = _unreadable(settings.secrets)
    except SettingError as error:
        yield Finding("key", "problem", error.text)
        return
    yield _key(record, settings.secrets.key_file)
    for altered in errors:
        yield Finding("secrets", "problem", altered.text)


def _unreadable(secrets: Secrets) -> list[SettingError]:
    """Problems of single secrets.

    Raises:
        SettingError: the file, or the key that all need, can't be had.
    """
    errors = []
    for name in sorted(secrets.names()):
        try:
            secrets.values([name])
        except SettingError as error:
            if error.data["name"] != name:
                raise
            errors.append(error)
    return errors


def _key(record: KeyRecord | None, file: Path) -> Finding:
    if record is None:
        return Finding("key", "fact", Text("There are no secrets yet, so there is no key."))
    if record.store == "file":
        text = Text(
            "Secrets are protected by a key file, {file}. Anyone who can read that file can read "
            "your secrets.",
            file=file,
        )
        return Finding("key", "note", text)
    text = Text("Secrets are protected by a key in {store}.", store=record.backend)
    return Finding("key", "ok", text)


def _catalog(catalog: Catalog) -> Iterator[Finding]:
    for problem in catalog.problems:
        text = Text("{place}: {why}", place=problem.place, why=problem.text)
        yield Finding("catalog", "problem", text)
    if not catalog.problems:
        text = Plural(
            "The catalog has {count} module.",
            "The catalog has {count} modules.",
            count=len(catalog.modules),
        )
        yield Finding("catalog", "ok", text)


def _settings(settings: Settings, catalog: Catalog) -> Iterator[Finding]:
    further = further_settings(catalog, sorted(settings.addresses))
    declared = {**APP_SETTINGS, **catalog.declared, **further}
    found = [Finding("settings", "problem", error.text) for error in settings.inspect(declared)]
    with suppress(SettingError):  # it is among those
        expired = settings.app.ca_certificates.expired
        found += [Finding("settings", "note", expired)] if expired else []
    found = found or [*_undeclared(settings, declared, (APP, *catalog.modules))]
    well = Text("The settings in {folder} are valid.", folder=settings.folder)
    yield from found or [Finding("settings", "ok", well)]


def _undeclared(settings: Settings, declared: Declared, owners: Iterable[str]) -> Iterator[Finding]:
    """Stored settings that their owner, one of *owners*, does not declare. Settings of modules that
    are not in the catalog are kept for their return."""
    for address in settings.undeclared(declared):
        owner, _, name = address.partition(".")
        if owner not in owners:
            continue
        known = [a.partition(".")[2] for a in declared if a.startswith(f"{owner}.")]
        text = Text(
            "{name} is set, but {owner} does not declare this setting.", name=address, owner=owner
        )
        if near := UnknownSettingError(name, known).data["near"]:
            near = ", ".join(f"{owner}.{one}" for one in near)
            text = Text("{what} Did you mean {near}?", what=text, near=near)
        remedy = Text(
            "{what} Remove it with: aiserver-tray config unset {name}", what=text, name=address
        )
        yield Finding("settings", "note", remedy)


def _damage(settings: Settings) -> Iterator[Finding]:
    """Damage noticed now, and damaged files set aside earlier."""
    for notice in settings.notices:
        yield Finding("files", "note", notice)
    for path in sorted(settings.folder.glob("*.damaged-*")):
        text = Text("A damaged file was kept as {file}. Delete it if you don't need it.", file=path)
        yield Finding("files", "note", text)


def examine_host(home: Home, options: Sequence[str]) -> list[Finding]:
    """Check start at login for the tray of *home* with *options*, whether its icon and windows are
    visible, its graphics cards, locks, logs and crash reports."""
    enabled = autostart.is_enabled(home, options)
    text = autostart.state(enabled=enabled, supported=autostart.is_supported())
    login = Finding("autostart", "ok" if enabled else "fact", text)
    return [login, _graphics(), *_icon(), *_windows(), *_locks(), *_logs(log_folder(home))]


def _graphics() -> Finding:
    if cards := graphics_cards():
        return Finding("graphics", "ok", Text("Found: {cards}.", cards="; ".join(cards)))
    text = Text("No NVIDIA graphics card was found. The built-in modules don't need one.")
    return Finding("graphics", "fact", text)


def _icon() -> Iterator[Finding]:
    if (ways := tray_place.known_ways()) and autostart.is_supported():
        why = tray_place.why_unavailable(ways)
        well = Text("The desktop can show the applet's icon.")
        yield Finding("icon", "note" if why else "ok", why or well)


def _windows() -> Iterator[Finding]:
    if desktop.is_missing():
        text = Text(
            "{program} is not installed, so your web browser shows the dashboard. To use windows, "
            "install it from {url}, then restart the applet.",
            program=desktop.NAME,
            url=desktop.PAGE,
        )
        yield Finding("windows", "note", text)


def _locks() -> Iterator[Finding]:
    try:
        if has_session():
            return
        text = Text(
            "You have no login session, so locks and sockets are in {folder}. Commands in a login "
            "session have another folder, so they don't find what runs here. To use one folder, "
            "run: sudo loginctl enable-linger $(id -un)",
            folder=runtime_folder(),
        )
        yield Finding("locks", "note", text)
    except SettingError as error:
        yield Finding("locks", "problem", error.text)


def _logs(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        return
    yield Finding("logs", "fact", Text("The applet's logs are in {folder}.", folder=folder))
    for file in sorted(folder.glob("crash-*.log")):
        if file.stat().st_size:
            text = Text(
                "A part of the applet crashed. Report the content of {file}, then delete that "
                "file.",
                file=file,
            )
            yield Finding("crash", "note", text)
