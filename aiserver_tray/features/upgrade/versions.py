"""The versions that modules can be upgraded to, and which of them are offered."""

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AiServerError, UpgradeError
from aiserver_tray.base.i18n import Given, Listed, Text
from aiserver_tray.catalog.extension import Update, version_key
from aiserver_tray.catalog.folders import content
from aiserver_tray.engine.address import find_address
from aiserver_tray.features.configuration.fixed import in_use
from aiserver_tray.features.upgrade.asking import (
    Asking,
    Failure,
    ModuleData,
    Question,
    UpgradesFile,
    digests_of,
)
from aiserver_tray.features.upgrade.views import (
    ModuleUpgradeView,
    OfferKind,
    Rest,
    UpgradeList,
    VersionView,
)
from aiserver_tray.model import Changes
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.state.judge import ALIVE
from aiserver_tray.system.engine_place import USUAL_ENGINE

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.core.app import App
    from aiserver_tray.features.place import Place
    from aiserver_tray.spec.model import ModuleTarget

_WEEK_SECONDS: Final = 7 * 24 * 3600.0


@dataclass(frozen=True)
class UpgradeTarget:
    """What a module is upgraded to. Nothing of it applies yet."""

    module: str
    version: str
    now: str
    """The present version."""
    kinds: frozenset[OfferKind]
    """All that the upgrade changes. With `image`, the images are pulled although they are there."""
    changes: Changes
    """Of settings."""
    folder: Path | None
    """The application's files of the module, if it has others now."""
    update: Update
    """The new files' declaration."""
    preview: "ModuleTarget"
    """The module in the new version. Missing secrets are masked."""


@dataclass(frozen=True)
class _Prospect:
    """The present version of a module, and the files with which another one would start."""

    name: str
    now: str
    images: tuple[str, ...]
    """The present ones that have the version."""
    module: "Module"
    """As it would be then."""
    update: Update
    folder: Path | None
    """The packaged files, if they are others."""
    app: "App"
    """The installation as it would be then."""

    @property
    def address(self) -> str:
        return f"{self.name}.{self.update.setting}"

    @property
    def default(self) -> str:
        """The version with which a new module would start."""
        return self.module.settings[self.update.setting].initial or ""

    @property
    def choices(self) -> Collection[str]:
        """The versions that the file lists. Empty: those of the registry count."""
        return self.module.settings[self.update.setting].choices

    def fits(self, version: str) -> bool:
        """Whether the files are for *version*."""
        return version in self.choices if self.choices else self.update.fits(version)

    @property
    def with_files(self) -> str | None:
        """The version if it is only to have these files. None: they are only for older ones."""
        if self.folder and self.is_newer(self.default):
            return self.default
        return self.now if self.fits(self.now) else None

    def is_newer(self, version: str) -> bool:
        return version_key(version) > version_key(self.now)


class Versions:
    """The versions of the modules of *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place
        self._app = place.app
        self._lock = Lock()
        self._apps: dict[str, App] = {}
        self.file = UpgradesFile(place.app.settings)
        self.asking = Asking(place, self.file, self._questions)

    def start(self) -> None:
        """Begin to ask registries once a day."""
        self.asking.start()

    def close(self) -> None:
        """Ask nobody any more."""
        self.asking.close()

    def ask(self, modules: Sequence[str] | None) -> None:
        """Ask registries about *modules* now, in the background; None: about all in use.

        Raises:
            UnknownNameError, CatalogError: there is no such module, or its file is wrong.
        """
        for name in modules or ():
            self._app.catalog.module(name)
        self.asking.ask(modules)

    # -- what there is -----------------------------------------------------------------------------

    def views(self) -> UpgradeList:
        """All modules in use that declare their versions. What rehearsals and upgrades add is not
        in it.

        Raises:
            SettingError: what is remembered can't be read.
        """
        data, there = self.file.read(), in_use(self._place)
        found = (
            self._view(one, data.modules.get(one.name, ModuleData()), self._users(one.name))
            for one in self._prospects(self._app.catalog.modules)
            if one.name in there
        )
        asked_at = None if data.asked_at is None else datetime.fromtimestamp(data.asked_at, UTC)
        problem = Given(data.problem) if data.problem else None
        return UpgradeList((*found,), asked_at, problem, self.asking.is_asking, None, None)

    def _view(self, one: _Prospect, data: ModuleData, users: Iterable[str]) -> ModuleUpgradeView:
        versions = tuple(self._versions(one, data))
        offer = next((v for v in versions if not (v.failed or v.rest)), None)
        return ModuleUpgradeView(
            one.name,
            one.module.title,
            one.now,
            offer,
            versions,
            rehearsal=None,
            undo=None,
            at=None,
            seconds=None,
            users=tuple(users),
            blockers=(),
        )

    def _users(self, name: str) -> Iterator[str]:
        """The running modules that require *name*."""
        containers = self._place.core.store.state.containers.values()
        alive = {one.module for one in containers if one.status in ALIVE}
        return (m.name for m in self._app.models if m.name in alive and name in m.requires)

    def _versions(self, one: _Prospect, data: ModuleData) -> Iterator[VersionView]:
        """What *one* can be upgraded to, the newest first."""
        for version in sorted(self._later(one, data), key=version_key, reverse=True):
            failure = data.failed.get(version)
            yield VersionView(
                version,
                self._kind(one, version),
                one.update.notes_on(version),
                self._bytes(one, data, version),
                Given(failure.why)
                if failure and failure.of == _made_of(one, data, version)
                else None,
                _rest(data.rests, version),
            )

    def _later(self, one: _Prospect, data: ModuleData) -> set[str]:
        known = data.versions if data.setting == one.update.setting else ()
        found = {v for v in one.choices or known if one.fits(v) and one.is_newer(v)}
        if one.with_files and (one.folder or self._moved(one, data)):
            found.add(one.with_files)
        return found

    def _kind(self, one: _Prospect, version: str) -> OfferKind:
        if version != one.with_files:
            return "version"
        return "files" if one.folder else "image"

    def _moved(self, one: _Prospect, data: ModuleData) -> list[str]:
        """The present images of *one* that its registry has other content of by now, as far as the
        engine knows from where it has them."""
        found, engine = [], self._place.core.engine
        for name in one.images:
            with suppress(AiServerError):
                if image := engine.images.find(name):
                    known = digests_of(image)
                    asked, now = (data.digests, known) if known else (data.ids, [image.id])
                    if asked.get(name, now[0]) not in now:
                        found.append(name)
        return found

    def _bytes(self, one: _Prospect, data: ModuleData, version: str) -> int | None:
        if size := data.sizes.get(version):
            return size
        tag = one.module.settings[one.update.setting].in_file(version)
        names = [f"{name.rpartition(':')[0]}:{tag}" for name in one.images]
        with suppress(AiServerError):
            sizes, platform = self._app.image_sizes, self._place.core.engine.info().platform
            found = [sizes.of(name, platform) for name in names]
            return sum(size.download for size in found if size) if all(found) else None
        return None

    def _questions(self, modules: Sequence[str] | None) -> Iterator[Question]:
        names = in_use(self._place) if modules is None else modules
        for one in self._prospects(names):
            yield Question(one.name, one.update, one.images, bool(one.choices))

    def _prospects(self, names: Iterable[str]) -> Iterator[_Prospect]:
        """Those of *names* that declare their versions and can be read."""
        for name in names:
            with suppress(AiServerError):  # its page shows what is wrong with it
                if one := self._prospect(name):
                    yield one

    def _prospect(self, name: str) -> _Prospect | None:
        app = self._app
        module, images = app.catalog.module(name), [s.image for s in app.model(name).services]
        if (update := module.update_of(images)) is None:
            return None
        address = f"{name}.{update.setting}"
        now = app.settings.known({address: module.settings[update.setting]})[address]
        tagged = tuple(update.tagged(images))
        if name in app.applied and module.folder == (app.applied.folder / name).resolve():
            then = self._packaged(name)
            new = then.catalog.modules.get(name)
            updates = new.updates if new else ()
            if new and (other := next((u for u in updates if u.setting == update.setting), None)):
                return _Prospect(name, now, tagged, new, other, new.folder, then)
        return _Prospect(name, now, tagged, module, update, None, app)

    def _packaged(self, name: str) -> "App":
        """The installation with the application's files of *name*, read once."""
        new = self._app.as_packaged(name)
        with self._lock:
            known = self._apps.get(name)
            if known is None or known.edition.stamp != new.edition.stamp:
                self._apps[name] = new
            return self._apps[name]

    # -- what to upgrade to ------------------------------------------------------------------------

    def target(self, module: str, version: str | None) -> UpgradeTarget:
        """What *module* is upgraded to; *version*: None is the newest that is offered.

        Raises:
            UpgradeError: it can't be upgraded so; says why.
            AiServerError: there is no such module, or it could not start so.
        """
        one = self._prospect(module)
        if one is None:
            text = Text("{module} does not say which versions there are of it.", module=module)
            raise UpgradeError(text, module=module)
        data = self.file.read().modules.get(module, ModuleData())
        self._check_used(one)
        self._check_elsewhere(module)
        chosen = self._chosen(one, data, version)
        kinds: set[OfferKind] = {"version"} if chosen != one.now else set()
        kinds |= {"files"} if one.folder else set()
        kinds |= {"image"} if chosen == one.now and self._moved(one, data) else set()
        address, wanted = one.address, None if chosen == one.default else chosen
        setting = one.module.settings[one.update.setting]
        stored = self._app.settings.stored({address: setting})[address]
        changes: Changes = {} if stored == wanted else {address: wanted}
        preview = one.app.preview(module, {address: chosen})
        return UpgradeTarget(
            module, chosen, one.now, frozenset(kinds), changes, one.folder, one.update, preview
        )

    def _check_used(self, one: _Prospect) -> None:
        if one.name not in in_use(self._place):
            text = Text(
                "{module} has not started yet, so there is nothing to upgrade. Choose its version "
                "with: aiserver-tray config set {address} VERSION",
                module=one.name,
                address=one.address,
            )
            raise UpgradeError(text, module=one.name)

    def _check_elsewhere(self, module: str) -> None:
        """Raises `UpgradeError` if the user asked for *module* on another engine, too."""
        settings = self._app.settings
        if not (named := settings.app.engines):
            return
        for name, host in {USUAL_ENGINE: find_address(None).host, **named}.items():
            id = settings.engines.id_at(host)
            if id and id != self._place.engine_id and module in settings.engines.desired(id):
                text = Text(
                    "{module} also runs on the Docker engine {engine}, and has the same version "
                    "and files on all engines: there, it would start with the new ones without an "
                    "upgrade. Remove it there first, with: aiserver-tray down {module} --engine "
                    "{engine}",
                    module=module,
                    engine=name,
                )
                raise UpgradeError(text, module=module)

    def _chosen(self, one: _Prospect, data: ModuleData, version: str | None) -> str:
        if version is None:
            offer = self._view(one, data, ()).offer
            if offer is None:
                text = Text(
                    "No other version of {module} than {version} is offered.",
                    module=one.name,
                    version=one.now,
                )
                raise UpgradeError(text, module=one.name)
            return offer.version
        if version in self._later(one, data) or (one.fits(version) and one.is_newer(version)):
            return version
        raise UpgradeError(_why_not(one, version), module=one.name)

    # -- what the user and upgrades say ------------------------------------------------------------

    def rest(self, module: str, version: str, rest: Rest | None) -> None:
        """Do not offer *version*, or not for a week; None: offer it again.

        Raises:
            UnknownNameError, CatalogError: there is no such module, or its file is wrong.
        """
        self._app.catalog.module(module)
        with self.file.module(module) as data:
            data.rests.pop(version, None)
            if rest:
                data.rests[version] = None if rest == "skip" else time.time() + _WEEK_SECONDS
        self.asking.tell()

    def failed(self, module: str, version: str, why: Text) -> None:
        """*version* does not fit: do not offer it again, unless with other files or images."""
        of = self.made_of(module, version)
        with self.file.module(module) as data:
            data.failed[version] = Failure(why=in_all_languages(why), of=of)
        self.asking.tell()

    def made_of(self, module: str, version: str) -> str:
        """A text that changes with the files and images of *version*, as far as they are known.

        Raises:
            AiServerError: there is no such module, or its file is wrong.
        """
        one, data = self._prospect(module), self.file.read().modules.get(module, ModuleData())
        return _made_of(one, data, version) if one else ""


def _why_not(one: _Prospect, version: str) -> Text:
    about = {"module": one.name, "version": version, "now": one.now}
    if version == one.now:
        return Text("{module} has version {version} already.", **about)
    if one.fits(version):
        return Text(
            "{module} has version {now}, which is newer than {version}. Data can't go back to an "
            "older version; restore a backup instead.",
            **about,
        )
    if one.choices:
        versions = Listed([*one.choices])
        return Text(
            "{module} has the versions {versions}, and no {version}.", **about, versions=versions
        )
    return Text(
        "{module} can't be upgraded to {version}. Its files are for the versions {range}.",
        **about,
        range=one.update.range or one.update.tags,
    )


def _made_of(one: _Prospect, data: ModuleData, version: str) -> str:
    """A text that changes with the files, and those present images that stay, of *version*."""
    images = sorted((data.digests | data.ids).items()) if version == one.now else ()
    return hashlib.sha256(f"{content(one.module.folder)} {images}".encode()).hexdigest()


def _rest(rests: Mapping[str, float | None], version: str) -> Rest | None:
    if version not in rests:
        return None
    until = rests[version]
    if until is None:
        return "skip"
    left = until - time.time()
    return "week" if 0 < left <= _WEEK_SECONDS else None  # the clock may have been set back
