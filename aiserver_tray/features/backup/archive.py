"""The file of a backup: a ZIP of streams, each compressed and encrypted. docs/backup.md describes
it."""

import errno
import io
import os
import re
import struct
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final, Self
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from aiserver_tray.base.errors import (
    BackupDamagedError,
    BackupError,
    BackupFormatError,
    BackupKeyError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.manifest import Manifest, ManifestEntry, parsed, written
from aiserver_tray.features.backup.streams import (
    CHANGED,
    PIECE,
    OtherKeysError,
    Seen,
    safe_tar,
    seal,
    unsealed,
)
from aiserver_tray.system.files import open_private, rename_written

PART: Final = ".part"
"""After the name of a file that is not whole yet."""

_README: Final = "README.txt"
_MANIFEST: Final = "manifest.json.zst.age"
_TAR: Final = ".tar.zst.age"

_FIRST_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Of a ZIP. The clock of a computer may be wrong."""
_MAX_MANIFEST: Final = 64 << 20
_MAX_DIRECTORY: Final = 16 << 20
"""Bytes of the ZIP's directory, which is read at once: of 100,000 entries."""

_HEAD: Final = re.compile(rb"PK\x03\x04.{26}README\.txt", re.DOTALL)
_HEAD_BYTES: Final = 40
_UNREADABLE: Final = (
    *(BadZipFile, EOFError, KeyError, OSError, struct.error),
    *(NotImplementedError, OverflowError, RuntimeError, ValueError),
)
"""What zipfile and the others raise at any file."""

_GUIDE: Final = """\
This is a backup of AI-Server Tray. To restore it, open the page Backups of AI-Server Tray, or run:

  aiserver-tray backup restore FILE

It can also be read without AI-Server Tray, with unzip, age (https://age-encryption.org), zstd and
tar, and the recovery file that you saved:

  unzip FILE.zip
  age -d RECOVERY.txt > key.txt                                     # asks for your passphrase
  age -d -i key.txt manifest.json.zst.age | zstd -d                 # what is in it, with passwords
  age -d -i key.txt MODULE/volumes/NAME.tar.zst.age | zstd -d | tar -x
  age -d -i key.txt MODULE/SERVER/NAME.dump.zst.age | zstd -d > NAME.dump
  age -d -i key.txt MODULE/images/1.image.zst.age | zstd -d | docker load

A dump of PostgreSQL is for pg_restore, one of MySQL is SQL. Delete key.txt afterwards.
"""


def part_of(path: Path) -> Path:
    """The file that is written before it becomes the backup *path*."""
    return path.with_name(path.name + PART)


def new_path(folder: Path, stem: str) -> Path:
    """The path of a new backup in *folder*, whose name begins with *stem*. Its `part_of` is made,
    so that no other backup gets it.

    Raises:
        BackupError: nothing can be written there.
    """
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            path = folder / (f"{stem}-{number}.zip" if number > 1 else f"{stem}.zip")
            with suppress(FileExistsError):
                open_private(part_of(path)).close()
                if not path.exists():
                    break
                part_of(path).unlink()
    return path


def _empty(part: Path) -> BinaryIO:
    """The file *part*, made by `new_path`, or new; for writing."""
    with suppress(FileExistsError):
        open_private(part).close()
    return part.open("wb")


class BackupWriter:
    """Writes the backup *path* for *recipients* (``age1…``). Until `finish`, it is `part_of` the
    path; without it, nothing remains.

    Raises:
        BackupError: from every method: the file can't be written; says why.
    """

    def __init__(self, path: Path, recipients: Sequence[str]) -> None:
        self.path = path
        self._part = part_of(path)
        self._recipients = recipients

    def __enter__(self) -> Self:
        with self._explained():
            self._file = _empty(self._part)
        self._zip = ZipFile(self._file, "w", ZIP_STORED)
        try:
            with self._explained():
                self._zip.writestr(_info(_README), _GUIDE)
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if not self._file.closed:
            self._discard()

    def add(self, name: str, pieces: Iterable[bytes]) -> Seen:
        """Write the stream *pieces* as the entry *name* (`manifest.entry_name`), and return what
        was seen of it. The tar of a volume is judged. An error of *pieces* is raised as it is."""
        seen = Seen()
        with self._explained():
            entry = self._zip.open(_info(name), "w", force_zip64=True)

        def write(piece: bytes) -> None:
            with self._explained():
                entry.write(piece)

        try:
            judged = safe_tar(pieces) if name.endswith(_TAR) else pieces
            seal(seen.passing(judged), write, self._recipients)
        except BackupDamagedError as error:
            raise _unmade(name, error) from None
        finally:
            with self._explained():
                entry.close()
        return seen

    def finish(self, manifest: Manifest) -> None:
        """Write *manifest*, and give the file its name."""
        try:
            content = written(manifest)
        except BackupDamagedError as error:
            raise _unmade(_MANIFEST, error) from None
        self.add(_MANIFEST, [content])
        try:
            with self._explained():
                self._zip.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                rename_written(self._part, self.path)
        except BackupError:
            self._discard()
            raise

    def _discard(self) -> None:
        # A full disk: the rest can't be written either.
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    def _explained(self) -> AbstractContextManager[None]:
        return _explained(self.path.parent)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say of errors that they are about writing to *folder*."""
    try:
        yield
    except OSError as error:
        text = Text(
            "The backup can't be written to {folder}: {reason}. Free space there, or choose "
            "another folder for backups.",
            folder=folder,
            reason=error.strerror or error,
        )
        raise BackupError(text) from error


class BackupFile:
    """The backup *path*, opened with *identities* (``AGE-SECRET-KEY-1…``). No file stays open.

    Raises:
        BackupError: from every method: it can't be read.
        BackupKeyError, BackupFormatError, BackupDamagedError: the same, for what is in it.
    """

    manifest: Manifest

    def __init__(self, path: Path, identities: Sequence[str]) -> None:
        self.path = path
        self._identities = identities
        self._is_ours = False
        with self._judged(_MANIFEST), self._opened() as archive:
            self.manifest = self._read_manifest(archive)
            _judge_directory(archive, self.manifest)

    def read(self, entry: ManifestEntry) -> Generator[bytes]:
        """The plain stream of *entry*, of which no more comes than the manifest says. The tar of a
        volume is judged before it comes, one of images by the engine. The hash is known only at the
        end, so nothing counts before."""
        with self._judged(entry.name), self._opened() as archive:
            seen = Seen(entry.bytes)
            with closing(self._plain(archive, entry.name, seen)) as plain:
                is_judged = entry.kind in ("volume", "folder")
                yield from safe_tar(plain) if is_judged else plain
            if (seen.bytes, seen.sha256) != (entry.bytes, entry.sha256):
                raise BackupDamagedError(Text("it is not what was backed up"))

    def check(self, on_bytes: Callable[[int], object]) -> None:
        """Read all entries once. Calls *on_bytes* with the length of each piece; together, these
        are the `bytes` of the manifest's entries."""
        for entry in self.manifest.entries:
            for piece in self.read(entry):
                on_bytes(len(piece))

    def _read_manifest(self, archive: ZipFile) -> Manifest:
        if _MANIFEST not in archive.namelist():
            raise BadZipFile
        self._is_ours = True
        content = bytearray()
        for piece in self._plain(archive, _MANIFEST, Seen(_MAX_MANIFEST)):
            content += piece
        return parsed(bytes(content))

    def _plain(self, archive: ZipFile, name: str, seen: Seen) -> Generator[bytes]:
        with archive.open(name) as stream, closing(unsealed(stream, self._identities)) as pieces:
            yield from seen.passing(pieces)

    @contextmanager
    def _opened(self) -> Iterator[ZipFile]:
        with _Bounded(io.FileIO(self.path)) as file, ZipFile(file) as archive:
            if not all(map(_is_plain, archive.infolist())):
                raise BadZipFile
            yield archive

    @contextmanager
    def _judged(self, name: str) -> Iterator[None]:
        """Say of errors in which file they are, and at the entry of which *name*."""
        try:
            yield
        except BackupFormatError as error:
            raise self._foreign(error.text) from None
        except BackupDamagedError as error:
            raise self._damaged(name, error.text) from None
        except OtherKeysError:
            if name != _MANIFEST:
                raise self._damaged(name, CHANGED) from None
            text = Text(
                "The backup {file} was made for other keys. Use the recovery file of the "
                "installation that made it.",
                file=self.path,
            )
            raise BackupKeyError(text) from None
        except _UNREADABLE as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                text = Text(
                    "The backup {file} can't be read: {reason}. Check that its drive or share is "
                    "connected.",
                    file=self.path,
                    reason=error.strerror or error,
                )
                raise BackupError(text) from error
            if not self._is_ours and not self._begins_as_ours():
                raise self._foreign(Text("it is no backup of AI-Server Tray")) from None
            raise self._damaged(name, CHANGED) from None

    def _begins_as_ours(self) -> bool:
        with suppress(OSError), self.path.open("rb") as file:
            return _HEAD.fullmatch(file.read(_HEAD_BYTES)) is not None
        return False

    def _foreign(self, why: Text) -> BackupFormatError:
        return BackupFormatError(Text("{file} can't be used: {why}.", file=self.path, why=why))

    def _damaged(self, name: str, why: Text) -> BackupDamagedError:
        text = Text(
            "The backup {file} is damaged at {name}: {why}. Copy the file again, or use another "
            "backup.",
            file=self.path,
            name=name,
            why=why,
        )
        return BackupDamagedError(text)


class _Bounded(io.BufferedReader):
    """Reads no more at once than the directory of a backup may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size and size > _MAX_DIRECTORY:
            raise BadZipFile
        return super().read(size)


def _info(name: str) -> ZipInfo:
    return ZipInfo(name, max(time.localtime()[:6], _FIRST_TIME))


def _is_plain(entry: ZipInfo) -> bool:
    """Whether ZIP itself neither packs nor renames *entry*, as in ours."""
    is_stored = entry.compress_type == ZIP_STORED and entry.compress_size == entry.file_size
    return is_stored and entry.orig_filename == entry.filename


def _judge_directory(archive: ZipFile, manifest: Manifest) -> None:
    """Refuse an *archive* that has other entries than *manifest* says."""
    entries = archive.infolist()
    wanted = {_README, _MANIFEST, *(entry.name for entry in manifest.entries)}
    has_others = len(entries) != len(wanted) or {each.filename for each in entries} != wanted
    if has_others or archive.getinfo(_README).file_size > PIECE:
        raise BackupDamagedError(Text("it has other parts than its manifest says"))
    archive.read(_README)


def _unmade(name: str, error: BackupDamagedError) -> BackupError:
    """The error for what can't be written, because it could not be read again."""
    why = Text("{name} can't be backed up: {why}. Try again.", name=name, why=error.text)
    return BackupError(why)
