"""What pywebview hands to the system's browser."""

import webbrowser

from aiserver_tray.host.open_url import is_web_address


class _OnlyWeb(webbrowser.BaseBrowser):
    """Stands before the real browsers and swallows what is not for them."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - webbrowser's signature
        return not is_web_address(url)


def guard() -> None:
    """Have links to a new window, which pywebview hands to `webbrowser` whatever they are, opened
    only where they are web addresses: others might start a program."""
    webbrowser.register("only-web", None, _OnlyWeb(), preferred=True)
