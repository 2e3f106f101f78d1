"""The backups in their folder, and what is remembered about them in the home."""

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, cast, get_args
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from aiserver_tray import __version__
from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import (
    AiServerError,
    BackupDamagedError,
    BackupError,
    BackupFormatError,
    SettingError,
    refuse_unknown,
)
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Given, Language, Text
from aiserver_tray.features.backup.manifest import Manifest
from aiserver_tray.features.backup.plan import BackupPlan
from aiserver_tray.features.backup.views import (
    BackupModuleView,
    BackupView,
    CheckState,
    MovedView,
    MoveRequest,
    Reason,
)
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.files import VersionedFile
from aiserver_tray.settings.models import SealedModel
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.chosen_folder import OWN_BACKUPS, why_no_backups

FAILURES_KEPT_SECONDS: Final = 30 * 24 * 3600.0
MOVED_SHOWN_SECONDS: Final = 7 * 24 * 3600.0
_NAME = re.compile(r"aiserver-\d{4}-\d\d-\d\d-\d{4}-([a-z]+)(-\d+)?\.zip")


class _Module(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    title: dict[Language, str]
    version: str | None
    bytes: int = 0


class _Entry(BaseModel):
    """A backup, as its file was when it was opened; or one that failed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    size: int | None = None
    """None: it failed."""
    modified: int = 0
    """Of the file, in nanoseconds since 1970. With another size or time, it is another one."""
    made_at: float
    reason: Reason
    modules: list[_Module] = Field(default_factory=list)
    is_whole: bool = False
    version: str = ""
    problem: dict[Language, str] | None = None
    is_damaged: bool = False
    checked_at: float | None = None
    unchecked_why: dict[Language, str] | None = None
    """Why its last check could not be carried out; what an earlier one found still counts."""


class _Moved(BaseModel):
    """The last file for another computer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file: str
    made_at: float
    bytes: int
    images: bool
    stop: bool


class BackupsData(SealedModel):
    """backups.json. Times are in seconds since 1970."""

    version: Literal[1] = 1
    files: dict[str, _Entry] = Field(default_factory=dict)
    """By path."""
    failures: dict[str, _Entry] = Field(default_factory=dict)
    unsaved: dict[str, dict[Language, str]] = Field(default_factory=dict)
    """By module, why it could not be backed up before a restore."""
    moved: _Moved | None = None
    key_saved_at: float | None = None
    key_saved: str = ""
    """The public key of the recovery key that was saved then."""
    later_until: float | None = None
    schedule: str = ""
    """The `Schedule.key` that is followed."""
    scheduled_at: float = 0.0
    """When it began."""
    begun_at: float = 0.0
    """When its last backup began."""
    retry_at: float | None = None
    """When that is tried again, because it failed."""


class Index:
    """The backups in `folder_of` *settings*, and ``backups.json`` in the home. *read*: the manifest
    of a file; raises what `BackupFile` does.

    Raises:
        SettingError: from every method: ``backups.json`` can't be read or written.
    """

    def __init__(self, settings: Settings, read: Callable[[Path], Manifest]) -> None:
        self._settings = settings
        self._read = read
        self._file = VersionedFile(settings.folder / "backups.json", BackupsData, settings.notices)

    def data(self) -> BackupsData:
        """What is remembered, not to be changed."""
        return self._file.read()

    def update(self) -> AbstractContextManager[BackupsData]:
        """What is remembered, to change in place."""
        return self._file.update()

    # -- what there is --------------------------------------------------------------------------

    def views(self, checking: str | None = None) -> list[BackupView]:
        """All backups, and the failed ones of the last 30 days; the newest first. *checking*: the
        ID of the one that is checked now."""
        files, data = self._opened_files()
        oldest = time.time() - FAILURES_KEPT_SECONDS
        views = [_view(id, one) for id, one in data.failures.items() if one.made_at >= oldest]
        for path, one in files.items():
            state: CheckState = "verified" if one.checked_at else "unchecked"
            state = "damaged" if one.is_damaged else state
            state = "checking" if path.stem == checking else state
            view = _view(path.stem, one)
            views.append(replace(view, file=str(path), check=state))
        return sorted(views, key=lambda view: view.made_at, reverse=True)

    def path_of(self, id: str) -> Path:
        """The file of the backup *id*.

        Raises:
            UnknownNameError: there is none.
        """
        paths = {path.stem: path for path, _ in self._found()}
        refuse_unknown([id], paths)
        return paths[id]

    def _found(self) -> Iterator[tuple[Path, os.stat_result]]:
        with suppress(OSError), os.scandir(folder_of(self._settings)) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name) and entry.is_file():
                    yield Path(entry.path), entry.stat()

    def _opened_files(self) -> tuple[dict[Path, _Entry], BackupsData]:
        """The files in the folder, each of which is opened once; and what is remembered."""
        data, files = self.data(), dict[Path, _Entry]()
        for path, stat in self._found():
            known = data.files.get(str(path))
            is_same = known and (known.size, known.modified) == (stat.st_size, stat.st_mtime_ns)
            files[path] = known if known and is_same else self._opened(path, stat)
        # What can't be opened now may be opened later.
        read = {str(p): one for p, one in files.items() if one.is_damaged or not one.problem}
        if any(data.files.get(path) != one for path, one in read.items()):
            # What a full disk keeps from being stored is read once more the next time.
            with suppress(SettingError), self.update() as data:
                data.files = {p: one for p, one in data.files.items() if Path(p).exists()} | read
        return files, data

    def _opened(self, path: Path, stat: os.stat_result) -> _Entry:
        try:
            found = _entry(self._read(path))
        except BackupError as error:
            reason = path.stem.split("-")[5]
            found = _Entry(
                made_at=stat.st_mtime,
                reason=cast("Reason", reason) if reason in get_args(Reason) else "hand",
                problem=in_all_languages(error),
                is_damaged=isinstance(error, BackupDamagedError),
            )
        found.size, found.modified = stat.st_size, stat.st_mtime_ns
        return found

    # -- what happened --------------------------------------------------------------------------

    def failed(self, plan: BackupPlan, reason: Reason, error: AiServerError) -> None:
        """The backup *plan*, which was made for *reason*, failed."""
        failure = _Entry(
            made_at=time.time(),
            reason=reason,
            modules=[_Module(name=m.name, title=m.title, version=m.version) for m in plan.modules],
            is_whole=plan.is_whole,
            version=__version__,
            problem=in_all_languages(error),
        )
        oldest = failure.made_at - FAILURES_KEPT_SECONDS
        with self.update() as data:
            kept = {id: one for id, one in data.failures.items() if one.made_at >= oldest}
            data.failures = {**kept, uuid4().hex: failure}

    def moved(self, made: MoveRequest, size: int) -> None:
        """The file for another computer was *made*, with *size* bytes."""
        with self.update() as data:
            data.moved = _Moved(
                file=made.file,
                made_at=time.time(),
                bytes=size,
                images=made.images,
                stop=made.stop,
            )

    def last_moved(self) -> MovedView | None:
        """The last file for another computer, while it is where it was made, and for a week."""
        found = self.data().moved
        if found is None or time.time() - found.made_at > MOVED_SHOWN_SECONDS:
            return None
        if not Path(found.file).exists():
            return None
        made_at = datetime.fromtimestamp(found.made_at, UTC)
        chosen = {"has_images": found.images, "is_stopped": found.stop}
        return view_of(MovedView, found, made_at=made_at, **chosen)

    def checked(self, id: str, error: AiServerError | None) -> None:
        """The backup *id* was checked. *error*: what is wrong with it, or why that could not be
        found out."""
        path = self.path_of(id)
        found = self._opened_files()[0][path].model_copy()
        why = in_all_languages(error) if error else None
        if error and not isinstance(error, BackupDamagedError | BackupFormatError):
            found.unchecked_why = why
        else:
            found.checked_at, found.is_damaged = time.time(), error is not None
            found.problem, found.unchecked_why = why, None
        with self.update() as data:
            data.files[str(path)] = found

    def delete(self, id: str) -> None:
        """Delete the backup *id* with its file, or forget that it failed.

        Raises:
            UnknownNameError: there is none.
            BackupError: its file can't be deleted.
        """
        with self.update() as data:
            if data.failures.pop(id, None) is None:
                path = self.path_of(id)
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    why = error.strerror or error
                    text = Text("{path} can't be deleted ({reason}).", path=path, reason=why)
                    raise BackupError(text) from error


def folder_of(settings: Settings) -> Path:
    """The folder of the backups. A home that the user named has all in it, so that it can be
    moved."""
    if chosen := settings.app.backup_folder:
        return Path(chosen)
    if settings.home.key_place == "home":
        return settings.folder / OWN_BACKUPS
    return user_home() / "AI-Server Backups"


def folder_problem(settings: Settings) -> Text | None:
    """Why no backup can be written into the folder now."""
    return why_no_backups(str(folder_of(settings)), settings.folder)


def _entry(manifest: Manifest) -> _Entry:
    sizes = Counter[str]()
    for entry in manifest.entries:
        sizes[entry.module] += entry.bytes
    return _Entry(
        made_at=manifest.made_at.timestamp(),
        reason=manifest.reason,
        modules=[
            _Module(name=m.name, title=dict(m.title), version=m.version, bytes=sizes[m.name])
            for m in manifest.modules
        ],
        is_whole=manifest.is_whole,
        version=manifest.application,
    )


def _view(id: str, entry: _Entry) -> BackupView:
    """It, as if it had failed."""
    return BackupView(
        id=id,
        made_at=datetime.fromtimestamp(entry.made_at, UTC),
        reason=entry.reason,
        modules=tuple(BackupModuleView(**dict(module)) for module in entry.modules),
        is_whole=entry.is_whole,
        bytes=entry.size,
        file="",
        check="failed",
        checked_at=moment(entry.checked_at),
        problem=_problem(entry),
        version=entry.version,
        is_here_only=False,
    )


def _problem(entry: _Entry) -> Text | None:
    if entry.problem or entry.unchecked_why is None:
        return Given(entry.problem) if entry.problem else None
    return Text("The last check could not be carried out: {why}", why=Given(entry.unchecked_why))


def moment(seconds: float | None) -> datetime | None:
    """The time so many *seconds* after 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
