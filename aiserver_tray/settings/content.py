"""The content of the files of a home folder that nearly every command needs, without models."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from math import isfinite
from pathlib import Path
from threading import Lock
from types import UnionType
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints
from uuid import uuid4

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.settings.files import DamagedError, VersionedFile, is_disk_full
from aiserver_tray.system.process import has_run_since

_MAX_IMAGES = 500
"""Years of updates; images that the user has removed stay among them."""
_NEWEST_WEIGHT = 0.5
"""Weight of the newest duration against those from before."""


@dataclass
class PlainContent:
    """The content of a file, read and written without models; see `FileContent`."""

    is_sealed: ClassVar[bool] = False
    version: int

    @classmethod
    def read_plain(cls, content: bytes) -> Self | None:
        """As `FileContent.read_plain`."""
        if b"\\u" in content:  # we write none, and not each is valid
            return None
        try:
            found = json.loads(content.decode(), parse_constant=_refuse)
            if not (isinstance(found, dict) and "version" in found):
                return None
            raw = cls.prepared(found)
            data: Self = _made(cls, raw)
        except (ValueError, RecursionError, DamagedError):
            return None
        return data if data.is_whole(raw) else None

    @classmethod
    def validated(cls, raw: object) -> Self:
        """As `FileContent.validated`."""
        # Slow to import, and seldom needed.
        from aiserver_tray.settings.models import checked  # noqa: PLC0415

        raw = cls.prepared(raw)
        data: Self = _made(cls, checked(cls, raw))
        if not data.is_whole(raw):
            raise DamagedError("not what was written")
        return data

    @classmethod
    def prepared(cls, raw: object) -> object:
        """*raw* in the form that the types of the fields say."""
        return raw

    def is_whole(self, _raw: object) -> bool:
        """Whether the content *raw* of the file is what was written."""
        return True

    def written(self) -> bytes:
        """As `FileContent.written`."""
        return json.dumps(_plain(self), ensure_ascii=False, indent=2).encode() + b"\n"


@dataclass
class SealedContent(PlainContent):
    """The content of a file that no user edits."""

    is_sealed: ClassVar[bool] = True

    digest: str = ""

    def written(self) -> bytes:
        self.digest = _digest(_plain(self))
        return super().written()

    def is_whole(self, raw: object) -> bool:
        # The file's own content, which may lack newer fields.
        return self.digest == _digest(_plain(self, raw))


@dataclass
class InstallationData(SealedContent):
    """installation.json"""

    version: Literal[1] = 1
    id: str = field(default_factory=lambda: str(uuid4()))

    @classmethod
    def prepared(cls, raw: object) -> object:
        if isinstance(raw, dict) and raw.get("id") == "":
            raise DamagedError("id: String should have at least 1 character")
        return raw


@dataclass
class Trusted:
    """What the user allowed a module."""

    folder: str
    """The module's; in another one, it is another module."""
    permissions: list[list[str]]
    """Kind and subject of each."""

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """The permissions, as `Permission.key` has them."""
        return frozenset((one[0], one[-1]) for one in self.permissions if one)


@dataclass
class SettingsData(PlainContent):
    """settings.json. A user who edits the file may write numbers, true and false without quotes."""

    version: Literal[1] = 1
    values: dict[str, str] = field(default_factory=dict)
    chosen: list[str] | None = None
    """None: the user has not chosen yet."""
    trusted: dict[str, Trusted] = field(default_factory=dict)
    """By module."""
    welcomed: bool = False
    """The user has seen the first steps."""

    @classmethod
    def prepared(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        changes: dict[str, Any] = {}
        if isinstance(values := raw.get("values"), dict):
            changes["values"] = {name: _as_text(value) for name, value in values.items()}
        if isinstance(trusted := raw.get("trusted"), dict):
            # An earlier version kept a hash, which does not say what was allowed: asked once more.
            known = {name: one for name, one in trusted.items() if not isinstance(one, str)}
            changes["trusted"] = known
        return raw | changes


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


@dataclass
class EngineState:
    """Data about one engine."""

    desired: list[str] = field(default_factory=list)
    """The modules that the user asked for."""
    stopped: list[str] = field(default_factory=list)
    """The services of these (``module/service``) that the user stopped alone."""
    learnt: dict[str, float] = field(default_factory=dict)
    """Durations in seconds, by name."""
    images: list[str] = field(default_factory=list)
    """The IDs of the images that we pulled or built, the newest last."""

    def learn(self, durations: Mapping[str, float]) -> None:
        """Learn the *durations* of a run, by name."""
        for name, seconds in durations.items():
            earlier = self.learnt.get(name, seconds)
            self.learnt[name] = round(earlier + _NEWEST_WEIGHT * (seconds - earlier), 3)

    def add_images(self, ids: Sequence[str]) -> None:
        """Add these images. The oldest ones are dropped if there are too many."""
        kept = [image for image in self.images if image not in ids]
        self.images = [*kept, *dict.fromkeys(ids)][-_MAX_IMAGES:]


@dataclass
class StateData(SealedContent):
    """state.json"""

    version: Literal[1] = 1
    engines: dict[str, EngineState] = field(default_factory=dict)
    """By ID."""
    starts: dict[str, float] = field(default_factory=dict)
    """The seconds that the start of each engine took, by its address."""
    last: dict[str, str] = field(default_factory=dict)
    """The ID of the engine that answered last at each address."""
    folders: dict[str, str] = field(default_factory=dict)
    """Where in the home kept logs, samples and alerts of each engine are, by its ID."""


@dataclass
class SwappedVolume:
    """A volume whose content a restore replaces."""

    volume: str
    kept: str | None
    """The volume with what was there; None: there was nothing."""
    labels: dict[str, str] = field(default_factory=dict)
    """It had these."""


@dataclass
class SwappedDatabase:
    """A database that a restore replaces, or that an upgrade changes, which has copied it."""

    server: str
    database: str
    new: str
    old: str
    existed: bool = True
    """There was one, which is *old* once it is replaced."""


@dataclass
class Unended:
    """A backup, restore, rehearsal, upgrade or adoption that has not ended."""

    kind: Literal["backup", "restore", "rehearse", "upgrade", "adopt"]
    modules: list[str]
    engine: str = ""
    """The ID of the engine that has its data. Empty: any."""
    state: Literal["prepared", "swapped", "whole", "kept"] = "prepared"
    pid: int = field(default_factory=os.getpid)
    began: float = field(default_factory=time.time)
    file: str = ""
    """The file that it writes."""
    ran: list[str] = field(default_factory=list)
    """The containers that it has stopped."""
    foreign: list[str] = field(default_factory=list)
    """The IDs of the containers of others that it has stopped, in the order of their start."""
    roles: list[str] = field(default_factory=list)
    """Those that it creates on the server of its databases."""
    volumes: list[SwappedVolume] = field(default_factory=list)
    databases: list[SwappedDatabase] = field(default_factory=list)
    values: dict[str, str | None] = field(default_factory=dict)
    """The settings that it changes, as they were."""
    secrets: dict[str, str | None] = field(default_factory=dict)
    """The same, encrypted."""
    images: dict[str, str] = field(default_factory=dict)
    """By name, the IDs of the images that had the names of those of an upgrade."""
    version: str = ""
    """From which it is upgraded."""
    ended: float = 0.0
    """When the upgrade was whole."""
    seconds: float = 0.0
    """For which its module stood still."""
    problem: dict[Language, str] = field(default_factory=dict)
    """Why it could not be ended, and what to do."""

    def is_on(self, engine: str) -> bool:
        """Whether it is on the *engine* with this ID."""
        return self.engine in ("", engine)

    def is_half(self, engine: str, modules: Collection[str]) -> bool:
        """Whether it is a restore or upgrade on *engine* that has replaced a part of *modules*."""
        here = self.state == "swapped" and self.is_on(engine)
        return here and not {*self.modules}.isdisjoint(modules)


@dataclass
class UnendedData(SealedContent):
    """backup-journal.json"""

    version: Literal[1] = 1
    installation: str = ""
    """The ID of the one whose settings and data it is about."""
    operations: dict[str, Unended] = field(default_factory=dict)
    """By ID."""


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _made(hint: Any, value: Any) -> Any:  # noqa: ANN401 - any type, and any JSON
    """*value*, with a dataclass for each mapping that *hint* says so.

    Raises:
        ValueError: it is not certain that *value* has the type *hint*.
    """
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Literal and type(value) is type(inner[0]) and value in inner:
        return value
    if kind is UnionType:
        return _made(type(None) if value is None else inner[0], value)
    if kind is list and type(value) is list:
        return [_made(inner[0], one) for one in value]
    if kind is dict and type(value) is dict:
        return {name: _made(inner[1], one) for name, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint) and type(value) is dict:
        hints = get_type_hints(hint)
        return hint(**{name: _made(hints.get(name), one) for name, one in value.items()})
    if type(value) is hint and (hint is not float or isfinite(value)):
        return value
    raise ValueError(hint)


def _plain(value: Any, given: Any = None) -> Any:  # noqa: ANN401 - as in `_made`
    """*value* as JSON; only the fields that *given* has, if it is not None."""
    if is_dataclass(value):
        names = [one.name for one in fields(value) if given is None or one.name in given]
        return {n: _plain(getattr(value, n), given and given[n]) for n in names}
    if isinstance(value, dict):
        return {name: _plain(one, given and given[name]) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, given and given[number]) for number, one in enumerate(value)]
    return value


def _digest(content: dict[str, object]) -> str:
    """Of *content* without its own digest."""
    whole = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _folder(engine: str) -> str:
    """A folder of its own for the *engine*, whose ID or address may have signs that no name of a
    folder can have."""
    return f"engines/{hashlib.sha256(engine.encode()).hexdigest()[:16]}"


class Engines:
    """The desired state and the learnt times of each engine, in *file*.

    Raises:
        SettingError: from every method, as `Settings` does.
    """

    def __init__(self, file: VersionedFile[StateData]) -> None:
        self._file = file
        self._deferred: list[tuple[str, Callable[[EngineState], object]]] = []
        """Changes that a full disk has kept from being stored, by engine. They count here."""
        self._lock = Lock()

    @property
    def has_deferred(self) -> bool:
        """Whether something could not be stored yet."""
        return bool(self._deferred)

    def state(self, engine_id: str) -> EngineState:
        """The data about the engine."""
        state = self._file.read().engines.get(engine_id, EngineState())
        for engine, change in [*self._deferred]:
            if engine == engine_id:
                change(state)
        return state

    def desired(self, engine_id: str) -> Sequence[str]:
        """The modules that the user asked for on the engine."""
        return self.state(engine_id).desired

    def stopped(self, engine_id: str) -> Sequence[str]:
        """The services (``module/service``) that the user stopped alone on the engine."""
        return self.state(engine_id).stopped

    @contextmanager
    def update(self, engine_id: str) -> Iterator[EngineState]:
        """The data about the engine, to change in place. It is stored if the block ends without an
        exception."""
        self.catch_up()
        with self._file.update() as data:
            yield data.engines.setdefault(engine_id, EngineState())

    def change(self, engine_id: str, change: Callable[[EngineState], object]) -> bool:
        """Let *change* work on the data about the engine. If the disk is full, that counts for this
        process, and `catch_up` stores it later. Returns whether it is stored."""
        with self._lock:
            self._deferred.append((engine_id, change))
        try:
            return self.catch_up()
        except SettingError:
            with self._lock:
                self._deferred.remove((engine_id, change))
            raise

    def catch_up(self) -> bool:
        """Store what a full disk has kept from being stored; whether nothing is left."""
        with self._lock:
            if not self._deferred:
                return True
            try:
                with self._file.update() as data:
                    for engine, change in self._deferred:
                        change(data.engines.setdefault(engine, EngineState()))
            except SettingError as error:
                if not is_disk_full(error):
                    raise
                return False
            self._deferred.clear()
            return True

    @property
    def asked_for(self) -> Sequence[str]:
        """The modules that the user asked for, on any engine."""
        engines = self._file.read().engines.values()
        return list(dict.fromkeys(name for engine in engines for name in engine.desired))

    def id_at(self, host: str) -> str | None:
        """The ID of the engine that answered last at *host*. None: none did yet."""
        return self._file.read().last.get(host)

    def folder(self, host: str, engine_id: str | None = None) -> str:
        """The folder in the home for what is kept about the engine at *host*, which has this ID.
        None: it has not answered yet. Empty: the home itself, which the engine has that was the
        first to answer, and with it all that was kept before."""
        data = self._file.read()
        engine = engine_id or data.last.get(host)
        if engine in data.folders:
            return data.folders[engine]
        return _folder(engine or host) if data.folders else ""

    def meet(self, host: str, engine_id: str, folder: str) -> str:
        """The engine with this ID answers at *host*, for which *folder* is in use. Remember that,
        and return its folder."""
        data = self._file.read()
        if data.last.get(host) != engine_id or engine_id not in data.folders:
            with self._file.update() as data:
                taken = data.folders.values()
                data.folders.setdefault(
                    engine_id, folder if folder not in taken else _folder(engine_id)
                )
                data.last[host] = engine_id
        return data.folders[engine_id]

    def usual_start(self, host: str) -> float | None:
        """The seconds that the last start of the engine at *host* took. None: there was none."""
        return self._file.read().starts.get(host)

    def learn_start(self, host: str, seconds: float) -> None:
        """The start of the engine at *host* took *seconds*."""
        with self._file.update() as data:
            data.starts[host] = round(seconds, 1)


class BackupJournal:
    """The backups, restores and upgrades of *installation* that have not ended, in the file *path*.

    Raises:
        SettingError: from every method: it can't be read or written, or another installation wrote
            it; names the steps that are left.
    """

    def __init__(self, path: Path, installation: Callable[[], str], notices: list[Text]) -> None:
        self._file = VersionedFile(
            path, UnendedData, notices, lost="refuse", steps=_steps_without(path)
        )
        self._installation = installation
        self._alive: set[str] = set()

    @contextmanager
    def operation(self, id: str, entry: Unended) -> Iterator[None]:
        """Within the block, the operation *id* is under way. Its entry stays if the block does not
        `end` it."""
        self._alive.add(id)
        try:
            with self._updated() as operations:
                operations[id] = entry
            yield
        finally:
            self._alive.discard(id)

    @contextmanager
    def update(self, id: str) -> Iterator[Unended]:
        """The entry of the operation *id*, to change in place: it is on the disk at the end."""
        with self._updated() as operations:
            yield operations[id]

    def end(self, id: str) -> None:
        """The operation *id* has left nothing behind."""
        with self._updated() as operations:
            operations.pop(id, None)

    def whole(self, id: str, replaced: Iterable[str]) -> None:
        """The restore *id* is done, and with it those that it has *replaced*: from now on, none of
        them is put back."""
        with self._updated() as operations:
            for one in (id, *replaced):
                operations[one].state = "whole"

    def keep(self, id: str) -> None:
        """The upgrade *id* is done, and can be undone."""
        with self.update(id) as entry:
            entry.state, entry.ran = "kept", []

    @property
    def all(self) -> dict[str, Unended]:
        """All operations that have not ended, by ID."""
        return self._checked(self._file.read())

    @property
    def under_way(self) -> dict[str, Unended]:
        """Those of them that are under way or were interrupted, the last one first: it has the
        content of those before as what it replaced."""
        return {id: one for id, one in reversed(self.all.items()) if one.state != "kept"}

    @property
    def interrupted(self) -> dict[str, Unended]:
        """Those of them that nobody works on any more."""
        found = self.under_way.items()
        return {id: entry for id, entry in found if not self._is_alive(id, entry)}

    def kept(self, engine: str) -> dict[str, tuple[str, Unended]]:
        """By module, the last upgrade on *engine* that can be undone, with its ID."""
        known = self.all.items()
        found = ((id, one) for id, one in known if one.state == "kept" and one.is_on(engine))
        return {entry.modules[0]: (id, entry) for id, entry in found}

    def _is_alive(self, id: str, entry: Unended) -> bool:
        if entry.pid == os.getpid():
            return id in self._alive
        return has_run_since(entry.pid, entry.began)

    @contextmanager
    def _updated(self) -> Iterator[dict[str, Unended]]:
        with self._file.update() as data:
            yield self._checked(data)
            data.installation = self._installation()

    def _checked(self, data: UnendedData) -> dict[str, Unended]:
        if data.operations and data.installation != self._installation():
            path = self._file.path
            why = Text("another installation wrote it. {steps}", steps=_steps_without(path))
            raise SettingError(str(path), why)
        return data.operations


def _steps_without(path: Path) -> Text:
    """What to do with a journal at *path* that is of no use."""
    return Text(
        "Without it, nobody knows whether a restore was interrupted, so no module is started, and "
        "nothing is removed. Move {path} and {path}.good to another place. If a restore was "
        "interrupted, restore its modules from a backup before you start them, on the page Backups "
        "or with: aiserver-tray backup restore",
        path=path,
    )
