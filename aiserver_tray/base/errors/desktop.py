"""Errors about a missing desktop."""

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.i18n import Text


class NoDesktopError(AiServerError):
    """The icon can't be shown: the display or a library is missing."""

    code = "E_NO_DESKTOP"

    def __init__(self, why: object) -> None:
        super().__init__(
            Text(
                "Can't show the tray icon ({why}). On Debian or Ubuntu, install python3-gi and "
                "gir1.2-ayatanaappindicator3-0.1. Without a desktop, use: aiserver-tray serve",
                why=why,
            )
        )


class NoSessionError(NoDesktopError):
    """There is no desktop session."""

    def __init__(self) -> None:
        AiServerError.__init__(
            self,
            Text(
                "Can't show the tray icon, because there is no desktop session (DISPLAY and "
                "WAYLAND_DISPLAY are not set). Start the applet on a desktop, or use the "
                "dashboard in a web browser: aiserver-tray serve. All other commands work "
                "without a desktop: aiserver-tray --help"
            ),
        )


class MissingExtraError(NoDesktopError):
    """The Python packages for a desktop are not installed."""

    def __init__(self, package: str) -> None:
        AiServerError.__init__(
            self,
            Text(
                "Can't show the tray icon, because the Python package {package} is missing. "
                "Install the applet with its packages for a desktop: "
                'pip install "aiserver-tray[desktop]". '
                "Or use the dashboard in a web browser: aiserver-tray serve",
                package=package,
            ),
        )
