"""The waiting page of a module's window. Pure, except for `answers`."""

import html
import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import quote, urlsplit

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.protocol.message import Json

_TIMEOUT_SECONDS: Final = 2.0
_PLAIN: Final = "/%:@!$&'()*+,;="
"""Characters that stay unescaped in a path, besides letters and digits."""
_NOT_YET: Final = (502, 503, 504)
"""A proxy's responses while its target is not ready."""

_REASONS: Final[Mapping[str, Text]] = {
    "stopped": Text("It is stopped. Its page opens here as soon as it is running"),
    "starting": Text("It is starting. Its page opens here as soon as it is running"),
    "running": Text("It is running, but does not respond yet"),
    "degraded": Text("Some of its services have failed, and it does not respond"),
    "error": Text("It has failed"),
    "stopping": Text("It is stopping"),
    "engine_down": Text("Docker isn't running"),
}
"""State of a module -> the message."""

IS_SHOWN: Final = "document.getElementById('aiserver-why') !== null"
"""JavaScript for whether the page that waits is the one that is shown."""

_BECOME: Final = (
    "((language, heading, why) => {"
    " document.getElementById('aiserver-why').textContent = why;"
    " document.getElementById('aiserver-what').textContent = document.title = heading;"
    " document.documentElement.lang = language; })"
)
"""On any other page it fails before it does anything."""

_PAGE: Final = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ground: #f5f6f9; --text: #1f242f; --soft: #5b6375; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ground: #11141b; --text: #eceef3; --soft: #a9b1c2; }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; text-align: center;
  background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }}
main {{ animation: come .3s .4s both; padding: 2rem; }}
h1 {{ font-size: 1.3rem; font-weight: 600; }}
p {{ color: var(--soft); max-width: 40rem; overflow-wrap: anywhere; }}
@keyframes come {{ from {{ opacity: 0; }} }}
@media (prefers-reduced-motion: reduce) {{ main {{ animation: none; }} }}
</style>
<main><h1 id="aiserver-what">{title}</h1><p id="aiserver-why" role="status">{why}</p></main>
"""
"""It appears with a delay, so that it does not flash before a running module's page."""


def page(title: str, why: Text, language: Language) -> str:
    """The page that says that the module *title* is not ready yet."""
    heading = _heading(title).render(language)
    return _PAGE.format(
        language=language, title=html.escape(heading), why=html.escape(why.render(language))
    )


def script(title: str, why: Text, language: Language) -> str:
    """The script that replaces the current page with `page`."""
    arguments = json.dumps([language, _heading(title).render(language), why.render(language)])
    return f"{_BECOME}(...{arguments})"


def _heading(title: str) -> Text:
    return Text("{title} is not ready yet", title=title)


def reason(snapshot: Json | None, name: str) -> Text:
    """Why the module *name* is not ready, as far as one knows."""
    if snapshot is None:
        return Text("AI-Server Tray is not responding. This page is waiting for it")
    module = module_of(snapshot, name)
    if module is None:
        return Text("There is no such module any more")
    why = _REASONS[module["state"]]
    return Text("{why} ({reason})", why=why, reason=module["reason"]) if module["reason"] else why


def module_of(snapshot: Json | None, name: str) -> Json | None:
    """The module *name* in *snapshot*."""
    modules = snapshot["modules"] if snapshot else ()
    return next((one for one in modules if one["name"] == name), None)


def may_answer(snapshot: Json | None, name: str) -> bool:
    """Whether to contact the module *name*: otherwise another program may be at its address."""
    return _state(snapshot, name) in ("running", "degraded")


def is_doubtful(snapshot: Json | None, name: str) -> bool:
    """Whether the shown page of the module *name* may be dead. If that is unknown, it stays."""
    return snapshot is not None and _state(snapshot, name) != "running"


def is_gone(snapshot: Json | None, name: str) -> bool:
    """Whether the page is certainly dead, whatever else may respond at its address."""
    return snapshot is not None and _state(snapshot, name) in ("stopped", None)


def _state(snapshot: Json | None, name: str) -> str | None:
    module = module_of(snapshot, name)
    return module["state"] if module else None


def answers(url: str) -> bool:
    """Whether there is a page at *url*."""
    try:
        return _status(url) not in _NOT_YET
    except (OSError, HTTPException, ValueError):  # the last kind is for invalid addresses
        return False


def _status(url: str) -> int:
    address = urlsplit(url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS)
    with closing(connection):
        connection.request("GET", quote(address.path or "/", safe=_PLAIN))
        return connection.getresponse().status
