"""Windows' processes, looked into by ``probe``."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from aiserver_tray.window.protocol import PROGRAMS
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

PROBE = Path(__file__).parent / "probe"


class Window:
    """A window's process that can be looked into."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], place: Path) -> None:
        self._place = place
        place.unlink(missing_ok=True)
        kind, *rest = arguments
        self.process = subprocess.Popen(
            [sys.executable, "-m", PROGRAMS[kind], *rest],
            env={**os.environ, **environment, **probed(place)},
            stdin=subprocess.PIPE,
            text=True,
        )

    def js(self, code: str) -> Any:  # noqa: ANN401 - JSON
        """What *code* gives in the page."""
        return ask(self._place, js=code)

    def python(self, code: str) -> Any:  # noqa: ANN401 - JSON
        """What *code* gives in the process, where there are ``webview`` and ``window``."""
        return ask(self._place, python=code)

    def says(self, text: str) -> str:
        """The text of the page, once it holds *text*."""
        return says(self._place, text)

    def tell(self, line: str) -> None:
        """A line as the tray would write it."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def leave(self) -> int:
        """End it as the tray does; its exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(LIMIT)

    def close(self) -> None:
        """Do what the user does who closes the window."""
        self.python(
            "window.gui.glib.idle_add("
            "lambda: window.native.emit('delete-event', window.gui.Gdk.Event()) and False)"
        )

    def helpers(self) -> list[psutil.Process]:
        """The browser engine's processes."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        """Whatever became of it, nothing stays."""
        assert self.process.stdin
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


_STATE = """[location.href, document.readyState, document.documentElement.outerHTML.length,
[...document.querySelectorAll('link[href], script[src]')].map((one) => one.href || one.src)
.filter((address) => !performance.getEntriesByName(address).some((one) => one.responseEnd))]"""
"""Of a page: what it is, how far it has come, how long it is, and what of it has not come."""


def says(place: Path, text: str) -> str:
    """The text of the page whose probe is at *place*, once it holds *text*."""
    try:
        return eventually(lambda: _holding(ask(place, js="document.body.innerText"), text), text)
    except AssertionError as error:
        error.add_note(f"of the page {ask(place, js=_STATE)}")
        raise


def probed(place: Path) -> dict[str, str]:
    """The environment of a process that is to be looked into."""
    root = PROBE.parents[3]
    return {"PYTHONPATH": f"{PROBE}{os.pathsep}{root}", "AISERVER_PROBE": str(place)}


def ask(place: Path, **question: str) -> Any:  # noqa: ANN401 - JSON
    """The answer of the process whose probe is at *place*."""
    port = eventually(lambda: int(place.read_text()), "the probe")
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        line = connection.makefile("rb").readline()
    if not line:
        raise ConnectionError("the process ended meanwhile")
    answer = json.loads(line)
    assert "value" in answer, answer
    return answer["value"]


def _holding(whole: object, text: str) -> str:
    assert isinstance(whole, str)
    assert text in whole, whole
    return whole
