"""The error of validators that word their own message."""

from aiserver_tray.base.i18n import Text


class UnfitError(ValueError):
    """Raised by a validator whose *text* is the whole message and names the found value."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text
