"""A versioned JSON file that survives crashes, parallel writers and damage.

``NAME.good`` is a copy of the last good content, written by us or edited by the user.
``NAME.lock`` is its lock file. A damaged ``NAME`` is kept as ``NAME.damaged-TIME``, and the copy
takes its place.
"""

import errno
import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Generic, Literal, Protocol, Self, TypeVar

from filelock import FileLock, Timeout

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.file_version import file_version
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.files import write_copies, write_private
from aiserver_tray.system.paths import make_folder

LOCK_SECONDS = 60.0
"""Seconds to wait for the lock. A writer holds it for milliseconds, or for as long as the user
takes to unlock the credential store."""
_POLL_SECONDS = 0.005


_START_OVER = Text(
    "Restore it from a backup. To start over without a backup, move this file and its copies away; "
    "data that depends on it is then lost"
)


class DamagedError(Exception):
    """Why the content of a file is of no use."""

    def __init__(self, why: Text | str) -> None:
        super().__init__(why)
        self.why = why


def is_disk_full(error: SettingError) -> bool:
    """Whether a file was not written because its disk has no room."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


class FileContent(Protocol):
    """The content of a file. Its fields have defaults, which apply while there is no file."""

    is_sealed: ClassVar[bool]
    """Whether it has a digest, because no user edits the file. The digest detects damage that still
    looks valid, such as a flipped bit in an ID."""

    def __init__(self) -> None: ...

    @property
    def version(self) -> int: ...

    @classmethod
    def read_plain(cls, content: bytes, /) -> Self | None:
        """What *content* says, if it is certain without models. None: `validated` decides."""

    @classmethod
    def validated(cls, raw: object) -> Self:
        """What the JSON *raw* says.

        Raises:
            DamagedError: it says nothing valid.
        """

    def written(self) -> bytes:
        """The content for the file, sealed."""


Content = TypeVar("Content", bound=FileContent)


class VersionedFile(Generic[Content]):
    """The file at *path* with *content*. The first write creates its folder.

    Damage and its repair are appended to *notices*. If a damaged file has no good copy: with *lost*
    ``"refuse"`` that is an error with the *steps* that are left, and the file is kept; with
    ``"reset"`` the defaults apply.
    """

    def __init__(
        self,
        path: Path,
        content: type[Content],
        notices: list[Text],
        *,
        lost: Literal["refuse", "reset"] = "reset",
        steps: Text = _START_OVER,
    ) -> None:
        self.path = path
        self._good = path.with_name(path.name + ".good")
        self._content = content
        self._notices = notices
        self._lost = lost
        self._steps = steps

    @property
    def stamp(self) -> tuple[int, ...] | None:
        """A value that changes with the file. None if there is no file. Reads nothing."""
        try:
            return file_version(self.path.stat())
        except OSError:  # a read fails with the reason
            return None

    def read(self) -> Content:
        """The content of the file. Creates no folder.

        Raises:
            SettingError: named by the file: it can't be read, comes from a newer version of the
                app, or is lost.
        """
        if not self._has_folder():
            return self._content()
        with self._locked_if_writable(), self._explained():
            return self._load()

    @contextmanager
    def update(self) -> Iterator[Content]:
        """The content of the file, to change in place. It is written if the block ends without an
        exception. No other process or thread reads or writes the file in the meantime.

        Raises:
            SettingError: as for `read`, or it can't be written, and then is as it was.
        """
        make_folder(self.path.parent)
        with self._locked():
            with self._explained():
                data = self._load()
            yield data
            content = data.written()
            with self._explained():
                _write_changed([self.path, self._good], content)

    def _has_folder(self) -> bool:
        with self._explained():
            for folder in self.path.parents:
                with suppress(FileNotFoundError):
                    # If a file is in the way, Windows would only report that nothing is there.
                    if not stat.S_ISDIR(folder.stat().st_mode):
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                    return folder == self.path.parent
            return False

    @contextmanager
    def _locked_if_writable(self) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(self._locked())
            except SettingError as error:
                # A folder without write permission, or a full disk: no lock file can be made.
                # Reading is safe without it, because files are replaced as a whole.
                if isinstance(error.__cause__, Timeout):
                    raise
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Each holder has its own lock object, so that it also works between threads.
        lock = FileLock(
            self.path.with_name(self.path.name + ".lock"),
            timeout=LOCK_SECONDS,
            mode=0o600,
            poll_interval=_POLL_SECONDS,
        )
        with self._explained():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert errors of the operating system to SettingError."""
        try:
            yield
        except Timeout as error:
            why = Text("another process has locked it. End that process, then try again")
            raise SettingError(str(self.path), why) from error
        except OSError as error:
            why = Text(
                "it can't be read or written ({reason}). Check its folder and the free disk space",
                reason=error.strerror or error,
            )
            raise SettingError(str(self.path), why) from error

    def _load(self) -> Content:
        try:
            content = self.path.read_bytes()
            data = self._parsed(content)
        except FileNotFoundError:
            if not self._good.exists():
                return self._content()
            return self._recovered(Text("it is missing"))
        except DamagedError as damage:
            return self._recovered(damage.why)
        # A sealed file is not edited by hand, so other content may be forged.
        if not data.is_sealed:
            with suppress(OSError):  # a reader needs no copy
                _write_changed([self._good], content)
        return data

    def _parsed(self, content: bytes) -> Content:
        content = content.removeprefix(BOM_UTF8)
        if (data := self._content.read_plain(content)) is not None:
            return data
        # Slow to import, and needed only for a file that we did not write.
        from pydantic_core import from_json  # noqa: PLC0415

        try:
            raw = from_json(content, allow_inf_nan=False)
        except ValueError as error:
            raise DamagedError(str(error)) from None
        self._check_version(raw)
        return self._content.validated(raw)

    def _check_version(self, raw: object) -> None:
        """Refuse a file that a newer version wrote, and one without a version."""
        ours = self._content().version
        version = raw.get("version") if isinstance(raw, dict) else None
        if type(version) is not int or version < 1:
            raise DamagedError(Text("it has no valid version"))
        if version > ours:
            why = Text(
                "a newer version of AI-Server Tray wrote it (format {version}; this version "
                "supports {ours}). Update AI-Server Tray",
                version=version,
                ours=ours,
            )
            raise SettingError(str(self.path), why)

    def _recovered(self, why: Text | str) -> Content:
        """The last good copy, put in the file's place."""
        try:
            content = self._good.read_bytes()
            data = self._parsed(content)
        except (FileNotFoundError, DamagedError):
            return self._reset(why)
        aside = self._set_aside(self.path)
        write_private(self.path, content)
        notice = Text(
            "{file} was damaged ({why}). It was restored from its last good copy",
            file=self.path,
            why=why,
        )
        self._notify(aside, notice)
        return data

    def _reset(self, why: Text | str) -> Content:
        if self._lost == "refuse":
            refusal = Text(
                "it is damaged ({why}) and has no good copy. {steps}", why=why, steps=self._steps
            )
            raise SettingError(str(self.path), refusal)
        aside = self._set_aside(self.path)
        self._set_aside(self._good)
        notice = Text(
            "{file} was damaged ({why}) and has no good copy. Defaults are used instead",
            file=self.path,
            why=why,
        )
        self._notify(aside, notice)
        return self._content()

    def _notify(self, aside: Path | None, notice: Text) -> None:
        if aside:
            notice = Text(
                "{notice}. The damaged file was kept as {aside}.", notice=notice, aside=aside
            )
        self._notices.append(notice)

    def _set_aside(self, path: Path) -> Path | None:
        if not path.exists():
            return None
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        return path.rename(path.with_name(f"{path.name}.damaged-{now}"))


def _write_changed(paths: Sequence[Path], content: bytes) -> None:
    changed = [path for path in paths if not path.exists() or path.read_bytes() != content]
    write_copies(changed, content)
