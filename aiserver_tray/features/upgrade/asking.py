"""What registries say about versions of modules: asked daily, and remembered in the home."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import uniform
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, RegistryError
from aiserver_tray.base.i18n import Language
from aiserver_tray.catalog.extension import version_key
from aiserver_tray.features.upgrade.events import UPGRADES
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.store import Settings

if TYPE_CHECKING:
    from aiserver_tray.catalog.extension import Update
    from aiserver_tray.engine.values import Image
    from aiserver_tray.features.place import Place

_PERIOD_SECONDS: Final = 24 * 3600.0
_JITTER_SECONDS: Final = 2 * 3600.0
"""At most so much later, so that not all installations ask at once."""
REST_SECONDS: Final = 300.0
"""Seconds after a start in which nobody is asked: modules come back by themselves."""
_TICK_SECONDS: Final = 60.0
_CLOSE_SECONDS: Final = 2.0
_MAX_VERSIONS: Final = 2000
"""Of a module that are remembered: the newest."""

_logger = logging.getLogger(__name__)


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Failure(_Plain):
    """A version that did not fit."""

    why: dict[Language, str]
    of: str
    """The files and images that failed. With others, it may fit."""


class RehearsalData(_Plain):
    """How a rehearsal ended."""

    version: str
    of: str = ""
    """The files and images that were rehearsed, as in `Failure`. It says nothing about others."""
    ended_at: float
    seconds: float
    bytes: int = 0
    problem: dict[Language, str] | None = None
    lines: list[str] = Field(default_factory=list)
    proven: list[dict[Language, str]] = Field(default_factory=list)


class ModuleData(_Plain):
    """What is remembered of a module."""

    setting: str = ""
    """The setting whose versions these are."""
    versions: list[str] = Field(default_factory=list)
    """Those that the module's files are for and that the registry has all images of, the newest
    last."""
    digests: dict[str, str] = Field(default_factory=dict)
    """Of its present images, by name."""
    ids: dict[str, str] = Field(default_factory=dict)
    """The same of those whose digests the engine does not know, because a mirror of the settings
    gave them: the IDs that they would have."""
    sizes: dict[str, int] = Field(default_factory=dict)
    """Bytes to download, by version."""
    failed: dict[str, Failure] = Field(default_factory=dict)
    """By version."""
    rests: dict[str, float | None] = Field(default_factory=dict)
    """By version, until when the user does not want to be asked about it. None: never."""
    rehearsal: RehearsalData | None = None
    """The last one."""
    at: float | None = None
    """When it is to be upgraded to `later`."""
    later: str = ""


class UpgradesData(SealedModel):
    """upgrades.json. Times are in seconds since 1970."""

    version: Literal[1] = 1
    asked_at: float | None = None
    begun_at: float | None = None
    """When all were asked about."""
    problem: dict[Language, str] | None = None
    """Why a registry could not be asked then."""
    modules: dict[str, ModuleData] = Field(default_factory=dict)


class UpgradesFile:
    """``upgrades.json`` in the home of *settings*.

    Raises:
        SettingError: from every method: it can't be read or written.
    """

    def __init__(self, settings: Settings) -> None:
        self._file = VersionedFile(
            settings.folder / "upgrades.json", UpgradesData, settings.notices
        )

    def read(self) -> UpgradesData:
        """What is remembered, not to be changed."""
        return self._file.read()

    @contextmanager
    def update(self) -> Iterator[UpgradesData]:
        """What is remembered, to change in place."""
        with self._file.update() as data:
            yield data

    @contextmanager
    def module(self, name: str) -> Iterator[ModuleData]:
        """What is remembered of the module *name*, to change in place."""
        with self._file.update() as data:
            yield data.modules.setdefault(name, ModuleData())


@dataclass(frozen=True)
class Question:
    """What to ask registries about a module."""

    module: str
    update: "Update"
    images: tuple[str, ...]
    """Its present ones, ``repository:tag``, that have the version."""
    is_chosen: bool
    """The module lists its versions itself; only the digests are asked for."""


def digests_of(image: "Image") -> list[str]:
    """The digests that the engine knows of *image*."""
    return [name.partition("@")[2] for name in image.names if "@" in name]


class Asking:
    """Asks registries in a thread of its own, which *questions* (None: of all modules in use) it is
    told; by itself once a day, while the setting wants that. What they say goes to *file*."""

    def __init__(
        self,
        place: "Place",
        file: UpgradesFile,
        questions: Callable[[Sequence[str] | None], Iterable[Question]],
    ) -> None:
        self._place = place
        self._settings = place.app.settings
        self._file = file
        self._questions = questions
        self._changed = Condition()
        self._asked: list[Sequence[str] | None] = []
        self._is_asking = False
        self._jitter = uniform(0, _JITTER_SECONDS)
        self.on_tick: Callable[[], object] = lambda: None
        """Called every minute."""
        self._ready_at = time.monotonic() + REST_SECONDS
        self._closing = Event()
        self._thread: Thread | None = None

    @property
    def is_asking(self) -> bool:
        """Whether registries are asked now, or will be at once."""
        with self._changed:
            return self._is_asking or bool(self._asked)

    def start(self) -> None:
        """Begin to ask once a day."""
        with self._changed:
            if self._thread is None and not self._closing.is_set():
                self._thread = Thread(target=self._run, name="versions", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join(_CLOSE_SECONDS)

    def ask(self, modules: Sequence[str] | None) -> None:
        """Ask about *modules* now, in the background; None: about all that are in use."""
        with self._changed:
            self._asked.append(modules)
            self._changed.notify_all()
        self.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                if not (self._asked or self._closing.is_set()):
                    self._changed.wait(_TICK_SECONDS)
                now, self._asked = self._asked, []
                self._is_asking = bool(now)
            try:
                if not now:
                    self.on_tick()
                    if self.is_due(time.time()):
                        now, self._is_asking = [None], True
                for modules in now:
                    self.tell()
                    self._ask(modules)
            except AiServerError as error:
                _logger.warning("registries can't be asked for versions: %s", error)
            except Exception as bug:  # noqa: BLE001 - the next time may succeed
                log_bug(_logger, "asking registries for versions failed", bug)
            if now:
                self._is_asking = False
                self.tell()

    def tell(self) -> None:
        """Let clients know that something has changed."""
        self._place.publish(UPGRADES.message({"asking": self.is_asking}))

    def is_due(self, now: float) -> bool:
        """Whether it is time to ask by itself at *now*, in seconds since 1970."""
        is_ready = (
            time.monotonic() >= self._ready_at and self._place.core.store.state.engine.running
        )
        if not is_ready or not self._settings.app.check_versions:
            return False
        begun_at = self._file.read().begun_at
        # If the clock was set back, the last time is in the future.
        return begun_at is None or not 0 <= now - begun_at < _PERIOD_SECONDS + self._jitter

    def _ask(self, modules: Sequence[str] | None) -> None:
        problem: RegistryError | None = None
        with self._file.update() as data:
            data.asked_at = time.time()
            if modules is None:  # first, so that a process that ends meanwhile does not ask again
                data.begun_at = data.asked_at
        for question in self._questions(modules):
            if self._closing.is_set():
                return
            problem = self._answer(question) or problem
        with self._file.update() as data:
            data.problem = in_all_languages(problem) if problem else None

    def _answer(self, question: Question) -> RegistryError | None:
        """Remember what registries say; returns why one of them says nothing."""
        app, engine, update = self._settings.app, self._place.core.engine, question.update
        asked = app.mirrors, app.ca_certificates.pem
        versions: list[str] | None = None
        digests, ids = dict[str, str](), dict[str, str]()
        problem: RegistryError | None = None
        try:
            if not question.is_chosen:
                tags = [engine.image_tags(name, *asked) for name in update.images]
                fitting = filter(update.fits, frozenset.intersection(*tags))
                versions = sorted(fitting, key=version_key)[-_MAX_VERSIONS:]
            for name in question.images:
                digests[name] = engine.image_digest(name, *asked)
                found = engine.images.find(name) if app.mirrors else None
                if found and not digests_of(found):
                    ids[name] = engine.image_id(name, *asked)
        except RegistryError as error:
            problem = error
        with self._file.module(question.module) as data:
            if versions is not None:
                data.setting, data.versions = update.setting, versions
            data.digests = {n: d for n, d in data.digests.items() if n in question.images} | digests
            data.ids = {n: id for n, id in data.ids.items() if n in question.images} | ids
            known = {
                version: data.sizes[version] for version in versions or () if version in data.sizes
            }
        if versions and versions[-1] not in known:
            self._size(question, versions[-1])
        return problem

    def _size(self, question: Question, version: str) -> None:
        """Remember how much *version* is to download."""
        app, engine = self._settings.app, self._place.core.engine
        names = [f"{name.rpartition(':')[0]}:{version}" for name in question.images]
        platform, asked = engine.info().platform, (app.mirrors, app.ca_certificates.pem)
        sizes = [engine.image_size(name, platform, *asked) for name in names]
        if all(sizes):
            with self._file.module(question.module) as data:
                data.sizes[version] = sum(size.download for size in sizes if size)
