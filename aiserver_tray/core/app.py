"""One installation: the only place that wires the parts together."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import Place, Problem, SettingError
from aiserver_tray.base.i18n import Given, Language, LocalText, Text, in_language
from aiserver_tray.catalog.edition import Edition
from aiserver_tray.catalog.folders import Applied
from aiserver_tray.engine.address import find_address
from aiserver_tray.model import ModuleModel
from aiserver_tray.system.engine_place import USUAL_ENGINE, canonical
from aiserver_tray.system.language import system_language
from aiserver_tray.system.paths import Home, find_home

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.catalog.check import Report
    from aiserver_tray.catalog.image_sizes import RecordedSizes
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.core.core import Core
    from aiserver_tray.core.outlines import Outlines
    from aiserver_tray.core.targets import Targets
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.model import Changes
    from aiserver_tray.settings.declared import Declared
    from aiserver_tray.settings.quick import QuickSettings
    from aiserver_tray.settings.store import Settings
    from aiserver_tray.spec.model import ModuleTarget

_logger = logging.getLogger(__name__)


class App:
    """One installation with its catalog. ``home``: the folder of ``--home``; ``catalogs``: further
    catalog folders; ``engine``: its name or address, None for the one that the settings name.

    A command that works through the owner of the core needs neither catalog nor settings. So each
    method imports them itself.
    """

    owner_language: Language | None = None
    """The language of texts that the owner of the core told. It knows the user's choice."""

    def __init__(
        self, home: Path | None, catalogs: Sequence[Path], engine: str | None = None
    ) -> None:
        self._home = home
        self._catalogs = tuple(catalogs)
        self._option = engine
        self._used: Engine | None = None
        self._used_setting = ""
        """The engine in the settings when the core was made."""

    @cached_property
    def home(self) -> Home:
        """The home folder.

        Raises:
            SettingError: there is no default, or the name is not valid UTF-8.
        """
        return find_home(self._home)

    @cached_property
    def settings(self) -> "Settings":
        from aiserver_tray.settings.store import Settings  # noqa: PLC0415

        settings = Settings(self.home)
        settings.engine_host = lambda: self._used.host if self._used else self._chosen_host
        return settings

    @cached_property
    def quick_settings(self) -> "QuickSettings":
        """Those settings that can be read without the models of their files."""
        from aiserver_tray.settings.quick import QuickSettings  # noqa: PLC0415

        def is_ahead() -> bool:
            return "settings" in vars(self) and self.settings.engines.has_deferred

        return QuickSettings(self.home.folder, lambda: self.settings, is_ahead)

    @property
    def notices(self) -> Sequence[Text]:
        """Messages for the user about the files that this process has read."""
        return self.settings.notices if "settings" in vars(self) else ()

    def is_served_by(self, about: Mapping[str, Any]) -> bool:
        """Whether the owner of the core that says this *about* itself has the home folder, the
        engine and the catalog that this process would use. The owner also tells the settings of the
        engine and of the module folders, so that this process need not read them.

        Raises:
            SettingError: the engine is named by what is no address.
        """
        setting = "" if self._option else about.get("engineSetting")
        engines, folders = about.get("engines"), about.get("moduleFolders")
        if setting is None or engines is None or folders is None:
            return False
        engine = find_address(self.address_of_engine(self._option, lambda: engines), setting).host
        place = self.identity_with(canonical(engine), self._edition(self._roots_with(folders)))
        known = {**about, "engine": canonical(about.get("engine", ""))}
        return all(known.get(name) == value for name, value in place.items())

    def identity_with(self, engine: str, edition: Edition | None = None) -> dict[str, Any]:
        """The data that must be equal if one process works through another: home folder, *engine*,
        and *edition*, or the catalog as it was loaded."""
        return {
            "home": str(self.home.folder),
            "engine": engine,
            "catalogs": [str(folder.resolve()) for folder in self._catalogs],
            "catalogStamp": (edition or self.edition).stamp,
        }

    @property
    def start_options(self) -> list[str]:
        """The options besides the home folder that start the same applet again."""
        catalogs = [word for c in self._catalogs for word in ("--catalog", str(c.resolve()))]
        return [*catalogs, *(["--engine", self._option] if self._option else [])]

    @property
    def catalog(self) -> "Catalog":
        """The built-in modules, those of the home's folder ``modules`` and of the module folders,
        and the further ones."""
        return self.edition.read()

    @property
    def image_sizes(self) -> "RecordedSizes":
        """The sizes of images that the catalog folders record, as their files are now."""
        from aiserver_tray.catalog.image_sizes import RecordedSizes  # noqa: PLC0415

        return RecordedSizes(self.edition.roots)

    @property
    def version(self) -> object:
        """A value that changes with the catalog and the settings."""
        return self.edition.stamp, self.settings.stamp

    def read(self) -> None:
        """Read the outlines now, or make them from the catalog, so that no later call has to
        wait, and the next command finds them stored."""
        self.outlines.all()

    def refresh_catalog(self) -> bool:
        """Read the catalog again if its files have changed, and return whether they have."""
        before, now = self.edition, self._edition(self._roots)
        if now.stamp == before.stamp:
            return False
        self.edition = now
        return True

    @cached_property
    def edition(self) -> Edition:
        """The catalog as its files were when it was last refreshed."""
        return self._edition(self._roots)

    def _edition(self, roots: Sequence[Path]) -> Edition:
        return Edition(roots, self.applied)

    @cached_property
    def applied(self) -> Applied:
        """The files with which built-in modules were started."""
        return Applied(self.home.folder / "applied")

    def keep_files(self, modules: Iterable[str]) -> None:
        """Remember the files of the built-in *modules*, which were just started."""
        catalog = self.catalog
        for name in catalog.built_in.intersection(modules):
            try:
                self.applied.take(name, catalog.modules[name].folder)
            except OSError as error:
                _logger.warning("the files of %s can't be kept: %s", name, error)

    def forget_files(self, modules: Iterable[str]) -> None:
        """The *modules* have no data any more, so that they may start with other files."""
        for name in filter(self.applied.__contains__, modules):
            try:
                self.applied.forget(name)
            except OSError as error:
                _logger.warning("the kept files of %s can't be removed: %s", name, error)

    def as_packaged(self, module: str) -> "App":
        """This installation as it would be with the files that *module* has in the application."""
        self.settings  # noqa: B018 - one store for both
        packaged = copy(self)
        for name in ("targets", "outlines", "edition"):
            vars(packaged).pop(name, None)
        packaged.applied = Applied(self.applied.folder, without=module)
        return packaged

    @property
    def module_folders(self) -> tuple[str, ...] | None:
        """The user's setting of that name. None: it can't be read."""
        try:
            return self.quick_settings.module_folders
        except SettingError:
            return None

    @property
    def has_whole_catalog(self) -> bool:
        """Whether all catalog folders that the user has chosen can be read now. Otherwise, there
        may be more modules."""
        from aiserver_tray.catalog.folders import is_whole  # noqa: PLC0415

        chosen = self.module_folders
        return chosen is not None and all(map(is_whole, [*map(Path, chosen), *self._catalogs]))

    @property
    def _roots(self) -> list[Path]:
        return self._roots_with(self.module_folders or ())

    def _roots_with(self, folders: Sequence[str]) -> list[Path]:
        own = self.home.folder / "modules"
        return [built_in_catalog(), own, *map(Path, folders), *self._catalogs]

    @property
    def declared(self) -> "Declared":
        """Every setting there is, by address."""
        return self.declared_with(())

    def declared_with(self, new: Iterable[str]) -> "Declared":
        """`declared`, and those of the addresses *new* that are further settings without a
        value."""
        from aiserver_tray.catalog.further_variables import further_settings  # noqa: PLC0415
        from aiserver_tray.settings.app_declared import APP_SETTINGS  # noqa: PLC0415

        catalog = self.catalog
        stored = sorted(self.settings.addresses)
        further = further_settings(catalog, [*dict.fromkeys((*stored, *new))])
        return {**APP_SETTINGS, **catalog.declared, **further}

    def declared_by(self, module: str, new: Iterable[str] = ()) -> "Declared":
        """Those of `declared_with` that belong to *module*.

        Raises:
            CatalogError, UnknownNameError: there is no such module, or its file is wrong.
        """
        self.catalog.module(module)
        own = f"{module}."
        return {a: s for a, s in self.declared_with(new).items() if a.startswith(own)}

    def in_scope(self, module: "Module", new: Iterable[str] = ()) -> "Declared":
        """The settings that *module* depends on, also its further ones, those that are *new*
        included."""
        own, settings = self.declared_by(module.name, new), self.catalog.declared
        further = {a: s for a, s in own.items() if a not in settings}
        return {a: settings[a] for a in self.catalog.scope(module).values()} | further

    @property
    def language(self) -> Language:
        """The current language of texts."""
        return self.owner_language or self.language_for(system_language())

    def language_for(self, own: Language) -> Language:
        """The language of texts for a reader of *own*: the user's choice, otherwise *own*. An
        unreadable choice is ignored here and reported elsewhere."""
        try:
            choice = self.quick_settings.language
        except SettingError:
            return own
        return own if choice == "system" else choice

    def say(self, text: LocalText | None) -> str:
        """A module's own text in the reader's language."""
        return in_language(text, self.language)

    @property
    def names(self) -> tuple[str, ...]:
        """Every module's name, also of those whose file is wrong."""
        return self.outlines.names

    @property
    def chosen(self) -> tuple[str, ...]:
        """The modules that *Start all* means: the user's choice, else all features."""
        if (chosen := self.quick_settings.chosen) is not None:
            return chosen
        modules = self.outlines.stored or self.catalog.modules
        return tuple(m.name for m in modules.values() if m.kind == "feature")

    @cached_property
    def targets(self) -> "Targets":
        from aiserver_tray.core.targets import Targets  # noqa: PLC0415

        return Targets(self)

    def target(self, name: str) -> "ModuleTarget":
        """As `Targets.target`."""
        return self.targets.target(name)

    def preview(self, name: str, changes: "Changes" = MappingProxyType({})) -> "ModuleTarget":
        """As `Targets.preview`."""
        return self.targets.preview(name, changes)

    @property
    def secrets(self) -> list[str]:
        """All stored secrets, the passwords in addresses of proxies among them, and those in plain
        Compose files. Values that are easy to guess are left out. A secret that can't be read can't
        appear in a message either."""
        from aiserver_tray.catalog.further_variables import PROXY_ADDRESS  # noqa: PLC0415
        from aiserver_tray.catalog.guessable import why_guessable  # noqa: PLC0415
        from aiserver_tray.engine.proxies import passwords_in  # noqa: PLC0415

        stored = self.settings.secrets
        given = [s.initial or "" for s in self.catalog.declared.values() if s.is_secret]
        with suppress(SettingError):
            known = stored.values(stored.names())
            proxies = [value for a, value in known.items() if a.endswith(f".{PROXY_ADDRESS}")]
            given += [*known.values(), *passwords_in(proxies)]
        return [value for value in given if not why_guessable(value)]

    def model(self, name: str) -> ModuleModel:
        """The outline of the module *name*, or the reason why there is none. Generates no
        secrets."""
        return self.outlines.one(name)

    @property
    def models(self) -> tuple[ModuleModel, ...]:
        """The outlines of all modules."""
        return self.outlines.all()

    @cached_property
    def outlines(self) -> "Outlines":
        """The outlines of the modules, stored in the home folder."""
        from aiserver_tray.core.outlines import Outlines  # noqa: PLC0415

        return Outlines(self)

    def engine(self) -> "Engine":
        """The engine alone, not contacted yet.

        Raises:
            SettingError: it is named by what is no address, or the setting can't be read.
        """
        from aiserver_tray.engine.engine import Engine  # noqa: PLC0415

        option, setting = self._choice
        return Engine(option, setting=setting)

    @property
    def _choice(self) -> tuple[str | None, str]:
        """The addresses that the option and the setting name. The option overrides the setting."""
        if not self._option:
            return None, self.quick_settings.engine
        return self.address_of_engine(self._option), ""

    def address_of_engine(
        self, name: str | None, known: Callable[[], Mapping[str, str]] | None = None
    ) -> str | None:
        """The address of the engine *name*, which may be one already; *known*: the names, by
        default those of the settings. Empty: the usual engine.

        Raises:
            SettingError: no engine has this name, or the names can't be read.
        """
        if not name or "://" in name:
            return name
        if name == USUAL_ENGINE:
            return ""
        engines = known() if known else self.quick_settings.engines
        if name not in engines:
            why = Text(
                "no engine has the name {name!r}, and an address is such as ssh://USER@MACHINE. "
                "List the names with: aiserver-tray engine list",
                name=name,
            )
            raise SettingError("--engine", why)
        return engines[name]

    @property
    def engine_name(self) -> Text | None:
        """The name of the engine in use, for people. None: no other one is known.

        Raises:
            SettingError: the settings can't be read.
        """
        if not (engines := self.quick_settings.engines):
            return None
        address = self.used_engine.address
        host = canonical(address.host)
        if name := next((n for n, other in engines.items() if canonical(other) == host), None):
            return Given({"en": name})
        return Given({"en": address.host}) if address.is_named else Text("This computer")

    @property
    def used_engine(self) -> "Engine":
        """The engine of the core, which a process keeps until it exits; without a core, as
        `engine`."""
        return self._used or self.engine()

    @property
    def _chosen_host(self) -> str:
        return find_address(*self._choice).host

    @property
    def engine_id(self) -> str | None:
        """The ID of the engine that answered last at the address in use. None: none did yet, or
        that can't be read."""
        with suppress(SettingError):  # it is reported elsewhere
            return self.settings.engines.id_at(self.used_engine.host)
        return None

    @property
    def engine_label(self) -> str:
        """The name of the engine in use as a part of a file's name, with a hyphen in front; empty
        if no other one is known."""
        name = None
        with suppress(SettingError):  # it is reported elsewhere
            name = self.engine_name
        return f"-{re.sub('[^A-Za-z0-9.]+', '-', str(name)).strip('-')}" if name else ""

    @property
    def has_chosen_engine(self) -> bool:
        """Whether the settings say which engine is used; otherwise, the option does."""
        return not self._option

    @property
    def has_other_engine(self) -> bool:
        """Whether the settings were changed so that they name another engine than the one in
        use."""
        with suppress(SettingError):  # it is reported elsewhere
            if self._option or not self._used or self.quick_settings.engine == self._used_setting:
                return False
            return self._chosen_host != self._used.host
        return False

    @property
    def engine_change(self) -> Text | None:
        """The notice that the settings name another engine by now than the one in use."""
        with suppress(SettingError):  # it is reported elsewhere
            if self._used and (chosen := self._chosen_host) != self._used.host:
                if self.has_other_engine:
                    return Text(
                        "The settings now name another engine: {host}. It is used once the "
                        "running operation has ended.",
                        host=chosen,
                    )
                return Text(
                    "Another engine is found by now: {host}. Restart AI-Server Tray to use it.",
                    host=chosen,
                )
        return None

    def core(self) -> "Core":
        """The connection to the engine with all that hangs on it; to be entered with ``with``.

        Raises:
            SettingError: the home can't be used.
        """
        return self._core(self.quick_settings.installation_id)

    def core_for_reading(self) -> "Core":
        """Like `core`, but for commands that start no operations. A new home need not be
        writable."""
        return self._core(self.quick_settings.id_for_reading)

    def _core(self, installation_id: str) -> "Core":
        from aiserver_tray.core.core import Core  # noqa: PLC0415

        self._used_setting = "" if self._option else self.quick_settings.engine
        self._used = self.engine()
        return Core(self.quick_settings, self, self._used, installation_id)

    def check(self, path: Path | None) -> "Report":
        """Everything that is wrong with the modules below *path* (a catalog folder, a module's
        folder or its file), or with all."""
        from aiserver_tray.catalog.catalog import load_catalog  # noqa: PLC0415
        from aiserver_tray.catalog.check import check  # noqa: PLC0415
        from aiserver_tray.catalog.plain import PlainSetting  # noqa: PLC0415

        folder = None if path is None else (path if path.is_dir() else path.parent).resolve()
        catalog = load_catalog([*self._roots, folder], self.applied) if folder else self.catalog
        plain = {a: s for a, s in catalog.declared.items() if isinstance(s, PlainSetting)}
        try:
            return check(catalog, folder, self.settings.known(plain), self.settings.app.bind)
        except SettingError as error:  # the files are checked all the same
            report = check(catalog, folder)
            unread = Problem(Place(Path(error.data["name"])), error.why)
            return replace(report, notes=[*report.notes, unread])


def built_in_catalog() -> Path:
    """The catalog that comes with the application: in the wheel, else in the source tree."""
    packaged = Path(str(files("aiserver_tray"))) / "_data/orchestration"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "orchestration"
