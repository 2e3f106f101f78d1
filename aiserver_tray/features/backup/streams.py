"""Streams of a backup's file: judged, hashed, compressed and encrypted as they pass, and back. A
stream of any size takes a few MiB of memory."""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from threading import Thread
from typing import IO, Final

import pyrage

from aiserver_tray.base.errors import BackupDamagedError
from aiserver_tray.base.i18n import Text

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE: Final = 1 << 18

_PACKING: Final[Mapping[int, int]] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
_UNPACKING: Final[Mapping[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB; ours take 2. A file could ask for gigabytes."""

_NO_KEY: Final = "No matching keys found"
CHANGED: Final = Text("it is cut short or was changed")


class OtherKeysError(Exception):
    """The stream is encrypted for others."""


class Seen:
    """The length and the hash of a stream that passes. It may have *limit* bytes."""

    def __init__(self, limit: int | None = None) -> None:
        self.bytes = 0
        self._limit = limit
        self._digest = hashlib.sha256()

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same *pieces*.

        Raises:
            BackupDamagedError: these are more.
        """
        for piece in pieces:
            self.bytes += len(piece)
            if self._limit is not None and self.bytes > self._limit:
                raise BackupDamagedError(Text("it is larger than what was backed up"))
            self._digest.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def seal(
    pieces: Iterable[bytes], write: Callable[[bytes], object], recipients: Sequence[str]
) -> None:
    """Compress and encrypt *pieces*, and *write* the result. Errors of both are raised as they
    are."""
    keys = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
    ends = _Ends(_packed(pieces), write)
    try:
        pyrage.encrypt_io(ends, ends, keys)
    except (pyrage.EncryptError, OSError) as error:
        raise ends.error or error from None
    if ends.error:  # of the last bytes, which pyrage writes without a look at the result
        raise ends.error


def unsealed(stream: IO[bytes], identities: Sequence[str]) -> Generator[bytes]:
    """What was sealed in *stream*. Errors of reading it are raised as they are.

    Raises:
        OtherKeysError: none of *identities* opens it.
        BackupDamagedError: it was changed, or is cut.
    """
    try:
        with closing(_decrypted(stream, identities)) as pieces:
            yield from _unpacked(pieces)
    except zstd.ZstdError:
        raise BackupDamagedError(CHANGED) from None


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packing = zstd.ZstdCompressor(options=_PACKING)
    for piece in pieces:
        yield packing.compress(piece)
    yield packing.flush()


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What is packed in *pieces*, which are one frame."""
    unpacking = zstd.ZstdDecompressor(options=_UNPACKING)
    for piece in pieces:
        given = piece
        while not unpacking.eof and (given or not unpacking.needs_input):
            yield unpacking.decompress(given, PIECE)
            given = b""
        if given or unpacking.unused_data:
            break
    if not unpacking.eof or unpacking.unused_data or given:
        raise BackupDamagedError(CHANGED)


def _decrypted(stream: IO[bytes], identities: Sequence[str]) -> Generator[bytes]:
    """What is encrypted in *stream*. pyrage writes instead of being read, so it has a thread of its
    own and a pipe. It ends with the generator."""
    keys = [pyrage.x25519.Identity.from_str(each) for each in identities]
    errors: list[Exception] = []
    here, there = os.pipe()
    reader, writer = os.fdopen(here, "rb"), os.fdopen(there, "wb")

    def decrypt() -> None:
        ends = _Ends(iter(partial(stream.read, PIECE), b""), writer.write)
        try:
            with writer:
                pyrage.decrypt_io(ends, ends, keys)
        except Exception as error:  # noqa: BLE001 - of a thread, for the reader
            errors.append(_reason(error, ends.error))

    thread = Thread(target=decrypt, name="backup-decrypt", daemon=True)
    thread.start()
    try:
        with reader:
            while piece := reader.read(PIECE):
                yield piece
    finally:
        thread.join()
    for error in errors:
        raise error


def _reason(error: Exception, cause: BaseException | None) -> Exception:
    """What the *error* of pyrage means; *cause* is the one of reading, which it quotes."""
    if isinstance(cause, Exception):
        return cause
    return OtherKeysError() if str(error) == _NO_KEY else BackupDamagedError(CHANGED)


class _Ends:
    """What pyrage reads and writes: *pieces*, and *put*. Keeps an error of them, which pyrage only
    quotes."""

    def __init__(self, pieces: Iterator[bytes], put: Callable[[bytes], object]) -> None:
        self._pieces = pieces
        self._put = put
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        found, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return found

    def write(self, data: bytes) -> int:
        try:
            self._put(data)
        except Exception as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""


# -- tars of volumes -----------------------------------------------------------------------------

_ROOT: Final = b"volume"
_BLOCK: Final = 512
_ZEROS: Final = bytes(_BLOCK)
_MAGIC: Final = b"ustar\x0000"
_MAX_ATTRIBUTES: Final = 1 << 20
"""Bytes of the extended header of a file, as Go reads them."""
_MAX_NAME: Final = 4096
"""Bytes of a path; Linux has no longer ones."""
_SHOWN: Final = 200
"""Bytes of a path in a message."""

_FILE, _HARD_LINK, _FOLDER, _EXTENDED = b"0", b"1", b"5", b"x"
_WITHOUT_CONTENT: Final = (_HARD_LINK, b"2", b"3", b"4", _FOLDER, b"6")
_OCTAL: Final = re.compile(rb" *([0-7]*)[ \0]*")
_RECORD: Final = re.compile(rb"([1-9][0-9]{0,6}) ")
_ATTRIBUTE: Final = re.compile(
    rb"path|linkpath|size|uid|gid|uname|gname|mtime|atime|ctime|SCHILY\.xattr\..+", re.DOTALL
)

_ENDS_EARLY: Final = Text("it ends early")
_IS_OTHER: Final = Text("it has another form than engines write")

Parts = tuple[bytes, ...]


def safe_tar(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pass on the *pieces* of a tar once they are judged: whether it is whole, and unpacks into
    nothing but its volume.

    A backup may come from anybody, and the engine unpacks its volumes as root. The container in
    which it does so has nothing else of this computer, is never started and is removed at once, and
    a hard link can't leave a volume. Nevertheless, nothing may be written outside of the volume:

    - A name is that of the folder ``volume``, or below it. It is not absolute and has no ``..``.
    - What a file is in must be a folder of the same tar. So nothing is written *through* a link.
    - Names come in the order in which engines walk through folders: each name is greater than the
      one before, compared part by part. So no name comes twice, and no folder becomes a link later
      on.
    - A hard link names an earlier file of the tar, by the same rules.
    - A symbolic link may name anything, also outside: that is data of the volume. Containers have
      links such as ``modules -> /usr/share/modules``, and each one follows them in its own files.
    - Devices, FIFOs, owners, modes and extended attributes are data, too. A container can make them
      by itself, and gets no right from them that it does not have.

    Only the form that engines write is accepted (POSIX.1-2001, by Go's ``archive/tar``). Where
    readers of tar differ, such as for GNU's extensions, the engine could see other names than this
    function.

    Backups are judged like restores, so that no file is made that can't be restored. The engine
    does not report that a file shrank while it was read: it ends the tar as ever, with all that
    would follow missing. That shows here, too.

    Raises:
        BackupDamagedError: it ends early, or has what the archive of a volume never has.
    """
    judge = _Judge()
    for piece in pieces:
        judge.feed(piece)
        yield piece
    if not judge.is_whole:
        raise BackupDamagedError(_ENDS_EARLY)


class _Judge:
    """Follows a tar from header to header, without its contents."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0
        self._zeros = 0
        self._attributes: Mapping[bytes, bytes] = {}
        self._last: Parts = ()
        self._folder: Parts = ()
        """It and all that it is in are folders of this tar."""

    @property
    def is_whole(self) -> bool:
        """Whether the end has come: two blocks of zeros, and nothing else after them."""
        return self._zeros >= 2 and not self._rest

    def feed(self, piece: bytes) -> None:
        """Judge what follows."""
        if len(piece) <= self._skip:
            self._skip -= len(piece)
            return
        data, at = self._rest + piece[self._skip :], 0  # one of both is empty
        while (next_at := self._after_header(data, at)) is not None:
            at = next_at
        self._rest, self._skip = data[at:], max(0, at - len(data))

    def _after_header(self, data: bytes, at: int) -> int | None:
        """Judge the header *at* this place. Returns where the next one is; None: it is not whole
        yet."""
        header = data[at : at + _BLOCK]
        if len(header) < _BLOCK:
            return None
        if header == _ZEROS:
            self._zeros += 1
            return at + _BLOCK
        if self._zeros or not _is_header(header):
            raise BackupDamagedError(_IS_OTHER)
        kind, size = header[156:157], _octal(header[124:136])
        end = at + _BLOCK + _padded(size)
        if kind == _EXTENDED:
            if self._attributes or size > _MAX_ATTRIBUTES:
                raise BackupDamagedError(_IS_OTHER)
            if end > len(data):
                return None
            self._attributes = _attributes(data[at + _BLOCK : at + _BLOCK + size])
            return end
        size = int(self._attributes.get(b"size", size))
        self._judge(kind, size, header)
        self._attributes = {}
        return at + _BLOCK + _padded(size)

    def _judge(self, kind: bytes, size: int, header: bytes) -> None:
        """Judge one file."""
        if kind != _FILE and (kind not in _WITHOUT_CONTENT or size):
            raise BackupDamagedError(_IS_OTHER)
        name = self._attributes.get(b"path") or _name(header)
        parts = _parts(name.removesuffix(b"/") if kind == _FOLDER else name)
        parent = parts[:-1]
        if parts <= self._last:
            raise _refused(Text("{name} comes twice, or in the wrong order"), name)
        if parent != self._folder[: len(parent)] or (not parent and kind != _FOLDER):
            raise _refused(Text("{name} is in no folder of the volume"), name)
        if kind == _HARD_LINK:
            target = self._attributes.get(b"linkpath") or _text(header[157:257])
            if _parts(target) >= parts:
                raise _refused(Text("{name} is a link to no earlier file"), name)
        self._last, self._folder = parts, parts if kind == _FOLDER else parent


def _is_header(header: bytes) -> bool:
    """Whether it is one of the form ``ustar``, and whole."""
    checksum = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    is_ours = header[257:265] == _MAGIC and not any(header[500:])
    return is_ours and _octal(header[148:156]) == checksum


def _octal(field: bytes) -> int:
    if not (found := _OCTAL.fullmatch(field)):
        raise BackupDamagedError(_IS_OTHER)
    return int(found[1] or b"0", 8)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _name(header: bytes) -> bytes:
    prefix, name = _text(header[345:500]), _text(header[:100])
    return prefix + b"/" + name if prefix else name


def _parts(name: bytes) -> Parts:
    """The parts of the path *name*, which is in the volume."""
    parts = tuple(name.split(b"/"))
    if parts[0] != _ROOT or {b"", b".", b".."} & {*parts} or len(name) > _MAX_NAME:
        raise _refused(Text("{name} is outside of the volume"), name)
    return parts


def _attributes(content: bytes) -> Mapping[bytes, bytes]:
    """The records of an extended header, such as ``20 path=volume/file\\n``."""
    found: dict[bytes, bytes] = {}
    while content:
        length = _RECORD.match(content)
        record = content[: int(length[1])] if length else b""
        key, _, value = record[length.end() if length else 0 : -1].partition(b"=")
        is_known = _ATTRIBUTE.fullmatch(key) and key not in found and record.endswith(b"\n")
        is_name = key in (b"path", b"linkpath")
        is_wrong = (is_name and (not value or b"\0" in value)) or (
            key == b"size" and not re.fullmatch(rb"[0-9]{1,18}", value)
        )
        if not length or len(record) != int(length[1]) or not is_known or is_wrong:
            raise BackupDamagedError(_IS_OTHER)
        found[key], content = value, content[len(record) :]
    return found


def _refused(why: Text, name: bytes) -> BackupDamagedError:
    shown = ascii(name[:_SHOWN].decode("utf-8", "replace"))
    return BackupDamagedError(why.with_values({"name": shown}))
