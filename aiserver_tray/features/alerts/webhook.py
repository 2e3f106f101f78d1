"""Sending alerts to a web address that the user chose: as JSON, or to ntfy."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.rules import KINDS

if TYPE_CHECKING:
    from aiserver_tray.features.alerts.post import Answer

Format = Literal["json", "ntfy"]

_RETRY_SECONDS: Final = (2.0, 10.0, 60.0)
"""Seconds before each further attempt."""
_MAX_WAITING: Final = 50
"""Messages that wait for an address that does not answer."""
_HIGH, _DEFAULT = 4, 3
"""Priorities of ntfy (https://docs.ntfy.sh/publish/#message-priority)."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """An address with its secrets, which no log gets."""

    address: str
    format: Format
    certificates: str = ""
    """Of authorities that are trusted beside the public ones."""

    def __repr__(self) -> str:
        return "Target()"


def message(news: News, language: Language) -> dict[str, Any]:
    """*news* in the form of the generic webhook."""
    alert = news.alert
    return {
        "app": "AI-Server Tray",
        "event": news.kind,
        "id": news.id,
        "rule": alert.rule,
        "kind": alert.kind,
        "module": alert.module,
        "service": news.service,
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
    is_bad = message["event"] in ("raised", "changed")
    is_urgent = is_bad and KINDS[message["kind"]].severity > 1
    module = message.get("module")
    return {
        "topic": topic,
        "title": message["title"],
        "message": message["text"],
        "priority": _HIGH if is_urgent else _DEFAULT,
        "tags": ["warning" if is_bad else "white_check_mark", *([module] if module else [])],
    }


def send(target: Target, message: Mapping[str, Any]) -> "Answer":
    """Send *message* once. Blocks for some seconds at most, and raises nothing."""
    from aiserver_tray.features.alerts.post import post  # noqa: PLC0415 - as that module says

    if target.format == "json":
        return post(target.address, message, target.certificates)
    parts = urlsplit(target.address)
    folder, _, topic = parts.path.rstrip("/").rpartition("/")
    address = urlunsplit(parts._replace(path=folder or "/"))
    return post(address, ntfy(message, topic), target.certificates)


@dataclass(eq=False)
class _Waiting:
    """A message that is to be sent, at the time ``due`` (monotonic seconds) or later."""

    message: Mapping[str, Any]
    due: float = 0.0
    attempts: int = 0


class Sender:
    """Sends messages in a thread of its own, and tries again where the address does not take one.
    Others are sent meanwhile, but for those about the same alert, which stay in order. *target*
    gives the address when it is needed; None: there is none."""

    def __init__(self, target: Callable[[], Target | None]) -> None:
        self._target = target
        self._waiting: list[_Waiting] = []
        self._changed = Condition()
        self._is_closed = False
        self._thread: Thread | None = None

    def put(self, message: Mapping[str, Any]) -> None:
        """Send *message*, soon. If too many wait, the oldest is dropped."""
        with self._changed:
            self._waiting = [*self._waiting, _Waiting(message)][-_MAX_WAITING:]
            self._changed.notify_all()
        if self._thread is None:
            self._thread = Thread(target=self._run, name="webhook", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Send nothing any more, and wait for nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while one := self._next():
            try:
                is_over = self._send(one)
            except Exception as bug:  # noqa: BLE001 - the next message may be sent
                log_bug(_logger, "sending an alert failed", bug)
                is_over = True
            with self._changed:
                if is_over and one in self._waiting:
                    self._waiting.remove(one)

    def _next(self) -> _Waiting | None:
        """The next message, once it is due; None at the end."""
        with self._changed:
            while not self._is_closed:
                now = monotonic()
                first: dict[object, _Waiting] = {}
                for one in self._waiting:
                    first.setdefault(one.message.get("id", id(one)), one)
                due = min(first.values(), key=lambda one: one.due, default=None)
                if due and due.due <= now:
                    return due
                self._changed.wait(due.due - now if due else None)
        return None

    def _send(self, one: _Waiting) -> bool:
        """Whether nothing more is to be done for this message."""
        if (target := self._target()) is None or (answer := send(target, one.message)).is_ok:
            return True
        _logger.warning("the webhook did not take an alert: %s", answer.status or answer.text)
        if not answer.may_be_repeated or one.attempts >= len(_RETRY_SECONDS):
            return True
        one.due = monotonic() + max(_RETRY_SECONDS[one.attempts], answer.retry_seconds)
        one.attempts += 1
        return False
