"""Starts the applet with shorter or longer waits than its own, so that tests need not wait as long:
``python -m tests.support.desktop.hurried TIMES -- WORD…``; each WORD is one of the applet's."""

import sys
from collections.abc import Mapping
from functools import partial
from typing import Final

from aiserver_tray import __main__ as program
from aiserver_tray.features.alerts import alerts, services
from aiserver_tray.system import clock
from aiserver_tray.tray import notifications, process

QUIET_SECONDS: Final = 3.0
"""As `QUIET_SECONDS` of notifications and alerts, after a start in a hurry."""

SLEEP_SECONDS: Final = 3.0
"""How long a process in a hurry has to stand still to take it for a sleep of the machine."""

_LOOK_SECONDS = 0.5
_JUMP_SECONDS = 1.5

_TIMES: Mapping[str, Mapping[tuple[object, str], object]] = {
    "quiet": {
        (notifications, "QUIET_SECONDS"): QUIET_SECONDS,
        (alerts, "QUIET_SECONDS"): QUIET_SECONDS,
        (services, "RECOVERY_SECONDS"): 2 * alerts.GATHER_SECONDS,
    },
    "sleep": {
        (clock, "_SLEEP_THRESHOLD_SECONDS"): _JUMP_SECONDS,
        (process, "ResumeWatch"): partial(clock.ResumeWatch, interval=_LOOK_SECONDS),
    },
    "impatient": {
        (process, "PANEL_TIMEOUT_SECONDS"): {"user": 1.0, "login": 1.0},
        (process, "_POLL_SECONDS"): 0.1,
        (process, "_SLOW_POLL_SECONDS"): 0.5,
    },
    "patient": {(process, "PANEL_TIMEOUT_SECONDS"): {"user": 300.0, "login": 300.0}},
}


def in_a_hurry(times: str) -> tuple[str, ...]:
    """What starts the applet with *times*: the ``quiet`` time after a start and the ``sleep`` of a
    machine are short; it is ``impatient`` or ``patient`` with a desktop that has no place for its
    icon."""
    return (sys.executable, "-m", "tests.support.desktop.hurried", times, "--")


def main() -> None:
    """Run the applet."""
    times, _, *words = sys.argv[1:]
    for (owner, name), value in _TIMES[times].items():
        setattr(owner, name, value)
    sys.argv[1:] = words
    program.main()


if __name__ == "__main__":
    main()
