"""What pywebview would let a page have beyond what it is meant to: any program by a link, and any
attribute of Python's objects by its bridge."""

import webbrowser
from typing import Final, Never

from aiserver_tray.system.open_url import is_web_address


class _Nothing:
    """Has no attributes at all, not even those of every object."""

    def __getattribute__(self, name: str) -> Never:
        raise AttributeError(name)


NO_API: Final = _Nothing()
"""The ``js_api`` of every window. pywebview (6.2) looks for what a page calls in it, along any
dotted path: from None, which it is else, that leads to all classes that there are."""


class _OnlyWeb(webbrowser.BaseBrowser):
    """Stands before the real browsers and swallows what is not for them."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - webbrowser's signature
        return not is_web_address(url)


def guard() -> None:
    """Have links to a new window, which pywebview hands to `webbrowser` whatever they are, opened
    only where they are web addresses: others might start a program."""
    webbrowser.register("only-web", None, _OnlyWeb(), preferred=True)
