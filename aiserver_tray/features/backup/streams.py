"""Streams of a backup's file: hashed, compressed and encrypted as they pass, and back. A stream of
any size takes a few MiB of memory."""

import hashlib
import os
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
