"""The start of the bundle's programs.

PyInstaller answers an uncaught error itself: a program without a console would open a dialog and
wait for a click. So none gets that far: it is logged, and the exit status is 1.
"""

import logging
import sys

from aiserver_tray.__main__ import main


def report() -> None:
    """Log the current exception. If the log was not set up before it, print it, too."""
    error = sys.exc_info()
    if not logging.getLogger().handlers:
        from aiserver_tray.system.logfile import set_up  # noqa: PLC0415 - it may be what fails
        from aiserver_tray.system.paths import find_home  # noqa: PLC0415

        sys.__excepthook__(*error)
        set_up(find_home(), "start")
    sys.excepthook(*error)


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - see above
        try:
            report()
        finally:
            sys.exit(1)
