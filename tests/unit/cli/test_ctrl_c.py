"""Ctrl-C ends a command wherever it is, with exit status 130 and without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.limits import LIMIT

HELD_UP = """
import signal, time
from aiserver_tray import __main__, cli

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def command():
    Finalized()
    time.sleep(60)

cli.main = command
__main__.main()
"""


def ends_as_cancelled(*words: str, path: Path | None = None) -> None:
    """Run Python with *words*, and modules of *path*; see how it ends."""
    done = subprocess.run(
        [sys.executable, *words],
        env=os.environ | ({"PYTHONPATH": str(path)} if path else {}),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_while_modules_are_still_imported(tmp_path: Path) -> None:
    # As a dataclass does it: so interrupted, Python likes to end by the signal.
    (tmp_path / "click.py").write_text("exec('raise KeyboardInterrupt')", encoding="utf-8")
    ends_as_cancelled("-m", "aiserver_tray", "status", path=tmp_path)
    ends_as_cancelled(str(Path(sys.executable).with_name("aiserver-tray")), path=tmp_path)


def test_ctrl_c_that_a_library_turns_into_an_error_still_ends_the_command(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(
        "import signal\n"
        "try:\n    signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt:\n    raise ValueError from None\n",
        encoding="utf-8",
    )
    ends_as_cancelled("-m", "aiserver_tray", "status", path=tmp_path)


def test_within_a_finalizer() -> None:
    ends_as_cancelled("-c", HELD_UP)
