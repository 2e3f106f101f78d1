"""Locks on modules: two operations on one module never interleave, whatever processes they are in.

In the user's runtime folder, per engine and module, stand ``NAME.lock``, which is locked through
the operating system and so released when a process dies, and beside it ``NAME.json``, which says
who holds it. Two files, since Windows lets nobody read a file that is locked. A lock file is never
removed: whoever waits has it open, and would then lock another file than those who come later.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn, get_args
from urllib.parse import quote, unquote

from filelock import FileLock, Timeout

from aiserver_tray.base.errors import BusyError, CancelledError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import OperationKind
from aiserver_tray.system.paths import runtime_folder
from aiserver_tray.system.processes import has_written

_POLL_SECONDS = 0.05
"""The operating systems have no lock that can be waited for and given up from another thread."""

_WRITE_TIMEOUT_SECONDS = 0.5
"""How long one who has just got a lock may take to write who it is."""


_ONE_SHOTS = "+one-shot"
"""No module is named so."""

_ABANDONED_SECONDS = 600
"""How long an engine may still be at what somebody asked of it who has died since."""


class Holder(NamedTuple):
    """Who holds a module's lock. ``is_own``: the operation is about this module; else it holds it
    because others need it."""

    pid: int
    command: str
    is_own: bool

    @property
    def kind(self) -> OperationKind:
        """What its command does."""
        words = self.command.split()
        for kind in get_args(OperationKind):
            if kind in words[1:2]:
                return kind  # type: ignore[no-any-return]
        return "up"


def refuse(busy: BusyError) -> NoReturn:
    """What to do about a module that another operation has: fail."""
    raise busy


@contextmanager
def module_locks(  # noqa: PLR0913 - who holds what for whom, and what to do meanwhile
    engine_id: str,
    modules: Iterable[str],
    command: str,
    on_busy: Callable[[BusyError], None] = refuse,
    cancelled: threading.Event | None = None,
    *,
    required: Iterable[str] = (),
) -> Iterator[dict[str, Holder]]:
    """Hold *modules* of the engine, and what they have *required*, against every other operation,
    also of this process. Gives those who had one of them last and died with it not long ago; who
    is left in there when the locks are given back, the next will be told of.

    *command* is what others are told that they wait for (``aiserver-tray up n8n``). *on_busy* is
    called once for each module that another operation has; when it returns, the module is waited
    for. All are taken in one order, so that no two operations wait for each other.

    Raises:
        BusyError: from `refuse`.
        CancelledError: *cancelled* was set while waiting.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """
    cancelled = cancelled or threading.Event()
    folder, own = _folder(), {*modules}
    dead: dict[str, Holder] = {}

    def release(lock: _Lock) -> None:
        lock.release(dead.get(lock.module))

    with ExitStack() as held:
        for module in sorted(own.union(required)):
            lock = _Lock(folder, engine_id, module)
            _acquire(lock, on_busy, cancelled)
            held.callback(release, lock)
            if last := lock.signature.last_holder():
                dead[module] = last
            lock.signature.write(Holder(os.getpid(), command, module in own))
        yield dead


@contextmanager
def one_shot_lock(engine_id: str, cancelled: threading.Event | None = None) -> Iterator[None]:
    """Hold what lets one container at a time run for a single command; waits for it.

    Raises:
        CancelledError: *cancelled* was set while waiting.
        SettingError: there is no folder for locks, or a lock can't be made there.
    """
    lock = _Lock(_folder(), engine_id, _ONE_SHOTS)
    _acquire(lock, lambda _busy: None, cancelled or threading.Event())
    try:
        yield
    finally:
        lock.release(None)


def holders(engine_id: str) -> dict[str, Holder]:
    """The modules of the engine that operations are working on now, and who.

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
    """The file beside a lock that says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, holder: Holder | None) -> None:
        """Say that *holder* has it, or nobody."""
        content = json.dumps(holder._asdict()) if holder else ""
        # In place, since Windows removes and renames no file that another process reads just now.
        # Where it can't be written, the lock holds all the same.
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)

    def holder(self) -> Holder | None:
        """Who says to hold it and is alive; None where nobody does, or not yet."""
        holder = self._read()
        return holder if holder and has_written(holder.pid, self._path) else None

    def last_holder(self) -> Holder | None:
        """To be asked by who has just taken it: who had it before and did not give it back."""
        holder = self._read()
        with suppress(OSError):
            if holder and time.time() - self._path.stat().st_mtime < _ABANDONED_SECONDS:
                return holder
        return None

    def _read(self) -> Holder | None:
        try:
            content = json.loads(self._path.read_bytes())
            is_own = content["is_own"] is True
            return Holder(int(content["pid"]), str(content["command"]), is_own)
        except (OSError, ValueError, TypeError, LookupError):  # none, or half written
            return None


class _Lock:
    """One module's lock, for one holder: the file lock is an object of its own, so that it holds
    between threads too."""

    def __init__(self, folder: Path, engine_id: str, module: str) -> None:
        self.module = module
        stem = _prefix(engine_id) + quote(module, safe="")
        self.signature = _Signature(folder / f"{stem}.json")
        self._path = folder / f"{stem}.lock"
        self._lock = FileLock(self._path, mode=0o600, thread_local=False)

    def try_acquire(self) -> bool:
        """Take it, if it is free."""
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
        """Give it back, as if *last* had been the last to have it."""
        self.signature.write(last)
        self._lock.release()


def _acquire(lock: _Lock, on_busy: Callable[[BusyError], None], cancelled: threading.Event) -> None:
    named_by = time.monotonic() + _WRITE_TIMEOUT_SECONDS
    is_told = False
    while not lock.try_acquire():
        if not is_told and ((holder := lock.signature.holder()) or time.monotonic() > named_by):
            pid, command = (holder.pid, holder.command) if holder else (None, None)
            on_busy(BusyError(lock.module, pid, command))
            is_told = True
        if cancelled.wait(_POLL_SECONDS):
            raise CancelledError


def _folder() -> Path:
    return runtime_folder("locks")


def _prefix(engine_id: str) -> str:
    """What an engine's files begin with: some engines' ids hold characters that Windows refuses."""
    return hashlib.sha256(engine_id.encode()).hexdigest()[:16] + "-"
