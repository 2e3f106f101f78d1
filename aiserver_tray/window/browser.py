"""Restrictions on what pywebview lets a page do: start any program by a link, and reach any
attribute of Python objects by its bridge."""

import webbrowser
from typing import Final, Never

from aiserver_tray.system.open_url import is_web_address


class _Nothing:
    """Has no attributes at all, not even those of every object."""

    def __getattribute__(self, name: str) -> Never:
        raise AttributeError(name)


NO_API: Final = _Nothing()
"""The ``js_api`` of every window. pywebview (6.2) looks up calls of a page in it, along any dotted
path. Its default, None, would lead to every class."""


class _OnlyWeb(webbrowser.BaseBrowser):
    """Registered before the real browsers, it discards everything that is not a web address."""

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - webbrowser's signature
        return not is_web_address(url)


def guard() -> None:
    """Open links to a new window, which pywebview passes to `webbrowser`, only if they are web
    addresses: others might start a program."""
    webbrowser.register("only-web", None, _OnlyWeb(), preferred=True)
