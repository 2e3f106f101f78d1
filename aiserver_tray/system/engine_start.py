"""Starting this machine's engine through the operating system: a desktop program or a unit of
systemd, never the ``docker`` command. Only the engine's own response shows that it has started:
desktop programs report it too early or never."""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from aiserver_tray.base.errors import AiServerError, CancelledError, EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.system.engine_place import by_hand, place_of
from aiserver_tray.system.process import output_of

START_TIMEOUT_SECONDS = 60.0
"""Seconds that an engine has to come up."""

_SYSTEMCTL_SECONDS = 5.0

_POLL_SECONDS = 0.25
"""Seconds between two questions to an engine that is coming up."""


def can_start(host: str) -> bool:
    """Whether the engine at *host* is one that can be started from here. On Linux that asks
    systemd, which takes some milliseconds. One in WSL starts with the first question."""
    return host.startswith("wsl:") or _command(host) is not None


def start_engine(
    host: str,
    ping: Callable[[], None],
    cancelled: threading.Event,
    within: float = START_TIMEOUT_SECONDS,
) -> None:
    """Start the engine at *host*, and wait until *ping* succeeds. Nothing is started if it already
    responds.

    Raises:
        EngineDownError: it can't be started from here, or has not answered *within* seconds.
        CancelledError: *cancelled* was set; what was started may go on.
    """
    if _why_silent(ping) is None:
        return
    command = _command(host)
    if command is None:
        raise _not_from_here(host)
    deadline = time.monotonic() + within
    with _launched(command, host) as why_ended:
        while (silence := _why_silent(ping)) is not None:
            if (ended := why_ended()) is not None:
                raise _failed(host, command, ended)
            if time.monotonic() >= deadline:
                raise _too_late(host, command, within, silence)
            if cancelled.wait(_POLL_SECONDS):
                raise CancelledError


def _why_silent(ping: Callable[[], None]) -> Text | None:
    try:
        ping()
    except AiServerError as error:
        return error.text
    return None


def _command(host: str) -> Sequence[str] | None:
    place = place_of(host)
    return place.start if place and _is_usable(place.start) else None


def _is_usable(command: Sequence[str]) -> bool:
    if not command or command[0] != "systemctl":
        return bool(command)
    *scope, _, unit = command
    asked = (*scope, "show", "--property=LoadState", "--value", unit)
    return output_of(*asked, seconds=_SYSTEMCTL_SECONDS) == "loaded"


@contextmanager
def _launched(command: Sequence[str], host: str) -> Iterator[Callable[[], str | None]]:
    """Run *command*. Returns a function that gives the reason of its failure, or None while it has
    not failed. A command that still runs when the wait ends is stopped, so that no password prompt
    stays open."""
    if sys.platform == "win32":
        try:
            os.startfile(command[0])
        except OSError as error:
            raise _failed(host, command, error.strerror or str(error)) from error
        yield lambda: None
        return
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        except OSError as error:
            raise _failed(host, command, error.strerror or str(error)) from error
        # It may keep running after the engine responds. Wait for it, so that no zombie is left.
        threading.Thread(target=process.wait, name="engine-start", daemon=True).start()
        try:
            yield lambda: _last_line(said) or "-" if process.poll() else None
        except AiServerError:
            process.terminate()
            raise


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _not_from_here(host: str) -> EngineDownError:
    text = Text(
        "The Docker engine at {host} does not respond, and can't be started from here. Start it "
        "on its own machine, then try again.",
        host=host,
    )
    return EngineDownError(host, "", text)


def _failed(host: str, command: Sequence[str], why: str) -> EngineDownError:
    text = Text(
        "Can't start the Docker engine at {host}: {command}: {why}. Start it yourself "
        "({by_hand}), then try again.",
        host=host,
        command=shlex.join(command),
        why=why.rstrip("."),
        by_hand=by_hand(command),
    )
    return EngineDownError(host, why, text)


def _too_late(host: str, command: Sequence[str], within: float, why: Text) -> EngineDownError:
    text = Text(
        "{command} was run, but the Docker engine does not respond after {seconds:.0f} s. Check "
        "its window or log, and try again when it is running. The last error: {why}",
        command=shlex.join(command),
        seconds=within,
        why=why,
    )
    return EngineDownError(host, why, text)
