"""What the dashboard's page can call, and how it hears of what is new.

The page gets nothing but the one function `Bridge.invoke`, and that by `Window.expose`: of a
``js_api`` object, pywebview would let a page walk along any attributes, private ones too, and
call what it finds at their end.
"""

import logging
from collections.abc import Callable
from typing import Final

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.contract.contract import GOTO_EVENT, Envelope, Json, answer
from aiserver_tray.system.open_url import open_url
from aiserver_tray.window.host_connection import HostConnection
from aiserver_tray.window.outbox import LOST_EVENT
from aiserver_tray.window.publisher import Publisher

READY: Final = "ai/ui/ready"
"""The page is there; answered with ``{snapshot, page, language}``, and from then on it is told of
what is new by ``aiserver.receive([[event, payload], …])``. ``snapshot`` null: there is no host."""

VISIBLE: Final = "ai/ui/visible"
"""``{visible}``: whether somebody sees the page."""

log = logging.getLogger(__name__)


class Bridge:
    """``page``: where the page is to begin."""

    def __init__(self, connection: HostConnection, publisher: Publisher, *, page: str) -> None:
        self._connection = connection
        self._publisher = publisher
        self._page = page
        self._own: dict[str, Callable[[Json], Envelope]] = {
            READY: self._ready,
            VISIBLE: self._visible,
            "ai/logs/client/append": self._append,
            "ai/system/openExternal": self._open,
        }

    def invoke(self, *arguments: object) -> Envelope:
        """The contract's answer to a channel and its payload, which are what a page may call with.
        Blocks until there is one, and never raises."""
        try:
            channel, payload = _asked(arguments)
            own = self._own.get(channel)
            return own(payload or {}) if own else self._connection.call(channel, payload)
        except AiServerError as error:
            return {"success": False, **error.as_json(self._connection.language)}
        except Exception as bug:  # noqa: BLE001 - the page gets no traceback, the log does
            log_bug(log, "a request of the page failed", bug)
            return {"success": False, **bug_error(bug).as_json(self._connection.language)}

    def refusal(self) -> Envelope:
        """The answer to a page that is not ours."""
        error = _refused(Text("the page is not ours"))
        return {"success": False, **error.as_json(self._connection.language)}

    def goto(self, page: str) -> None:
        """Have the page show *page*."""
        self._page = page
        self._publisher.put(GOTO_EVENT, {"page": page})

    def heard(self, event: str, payload: Json) -> None:
        """An event came from the host.

        Raises:
            OutOfStepError: it needs the whole state first.
        """
        self._publisher.put(event, payload)

    def found(self, snapshot: Json) -> None:
        """There is a host of the core; this is the whole state."""
        self._publisher.renew(snapshot)

    def lost(self) -> None:
        """There is none any more."""
        self._publisher.renew(None)
        self._publisher.put(LOST_EVENT, {})

    def _ready(self, _payload: Json) -> Envelope:
        found = self._connection.call("ai/snapshot/get")
        snapshot = found["data"] if found["success"] else None
        self._publisher.begin(snapshot)
        return answer(snapshot=snapshot, page=self._page, language=self._connection.language)

    def _visible(self, payload: Json) -> Envelope:
        if payload.get("visible"):
            self._publisher.resume()
        else:
            self._publisher.pause()
        return answer()

    def _append(self, payload: Json) -> Envelope:
        given = self._connection.call("ai/logs/client/append", payload)
        if not given["success"]:
            log.error("the page says: %s", str(payload.get("message"))[:20_000])
        return given

    def _open(self, payload: Json) -> Envelope:
        url = payload.get("url")
        if not isinstance(url, str):
            raise _refused(Text("an address is needed"), "url")
        open_url(url)
        return answer()


def _asked(arguments: tuple[object, ...]) -> tuple[str, Json | None]:
    match arguments:
        case [str(channel)] | [str(channel), None]:
            return channel, None
        case [str(channel), dict(payload)]:
            return channel, payload
    raise _refused(Text("a channel and its payload are needed"))


def _refused(why: Text, *fields: str) -> RequestError:
    return RequestError(why, fields)
