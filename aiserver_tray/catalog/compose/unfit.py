"""The errors that word their own message."""

from aiserver_tray.base.i18n import Text


class WordedError(ValueError):
    """Its *text* is the message, or a part of one."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


class UnfitError(WordedError):
    """Raised by a validator whose *text* is the whole message and names the found value."""
