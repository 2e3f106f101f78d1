"""Opening a web address in the browser of the user's choice."""

import os
from urllib.parse import urlsplit

from aiserver_tray.base.errors import RequestError, SettingError
from aiserver_tray.base.i18n import Text


def open_url(url: str) -> None:
    """Open *url* in the default browser.

    Raises:
        RequestError: it is no ``http`` or ``https`` address. Anything else might start a program.
        SettingError: there is no browser.
    """
    if not is_web_address(url):
        why = Text("{url!r} is not a web address (http or https)", url=url)
        raise RequestError(why, ["url"])
    import webbrowser  # noqa: PLC0415 - importing it searches for browsers

    try:
        is_open = webbrowser.open(url)
    except (OSError, webbrowser.Error):
        is_open = False
    if not is_open:
        why = Text(
            "no browser was found. Open {url} yourself, or set BROWSER to the command of a browser",
            url=url,
        )
        raise SettingError("BROWSER", why)


def open_in_set_browser(url: str) -> bool:
    """Open *url* in the browser that ``BROWSER`` names, as a remote editor or WSL does on a machine
    without a desktop; whether it is open. Any other browser there would take over the terminal."""
    if not os.environ.get("BROWSER"):
        return False
    try:
        open_url(url)
    except SettingError:
        return False
    return True


def is_web_address(url: str) -> bool:
    """Whether *url* names a page of the web, and is nothing else to any program."""
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    return parts.scheme in ("http", "https") and is_complete and is_plain
