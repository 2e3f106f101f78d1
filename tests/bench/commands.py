"""What single calls of the command line cost."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.result import Comparison, Figure, Results, compare
from tests.bench.shapes import HUNDRED, TEN, Shape
from tests.bench.sides import Tray, run
from tests.bench.stacks import engine_of
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.consents import trust_all
from tests.support.host_process import hosted
from tests.support.ports import free_port

MEBIBYTE = 2**20
PEAK_LIMIT = 80
STATUS_LIMIT = 1.7
OWNER_STATUS_LIMIT = 0.9
OWNER_UP_LIMIT = 1.1
PEAK = Path(__file__).with_name("peak.py")


@contextmanager
def installation(lab: Place, *shapes: Shape) -> Iterator[Tray]:
    """A new home and a catalog of *shapes*, on an engine that holds the image."""
    with tempfile.TemporaryDirectory() as name, engine_of(lab):
        catalog = Path(name, "catalog")
        catalog.mkdir()
        for shape in shapes:
            shape.write(catalog)
        trust_all(Path(name, "home"), catalog)
        yield Tray(Path(name, "home"), catalog, lab.host)


def memory(lab: Place) -> Results:
    """Most memory of `up`: of many services, and of real ones whose images are pulled."""
    with installation(lab, HUNDRED) as tray:
        return {
            "memory-up-hundred": _peak(tray, "up", HUNDRED.name),
            "memory-up-n8n": _peak_of_n8n(tray),
        }


def _peak_of_n8n(tray: Tray) -> Figure:
    tray.run("down")
    tray.run("config", "set", "n8n.N8N_HOST_PORT", str(free_port()))
    return _peak(tray, "up", "n8n")


def _peak(tray: Tray, *words: str) -> Figure:
    measured = run([sys.executable, "-S", PEAK, *tray.command(*words)], tray.host)
    return Figure(int(measured) / MEBIBYTE, "MiB", PEAK_LIMIT)


SETTLED_SECONDS = 5
"""After these, the catalog's files are no longer new: outlines of new ones are not stored."""


def status(lab: Place, pairs: int) -> dict[str, Comparison]:
    """`status` beside the import of Docker's SDK, which any tool in Python has to do; the same
    through an owner of the core, and `up` of what runs. The first `status` stores the outlines."""
    with installation(lab, TEN) as tray:
        tray.run("up", TEN.name)
        time.sleep(SETTLED_SECONDS)

        def beside_import(limit: float, *words: str) -> Comparison:
            theirs = partial(run, [sys.executable, "-c", "import docker"], tray.host)
            return compare(partial(tray.run, *words), theirs, pairs, limit)

        alone = beside_import(STATUS_LIMIT, "status")
        with hosted(CommandLine(tray.home, tray.catalog, tray.host)):
            return {
                "status": alone,
                "status-through-owner": beside_import(OWNER_STATUS_LIMIT, "status"),
                "up-again-through-owner": beside_import(OWNER_UP_LIMIT, "up", TEN.name),
            }
