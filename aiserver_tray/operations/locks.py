"""Locks on modules, so that two operations on one module never overlap, even in different
processes.

Each engine and module has two files in the user's runtime folder. The operating system locks
``NAME.lock``, and releases the lock when the process dies. ``NAME.json`` names the holder; it is a
separate file, because Windows allows no other process to read a locked file. A lock file is never
removed: a process that waits has it open, and would then lock another file than later processes.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import NamedTuple, NoReturn, get_args
from urllib.parse import quote, unquote

from aiserver_tray.base.errors import BusyError, CancelledError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import OperationKind
from aiserver_tray.system.paths import runtime_folder
from aiserver_tray.system.process import has_written

_POLL_SECONDS = 0.05
"""Seconds between two attempts. No operating system offers a lock whose wait can be cancelled from
another thread."""

_WRITE_TIMEOUT_SECONDS = 0.5
"""Seconds that a new holder may need to write its name."""
CLEANUP = "cleanup"
"""The command that removes what is not in use."""
_ONE_SHOTS = "+one-shot"
"""No module is named so."""
_ABANDONED_SECONDS = 600
"""Seconds for which the engine may still work on requests of a process that has died."""


class Work(NamedTuple):
    """An operation for other processes: its command (``aiserver-tray up n8n``), and the ID and home
    folder of its installation. Installations share the engine's locks."""

    command: str
    installation: str
    home: str

    @property
    def kind(self) -> OperationKind | None:
        """None: it changes no module, and only keeps others from doing so."""
        words = self.command.split()[1:2]
        if CLEANUP in words:
            return None
        for kind in get_args(OperationKind):
            if kind in words:
                return kind  # type: ignore[no-any-return]
        return "up"


class Holder(NamedTuple):
    """The holder of a module's lock. ``is_own``: the operation names this module; otherwise other
    modules of the operation require it."""

    pid: int
    work: Work
    is_own: bool


def refuse(busy: BusyError) -> NoReturn:
    """Fail, because another operation holds the module."""
    raise busy


@contextmanager
def module_locks(  # noqa: PLR0913 - what to lock, for which work, and a callback
    engine_id: str,
    modules: Iterable[str],
    work: Work,
    on_busy: Callable[[BusyError], None] = refuse,
    cancelled: Event | None = None,
    *,
    required: Iterable[str] = (),
) -> Iterator[dict[str, Holder]]:
    """Lock *modules* of the engine and the *required* ones, against every other
    operation, even in this process. Yields the holders that died a short time ago without a
    release; a holder that stays in the mapping is reported to the next operation.

    *work* is shown to waiting processes. *on_busy* is called once for each module that is locked;
    when it returns, this waits for the module. All locks are taken in the same order, which
    prevents deadlocks.

    Raises:
        BusyError: from `refuse`.
        CancelledError: *cancelled* was set while waiting.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """
    cancelled = cancelled or Event()
    folder, own = _folder(), {*modules}
    dead: dict[str, Holder] = {}

    def release(lock: _Lock) -> None:
        lock.release(dead.get(lock.module))

    def report(module: str, holder: Holder | None) -> None:
        on_busy(_busy(module, holder, work.installation))

    with ExitStack() as held:
        for module in sorted(own.union(required)):
            lock = _Lock(folder, engine_id, module)
            _acquire(lock, partial(report, module), cancelled)
            held.callback(release, lock)
            if last := lock.signature.last_holder():
                dead[module] = last
            lock.signature.write(Holder(os.getpid(), work, module in own))
        yield dead


@contextmanager
def one_shot_lock(engine_id: str, cancelled: Event | None = None) -> Iterator[None]:
    """Lock that lets one container at a time run for a single command. Waits for the lock.

    Raises:
        CancelledError: *cancelled* was set while waiting.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """
    lock = _Lock(_folder(), engine_id, _ONE_SHOTS)
    _acquire(lock, lambda _holder: None, cancelled or Event())
    try:
        yield
    finally:
        lock.release(None)


def holders(engine_id: str) -> dict[str, Holder]:
    """The modules of the engine that operations of any installation are working on now, and their
    holders.

    Raises:
        SettingError: there is no folder for locks.
    """
    found = {}
    prefix = _prefix(engine_id)
    for path in sorted(_folder().glob(f"{prefix}*.json")):
        if holder := _Signature(path).holder():
            found[unquote(path.name.removeprefix(prefix).removesuffix(".json"))] = holder
    return found


class _Signature:
    """The file beside a lock that names its holder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, holder: Holder | None) -> None:
        """Write that *holder* has the lock; None: nobody."""
        content = ""
        if holder:
            named = {"pid": holder.pid, **holder.work._asdict(), "is_own": holder.is_own}
            content = json.dumps(named)
        # Written in place, because Windows can't remove or rename a file that another process
        # reads. If it can't be written, the lock works all the same.
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)

    def holder(self) -> Holder | None:
        """The holder, if it is alive. None if there is none, or it has not written its name yet."""
        holder = self._read()
        return holder if holder and has_written(holder.pid, self._path) else None

    def last_holder(self) -> Holder | None:
        """The previous holder, if it died without a release. Only the new holder may ask this."""
        holder = self._read()
        with suppress(OSError):
            if holder and time.time() - self._path.stat().st_mtime < _ABANDONED_SECONDS:
                return holder
        return None

    def _read(self) -> Holder | None:
        try:
            content = json.loads(self._path.read_bytes())
            work = Work(*(str(content[name]) for name in Work._fields))
            return Holder(int(content["pid"]), work, content["is_own"] is True)
        except (OSError, ValueError, TypeError, LookupError):  # none, or half written
            return None


class _Lock:
    """A module's lock for one holder. Each holder has its own file lock object, so that it also
    works between threads."""

    def __init__(self, folder: Path, engine_id: str, module: str) -> None:
        from filelock import FileLock  # noqa: PLC0415 - reading the holders needs none

        self.module = module
        stem = _prefix(engine_id) + quote(module, safe="")
        self.signature = _Signature(folder / f"{stem}.json")
        self._path = folder / f"{stem}.lock"
        self._lock = FileLock(self._path, mode=0o600, thread_local=False)

    def try_acquire(self) -> bool:
        from filelock import Timeout  # noqa: PLC0415

        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            why = Text(
                "it can't be read or written ({reason}). Check its folder and the free disk space",
                reason=error.strerror or error,
            )
            raise SettingError(str(self._path), why) from error
        return True

    def release(self, last: Holder | None) -> None:
        """Release the lock. *last* is recorded as the last holder."""
        self.signature.write(last)
        self._lock.release()


def _acquire(lock: _Lock, on_busy: Callable[[Holder | None], None], cancelled: Event) -> None:
    named_by = time.monotonic() + _WRITE_TIMEOUT_SECONDS
    is_told = False
    while not lock.try_acquire():
        if not is_told and ((holder := lock.signature.holder()) or time.monotonic() > named_by):
            on_busy(holder)
            is_told = True
        if cancelled.wait(_POLL_SECONDS):
            raise CancelledError


def _busy(module: str, holder: Holder | None, installation: str) -> BusyError:
    """The error for an operation of *installation*. It names the holder's home if that is
    another."""
    if holder is None:
        return BusyError(module, None, None)
    pid, work, _ = holder
    home = None if work.installation == installation else work.home
    return BusyError(module, pid, work.command, home)


def _folder() -> Path:
    return runtime_folder("locks")


def _prefix(engine_id: str) -> str:
    """The prefix of an engine's files. It is a hash, because some engine IDs contain characters
    that Windows does not allow."""
    return hashlib.sha256(engine_id.encode()).hexdigest()[:16] + "-"
