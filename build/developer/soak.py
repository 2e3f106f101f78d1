"""Repeating tests, to measure how often they pass."""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Sequence

from developer.environment import set_up
from developer.machine import DEBIAN, ROOT, environment
from developer.packages import GTK, TESTS, lacking, needs_of_tests
from developer.processes import found, run

NOTHING_COLLECTED = 5  # pytest's exit status


def soak(name: str, times: int, levels: Collection[str], words: Sequence[str]) -> int:
    """Run the tests of *levels* whose name contains *name*, *times* times. Fails only if there are
    none."""
    # Without it, tests on a screen can't even be collected.
    set_up({"looking through the tests": lacking(GTK) if DEBIAN else set()})
    pytest = ["python", "-m", "pytest", "-q", "-k", name, *words]
    meant = levels_of([*pytest, *without(levels)])
    set_up(needs_of_tests(meant))
    return repeat([*pytest, *without(meant)], name, times)


KEPT_LOGS = "tests/engine/faults/test_kept_logs.py"
_SETUP_SECONDS = 600
"""For the lab, and for counting the lines."""


def soak_logs(minutes: float) -> int:
    """Keep the logs of a container for some *minutes*, while container, engine, owner and
    connections are restarted, killed and cut. Prints what became of the lines, and fails if one is
    lost that the engine has, comes twice, or is out of order."""
    set_up(needs_of_tests({"engine"}))
    timeout = f"--timeout={round(minutes * 60) + _SETUP_SECONDS}"
    pytest = ["python", "-m", "pytest", "-q", "-n0", "-s", timeout, KEPT_LOGS]
    return run(pytest, {**environment(), "AISERVER_SOAK_MINUTES": str(minutes)})


def without(levels: Collection[str]) -> list[str]:
    """pytest's options that leave out all other *levels*."""
    return [f"--ignore=tests/{level}" for level in sorted(set(TESTS) - set(levels))]


def levels_of(pytest: Sequence[str]) -> set[str]:
    """The levels of the tests that *pytest* would run. If it fails, exit with its output."""
    program, *words = pytest
    done = subprocess.run(
        [found(program, environment()), *words, "--collect-only"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, end="")
        sys.exit(done.returncode)
    return set(re.findall(r"^tests/(\w+)/", done.stdout, re.MULTILINE)) & set(TESTS)


def repeat(pytest: Sequence[str], name: str, times: int) -> int:
    """Run *pytest* *times* times, and report each result."""
    seconds, passed = [], 0
    for number in range(1, times + 1):
        start = time.monotonic()
        status = run(pytest, environment())
        if status == NOTHING_COLLECTED:
            return status
        seconds.append(time.monotonic() - start)
        passed += status == 0
        print(f"soak {name}: {passed} of {number} passed, {seconds[-1]:.1f} s")
    median = statistics.median(seconds)
    print(f"soak {name}: {passed} of {times} passed, median {median:.1f} s")
    return 0
