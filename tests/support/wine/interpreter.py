"""A Python that runs one piece of code after the other: under Wine one takes a second to start."""

import json
import subprocess
from collections.abc import Sequence

from tests.support.desktop.desktop import Desktop

_LOOP = """
import contextlib, io, json, sys, traceback
answers = sys.stdout
for line in sys.stdin:
    printed, error = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        try:
            exec(json.loads(line), {"__name__": "__main__"})
        except BaseException:
            error = traceback.format_exc()
    answers.write(json.dumps([printed.getvalue(), error]) + "\\n")
    answers.flush()
"""


class Interpreter:
    """On the desktop *screen*, and ended with it; *command* starts a Python."""

    def __init__(self, screen: Desktop, command: Sequence[str]) -> None:
        self._screen = screen
        self._command = [*command, "-c", _LOOP]
        self._process: subprocess.Popen[bytes] | None = None

    def says(self, code: str) -> str:
        """What *code* prints. Raises ``AssertionError`` where it fails."""
        if self._process is None or self._process.poll() is not None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._process = self._screen.start(self._command, **pipes)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(code).encode() + b"\n")
        self._process.stdin.flush()
        printed, error = json.loads(self._process.stdout.readline())
        assert error is None, error
        return str(printed)

    def close(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            self._process.communicate()
