"""The bridge between the dashboard's page and Python.

The page can call only the function `Bridge.invoke`, through `Window.expose`. With a ``js_api``
object, pywebview would let a page follow any attributes, even private ones, and call the objects at
their ends.
"""

import logging
from collections.abc import Callable
from typing import Final, Literal, TypedDict

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, RequestError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.features.app.system import APPEND, SystemChannels
from aiserver_tray.protocol.channel import Payload, channel, dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Event, Json, Message, Peer, refusal
from aiserver_tray.window.owner_connection import OwnerConnection
from aiserver_tray.window.publisher import Publisher

Dialog = Literal["folder", "open", "save"]

_logger = logging.getLogger(__name__)


class Visibility(Payload):
    """Whether the page is visible."""

    visible: bool


class Beginning(TypedDict):
    """Where the page begins."""

    page: str
    """the page of the dashboard to show"""
    language: Language


class PageEvent(TypedDict):
    """A page of the dashboard."""

    page: str


class PickedFolder(TypedDict):
    """A folder that the user chose."""

    folder: str | None
    """`null`: none"""


class FileToPick(Payload):
    """A file to choose."""

    name: str | None = None
    """suggested for a file to write; without it, one that exists is chosen"""


class PickedFile(TypedDict):
    """A file that the user chose."""

    file: str | None
    """its path; `null`: none"""


class NoFields(TypedDict):
    """No field."""


GOTO: Final = Event("ai/ui/goto", PageEvent, "Show this page.", key=lambda _: "", source="window")
LOST: Final = Event(
    "ai/ui/lost",
    NoFields,
    "There is no owner of the core; the next snapshot means that there is one again.",
    key=lambda _: "",
    source="window",
)


class Bridge:
    """``page``: where the page is to begin; ``pick``: lets the user choose a path in a dialog, for
    which it gets the suggested name, and blocks until then."""

    def __init__(
        self,
        connection: OwnerConnection,
        publisher: Publisher,
        *,
        page: str,
        pick: Callable[[Dialog, str], str | None],
    ) -> None:
        self._pick = pick
        self._connection = connection
        self._publisher = publisher
        self._page = page
        # Links open from here, so that they also do without an owner.
        self._handlers = handlers_of([self, SystemChannels()])

    def invoke(self, *arguments: object) -> Envelope:
        """Call a channel with a payload from the page, and return the contract's response. Blocks
        until there is one, and never raises."""
        try:
            return self._answer(*_asked(arguments))
        except AiServerError as error:
            return refusal(error, self._connection.language)
        except Exception as bug:  # noqa: BLE001 - the page gets an answer in any case
            log_bug(_logger, "a request of the page failed", bug)
            return refusal(bug_error(bug), self._connection.language)

    def _answer(self, name: str, payload: Json | None) -> Envelope:
        if name == APPEND or name not in self._handlers:
            answer = self._connection.call(name, payload)
            if answer["success"] or name != APPEND:
                return answer
        return dispatch(self._handlers, name, payload, self._caller)

    def refusal(self) -> Envelope:
        """The response to a page that does not belong to us."""
        why = Text("the page does not belong to AI-Server Tray")
        return refusal(RequestError(why), self._connection.language)

    def goto(self, page: str) -> None:
        """Have the page show *page*."""
        self._page = page
        self._publisher.put(GOTO.message({"page": page}))

    def heard(self, message: Message) -> None:
        """An event came from the owner."""
        self._publisher.put(message)

    def lost(self) -> None:
        """The owner is gone."""
        self._publisher.lost(LOST.message({}))

    @property
    def _caller(self) -> Caller:
        language = self._connection.language
        return Caller(Peer("window", language, self._publisher.put), language)

    @channel("ai/ui/ready", callers=["window"])
    def _ready(self) -> Beginning:
        """Report that the page is ready: from now on it gets events."""
        self._publisher.begin()
        return {"page": self._page, "language": self._connection.language}

    @channel("ai/ui/pickFolder", callers=["window"])
    def _folder(self) -> PickedFolder:
        """Let the user choose a folder. Answers when the dialog is closed."""
        return {"folder": self._pick("folder", "")}

    @channel("ai/ui/pickFile", callers=["window"])
    def _file(self, asked: FileToPick) -> PickedFile:
        """Let the user choose a file to open, or to write. Answers when the dialog is closed."""
        return {"file": self._pick("save" if asked.name else "open", asked.name or "")}

    @channel("ai/ui/visible", callers=["window"])
    def _visible(self, asked: Visibility) -> None:
        """Report whether the page is visible: events wait while it is not."""
        if asked.visible:
            self._publisher.resume()
        else:
            self._publisher.pause()


def _asked(arguments: tuple[object, ...]) -> tuple[str, Json | None]:
    match arguments:
        case [str(channel)] | [str(channel), None]:
            return channel, None
        case [str(channel), dict(payload)]:
            return channel, payload
    raise RequestError(Text("expected a channel and its payload"))
