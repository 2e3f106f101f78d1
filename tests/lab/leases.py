"""Labs for tests: each process that runs tests has one of its own, so that several run beside each
other, and beside the lab that a person plays in."""

from contextlib import AbstractContextManager
from itertools import count

from filelock import FileLock, Timeout

from tests.lab.place import Place


def lease(tests: Place) -> AbstractContextManager[object] | None:
    """Take a lab for tests until the context ends; None while another process has it."""
    try:
        return FileLock(f"{tests.state}.lock").acquire(blocking=False)
    except Timeout:
        return None


def lease_any(place: Place) -> tuple[Place, AbstractContextManager[object]]:
    """The first of the labs for tests beside *place* that nobody uses, taken until the context
    ends."""
    for number in count(1):
        tests = place.for_tests(number)
        if taken := lease(tests):
            return tests, taken
    raise AssertionError  # numbers do not run out
