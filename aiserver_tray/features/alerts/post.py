"""One request to a web address, with an end. Apart from `webhook`, because it takes a while to
import, and most homes have no webhook."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.registry import TrustingAdapter

SECONDS = 10.0
"""For the connection, and then for the whole answer, however slowly it comes."""
_MAX_ANSWER: Final = 500
"""Bytes of an answer that are shown."""
_MAX_RETRY_SECONDS: Final = 3600.0
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Answer:
    """What the address answered. ``status`` None: nothing, and ``text`` says why."""

    status: int | None
    text: Text
    retry_seconds: float = 0.0
    """How long the address wants no further request, as its ``Retry-After`` says."""

    @property
    def is_ok(self) -> bool:
        """Whether it took the message."""
        return self.status is not None and self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may take the message later."""
        is_busy = self.status == HTTPStatus.TOO_MANY_REQUESTS
        return self.status is None or is_busy or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def post(address: str, body: Mapping[str, Any], certificates: str) -> Answer:
    """Send *body* as JSON to *address* once, which may have a certificate of the authorities in
    *certificates*. Raises nothing."""
    limit = _Limit(certificates)
    try:
        with limit, requests.Session() as session:
            # A proxy has its own loopback.
            session.trust_env = urlsplit(address).hostname not in _LOOPBACK
            for scheme in ("http://", "https://"):
                session.mount(scheme, limit)
            options: Any = {"timeout": SECONDS, "allow_redirects": False, "stream": True}
            with session.post(address, json=body, **options) as answer:
                if not limit.is_over:  # otherwise its head was cut, which is no error there
                    pause = _retry_seconds(answer.headers)
                    return Answer(answer.status_code, _text(answer), pause)
    except requests.exceptions.SSLError:
        return Answer(None, Text("its certificate is not valid"))
    except (requests.RequestException, OSError, ValueError) as error:
        if not limit.is_over and not isinstance(error, requests.Timeout):
            # The error itself quotes the address, which is a secret.
            return Answer(None, Text("it can't be reached"))
    return Answer(None, Text("no answer within {count} s", count=round(SECONDS)))


def _retry_seconds(headers: Mapping[str, str]) -> float:
    """What ``Retry-After`` says: seconds, or a date (RFC 9110, section 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value), _MAX_RETRY_SECONDS)
    try:
        left = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # it is none, or without a zone
        return 0.0
    return max(0.0, min(left, _MAX_RETRY_SECONDS))


def _text(answer: requests.Response) -> Text:
    if answer.is_redirect:
        return Text("it leads to another address. Set that one instead")
    return Text("{why}", why=_beginning(answer))


def _beginning(answer: requests.Response) -> str:
    """Nothing if the text does not come: the status, which is there, says whether it is taken."""
    with suppress(HTTPError, OSError):
        found: bytes = answer.raw.read(_MAX_ANSWER, decode_content=True)
        return found.decode(errors="replace").strip()
    return ""


class _Limit(TrustingAdapter):
    """Ends each connection `SECONDS` after it was opened. The time-out of requests begins again
    with each byte."""

    def __init__(self, certificates: str) -> None:
        super().__init__(certificates)
        self.is_over = False
        self._timers: list[Timer] = []

    def __enter__(self) -> "_Limit":
        return self

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()

    def get_connection_with_tls_context(self, *given: Any, **options: Any) -> Any:  # noqa: ANN401
        pool = super().get_connection_with_tls_context(*given, **options)
        kinds = (_Watched, pool.ConnectionCls)
        pool.ConnectionCls = type("Connection", kinds, {"opened": self._opened})
        return pool

    def _opened(self, connection: socket) -> None:
        timer = Timer(SECONDS, self._end, [connection])
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _end(self, connection: socket) -> None:
        self.is_over = True
        with suppress(OSError):  # it has just ended
            # Of the socket itself: closing TLS first would wait for the other side.
            socket.shutdown(connection, SHUT_RDWR)


class _Watched:
    """A connection of urllib3 that reports its socket to ``opened``."""

    opened: Any
    sock: socket

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.opened(self.sock)
