"""What the engine of our own takes of this computer: memory, processors and disk, and how to change
that."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Final

from aiserver_tray.base.errors import AiServerError, RefusedError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.engine.own import HOST, version_in, why_failed
from aiserver_tray.system import autostart, wsl
from aiserver_tray.system.engine_place import OWN_ENGINE
from aiserver_tray.system.resources import free_disk, total_memory

_ATTEMPTS: Final = 3
"""A client may start the distribution again between its end and the change of its disk."""
_RESIZES_SINCE: Final = (2, 5, 0)
"""The first WSL that changes the size of a disk (https://github.com/microsoft/WSL/releases/tag/2.5.4)."""
_GIB: Final = 1024**3
_SPARE: Final = 4 * _GIB
"""Bytes beyond its data that a disk keeps for updates of Debian and the next start of a module."""
_SPACE_SECONDS: Final = 60.0
_SPACE: Final = b"""\
blockdev --getsize64 "$(findmnt -no SOURCE /)"
df -B1 --output=used / | tail -n 1
"""


@dataclass(frozen=True)
class OwnRoom:
    """What Windows' own engine takes."""

    memory: int
    """bytes that WSL takes at most, for all distributions together"""
    total: int
    """bytes of this computer"""
    processors: int
    all_processors: int
    """of this computer"""
    file: str
    """has the limits of all distributions"""
    others: tuple[str, ...]
    """the other distributions, which the limits concern, too"""
    folder: str
    """of its disk file; empty: unknown"""
    disk: int | None
    """bytes of the disk file, which grows and does not shrink; `null`: unknown"""
    used: int | None
    """bytes of data in it; `null`: it does not answer"""
    limit: int | None
    """bytes up to which its data can grow; `null`: it does not answer"""
    free: int | None
    """bytes that are free on the drive of that file"""
    is_kept: bool
    """it starts at login, without the applet"""
    volumes: tuple[str, ...] | None
    """all that it has, which its removal deletes; `null`: it does not answer"""


def own_room() -> OwnRoom:
    """As it is now."""
    config, total, cpus = wsl.config_text(), total_memory(), os.cpu_count() or 1
    folder, disk = wsl.folder_of(OWN_ENGINE), None
    with suppress(OSError):
        disk = (folder / "ext4.vhdx").stat().st_size if folder else None
    size, used = _space() or (None, None)
    return OwnRoom(
        memory=min(wsl.memory_limit(config) or total // 2, total),
        total=total,
        processors=min(wsl.processor_limit(config) or cpus, cpus),
        all_processors=cpus,
        file=str(wsl.config_file()),
        others=tuple(name for name in wsl.distributions() if name != OWN_ENGINE),
        folder=str(folder or ""),
        disk=disk,
        used=used,
        limit=size,
        free=free_disk(str(folder)) if folder else None,
        is_kept=autostart.keeps_engine(),
        volumes=_volumes(),
    )


def _volumes() -> tuple[str, ...] | None:
    engine = Engine(HOST)
    try:
        return tuple(sorted(volume.name for volume in engine.volumes.all()))
    except AiServerError:
        return None
    finally:
        engine.close()


def _space() -> tuple[int, int] | None:
    """The bytes of the disk in the distribution, and those that are in use. Starts it."""
    # Windows and wsl.exe would each read the quotes of a script in their own way.
    words = ("-d", OWN_ENGINE, "-u", "root", "--exec", "sh")
    try:
        said = wsl.run_wsl(words, Event(), content=_SPACE, within=_SPACE_SECONDS)
        # WSL's own warnings, as about a proxy, are among the lines.
        size, used = map(int, filter(str.isdecimal, map(str.strip, said.lines)))
    except (OSError, ValueError):
        return None
    return size, used


def limit(memory: int | None, processors: int | None) -> None:
    """Give all distributions at most *memory* (GiB) and *processors* (None: as now), and end WSL,
    so that it counts. A copy of the former file stays beside it.

    Raises:
        SettingError: the file can't be written.
        RefusedError: WSL does not end.
    """
    file = wsl.config_file()
    limits = {"memory": memory and f"{memory}GB", "processors": processors and str(processors)}
    wanted = {name: value for name, value in limits.items() if value}
    try:
        if file.exists():
            now = f"{datetime.now():%Y%m%d-%H%M%S}"
            shutil.copy2(file, file.with_name(f"{file.name}-{now}"))
        file.write_text(wsl.with_limits(wsl.config_text(), wanted), encoding="utf-8")
    except OSError as error:
        raise SettingError(str(file), Text("{why}", why=error.strerror or error)) from error
    _run("--shutdown")


def move(folder: Path) -> None:
    """Move the disk file to *folder*, which takes minutes for a large one.

    Raises:
        RefusedError: WSL can't do it; quotes why.
    """
    _manage("--move", str(folder))


def resize(size: int) -> None:
    """Let the data grow up to *size* (GiB). To shrink, WSL first makes the file system smaller,
    and fails before anything is lost if its data does not fit
    (https://github.com/microsoft/WSL/blob/master/src/windows/service/exe/LxssUserSession.cpp).

    Raises:
        RefusedError: the data is larger, or WSL can't do it; says why.
    """
    version = version_in(_said("--version"))
    if not version or version < _RESIZES_SINCE:
        raise RefusedError(
            Text("WSL 2.5 or newer can do that. Run wsl --update in a terminal, then try again.")
        )
    if (space := _space()) is None:
        raise RefusedError(Text("The engine does not answer. Start it, then try again."))
    least = (space[1] + _SPARE) // _GIB + 1
    if size < least:
        raise RefusedError(
            Text(
                "The engine has too much data for {size} GB. Choose at least {least} GB, or remove "
                "what you don't need: aiserver-tray cleanup",
                size=size,
                least=least,
            )
        )
    _manage("--resize", f"{size}GB")


def _manage(*words: str) -> None:
    for attempt in range(_ATTEMPTS):
        _run("--terminate", OWN_ENGINE)
        try:
            _run("--manage", OWN_ENGINE, *words)
            return
        except RefusedError as error:
            if "NOT_STOPPED" not in str(error) or attempt == _ATTEMPTS - 1:
                raise


def _run(*words: str) -> None:
    said = _said(*words)
    if said.code:
        raise _refused(said.lines)


def _said(*words: str) -> wsl.Said:
    try:
        return wsl.run_wsl(words, Event())
    except OSError as error:
        return wsl.Said(1, (error.strerror or str(error),))


def _refused(lines: Sequence[str]) -> RefusedError:
    why, mend = why_failed(lines)
    text = Text("Windows' own engine can't be changed: {why} {mend}", why=why, mend=mend)
    return RefusedError(text)
