"""How the system asks a process to exit: a process of its own gets the signals."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from developer.machine import WINDOWS
from tests.support.ending import on_hang_up

if WINDOWS:
    pytest.skip("Windows has no such signals", allow_module_level=True)

LIMIT = 60
PROGRAM = """
import threading
from aiserver_tray.system.process import on_termination
ended = threading.Event()
on_termination(ended.set)
print("ready", flush=True)
ended.wait()
print("ended")
"""


@contextmanager
def waiting(ignored: str = "") -> "Iterator[subprocess.Popen[str]]":
    """A process that waits for its end. *ignored* runs before, in its shell."""
    shell = ["sh", "-c", f'{ignored}exec "$@"', "sh", sys.executable, "-c", PROGRAM]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with on_hang_up(signal.SIG_DFL), waiting() as process:
        process.send_signal(number)
        assert process.communicate(timeout=LIMIT)[0] == "ended\n"


def test_an_ignored_signal_stays_ignored() -> None:
    with waiting("trap '' HUP; ") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=LIMIT)[0] == "ended\n"
