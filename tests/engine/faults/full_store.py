"""Deletes kept logs on a full disk. Run in a mount namespace of its own.

python -m tests.engine.faults.full_store FOLDER
"""

import os
import random
import subprocess
import sys
from contextlib import closing, suppress
from math import inf
from pathlib import Path

from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.database import LogStoreFullError
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore

MEBIBYTE = 2**20
STORE = 20 * MEBIBYTE
BATCH = 500


def main(disk: Path) -> None:
    """Delete by module while the store is open, then by size in one that is opened there."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "none", str(disk)], check=True)
    path = disk / "data/logs.sqlite"
    with closing(LogStore(path)) as store:
        count = written(store)
        store.trim(0, keep_days=1, keep_bytes=10 * STORE)  # as the owner does
        fill(disk)
        with suppress(LogStoreFullError):
            while True:
                store.add(lines(count))
                count += BATCH
        store.delete("a")
        assert free(disk) > STORE // 3, "half of the lines, and the reserve is there again"
        assert {*LogReader(path).sizes()} == {"b"}
        assert LogReader(path).sizes()["b"].lines == count // 2
        store.add(lines(count))
    fill(disk)
    assert {*LogReader(path).sizes()} == {"a", "b"}, "without a writer"
    with closing(LogStore(path)) as store:
        fill(disk)
        store.trim(0, keep_days=1, keep_bytes=2 * MEBIBYTE)
        assert path.stat().st_size <= 2 * MEBIBYTE
        (newest,) = LogReader(path, inf).older(LogFilter(), limit=1).lines
        assert newest.line == lines(count)[-1]


def written(store: LogStore) -> int:
    """Fill the store; the number of lines."""
    count = 0
    while store.path.stat().st_size < STORE:
        store.add(lines(count))
        count += BATCH
    return count


def lines(first: int) -> list[Line]:
    """The next lines, of two modules in turn."""
    return [line(number) for number in range(first, first + BATCH)]


def line(number: int) -> Line:
    text = random.Random(number).randbytes(150).hex()
    module = "ab"[number % 2]
    return Line(number, module, module, "stdout", "info", continues=False, text=text)


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(disk: Path) -> None:
    """Take all the room there is."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for size in (MEBIBYTE, 4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(b"\0" * size)
    assert free(disk) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
