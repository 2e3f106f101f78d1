"""The settings and the state of one installation: the facade over the files in its home.

==================  ===============================================================
installation.json   the installation id, written once
settings.json       what the user set, the chosen modules, and the permissions of modules
state.json          per engine: the desired state, learnt times, and the images that are ours;
                    and how long its start took
secrets.json        secrets, encrypted; secrets.key its key where no store holds it
previous.json       the values before the last change of each module's settings, for a day
backup-journal.json the backups and restores that have not ended
rules.json          the alert rules and mutes; alerts.json the last alerts
upgrades.json       what is known of versions of modules; applied/ the files with which they started
backups.json        what is known of backups, of the recovery key and of the schedule
journal.jsonl       operations, changes of settings, refused clients, owners of the core
==================  ===============================================================
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import SettingError, raise_all
from aiserver_tray.base.errors.remedies import enter
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from aiserver_tray.model import Changes
from aiserver_tray.settings.app_settings import AppSettings
from aiserver_tray.settings.content import (
    Engines,
    InstallationData,
    SettingsData,
    StateData,
    Trusted,
)
from aiserver_tray.settings.declared import (
    Declared,
    Entry,
    address_of,
    entry,
    in_the_clear,
    misplaced,
    parsed,
    stored_value,
    stored_values,
    without_value,
)
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.journal import Journal
from aiserver_tray.settings.names import (
    BACKUP_FOLDER,
    BACKUP_JOURNAL,
    INSTALLATION,
    SECRETS,
    SETTINGS,
    STATE,
)
from aiserver_tray.settings.unended import BackupJournal
from aiserver_tray.system.chosen_folder import why_no_backups, why_unfit
from aiserver_tray.system.engine_place import default_host
from aiserver_tray.system.paths import Home

if TYPE_CHECKING:
    from aiserver_tray.catalog.setting import Setting
    from aiserver_tray.settings.previous import PreviousValues
    from aiserver_tray.settings.secrets import Sealed, Secrets

    Formers = tuple[Changes, Sealed]
    """Values of settings and encrypted secrets, by address. None: there was none."""


class Settings:
    """The settings, secrets and desired state in the folder *home*, which the first write creates.
    Without it, the defaults apply.

    Several processes and threads can use one home folder at once. ``notices`` collects messages for
    the user about damage and its repair.

    Raises:
        SettingError: from every method: a file of *home* can't be read or written, comes from a
            newer version, or is lost; named by the file.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.folder
        self.notices: list[Text] = []
        self.journal = Journal(self.folder)
        self._installation = VersionedFile(
            self.folder / INSTALLATION, InstallationData, self.notices, lost="refuse"
        )
        self._settings = VersionedFile(self.folder / SETTINGS, SettingsData, self.notices)
        self._state = VersionedFile(self.folder / STATE, StateData, self.notices)
        self.engines = Engines(self._state)
        self.unended = BackupJournal(
            self.folder / BACKUP_JOURNAL, lambda: self.installation_id, self.notices
        )
        self.engine_host: Callable[[], str] = default_host
        """The address of the engine whose containers get folders."""
        self._app: tuple[object, AppSettings] | None = None

    @cached_property
    def installation_id(self) -> str:
        """Created once per home folder. This label marks our objects on the engine."""
        if self._installation.stamp is not None:  # a home without write permission has its own
            return self._installation.read().id
        with self._installation.update() as data:
            return data.id

    @cached_property
    def id_for_reading(self) -> str:
        """`installation_id`, for commands that only show something. If a new home can't be written,
        an ID that no container has; a notice says so."""
        try:
            return self.installation_id
        except SettingError as error:
            unused = self._installation.read().id  # fails if the ID exists, but can't be read
            why = Text(
                "This home folder is new and can't be written, so it has no containers. {why}",
                why=error.text,
            )
            self.notices.append(why)
            return unused

    @cached_property
    def secrets(self) -> "Secrets":
        """The secrets by address. `values` generates the missing ones."""
        from aiserver_tray.settings.secrets import Secrets  # noqa: PLC0415 - slow

        return Secrets(
            self.folder / SECRETS, lambda: self.installation_id, self.home.key_place, self.notices
        )

    def inspect(self, declared: Declared) -> list[SettingError]:
        """All problems of the stored settings, except for the secrets: files that can't be read,
        values that are not valid for *declared*, secrets in plain text."""
        errors: list[SettingError] = []
        stored: Mapping[str, str] = {}
        with _gathered(errors):
            self._installation.read()
        with _gathered(errors):
            self._state.read()
        with _gathered(errors):
            stored = self._settings.read().values
        for address in filter(declared.__contains__, stored):
            with _gathered(errors):
                self._check_stored(address, declared[address], stored)
        return errors

    def _check_stored(self, address: str, setting: "Setting", stored: Mapping[str, str]) -> None:
        if setting.is_secret:
            raise in_the_clear(address, self._settings.path)
        stored_value(address, setting, stored)

    @property
    def stamp(self) -> object:
        """A value that changes with the settings, even if another process changes them. Reads no
        file."""
        return self._settings.stamp, self.secrets.stamp

    @property
    def app(self) -> AppSettings:
        """The app's own settings. The file is read only after it has changed."""
        stamp, known = self._settings.stamp, self._app
        if known is None or known[0] != stamp:
            self._app = known = stamp, AppSettings(self._settings.read().values)
        return known[1]

    def values(self, declared: Declared) -> dict[str, str]:
        """The value of each setting of *declared* that has one: the user's value, its
        `Setting.fallback`, or the stored secret. Secrets are generated if the setting allows it.

        Raises:
            SettingError: a stored value is not valid; names the fix.
        """
        stored = self._settings.read().values
        secret = self._secret(declared, stored)
        self.secrets.ensure({a: s.generate for a, s in secret.items() if s.generate})
        return stored_values(declared, stored, self.secrets.values(secret))

    def known(self, declared: Declared) -> dict[str, str]:
        """Like `values`, without secrets that do not exist yet."""
        stored = self._settings.read().values
        secret = self._secret(declared, stored)
        return stored_values(declared, stored, self.secrets.values(secret))

    def masked(self, declared: Declared) -> dict[str, str]:
        """Like `values`, with masked secrets. Generates and decrypts none."""
        values = self.values({a: s for a, s in declared.items() if not s.is_secret})
        stored = self.secrets.names()
        secret = ((a, MASK if a in stored else s.mask) for a, s in declared.items() if s.is_secret)
        return values | {address: mask for address, mask in secret if mask is not None}

    def reveal(self, declared: Declared, name: str) -> str:
        """The value of the setting *name* of *declared* in plain text. A secret is generated first
        if the setting allows it.

        Raises:
            UnknownSettingError: there is no such setting.
            SettingError: it has no value, or an invalid one; names the fix.
        """
        address = address_of(declared, name)
        setting = declared[address]
        value = self.values({address: setting}).get(address, setting.initial)
        if value is None:
            raise without_value(address)
        return value

    def entries(self, declared: Declared) -> list[Entry]:
        """All settings of *declared* for display. Generates and decrypts nothing, and shows invalid
        values as they are."""
        stored = self._settings.read().values
        secret = {a for a in self.secrets.names() if a in declared and declared[a].is_secret}
        found = stored | dict.fromkeys(secret, MASK)
        return [entry(a, setting, found.get(a)) for a, setting in declared.items()]

    def parsed(self, declared: Declared, changes: Changes) -> dict[str, str | None]:
        """*changes* by address, in canonical form. Folders are looked at.

        Raises:
            UnknownSettingError: there is no such setting.
            SettingError, JointError: settings that do not take their value.
        """
        values = parsed(declared, changes)
        raise_all(self.unfit_folders(declared, values))
        return values

    def unfit_folders(self, declared: Declared, values: Changes) -> list[SettingError]:
        """One error for each folder in *values* that no container may get, or no backup, as it is
        now."""
        folders = {a: s for a, s in declared.items() if a == BACKUP_FOLDER or s.type == "folder"}
        given = {a: (s.user, folder) for a, s in folders.items() if (folder := values.get(a))}
        found = {a: self._why_unfit(a, *one) for a, one in given.items()}
        other = Text("Choose another folder")
        return [SettingError(a, why, [enter(other, a)]) for a, why in found.items() if why]

    def _why_unfit(self, address: str, user: int | None, folder: str) -> Text | None:
        if address == BACKUP_FOLDER:
            return why_no_backups(folder, self.folder)
        return why_unfit(folder, self.folder, user, self.engine_host())

    def change(self, declared: Declared, changes: Changes) -> None:
        """Make all *changes* (by address or unique bare name) or none of them. None resets a
        setting to its default: a secret is generated again. It also removes a value that was stored
        as a secret and is no secret any more.

        Raises:
            UnknownSettingError: there is no such setting.
            SettingError, JointError: settings that refuse their value, or whose value is kept.
        """
        values = self.parsed(declared, changes)
        secret = {a: value for a, value in values.items() if declared[a].is_secret}
        if resets := {a for a, value in values.items() if value is None} - secret.keys():
            secret |= dict.fromkeys(resets & self.secrets.names())
        kept = {address for address in secret if declared[address].keep}
        before = self.secrets.change(secret, kept) if secret else {}
        new = {a: v for a, v in values.items() if a not in secret and v is not None}
        try:
            with self._settings.update() as data:
                for address in values.keys() & data.values.keys():
                    del data.values[address]
                data.values |= new
        except SettingError:
            if before:
                self.secrets.restore(before)
            raise

    def formers(self, declared: Declared, addresses: Iterable[str]) -> "Formers":
        """What `put_back` needs to undo that `adopt` changes the settings at *addresses*."""
        names = {*addresses}
        values = self._settings.read().values
        plain = {a: values.get(a) for a in names if not declared[a].is_secret}
        return plain, self.secrets.sealed(names - plain.keys())

    def adopt(self, declared: Declared, changes: Changes) -> None:
        """Make the *changes* (by address) of a backup whose data is restored too: also those of
        secrets that must be kept.

        Raises:
            SettingError, JointError: settings that refuse their value.
        """
        values = self.parsed(declared, changes)
        if secret := {a: value for a, value in values.items() if declared[a].is_secret}:
            self.secrets.change(secret, ())
        with self._settings.update() as data:
            kept = {a: value for a, value in data.values.items() if a not in values}
            new = {a: v for a, v in values.items() if v is not None and a not in secret}
            data.values = kept | new

    def put_back(self, values: Changes, secrets: "Sealed") -> None:
        """Undo `adopt`, before which `formers` returned *values* and *secrets*."""
        if secrets:
            self.secrets.restore(secrets)
        if values:
            with self._settings.update() as data:
                kept = {a: value for a, value in data.values.items() if a not in values}
                data.values = kept | {a: v for a, v in values.items() if v is not None}

    def half_restored(self, engine: str) -> frozenset[str]:
        """The modules whose data on the *engine* (its ID) a restore or upgrade that was
        interrupted has replaced in part."""
        left = self.unended.interrupted.values()
        return frozenset(n for one in left for n in one.modules if one.is_half(engine, [n]))

    def stored(self, declared: Declared) -> dict[str, str | None]:
        """The stored value of each setting of *declared*, secrets in plain text. None: it has
        none."""
        secrets = self.secrets.values(a for a, s in declared.items() if s.is_secret)
        values = {**self._settings.read().values, **secrets}
        return {address: values.get(address) for address in declared}

    @cached_property
    def previous(self) -> "PreviousValues":
        """The values before the last change of each module's settings."""
        from aiserver_tray.settings.previous import PreviousValues  # noqa: PLC0415 - slow

        return PreviousValues(self.folder / "previous.json", self.secrets, self.notices)

    def secret_values(self, declared: Declared) -> list[str]:
        """The values of all stored secrets, also of those of *declared* that the settings file
        wrongly contains.

        Raises:
            SettingError: one of them can't be read.
        """
        stored = self._settings.read().values
        known = self.secrets.values(self.secrets.names())
        return [*known.values(), *misplaced(declared, stored).values()]

    @property
    def addresses(self) -> frozenset[str]:
        """Of all stored values, secrets or not, declared or not. Decrypts nothing."""
        found: frozenset[str] = frozenset()
        with suppress(SettingError):  # a file that can't be read is reported elsewhere
            found |= self._settings.read().values.keys()
            found |= self.secrets.names()
        return found

    def undeclared(self, declared: Declared) -> list[str]:
        """Stored values without a setting in *declared*: mistyped, from an older file, or of a
        module that is gone."""
        return [address for address in self._settings.read().values if address not in declared]

    def forget(self, address: str) -> None:
        """Remove the value of *address*, declared or not."""
        with self._settings.update() as data:
            data.values.pop(address, None)

    def _secret(self, declared: Declared, stored: Mapping[str, str]) -> "dict[str, Setting]":
        for address in misplaced(declared, stored):
            raise in_the_clear(address, self._settings.path)
        return {a: setting for a, setting in declared.items() if setting.is_secret}

    @property
    def chosen(self) -> tuple[str, ...] | None:
        """The modules that *Start all* means; None while the user has not chosen any."""
        chosen = self._settings.read().chosen
        return None if chosen is None else tuple(chosen)

    def choose(self, modules: Iterable[str]) -> None:
        """Make *Start all* start *modules*."""
        with self._settings.update() as data:
            data.chosen = list(modules)

    @property
    def is_new(self) -> bool:
        """Whether the user has chosen and started no module, and not left the first steps."""
        data = self._settings.read()
        return not (data.welcomed or data.chosen is not None or self.engines.asked_for)

    def welcome(self) -> None:
        """Remember that the user has seen the first steps."""
        with self._settings.update() as data:
            data.welcomed = True

    def trusted(self, module: str) -> Trusted | None:
        """What the user allowed *module*; None: not even to start."""
        return self._settings.read().trusted.get(module)

    def trust(self, module: str, allowed: Trusted) -> None:
        """Allow *module* this, and no more."""
        with self._settings.update() as data:
            data.trusted[module] = allowed

    def distrust(self, module: str) -> None:
        """Take back all that *module* was allowed."""
        with self._settings.update() as data:
            data.trusted.pop(module, None)


@contextmanager
def _gathered(errors: list[SettingError]) -> Iterator[None]:
    """Append raised errors to *errors*."""
    try:
        yield
    except SettingError as error:
        errors.append(error)
