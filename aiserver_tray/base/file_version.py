"""A value that changes with a file."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

Versions = Mapping[str, list[int] | None]
"""The version of each file by its path, as JSON. None: there is no such file."""


def file_version(found: os.stat_result) -> tuple[int, ...]:
    """A value that changes with the file of *found*."""
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def versions(files: Iterable[Path]) -> Versions:
    return {str(file): version_of(file) for file in files}


def version_of(file: Path | str) -> list[int] | None:
    """None if there is no such *file*."""
    try:
        return list(file_version(os.stat(file)))  # noqa: PTH116 - a third of Path's time
    except (OSError, ValueError):
        return None


def are_current(files: Versions) -> bool:
    """Whether each of *files* still has its version."""
    return all(version_of(file) == version for file, version in files.items())


def last_change(files: Versions) -> int:
    """When the last of *files* was changed, in nanoseconds since the epoch. 0 if there are none."""
    return max((version[2] for version in files.values() if version), default=0)
