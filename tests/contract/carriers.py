"""The three carriers of the contract, each as its own clients use it."""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiserver_tray.contract import EVENTS, SNAPSHOT_EVENT, Contract, Envelope, Json
from aiserver_tray.control.client import Client
from aiserver_tray.host.paths import Home
from aiserver_tray.i18n import Language
from aiserver_tray.web.server import Binding, BrowserServer
from tests.contract.heard import LIMIT, Heard, Payloads
from tests.support.desktop.window import Window
from tests.support.waiting import eventually


class Carrier(Protocol):
    """A client of the host, over one carrier."""

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        """The answer; from any thread."""

    def events(self, name: str) -> Payloads:
        """The payloads of the event *name* from now on; those of snapshots begin with a whole
        one."""

    def close(self) -> None:
        """Leave."""


class ControlChannel:
    """As the command line does."""

    def __init__(self, home: Home, language: Language) -> None:
        self._client = Client.connect(home, "tray", language=language)
        self._heard = Heard()
        self._client.subscribe(EVENTS, self._heard.take)
        self.events = self._heard.listen
        self.close = self._client.close

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        return self._client.call(channel, payload)


class Http:
    """As a page in a browser does: the cookie, calls, and one stream of server-sent events."""

    def __init__(self, contract: Contract, language: Language) -> None:
        self._server = BrowserServer(contract, Binding(), language)
        parts = urlsplit(self._server.address)
        self._place = parts.netloc
        entered = self._ask("GET", f"/?{parts.query}")
        entered.read()
        cookie = str(entered.headers["Set-Cookie"]).partition(";")[0]
        self._page = entered.headers["Location"]
        self._headers = {"Cookie": cookie, "Origin": f"http://{self._place}"}
        self._name = uuid.uuid4().hex
        self._heard = Heard()
        self.events = self._heard.listen
        self._stream = self._ask("GET", f"{self._page}events?client={self._name}")
        self._take(self._stream.readline())  # from here on, the host knows us
        self._reader = Thread(target=self._read, name="events")
        self._reader.start()

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        asked = {"channel": channel, "payload": payload, "client": self._name}
        answer = self._ask("POST", f"{self._page}invoke", json.dumps(asked))
        return dict(json.loads(answer.read()))

    def close(self) -> None:
        self._server.close()
        self._reader.join()

    def _ask(self, method: str, path: str, body: str | None = None) -> HTTPResponse:
        headers: Mapping[str, str] = getattr(self, "_headers", {})
        connection = HTTPConnection(self._place, timeout=LIMIT)
        connection.request(method, path, body, {**headers})
        response = connection.getresponse()  # closes the connection at its end
        assert response.status in (200, 303), (response.status, response.read())
        return response

    def _read(self) -> None:
        with self._stream, suppress(OSError):  # the server ends, and cuts it off
            for line in self._stream:
                self._take(line)

    def _take(self, line: bytes) -> None:
        if not line.startswith(b"data: "):
            return
        event, payload = json.loads(line.removeprefix(b"data: "))
        if event == "ai/ui/hello":
            event, payload = SNAPSHOT_EVENT, _whole(payload["snapshot"])
        self._heard.take(event, payload)


_LOCALES: Mapping[Language, str] = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}


class JsBridge:
    """As the page in the dashboard's window does, in that page."""

    _LISTEN = """
        window.heard = []; window.answers = {};
        (() => {
          const receive = aiserver.receive;
          aiserver.receive = (all) => { heard.push(...all); receive(all); };
        })();
        pywebview.api.invoke('ai/ui/ready', {}).then((answer) => heard.push(['ready', answer])); 1
    """

    def __init__(
        self, environment: dict[str, str], home: Home, language: Language, place: Path
    ) -> None:
        options = ["dashboard", "--home", str(home.folder)]
        self._window = Window(options, {**environment, "LANG": _LOCALES[language]}, place)
        self._window.says("AI-Server Tray")
        eventually(lambda: self.invoke("ai/snapshot/get")["success"], "the window's host")
        self._heard = Heard()
        self.events = self._heard.listen
        self._closing = Event()
        self._window.js(self._LISTEN)
        self._begin()
        self._reader = Thread(target=self._read, name="page")
        self._reader.start()

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        id = uuid.uuid4().hex
        call = ", ".join(map(json.dumps, (channel, payload)))
        self._window.js(
            "window.answers ??= {};"
            f"pywebview.api.invoke({call}).then((answer) => answers['{id}'] = answer); 1"
        )
        answer: Json = eventually(
            lambda: self._window.js(f"answers['{id}'] ?? null"), f"answer to {channel}", LIMIT
        )
        return answer

    def close(self) -> None:
        self._closing.set()
        self._reader.join()
        self._window.end()

    def _begin(self) -> None:
        """The page has what it was answered; what it was told before then is part of that."""

        def answers() -> list[Json]:
            return [payload for event, payload in self._window.js("heard") if event == "ready"]

        snapshot = eventually(answers, "the page to be ready")[0]["data"]["snapshot"]
        self._heard.take(SNAPSHOT_EVENT, _whole(snapshot))
        for event, payload in self._window.js("heard.splice(0)"):
            is_old = event == SNAPSHOT_EVENT and payload["seq"] <= snapshot["seq"]
            if event != "ready" and not is_old:
                self._heard.take(event, payload)

    def _read(self) -> None:
        while not self._closing.wait(0.02):
            for event, payload in self._window.js("heard.splice(0)"):
                self._heard.take(event, payload)


def _whole(snapshot: Json) -> Json:
    return {"seq": snapshot["seq"], "base": None, "snapshot": snapshot}


Make = Callable[[Language], Carrier]
"""Makes a client whose texts are in a language."""
