"""Bringing the lab up and taking it down."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext

from tests.lab import engine
from tests.lab.build import build, missing
from tests.lab.leases import lease, lease_any
from tests.lab.place import LabError, Place
from tests.lab.recipes import load_recipes

Report = Callable[[str], None]


def up(place: Place, report: Report = lambda _: None) -> None:
    """Makes engine and registry run and the registry hold every image of the table.

    Does nothing where that is so already; fixes what a crash left.

    Raises:
        LabError: Why it can't.
    """
    with place.locked():
        if not engine.alive(place):
            _start(place, report)
        # Labs that share a registry's storage build one after the other.
        with place.images_of.locked() if place.images_of else nullcontext():
            if wanted := missing(place, load_recipes().values()):
                report(f"{len(wanted)} images to build")
                build(place, wanted, report)


def prepare(place: Place, report: Report) -> None:
    """Builds what the registry lacks, on a lab for tests. The first time, that takes longer than
    the time limit of the test whose fixtures would do it.

    Raises:
        LabError: An image can't be built.
    """
    if missing(place, load_recipes().values()):
        tests, taken = lease_any(place)
        with taken:
            up(tests, report)
            stop(tests)


def fix(place: Place) -> None:
    """Like ``up``, for a lab that was up before: its registry is taken to hold the images."""
    if not engine.alive(place):
        up(place)


def _start(place: Place, report: Report) -> None:
    engine.sweep(place)
    try:
        engine.start(place)
    except LabError as error:
        # What a crash left of the engine's data may be beyond repair; it is never worth keeping.
        report(f"{error}\nOnce more, without the engine's old data.")
        engine.sweep(place)
        _remove_data(place)
        engine.start(place)


def _remove_data(place: Place) -> None:
    for folder in (place.data, place.state / "build"):
        shutil.rmtree(folder, ignore_errors=True)


def stop(place: Place) -> None:
    """Ends the engine with all its containers. Images that it pulled stay for the next start."""
    with place.locked():
        engine.sweep(place)


def down(place: Place) -> None:
    """Ends the engine with all its containers and removes everything but the registry's storage;
    of the labs for tests, those that nobody uses."""
    for tests in place.test_labs:
        if taken := lease(tests):
            with taken:
                engine.sweep(tests)
                shutil.rmtree(tests.state)
    with place.locked():
        engine.sweep(place)
        _remove_data(place)


def purge(place: Place) -> None:
    """Like ``down``, and removes the registry's storage too."""
    down(place)
    with place.locked():
        shutil.rmtree(place.state)
