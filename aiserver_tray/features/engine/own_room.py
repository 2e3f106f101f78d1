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
from aiserver_tray.features.engine.own import HOST, why_failed
from aiserver_tray.system import autostart, wsl
from aiserver_tray.system.engine_place import OWN_ENGINE
from aiserver_tray.system.resources import free_disk, total_memory

_ATTEMPTS: Final = 3
"""A client may start the distribution again between its end and its move."""


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
    return OwnRoom(
        memory=min(wsl.memory_limit(config) or total // 2, total),
        total=total,
        processors=min(wsl.processor_limit(config) or cpus, cpus),
        all_processors=cpus,
        file=str(wsl.config_file()),
        others=tuple(name for name in wsl.distributions() if name != OWN_ENGINE),
        folder=str(folder or ""),
        disk=disk,
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


def limit(memory: int, processors: int) -> None:
    """Give all distributions at most *memory* (GiB) and *processors*, and end WSL, so that it
    counts. A copy of the former file stays beside it.

    Raises:
        SettingError: the file can't be written.
        RefusedError: WSL does not end.
    """
    file, limits = wsl.config_file(), {"memory": f"{memory}GB", "processors": str(processors)}
    try:
        if file.exists():
            now = f"{datetime.now():%Y%m%d-%H%M%S}"
            shutil.copy2(file, file.with_name(f"{file.name}-{now}"))
        file.write_text(wsl.with_limits(wsl.config_text(), limits), encoding="utf-8")
    except OSError as error:
        raise SettingError(str(file), Text("{why}", why=error.strerror or error)) from error
    _run("--shutdown")


def move(folder: Path) -> None:
    """Move the disk file to *folder*, which takes minutes for a large one.

    Raises:
        RefusedError: WSL can't do it; quotes why.
    """
    for attempt in range(_ATTEMPTS):
        _run("--terminate", OWN_ENGINE)
        try:
            _run("--manage", OWN_ENGINE, "--move", str(folder))
            return
        except RefusedError as error:
            if "NOT_STOPPED" not in str(error) or attempt == _ATTEMPTS - 1:
                raise


def _run(*words: str) -> None:
    try:
        said = wsl.run_wsl(words, Event())
    except OSError as error:
        said = wsl.Said(1, (error.strerror or str(error),))
    if said.code:
        raise _refused(said.lines)


def _refused(lines: Sequence[str]) -> RefusedError:
    why, mend = why_failed(lines)
    text = Text("Windows' own engine can't be changed: {why} {mend}", why=why, mend=mend)
    return RefusedError(text)
