"""Ctrl-C while an operation is shown: a process of its own gets the signals."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.limits import LIMIT
from tests.support.systems import on_unix

SCRIPT = '''
import sys
from queue import SimpleQueue
from aiserver_tray.cli.progress import follow
from tests.unit.cli.views import up, view

class Operation:
    def cancel(self):
        print("cancelled", flush=True)
        if sys.argv[1] == "obeys":
            views.put(view(up(), "cancelled"))
        if sys.argv[1] == "writes":
            sys.stdout = Busy()

class Busy:
    """A stream that is being written to, as its buffer says to a signal handler."""
    def flush(self):
        raise RuntimeError("reentrant call")

class Begun(SimpleQueue):
    def get(self, *args, **kwargs):
        # The signal is taken over by now.
        print("begun", flush=True)
        self.get = super().get
        return super().get(*args, **kwargs)

views = Begun()
views.put(view(up()))
print(follow(Operation().cancel, views, "en").status)
'''
ROOT = Path(__file__).parents[3]


@on_unix
@pytest.mark.parametrize(("kind", "status"), [("obeys", 0), ("hangs", 130), ("writes", 130)])
def test_the_first_ctrl_c_cancels_and_the_second_ends_at_once(kind: str, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == "Cancelling… (press Ctrl-C again to exit at once)\n"
        assert process.stdout.readline() == "cancelled\n"
        if kind != "obeys":
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LIMIT) == status
        # Not `communicate`, which loses what `readline` has read ahead.
        assert process.stdout.read() == ("cancelled\n" if kind == "obeys" else "")
        assert process.stderr.read() == ""
