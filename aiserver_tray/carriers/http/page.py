"""The dashboard's page as an application of bottle: static files, and nothing else."""

import base64
import hashlib
import html
import secrets
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import bottle

from aiserver_tray.base.i18n import Language, Text

INDEX: Final = "index.html"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Suffix -> type. The operating system is not asked: on Windows, its registry may declare scripts
as plain text, and no browser would run them. Other suffixes are not served."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'{more}; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-src 'none'; "
    "frame-ancestors 'none'"
)
BROWSER_POLICY: Final = _POLICY.format(more="")
WINDOW_POLICY: Final = _POLICY.format(more=" 'unsafe-eval'")
"""'unsafe-eval': pywebview creates its bridge with ``new Function``. Our page evaluates nothing."""

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""


def ui_folder() -> Path:
    """The page's files: in the wheel, else in the source tree."""
    packaged = Path(str(files("aiserver_tray"))) / "_data/ui"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "ui"


def page_names() -> list[str]:
    """The pages of the dashboard: each is a script with the name that its addresses begin with."""
    return sorted(script.stem for script in (ui_folder() / "js/pages").glob("*.js"))


_RELOAD: Final = "js/reload.js"
"""Loads the page again when a part of it did not arrive. It is sent within the page, since it may
be that part itself. The policy allows it by its hash."""


class StaticFiles:
    """The files below *folder* that belong to a page. They are listed once: other files do not
    exist, so no path leads out of the folder."""

    def __init__(self, folder: Path) -> None:
        found = (path for path in folder.rglob("*") if path.is_file() and path.suffix in _TYPES)
        self._files = {path.relative_to(folder).as_posix(): path for path in found}

    def response(self, name: str, policy: str) -> bottle.HTTPResponse:
        """The response with the file *name* (empty: `INDEX`), or that it does not exist."""
        path = self._files.get(name or INDEX)
        if path is None:
            return bottle.HTTPResponse("Not found", 404, **headers_with(policy))
        content = path.read_bytes()
        if path.suffix == ".html":
            content, policy = self._with_reload(content, policy)
        return bottle.HTTPResponse(content, 200, **headers_with(policy, _TYPES[path.suffix]))

    def _with_reload(self, page: bytes, policy: str) -> tuple[bytes, str]:
        """*page* with `_RELOAD` in it, if it asks for it, and the policy that allows this."""
        before, link, after = page.partition(b'<script src="%s"></script>' % _RELOAD.encode())
        if not link:
            return page, policy
        script = self._files[_RELOAD].read_bytes()
        digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
        allowed = policy.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")
        return b"%s<script>%s</script>%s" % (before, script, after), allowed


def headers_with(policy: str, type: str = "text/plain; charset=utf-8") -> dict[str, Any]:
    """The headers of a response of this *type*, which may do what *policy* allows."""
    return {**HEADERS, "Content-Type": type, "Content-Security-Policy": policy}


_CLOSED: Final = """\
<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>AI-Server Tray</title>
<h1>{title}</h1>
<p>{why}</p>
<ul><li>{by_menu}<li>{by_command}<li>{by_serve}</ul>
"""


def closed_page(language: Language) -> bottle.HTTPResponse:
    """The response to a person whose page or address is of an earlier process."""
    texts = {
        "title": Text("Open the dashboard again"),
        "why": Text(
            "This address is no longer valid, because the applet has restarted. Nothing is lost."
        ),
        "by_menu": Text("With an icon: choose “Open dashboard” in its menu."),
        "by_command": Text("In a terminal: run `aiserver-tray open`."),
        "by_serve": Text("If you use `aiserver-tray serve`, open the address that it printed."),
    }
    words = {name: html.escape(text.render(language)) for name, text in texts.items()}
    headers = headers_with(BROWSER_POLICY, _TYPES[".html"])
    return bottle.HTTPResponse(_CLOSED.format(language=language, **words), 401, **headers)


class Page:
    """The page for the dashboard's window. ``app``: a WSGI application for a server on 127.0.0.1.
    The page is at ``path`` of it, whose first segment no one else on this machine can guess;
    everything else is not found. Only requests for the very address of the server are answered."""

    def __init__(self, folder: Path | None = None) -> None:
        self._files = StaticFiles(folder or ui_folder())
        self.path = f"/{secrets.token_urlsafe(24)}/"
        self.app = bottle.Bottle()
        self.app.route("/<path:path>", ["GET", "HEAD"], self._serve)
        self.app.route("/", ["GET", "HEAD"], self._serve)
        self.app.default_error_handler = _plain_error

    def _serve(self, path: str = "") -> bottle.HTTPResponse:
        asked, own = f"/{path}", self.path
        environ = bottle.request.environ
        is_ours = environ.get("HTTP_HOST") == f"127.0.0.1:{environ['SERVER_PORT']}"
        if not is_ours or not secrets.compare_digest(asked[: len(own)].encode(), own.encode()):
            return bottle.HTTPResponse("Not found", 404, **headers_with(WINDOW_POLICY))
        return self._files.response(asked[len(own) :], WINDOW_POLICY)


def _plain_error(error: bottle.HTTPError) -> str:
    """The response to requests that bottle itself rejects. bottle's own page would quote the
    request."""
    for name, value in headers_with(WINDOW_POLICY).items():
        bottle.response.set_header(name, value)
    return str(error.status_line)
