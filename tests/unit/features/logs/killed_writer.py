"""Processes that store lines without end and are killed. Run in a process of its own, which forks.

python -m tests.unit.features.logs.killed_writer FILE TIMES
"""

import os
import random
import signal
import sys
from contextlib import closing
from pathlib import Path

from aiserver_tray.features.logs.line import Line, Mark
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore

BATCH = 300


def line(number: int) -> Line:
    """The line of a number, with some text."""
    text = f"{number} " + "the text of a line that is as long as those of services are " * 4
    return Line(number, "module", "service", "stdout", "info", continues=False, text=text)


def write(path: Path, first: int, acknowledged: int) -> None:
    """Store batches from the line *first* on, and write the next number after each one."""
    store = LogStore(path)
    while True:
        batch = [line(number) for number in range(first, first + BATCH)]
        first += BATCH
        store.add(batch, [Mark("container", "stdout", batch[-1].time, batch[-1].time)])
        os.write(acknowledged, first.to_bytes(8))


def killed(path: Path, first: int) -> int:
    """Kill a writer in the middle of its work; the number up to which it acknowledged lines."""
    ours, theirs = os.pipe()
    writer = os.fork()
    if not writer:
        write(path, first, theirs)
    os.close(theirs)
    with open(ours, "rb") as stream:  # noqa: PTH123 - a pipe
        for _ in range(random.randrange(1, 6)):
            stream.read(8)
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        rest = stream.read()
    return int.from_bytes(rest[-8:]) if rest else first


def stored(path: Path) -> int:
    """Check that the file has each line up to some number once, and its mark; this number."""
    with closing(LogStore(path)) as store:
        count = LogReader(path).bounds().lines
        page = LogReader(path, budget_seconds=600).older(LogFilter(), limit=10**9)
        assert [kept.line for kept in reversed(page.lines)] == [line(n) for n in range(count)]
        assert store.marks("container")["stdout"].time == count - 1
    return count


def main(path: Path, times: int) -> None:
    """Kill as often, and check each time."""
    count = 0
    for _ in range(times):
        acknowledged = killed(path, count)
        count = stored(path)
        assert count >= acknowledged, f"lost {acknowledged - count} of {acknowledged} lines"
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
