"""Who may use browser mode: the browser that was given the address, at that address."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiserver_tray.base.errors import AccessError
from aiserver_tray.base.i18n import Text

BELOW: Final = "/browser/"
"""What a page's path begins with; the page knows by it that there is no window's bridge."""


_OWN_PORTS: Final = {"http": 80, "https": 443}


def host_at(scheme: str, name: str, port: int) -> str:
    """The machine *name* as browsers write it, which leave out the port of the *scheme* itself."""
    host = f"[{name}]" if ":" in name else name
    return host if port == _OWN_PORTS[scheme] else f"{host}:{port}"


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Keys:
    """The secrets of browser mode. ``token`` is in the address that is given to the user; who comes
    with it gets a cookie with ``session``. ``page``: a segment of the page's path."""

    token: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)
    page: str = field(default_factory=_secret, repr=False)


@dataclass(frozen=True)
class Access:
    """``scheme`` and ``hosts`` (``127.0.0.1:8080``) are where the page is."""

    scheme: str
    hosts: frozenset[str]
    port: int
    keys: Keys = field(default_factory=Keys)
    _invitations: set[str] = field(default_factory=set, repr=False)

    @property
    def path(self) -> str:
        """Where the page is."""
        return f"{BELOW}{self.keys.page}/"

    @property
    def cookie(self) -> str:
        """Its name. Browsers do not keep the cookies of two ports apart: they would replace each
        other. Nor do they keep it from who listens at another port; that nobody can guess its path
        does."""
        return f"aiserver-{self.port}"

    def check_address(self, environ: Mapping[str, Any]) -> None:
        """Let nobody in from another site: neither by a name that leads here, nor by its own page.

        Raises:
            AccessError: the request is from elsewhere.
        """
        host = environ.get("HTTP_HOST")
        if host not in self.hosts:
            raise AccessError(Text("the request used another host name"))
        origin = environ.get("HTTP_ORIGIN")
        needs_origin = environ["REQUEST_METHOD"] not in ("GET", "HEAD")
        if (origin or needs_origin) and origin != f"{self.scheme}://{host}":
            raise AccessError(Text("the request came from another page"))
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
            raise AccessError(Text("the request came from another page"))

    def invite(self) -> str:
        """A token that is good for one visit."""
        token = _secret()
        self._invitations.add(token)
        return token

    def admits(self, token: str) -> bool:
        """Whether it is the token of the address, or one that was not used yet; now it is."""
        try:
            self._invitations.remove(token)
        except KeyError:
            return secrets.compare_digest(token.encode(), self.keys.token.encode())
        return True

    def check_session(self, cookie: str | None) -> None:
        """Let nobody in without the cookie.

        Raises:
            AccessError: it is none, or of an earlier process.
        """
        if not secrets.compare_digest((cookie or "").encode(), self.keys.session.encode()):
            raise AccessError(Text("this browser is not logged in, or `serve` has restarted"))
