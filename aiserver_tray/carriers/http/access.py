"""Access control of browser mode: only the browser that opened the given address, at that
address."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiserver_tray.base.errors import AccessError
from aiserver_tray.base.i18n import Text

BELOW: Final = "/browser/"
"""The first part of a page's path. It tells the page that there is no bridge of a window."""

_OWN_PORTS: Final = {"http": 80, "https": 443}


def host_at(scheme: str, name: str, port: int) -> str:
    """The host *name* as browsers write it: without the default port of the *scheme*."""
    host = f"[{name}]" if ":" in name else name
    return host if port == _OWN_PORTS[scheme] else f"{host}:{port}"


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Keys:
    """The secrets of browser mode. ``token`` is in the address for the user; a request with it gets
    a cookie with ``session``. ``page``: a segment of the page's path."""

    token: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)
    page: str = field(default_factory=_secret, repr=False)


@dataclass(frozen=True)
class Access:
    """``scheme`` and ``hosts`` (``127.0.0.1:8080``) of the page's address."""

    scheme: str
    hosts: frozenset[str]
    port: int
    keys: Keys = field(default_factory=Keys)
    _invitations: set[str] = field(default_factory=set, repr=False)

    @property
    def path(self) -> str:
        return f"{BELOW}{self.keys.page}/"

    @property
    def cookie(self) -> str:
        """The name of the cookie. Browsers do not separate the cookies of two ports, so equal names
        would replace each other. They also send a cookie to any other port; its path, which nobody
        can guess, prevents that."""
        return f"aiserver-{self.port}"

    def check_address(self, environ: Mapping[str, Any]) -> None:
        """Reject requests of other sites, by another host name or from another page.

        Raises:
            AccessError: the request is from elsewhere.
        """
        host = environ.get("HTTP_HOST")
        if host not in self.hosts:
            raise AccessError(Text("the request used another host name"))
        origin = environ.get("HTTP_ORIGIN")
        needs_origin = environ["REQUEST_METHOD"] not in ("GET", "HEAD")
        is_foreign = (origin or needs_origin) and origin != f"{self.scheme}://{host}"
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        if is_foreign or site not in ("none", "same-origin"):
            raise AccessError(Text("the request came from another page"))

    def invite(self) -> str:
        """A token that is good for one visit."""
        token = _secret()
        self._invitations.add(token)
        return token

    def admits(self, token: str) -> bool:
        """Whether this is the token of the address, or an unused one-time token, which is then
        used."""
        try:
            self._invitations.remove(token)
        except KeyError:
            return secrets.compare_digest(token.encode(), self.keys.token.encode())
        return True

    def check_session(self, cookie: str | None) -> None:
        """Reject requests without the cookie.

        Raises:
            AccessError: it is none, or of an earlier process.
        """
        if not secrets.compare_digest((cookie or "").encode(), self.keys.session.encode()):
            raise AccessError(Text("this browser is not logged in, or `serve` has restarted"))
