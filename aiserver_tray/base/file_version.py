"""A value that changes with a file."""

import os


def file_version(found: os.stat_result) -> tuple[int, ...]:
    """A value that changes with the file of *found*."""
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
