"""The carriers of the contract, each as its own clients use it."""

import json
import uuid
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final, Protocol

from aiserver_tray.base.i18n import Language
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.carriers.inside import Inside
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.protocol.message import CallerKind, Contract, Envelope, Message, owner_events
from aiserver_tray.system.paths import Home
from tests.contract.heard import Heard
from tests.support.desktop.window import Window
from tests.support.limits import LIMIT
from tests.support.visitor import Listener, Visitor
from tests.support.waiting import eventually


class Carrier(Protocol):
    """A client of the core, over one carrier. ``heard``: its events; ``kind``: what it is to the
    core; ``own_channels``: those that the carrier answers itself."""

    heard: Heard
    kind: CallerKind
    own_channels: frozenset[str]

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        """The answer; from any thread."""

    def close(self) -> None:
        """Leave."""


class _Command:
    """As the command line does, with *client*."""

    kind: CallerKind = "command"
    own_channels = frozenset[str]()

    def __init__(self, client: Client | Inside) -> None:
        self._client = client
        self.heard = Heard()
        self._client.subscribe(owner_events(), self._take)
        self.close = self._client.close

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        return self._client.call(channel, payload)

    def _take(self, message: Message) -> None:
        self.heard.take(message.event, json.loads(message.payload))


class ControlChannel(_Command):
    """With an owner in another process."""

    def __init__(self, home: Home, language: Language) -> None:
        super().__init__(Client.connect(home, self.kind, language=language))


class InProcess(_Command):
    """Without an owner."""

    def __init__(self, contract: Contract, language: Language) -> None:
        super().__init__(Inside(contract, self.kind, language))


class Http:
    """As a page in a browser does: the cookie, calls, and one stream of server-sent events."""

    kind: CallerKind = "browser"
    own_channels = frozenset[str]()

    def __init__(self, contract: Contract, language: Language) -> None:
        self._server = BrowserServer(contract, Binding(), language)
        self._visitor = Visitor(self._server.address, LIMIT)
        self._visitor.enter()
        self.heard = Heard()
        self._listener = Listener(self._visitor, "page")
        self._reader = Thread(target=self._read, name="events")
        self._reader.start()

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        call = {"channel": channel, "payload": payload, "client": "page"}
        answer = self._visitor.invoke(call)
        assert answer.status == 200, answer
        return answer.json

    def close(self) -> None:
        self._server.close()
        self._reader.join()
        self._listener.close()

    def _read(self) -> None:
        with suppress(EOFError, OSError):  # the server ends the stream
            while True:
                self.heard.take(*self._listener.hear())


class JsBridge:
    """As the page in the dashboard's window does, in that page."""

    kind: CallerKind = "window"
    own_channels = frozenset({"ai/system/openExternal"})

    _LISTEN: Final = """
        if (!window.heard) {
          window.heard = []; window.answers = [];
          const receive = aiserver.receive;
          aiserver.receive = (all) => { heard.push(...all); receive(all); };
        }
        heard.length = answers.length = 0;
    """
    _POLL_SECONDS: Final = 0.03

    def __init__(self, window: Window) -> None:
        self._window = window
        self._calls: dict[str, Future[Envelope]] = {}
        self._closing = Event()
        self.heard = Heard()
        eventually(lambda: window.js("!!window.aiserver"), "the page")
        window.js(self._LISTEN)
        self._reader = Thread(target=self._read, name="page")
        self._reader.start()
        # A new page gets the state.
        assert self.invoke("ai/ui/ready")["success"]
        eventually(self._is_up_to_date, "the window's connection")

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        id = uuid.uuid4().hex
        answer = self._calls[id] = Future()
        call = ", ".join(map(json.dumps, (channel, payload)))
        self._window.js(
            f"pywebview.api.invoke({call}).then((answer) => answers.push(['{id}', answer])); 1"
        )
        return answer.result(LIMIT)

    def close(self) -> None:
        self._closing.set()
        self._reader.join()

    def _is_up_to_date(self) -> bool:
        """Whether the page has the snapshot of the core that the window is connected to now."""
        found = self.invoke("ai/snapshot/get")["data"]
        return bool(found) and found == self.heard.snapshot

    def _read(self) -> None:
        while not self._closing.wait(self._POLL_SECONDS):
            events, answers = self._window.js("[heard.splice(0), answers.splice(0)]")
            for event, payload in events:
                self.heard.take(event, payload)
            for id, answer in answers:
                self._calls.pop(id).set_result(dict(answer))
