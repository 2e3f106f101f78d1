"""Repeating tests, to measure how often they pass."""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from developer.environment import set_up
from developer.machine import DEBIAN, ROOT, environment, workers
from developer.packages import GTK, NEEDS_LAB, TESTS, lacking, needs_of_tests
from developer.processes import found, run

NOTHING_COLLECTED = 5  # pytest's exit status


def soak(name: str, times: int, load: int, levels: Collection[str], words: Sequence[str]) -> int:
    """Run the tests of *levels* whose name contains *name*, *times* times, beside *load* busy
    processes. Fails only if there are none."""
    # Without it, tests on a screen can't even be collected.
    set_up({"looking through the tests": lacking(GTK) if DEBIAN else set()})
    pytest = ["python", "-m", "pytest", "-q", "-k", name, *words]
    meant = levels_of([*pytest, *without(levels)])
    set_up(needs_of_tests(meant))
    with busy(load) as surroundings:
        return repeat([*pytest, *without(meant)], name, times, surroundings)


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


def repeat(pytest: Sequence[str], name: str, times: int, surroundings: Mapping[str, str]) -> int:
    """Run *pytest* in *surroundings* *times* times, and report each result."""
    seconds, passed = [], 0
    for number in range(1, times + 1):
        start = time.monotonic()
        status = run(pytest, surroundings)
        if status == NOTHING_COLLECTED:
            return status
        seconds.append(time.monotonic() - start)
        passed += status == 0
        print(f"soak {name}: {passed} of {number} passed, {seconds[-1]:.1f} s")
    median = statistics.median(seconds)
    print(f"soak {name}: {passed} of {times} passed, median {median:.1f} s")
    return 0


LOAD = "AISERVER_TEST_LOAD"
"""Environment variable: tells `tests.support.limits` of the load."""
_LARGEST_SEED = 999_999
_BUSY = """
import os, sys, threading
if hasattr(os, "nice"):
    os.nice(5)
print("busy", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""
"""It exits when its input ends, which it does with this process, even if that is killed."""


def soak_all(
    times: int, load: int, seed: int | None, levels: Collection[str], words: Sequence[str]
) -> int:
    """Run all tests of *levels* *times* times, each time in another order, beside *load* busy
    processes. Prints each test that failed, how often, and why. *seed* is that of the first order.
    """
    set_up(needs_of_tests(levels))
    if status := prepare(levels):
        return status
    first = seed or random.SystemRandom().randint(1, _LARGEST_SEED)
    pytest = ["python", "-m", "pytest", "-q", *without(levels), f"--numprocesses={workers()}"]
    pytest += ["-p", "tests.support.shuffled", *words]
    failures: list[tuple[str, str]] = []
    passed = 0
    with busy(load) as surroundings:
        for number in range(times):
            print(f"soak: run {number + 1} of {times}, --seed {first + number}", flush=True)
            status, failed = run_shuffled(pytest, first + number, surroundings)
            if status == NOTHING_COLLECTED:
                return status
            failures += failed
            passed += status == 0
            if status and not failed:
                failures.append(("no test", f"pytest exited with status {status}"))
    report(failures, passed, times)
    return 0 if passed == times else 1


def prepare(levels: Collection[str]) -> int:
    """Build what the lab lacks for the tests of *levels*; the exit status."""
    # Without bytecode, each of the many processes of tests would compile all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if NEEDS_LAB.isdisjoint(levels):
        return 0
    return run(("python", "-m", "tests.lab", "prepare"), environment())


def run_shuffled(
    pytest: Sequence[str], seed: int, surroundings: Mapping[str, str]
) -> tuple[int, list[tuple[str, str]]]:
    """The exit status of *pytest* with the order of *seed*, and each test that failed, with the
    first line of its error."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "failures")
        words = [*pytest, f"--shuffle={seed}", f"--failures={file}"]
        status = run(words, surroundings)
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    failures = dict(map(json.loads, reversed(lines)))  # the first of each test: others follow
    return status, list(failures.items())


@contextmanager
def busy(count: int) -> Iterator[Mapping[str, str]]:
    """While it lasts, *count* processes take all the processor time that they get. The environment
    variables of tests that run beside them."""
    pipe, command = subprocess.PIPE, [sys.executable, "-c", _BUSY]
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            process.stdout.readline()
        yield {**environment(), LOAD: str(count)}


def report(failures: Sequence[tuple[str, str]], passed: int, times: int) -> None:
    """Print each test of *failures*, most frequent first, with its errors."""
    counts = Counter(test for test, _ in failures)
    for test, count in counts.most_common():
        print(f"soak: failed {count} of {times}: {test}")
        for error in sorted({error for name, error in failures if name == test}):
            print(f"    {error}")
    print(f"soak: {passed} of {times} runs passed")
