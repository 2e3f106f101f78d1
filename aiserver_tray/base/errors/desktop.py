"""What is missing of the desktop."""

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.i18n import Text


class NoDesktopError(AiServerError):
    """There is nothing to show an icon on: no display, or not the libraries for it."""

    code = "E_NO_DESKTOP"

    def __init__(self, why: object) -> None:
        super().__init__(
            Text(
                "The tray icon can't be shown here ({why}). On a desktop with Debian or Ubuntu, "
                "install python3-gi and gir1.2-ayatanaappindicator3-0.1; without a desktop, use: "
                "aiserver-tray serve",
                why=why,
            )
        )


class NoSessionError(NoDesktopError):
    """There is no desktop at all."""

    def __init__(self) -> None:
        AiServerError.__init__(
            self,
            Text(
                "There is no desktop session here to show the tray icon in (neither DISPLAY nor "
                "WAYLAND_DISPLAY is set). Start it on the desktop, or have the dashboard in a web "
                "browser: aiserver-tray serve. The other commands need no desktop: "
                "aiserver-tray --help"
            ),
        )
