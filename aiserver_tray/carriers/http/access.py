"""Access control of browser mode: only the browser that opened the given address, at that
address."""

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict

from aiserver_tray.base.errors import AccessError
from aiserver_tray.base.i18n import Text

BELOW: Final = "/browser/"
"""The first part of a page's path. It tells the page that there is no bridge of a window."""

RETURN: Final = "/return"
"""Where a page of an earlier process shows its ticket."""

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
    a cookie with ``session``. ``page``: a segment of the page's path. ``home``: the key of the home
    folder, which makes `Tickets` valid in the next process, too."""

    token: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)
    page: str = field(default_factory=_secret, repr=False)
    home: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


class Ticket(TypedDict):
    """Lets a page return to a later process. ``until``: Unix time; ``key``: as JSON Web Keys have
    it."""

    until: int
    key: str


TICKET_SECONDS: Final = 24 * 60 * 60
"""A page renews its ticket each hour. So this is how long the owner may be gone."""


class Tickets:
    """Pages that were logged in return after a restart of the owner. Another program may have their
    port by then. So a page sends no secret: it signs ``challenge`` and its own address with the
    ticket's key. That signature is worth nothing to another server, and at another address.
    *key*: that of the home folder. *now* replaces the clock."""

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._now = now
        self.challenge = _secret()

    def issue(self) -> Ticket:
        """A ticket for a page that is logged in."""
        until = int(self._now()) + TICKET_SECONDS
        key = base64.urlsafe_b64encode(self._key_of(str(until)))
        return {"until": until, "key": key.decode().rstrip("=")}

    def check(self, until: str, proof: str, origin: str) -> None:
        """Reject a page at *origin* without a valid ticket.

        Raises:
            AccessError: it is too old, or *proof* was not made with its key for this server.
        """
        signed = f"{self.challenge} {origin}".encode()
        expected = base64.b64encode(hmac.digest(self._key_of(until), signed, "sha256"))
        is_valid = secrets.compare_digest(proof.encode(), expected)
        if not is_valid or int(until) < self._now():
            raise AccessError(Text("this browser is not logged in, or `serve` has restarted"))

    def _key_of(self, until: str) -> bytes:
        return hmac.digest(self._key, f"browser ticket until {until}".encode(), "sha256")


@dataclass(frozen=True)
class Access:
    """``scheme`` and ``hosts`` (``127.0.0.1:8080``) of the page's address. ``tickets``: None, if a
    restart shall lock everybody out."""

    scheme: str
    hosts: frozenset[str]
    port: int
    keys: Keys = field(default_factory=Keys)
    tickets: Tickets | None = None
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
