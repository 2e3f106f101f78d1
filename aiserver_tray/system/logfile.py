"""The application's log: one file per process in the home folder's ``logs``, user-only, rotated.

Of exceptions, only type and place are logged, because their messages may contain secrets. A crash
of the interpreter itself (for example in a desktop library) writes the threads' positions to
``crash-PROCESS.log``.
"""

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import harmless
from aiserver_tray.system.paths import Home, make_folder

_MAX_BYTES = 1_000_000
_OLD_FILES = 4
_RETRY_SECONDS = 60.0
"""Seconds until a file that could not be moved is tried again."""

_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"

_logger = logging.getLogger(__name__)


def log_folder(home: Home) -> Path:
    """The log folder of *home*, which may not exist."""
    return home.folder / "logs"


def set_up(home: Home, process: str) -> Path:
    """Start to log to the file of *process* (``tray``, ``dashboard``). All processes with this name
    share it. Uncaught exceptions of any thread are logged too. Returns the file.

    Raises:
        SettingError: the folder can't be made, or a file can't be written.
    """
    folder = log_folder(home)
    make_folder(folder)
    file = folder / f"{process}.log"
    try:
        _dump_crashes(folder / f"crash-{process}.log")
        handler = _PrivateFile(file, maxBytes=_MAX_BYTES, backupCount=_OLD_FILES, encoding="utf-8")
    except OSError as error:
        raise _unwritable(error, file) from error
    handler.setFormatter(_WithoutMessages(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread
    sys.unraisablehook = _on_unraisable
    return file


def _unwritable(error: OSError, file: Path) -> SettingError:
    why = Text(
        "can't write the log ({reason}). Check this file, its folder and the free disk space",
        reason=error.strerror or error,
    )
    return SettingError(str(error.filename or file), why)


class _PrivateFile(RotatingFileHandler):
    """Any of the processes that write to the file may rotate it. On Windows, that fails while
    another process has it open; the file then grows, and nothing is lost."""

    _rests_until = 0.0
    _has_failed = False

    @property
    def _away(self) -> Path:
        return Path(f"{self.baseFilename}.tmp")

    def _open(self) -> Any:  # noqa: ANN401 - as its base class
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as its base class
        """If the file can't be written, as on a full disk, say so once on standard error: not a
        traceback for each record."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        with suppress(OSError):
            self._close_file()  # with what it still had to write
        self.stream = None
        if not self._has_failed:
            self._has_failed = True
            why = _unwritable(error, Path(self.baseFilename))
            with suppress(OSError, ValueError):
                sys.stderr.write(f"{why.code}: {why}\n")

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - as its base class
        """Check the size on disk, which includes the records of other processes, and whether
        another process has rotated the file."""
        if not self._is_current():
            self._close_file()
        elif self.stream:
            self.stream.seek(0, os.SEEK_END)
        return time.monotonic() >= self._rests_until and bool(super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802 - as its base class
        """The older files give way only to one that could be moved."""
        self._close_file()
        try:
            if not self._away.exists():
                Path(self.baseFilename).rename(self._away)
            super().doRollover()
        except OSError:
            self._rests_until = time.monotonic() + _RETRY_SECONDS

    def rotate(self, source: str, dest: str) -> None:  # noqa: ARG002 - it was moved already
        self._away.rename(dest)

    def _is_current(self) -> bool:
        if self.stream is None:
            return True
        try:
            own, named = os.fstat(self.stream.fileno()), Path(self.baseFilename).stat()
        except OSError:  # it was taken away
            return False
        return os.path.samestat(own, named)

    def _close_file(self) -> None:
        """Close the file; the next record opens it again."""
        if self.stream:
            self.stream.close()
            self.stream = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _WithoutMessages(logging.Formatter):
    """Format without the message of an exception, even if the code logs the exception itself."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as its base class
        """A message may quote others. Its further lines are indented, so that none of them looks
        like a record."""
        record.message = harmless(record.message).replace("\n", "\n    ")
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - as its base class
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")


def _on_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log_bug(_logger, "uncaught", error)


def _on_uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    thread = found.thread.name if found.thread else "a thread"
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        log_bug(_logger, f"uncaught in {thread}", found.exc_value)


def _on_unraisable(found: "sys.UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        log_bug(_logger, "uncaught in a finalizer", found.exc_value)


_crashes: IO[bytes] | None = None
"""Open as long as the process lives: faulthandler knows only its number."""


def _dump_crashes(file: Path) -> None:
    global _crashes  # noqa: PLW0603 - faulthandler has one output file for the whole process
    _crashes = open(file, "ab", opener=_private)  # noqa: SIM115
    faulthandler.enable(_crashes)
