"""What is missing of the desktop."""

from aiserver_tray.errors.base import AiServerError
from aiserver_tray.i18n import Text


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
