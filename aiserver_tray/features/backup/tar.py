"""Whether the tar of a volume is whole, and unpacks into nothing but its volume.

A backup may come from anybody, and the engine unpacks its volumes as root. The container in which
it does so has nothing else of this computer, is never started and is removed at once, and a hard
link can't leave a volume. Nevertheless, nothing may be written outside of the volume:

- A name is that of the folder ``volume``, or below it. It is not absolute and has no ``..``.
- What a file is in must be a folder of the same tar. So nothing is written *through* a link.
- Names come in the order in which engines walk through folders: each name is greater than the one
  before, compared part by part. So no name comes twice, and no folder becomes a link later on.
- A hard link names an earlier file of the tar, by the same rules.
- A symbolic link may name anything, also outside: that is data of the volume. Containers have links
  such as ``modules -> /usr/share/modules``, and each one follows them in its own files.
- Devices, FIFOs, owners, modes and extended attributes are data, too. A container can make them by
  itself, and gets no right from them that it does not have.

Only the form that engines write is accepted (POSIX.1-2001, by Go's ``archive/tar``). Where readers
of tar differ, such as for GNU's extensions, the engine could see other names than this module.

Backups are judged like restores, so that no file is made that can't be restored. The engine does
not report that a file shrank while it was read: it ends the tar as ever, with all that would
follow missing. That shows here, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from aiserver_tray.base.errors import BackupDamagedError
from aiserver_tray.base.i18n import Text

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
    """Pass on the *pieces* of a tar once they are judged.

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
