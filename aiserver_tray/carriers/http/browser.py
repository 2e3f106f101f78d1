"""Browser mode: the page and the contract over HTTP, as an application of bottle."""

import ipaddress
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

import bottle

from aiserver_tray.base.codec import compact_json
from aiserver_tray.base.errors import AccessError, RequestError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.carriers.http.access import BELOW, RETURN, Access, Tickets
from aiserver_tray.carriers.http.page import (
    BROWSER_POLICY,
    HEADERS,
    StaticFiles,
    closed_page,
    headers_with,
    ui_folder,
)
from aiserver_tray.protocol.hub import Mailbox
from aiserver_tray.protocol.message import (
    Contract,
    Envelope,
    Json,
    Message,
    Peer,
    owner_events,
    refusal,
)

_HEARTBEAT_SECONDS: Final = 15.0
"""Seconds of silence until a comment is sent, which shows both sides that the other one is still
connected."""


class EventStream:
    """One page's events. ``peer``: the page, for the contract. *is_local*: as in `Peer`."""

    def __init__(self, contract: Contract, language: Language, *, is_local: bool) -> None:
        self._contract = contract
        self._closed = Event()
        self._mailbox = Mailbox(self._closed.set)
        self.peer = Peer(
            "browser", language, self._send, waiting=self._mailbox.waiting, is_local=is_local
        )

    @property
    def is_closed(self) -> bool:
        """Whether it is closed or being closed."""
        return self._closed.is_set()

    def close(self) -> None:
        self._closed.set()
        self._mailbox.close()

    def lines(self) -> Iterator[bytes]:
        """The events, until `close`, or until the page is gone."""
        self._contract.subscribe(self.peer, owner_events())
        try:
            while not self.is_closed:
                frames = self._mailbox.take(_HEARTBEAT_SECONDS)
                if frames is None:
                    return
                yield b"".join(frames) or b":\n\n"
        finally:
            self.close()
            self._contract.forget(self.peer)

    def _send(self, message: Message) -> None:
        frame = b"data: [%s,%s]\n\n" % (compact_json(message.event), message.payload)
        self._mailbox.put(frame, message.slot)


MAX_PAGES: Final = 16
"""Open at once; each keeps a connection."""


class Browser:
    """``app``: the WSGI application. *language*: the language of the pages' reader (`Peer`)."""

    def __init__(self, contract: Contract, access: Access, language: Language) -> None:
        self._contract = contract
        self._access = access
        self._language = language
        self._files = StaticFiles(ui_folder())
        self._streams: dict[str, EventStream] = {}
        self._repeats = Repeats()
        self._lock = Lock()
        self.app = app = bottle.Bottle()
        app.config["catchall"] = False  # the server reports bugs in our own way
        app.default_error_handler = self._error
        app.add_hook("before_request", self._check_address)
        app.route("/", "GET", self._enter)
        app.route(access.path, "GET", self._page)
        app.route(f"{access.path}exports/<name>", "GET", self._exported)
        app.route(f"{access.path}<name:path>", "GET", self._page)
        app.route(f"{access.path}events", "GET", self._events)
        app.route(f"{access.path}invoke", "POST", self._invoke)
        app.route([BELOW, f"{BELOW}<name:path>"], ["GET", "POST"], self._other_page)
        if tickets := access.tickets:
            app.route(f"{access.path}ticket", "GET", partial(self._ticket, tickets))
            app.route(RETURN, "GET", partial(self._challenge, tickets))
            app.route(RETURN, "POST", partial(self._return, tickets))

    def close(self) -> None:
        with self._lock:
            streams = tuple(self._streams.values())
        for stream in streams:
            stream.close()

    def _check_address(self) -> None:
        try:
            self._access.check_address(bottle.request.environ)
        except AccessError as error:
            raise self._denied(403, error) from None

    def _check_session(self) -> None:
        try:
            self._access.check_session(bottle.request.get_cookie(self._access.cookie))
        except AccessError as error:
            raise self._denied(401, error) from None

    def _enter(self) -> bottle.HTTPResponse:
        """Check the token, and redirect to the page."""
        token = bottle.request.query.getunicode("token")
        if token is None:
            why = Text("the token is missing. Open the address printed by `serve`")
            raise self._denied(401, AccessError(why))
        if not self._access.admits(token):
            raise self._denied(401, AccessError(Text("the token in this address is not valid")))
        response = bottle.HTTPResponse(status=303, **HEADERS, Location=self._access.path)
        return self._logged_in(response)

    def _logged_in(self, response: bottle.HTTPResponse) -> bottle.HTTPResponse:
        """*response*, with the cookie."""
        response.set_cookie(
            self._access.cookie,
            self._access.keys.session,
            path=self._access.path,
            httponly=True,
            samesite="strict",
            secure=self._access.scheme == "https",
        )
        return response

    def _ticket(self, tickets: Tickets) -> bottle.HTTPResponse:
        self._check_session()
        return _json(200, dict(tickets.issue()))

    def _challenge(self, tickets: Tickets) -> bottle.HTTPResponse:
        return _json(200, {"challenge": tickets.challenge})

    def _return(self, tickets: Tickets) -> bottle.HTTPResponse:
        """Log a page of an earlier process in, and tell it where the page is now."""
        environ = bottle.request.environ
        until, _, proof = environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2].partition(" ")
        try:
            tickets.check(until, proof, f"{self._access.scheme}://{environ['HTTP_HOST']}")
        except AccessError as error:
            raise self._denied(401, error) from None
        return self._logged_in(_json(200, {"page": self._access.path}))

    def _page(self, name: str = "") -> bottle.HTTPResponse:
        self._check_session()
        return self._files.response(name, BROWSER_POLICY)

    def _exported(self, name: str) -> bottle.HTTPResponse:
        """The file of a complete export, which the browser saves."""
        self._check_session()
        peer = self._unheard()
        exports = self._contract.invoke("ai/logs/exports", None, peer)["data"].get("exports", ())
        files = {export["name"]: Path(export["file"]) for export in exports if export["file"]}
        if name not in files:
            raise bottle.HTTPError(404, name)
        file = files[name]
        response = bottle.static_file(
            file.name, str(file.parent), mimetype="application/octet-stream", download=file.name
        )
        response.headers.update({**HEADERS, "Content-Security-Policy": BROWSER_POLICY})
        return response

    def _invoke(self) -> bottle.HTTPResponse:
        self._check_session()
        try:
            # Not bottle's own body, which copies this one.
            asked = _asked(bottle.request.environ["wsgi.input"].read())
        except RequestError as error:
            raise _json(400, refusal(error, self._language)) from None
        client, id = asked.get("client", ""), asked.get("id")
        if id is None:
            return _json(200, self._answer(client, asked))
        return _json(200, self._repeats.answer(client, id, lambda: self._answer(client, asked)))

    def _unheard(self) -> Peer:
        """A page that gets no events."""
        return Peer("browser", self._language, lambda _message: None, is_local=_is_local())

    def _answer(self, client: str, asked: Json) -> Envelope:
        with self._lock:
            stream = self._streams.get(client)
        if stream and stream.peer.is_local and not _is_local():
            stream = None
        peer = stream.peer if stream else self._unheard()
        try:
            return self._contract.invoke(asked["channel"], asked.get("payload"), peer)
        finally:
            # Without an event stream, a page gets no events.
            if stream is None or stream.is_closed:
                self._contract.forget(peer)

    def _events(self) -> bottle.HTTPResponse:
        self._check_session()
        client = bottle.request.query.getunicode("client", "")
        stream = EventStream(self._contract, self._language, is_local=_is_local())
        with self._lock:
            before = self._streams.pop(client, None)
            if len(self._streams) >= MAX_PAGES:
                # The oldest one, whose page was probably forgotten.
                before = before or self._streams.pop(next(iter(self._streams)))
            self._streams[client] = stream
        if before:
            before.close()
        headers = {**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        return bottle.HTTPResponse(self._lines(client, stream), 200, **headers)

    def _lines(self, client: str, stream: EventStream) -> Any:  # noqa: ANN401 - bytes, until closed
        try:
            yield from stream.lines()
        finally:
            with self._lock:
                if self._streams.get(client) is stream:
                    del self._streams[client]

    def _other_page(self, name: str = "") -> bottle.HTTPResponse:
        """The page belongs to an earlier process."""
        self._check_session()
        raise bottle.HTTPError(404, name)

    def _denied(self, status: int, error: AccessError) -> bottle.HTTPResponse:
        self._contract.refused("http", error.why)
        is_person = "text/html" in bottle.request.get_header("Accept", "")
        if status == 401 and is_person and bottle.request.method == "GET":
            return closed_page(self._language)
        return _json(status, refusal(error, self._language))

    def _error(self, error: bottle.HTTPError) -> bytes:
        why = RequestError(Text("nothing exists at this address"))
        answer = _json(error.status_code, refusal(why, self._language))
        bottle.response.headers.update(answer.headers)
        return bytes(answer.body)


def _is_local() -> bool:
    """Whether the request came over no network."""
    return ipaddress.ip_address(bottle.request.environ["REMOTE_ADDR"]).is_loopback


def _asked(body: bytes) -> Json:
    """The body of a call.

    Raises:
        RequestError: it is not ``{"channel": …, "payload"?: …, "client"?: …, "id"?: …}``.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    texts = ("channel", None), ("client", ""), ("id", "")
    if not isinstance(asked, dict) or not all(isinstance(asked.get(*t), str) for t in texts):
        raise RequestError(Text("expected a JSON object with channel and payload"))
    return asked


def _json(status: int, value: Json) -> bottle.HTTPResponse:
    headers = headers_with(BROWSER_POLICY, "application/json; charset=utf-8")
    # Readable, because a browser shows a refusal as it is. Invalid characters are escaped as in
    # JSON.
    body = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
    return bottle.HTTPResponse(body, status, **headers)


MOST_ANSWERS: Final = 256
"""Answers that are kept. A page repeats a request within seconds."""


class Repeats:
    """Does each request once. A browser gives up its requests when the machine's network changes,
    as it does whenever a container starts, and the page can't know whether they were done."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Future[Envelope]] = {}
        self._lock = Lock()

    def answer(self, client: str, id: str, act: Callable[[], Envelope]) -> Envelope:
        """What *act* answers to the request *id* of *client*: from the first time on."""
        with self._lock:
            known = self._answers.get((client, id))
            answer = known or self._answers.setdefault((client, id), Future())
            if len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
        if known is None:
            try:
                answer.set_result(act())
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()
