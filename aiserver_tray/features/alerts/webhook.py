"""Sending alerts to a web address that the user chose: as JSON, or to ntfy."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.rules import KINDS

Format = Literal["json", "ntfy"]

_TIMEOUT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = (2.0, 10.0, 60.0)
"""Seconds before each further attempt."""
_MAX_WAITING: Final = 50
"""Messages that wait for an address that does not answer."""
_MAX_ANSWER: Final = 500
"""Bytes of an answer that are shown."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_HIGH, _DEFAULT = 4, 3
"""Priorities of ntfy (https://docs.ntfy.sh/publish/#message-priority)."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """An address with its secrets, which no log gets."""

    address: str
    format: Format

    def __repr__(self) -> str:
        return "Target()"


@dataclass(frozen=True)
class Answer:
    """What the address answered. ``status`` None: nothing, and ``text`` says why."""

    status: int | None
    text: Text

    @property
    def is_ok(self) -> bool:
        """Whether it took the message."""
        return self.status is not None and self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may take the message later."""
        is_busy = self.status == HTTPStatus.TOO_MANY_REQUESTS
        return self.status is None or is_busy or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def message(news: News, language: Language) -> dict[str, Any]:
    """*news* in the form of the generic webhook."""
    alert = news.alert
    return {
        "app": "AI-Server Tray",
        "event": news.kind,
        "id": alert.id,
        "rule": alert.rule,
        "kind": alert.kind,
        "module": alert.module,
        "service": alert.service,
        "title": news.title.render(language),
        "text": news.text.render(language),
        "begun": alert.begun,
        "ended": alert.ended,
    }


def trial(language: Language) -> dict[str, Any]:
    """A message that only says that it arrives."""
    return {
        "app": "AI-Server Tray",
        "event": "test",
        "title": Text("AI-Server Tray: a test").render(language),
        "text": Text("Alerts of this computer arrive here.").render(language),
    }


def ntfy(message: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """*message* in the JSON of ntfy (https://docs.ntfy.sh/publish/#publish-as-json)."""
    is_bad = message["event"] == "raised"
    is_urgent = is_bad and KINDS[message["kind"]].severity > 1
    module = message.get("module")
    return {
        "topic": topic,
        "title": message["title"],
        "message": message["text"],
        "priority": _HIGH if is_urgent else _DEFAULT,
        "tags": ["warning" if is_bad else "white_check_mark", *([module] if module else [])],
    }


def send(target: Target, message: Mapping[str, Any]) -> Answer:
    """Send *message* once. Blocks for some seconds at most, and raises nothing."""
    import requests  # noqa: PLC0415 - takes a while to import, and most homes have no webhook

    address, body = target.address, message
    if target.format == "ntfy":
        parts = urlsplit(address)
        folder, _, topic = parts.path.rstrip("/").rpartition("/")
        address = urlunsplit(parts._replace(path=folder or "/"))
        body = ntfy(message, topic)
    try:
        with requests.Session() as session:
            # A proxy has its own loopback.
            session.trust_env = urlsplit(address).hostname not in _LOOPBACK
            options: Any = {"timeout": _TIMEOUT_SECONDS, "allow_redirects": False, "stream": True}
            with session.post(address, json=body, **options) as answer:
                text = answer.raw.read(_MAX_ANSWER, decode_content=True).decode(errors="replace")
                return Answer(answer.status_code, Text("{why}", why=text.strip()))
    except requests.Timeout:
        return Answer(None, Text("no answer within {count} s", count=round(_TIMEOUT_SECONDS)))
    except requests.exceptions.SSLError:
        return Answer(None, Text("its certificate is not valid"))
    except (requests.RequestException, OSError, ValueError):
        # The error itself quotes the address, which is a secret.
        return Answer(None, Text("it can't be reached"))


class Sender:
    """Sends messages in a thread of its own, one after the other, and tries again where the address
    does not take one. *target* gives the address when it is needed; None: there is none."""

    def __init__(self, target: Callable[[], Target | None]) -> None:
        self._target = target
        self._messages: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._closing = Event()
        self._thread: Thread | None = None

    def put(self, message: Mapping[str, Any]) -> None:
        """Send *message*, soon. If too many wait, the oldest is dropped."""
        if self._messages.qsize() >= _MAX_WAITING:
            with suppress(Empty):  # it is just sent
                self._messages.get_nowait()
        self._messages.put(message)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="webhook", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Send nothing any more, and wait for nothing."""
        self._closing.set()
        self._messages.put(None)

    def _run(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                self._send(message)
            except Exception as bug:  # noqa: BLE001 - the next message may be sent
                log_bug(_logger, "sending an alert failed", bug)

    def _send(self, message: Mapping[str, Any]) -> None:
        for pause in (0.0, *_RETRY_SECONDS):
            if self._closing.wait(pause):
                return
            if (target := self._target()) is None or (answer := send(target, message)).is_ok:
                return
            _logger.warning("the webhook did not take an alert: %s", answer.status or answer.text)
            if not answer.may_be_repeated:
                return
