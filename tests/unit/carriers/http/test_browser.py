"""Browser mode over real sockets: who gets in, what is answered, and what no one can do."""

import base64
import hmac
import json
import logging
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from aiserver_tray.base.errors import AccessError, SettingError
from aiserver_tray.carriers.http import browser
from aiserver_tray.carriers.http.access import Access, Keys, Tickets, host_at
from aiserver_tray.carriers.http.browser import Browser
from aiserver_tray.carriers.http.server import Binding, BrowserServer, usual_port
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from aiserver_tray.system.paths import Home
from tests.support import states
from tests.support.scripted import Scripted
from tests.support.visitor import Answer, Listener, Visitor

CALL = {"channel": "ai/operation/list"}


@pytest.fixture
def host() -> Scripted:
    return Scripted(states.running())


@pytest.fixture
def visitor(host: Scripted) -> Iterator[Visitor]:
    with BrowserServer(host, Binding(), "en") as server:
        yield Visitor(server.address)


@pytest.fixture
def guest(visitor: Visitor) -> Visitor:
    """A visitor that was let in."""
    visitor.enter()
    return visitor


def refused(answer: Answer, status: int) -> None:
    """*answer* is an envelope that tells no secret."""
    assert answer.status == status
    assert answer.json["success"] is False
    assert answer.json["code"] == "E_REQUEST"
    assert b"Traceback" not in answer.body


def test_a_page_of_an_earlier_process_says_how_to_open_the_dashboard_again(
    host: Scripted, visitor: Visitor
) -> None:
    for path in ("/", "/?token=old", "/browser/of-an-earlier-process/"):
        page = visitor.get(path, Accept="text/html,*/*;q=0.8")
        assert (page.status, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert b"aiserver-tray open" in page.body
        assert "script-src 'self'" in page.headers["content-security-policy"]
    refused(visitor.get("/browser/of-an-earlier-process/events", Accept="text/event-stream"), 401)


def returned(ticket: Json, challenge: str, origin: str, visitor: Visitor) -> Answer:
    """The answer at *visitor*'s place to a page at *origin* that was given *challenge*."""
    key = base64.urlsafe_b64decode(f"{ticket['key']}=")
    proof = base64.b64encode(hmac.digest(key, f"{challenge} {origin}".encode(), "sha256")).decode()
    sent = {"Authorization": f"Ticket {ticket['until']} {proof}"}
    return visitor.ask("POST", "/return", b"", {"Origin": f"http://{visitor.host}", **sent})


def test_a_page_returns_to_a_later_process_only_with_what_it_signed_for_that_place(
    host: Scripted,
) -> None:
    home = secrets.token_bytes(32)
    with BrowserServer(host, Binding(), "en", Keys(home=home)) as server:
        visitor = Visitor(server.address)
        refused(visitor.get("/browser/ticket"), 401)
        visitor.enter()
        ticket = visitor.get(f"{visitor.page}ticket").json
    with (
        BrowserServer(host, Binding(), "en", Keys(home=home)) as server,
        BrowserServer(host, Binding(), "en", Keys(home=home)) as another,
        BrowserServer(host, Binding("0.0.0.0"), "en", Keys(home=home)) as public,
    ):
        back, elsewhere = Visitor(server.address), Visitor(another.address)
        origin, challenge = f"http://{back.host}", back.get("/return").json["challenge"]
        refused(returned(ticket, elsewhere.get("/return").json["challenge"], origin, back), 401)
        refused(returned(ticket, challenge, f"http://{elsewhere.host}", back), 401)
        refused(returned(ticket | {"until": ticket["until"] + 1}, challenge, origin, back), 401)
        refused(back.ask("POST", "/return", b"", {"Origin": origin}), 401)
        refused(returned(ticket, challenge, origin, Visitor(public.address)), 404)
        entry = returned(ticket, challenge, origin, back)
        cookie, _, _ = entry.headers["set-cookie"].partition(";")
        assert back.get(entry.json["page"], Cookie=cookie).status == 200


def test_a_ticket_is_valid_for_a_day() -> None:
    now = [1_000.0]
    tickets = Tickets(bytes(32), lambda: now[0])
    until = tickets.issue()["until"]
    assert until == 1_000 + 24 * 3600
    key = hmac.digest(bytes(32), f"browser ticket until {until}".encode(), "sha256")
    proof = hmac.digest(key, f"{tickets.challenge} http://here".encode(), "sha256")
    shown = str(until), base64.b64encode(proof).decode(), "http://here"
    tickets.check(*shown)
    now[0] = until + 1.0
    with pytest.raises(AccessError):
        tickets.check(*shown)


def test_a_home_keeps_its_port_where_that_is_free(host: Scripted, tmp_path: Path) -> None:
    binding = Binding(usual_port=usual_port(Home(tmp_path, "home")))
    with BrowserServer(host, binding, "en") as first, BrowserServer(host, binding, "en") as second:
        assert second.port != first.port
    with BrowserServer(host, binding, "en") as again:
        assert again.port == first.port
    assert usual_port(Home(Path("/a"), "home")) != usual_port(Home(Path("/b"), "home"))


def test_an_invitation_is_good_once(host: Scripted) -> None:
    with BrowserServer(host, Binding(), "en") as server:
        invited = Visitor(server.invitation("home"))
        assert invited.token != Visitor(server.address).token
        assert invited.get(f"/?token={invited.token}").status == 303
        refused(invited.get(f"/?token={invited.token}"), 401)


def test_the_printed_address_leads_to_the_page_by_a_cookie(visitor: Visitor) -> None:
    entry = visitor.get(f"/?token={visitor.token}")
    assert entry.status == 303
    cookie, path = entry.headers["set-cookie"], entry.headers["location"]
    assert path.startswith("/browser/")
    # Browsers send it to every port of this machine, but only to this path, which nobody knows.
    assert len(path) > 40
    assert f"Path={path}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert visitor.token not in cookie
    visitor.enter()
    page = visitor.get(visitor.page)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "'unsafe-eval'" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    refused(visitor.get("/"), 401)


def test_the_owner_learns_whether_a_request_came_over_a_network(host: Scripted) -> None:
    """Only the application is asked: no test can count on an address of a network."""
    access = Access("http", frozenset({"192.168.0.2"}), 80)
    body = json.dumps(CALL).encode()
    for address in ("127.0.0.1", "::1", "192.168.0.7"):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"{access.path}invoke",
            "HTTP_HOST": "192.168.0.2",
            "HTTP_ORIGIN": "http://192.168.0.2",
            "HTTP_COOKIE": f"{access.cookie}={access.keys.session}",
            "REMOTE_ADDR": address,
            "wsgi.input": BytesIO(body),
        }
        Browser(host, access, "en").app(environ, lambda *_: None)
    assert [peer.is_local for peer in host.callers] == [True, True, False]


@pytest.mark.parametrize("name", ["", "js/main.js", "events"])
def test_requests_without_a_valid_login_are_refused(
    visitor: Visitor, host: Scripted, name: str
) -> None:
    visitor.enter()
    del visitor.headers["Cookie"]
    path = f"{visitor.page}{name}"
    refused(visitor.get(path, Cookie=f"aiserver-{visitor.place[1]}=guessed"), 401)
    for wrong in (path, f"/browser/{name}", "/", "/?token=guessed", "/?token=%ff%00"):
        refused(visitor.get(wrong), 401)
    refused(visitor.invoke(CALL), 401)
    assert host.calls == []
    assert [carrier for carrier, _ in host.refusals] == ["http"] * 7


def test_a_request_without_a_login_is_refused_before_its_body_comes(visitor: Visitor) -> None:
    visitor.enter()
    head = f"POST {visitor.page}invoke HTTP/1.1\r\nHost: {visitor.host}\r\n"
    head += f"Origin: http://{visitor.host}\r\nContent-Length: 1000000\r\n\r\n"
    with visitor.connect() as connection:
        refused(visitor.answer(connection, head.encode()), 401)
        connection.sendall(b"x" * 1_000_000)  # not reset, so a slow client gets the answer, too
        assert connection.recv(1) == b""


def test_a_complete_export_is_saved_by_the_browser(
    guest: Visitor, host: Scripted, tmp_path: Path
) -> None:
    file = tmp_path / "logs-1.csv"
    file.write_bytes(b"time,message\r\n" * 1000)
    running = {"name": "logs-2.csv", "file": None}
    done = {"name": file.name, "file": str(file)}
    host.answers["ai/logs/exports"] = answer({"exports": [running, done]})

    saved = guest.get(f"{guest.page}exports/{file.name}")

    assert saved.body == file.read_bytes()
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"] == f'attachment; filename="{file.name}"'
    for other in ("logs-2.csv", "..%2flogs-1.csv", "main.js"):
        assert guest.get(f"{guest.page}exports/{other}").status == 404
    del guest.headers["Cookie"]
    refused(guest.get(f"{guest.page}exports/{file.name}"), 401)


def test_a_page_of_an_earlier_process_gets_an_error_that_can_be_read(
    guest: Visitor, host: Scripted
) -> None:
    with BrowserServer(host, Binding(), "zh") as another:
        told = Visitor(another.address).get("/")
        refused(told, 401)
        assert told.json["message"] in told.body.decode()
        assert told.headers["content-type"] == "application/json; charset=utf-8"
    with BrowserServer(host, Binding(), "en") as another:
        later = Visitor(another.address)
        later.headers, later.page = guest.headers, guest.page
        for told in (later.get(later.page), later.get(f"{later.page}events"), later.invoke(CALL)):
            refused(told, 401)
            assert "has restarted" in told.json["message"]


def test_a_page_outlives_its_server_where_another_has_the_same_keys(
    guest: Visitor, host: Scripted
) -> None:
    keys = Keys()
    with BrowserServer(host, Binding(), "en", keys) as first:
        visitor = Visitor(first.address)
        visitor.enter()
    with BrowserServer(host, Binding(port=first.port), "en", keys) as second:
        assert second.address == first.address
        assert visitor.get(visitor.page).status == 200
        refused(visitor.get(visitor.page, Cookie=guest.headers["Cookie"]), 401)


def test_answer_with_undecodable_characters_is_sent_and_a_bug_without_a_traceback(
    guest: Visitor, host: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    failed = guest.invoke({"channel": "ai/no/such"})  # the scripted contract raises
    assert failed.status == 500
    assert failed.json["success"] is False
    assert b"Traceback" not in failed.body
    assert "a page's request failed" in caplog.text
    host.answers["ai/operation/list"] = answer({"name": "undecodable \udcff"})
    given = guest.invoke({**CALL, "payload": {}})
    assert (given.status, given.json) == (200, answer({"name": "undecodable \udcff"}))


def test_only_its_own_name_leads_to_it_and_other_pages_can_ask_for_nothing(
    guest: Visitor, host: Scripted
) -> None:
    """A name of an attacker's making may lead to 127.0.0.1 (DNS rebinding)."""
    for name in ("evil.example", "127.0.0.1", "localhost:1", "", None):
        refused(guest.get(guest.page, Host=name), 403)
        refused(guest.invoke(CALL, Host=name, Origin=f"http://{name}"), 403)
    for origin in ("http://evil.example", "null", f"https://{guest.host}", None):
        refused(guest.invoke(CALL, Origin=origin), 403)
    refused(guest.get(f"{guest.page}events", Sec_Fetch_Site="cross-site"), 403)
    assert host.calls == []


def test_what_is_no_call_and_other_methods_are_refused(guest: Visitor) -> None:
    for body in (b"", b"{", b"[]", b'{"channel": 1}', b"\xff", b"[" * 100_000, b'{"payload": {}}'):
        refused(guest.invoke(body), 400)
    origin: dict[str, str | None] = {"Origin": f"http://{guest.host}"}
    refused(guest.ask("PUT", guest.page, b"", origin), 405)
    refused(guest.ask("DELETE", f"{guest.page}invoke", b"", origin), 405)


def test_there_are_only_the_files_of_the_page(guest: Visitor) -> None:
    """`Page` gives them, as in the window: `test_page` tries more."""
    names = ("../../../../etc/passwd", "..%2f..%2f..%2fetc/passwd", "/etc/passwd", "js", "%00")
    for path in (*(guest.page + name for name in names), "/etc/passwd", "/nothing"):
        missing = guest.get(path)
        assert missing.status in (400, 404)
        assert b"root:" not in missing.body


# -- events ----------------------------------------------------------------------------------------


@pytest.fixture
def listener(guest: Visitor) -> Iterator[Listener]:
    listener = Listener(guest, "page")
    yield listener
    listener.close()


MEGABYTE = "x" * 2**20


def test_a_page_that_is_slow_to_read_gets_only_the_latest_state(
    listener: Listener, host: Scripted
) -> None:
    for number in range(40):
        host.show(states.snapshot(f"state {number}", chosen=[MEGABYTE]))
    heard = [listener.next(SNAPSHOT)]
    while heard[-1]["state"] != "state 39":
        heard.append(listener.next(SNAPSHOT))
    assert len(heard) < 30


def test_a_page_that_does_not_read_at_all_is_given_up(listener: Listener, host: Scripted) -> None:
    listener.next(SNAPSHOT)
    for _ in range(40):
        host.publish(LOG, {"streamId": "1", "event": "stdout", "chunk": MEGABYTE})
    listener.wait_for_end()
    assert host.subscribers == 0


def test_event_for_one_page_reaches_only_that_page(
    guest: Visitor, listener: Listener, host: Scripted
) -> None:
    assert listener.next(SNAPSHOT) == states.running(), "it comes at once"
    guest.invoke({**CALL, "client": "page"})
    peer = host.callers[-1]
    peer.send(LOG.message({"streamId": "1", "event": "stdout", "chunk": "hello"}))
    assert listener.next(LOG) == {"streamId": "1", "event": "stdout", "chunk": "hello"}
    guest.invoke({**CALL, "client": "another"})
    assert host.callers[-1] is not peer


def test_a_request_that_is_repeated_is_done_once(guest: Visitor, host: Scripted) -> None:
    call = {**CALL, "client": "page", "id": "1"}
    first = guest.invoke(call)
    assert guest.invoke(call).json == first.json
    assert len(host.calls) == 1
    guest.invoke({**call, "id": "2"})
    guest.invoke({**call, "client": "another"})
    assert len(host.calls) == 3


def test_a_page_that_is_gone_or_without_events_is_forgotten(
    guest: Visitor, listener: Listener, host: Scripted
) -> None:
    listener.next(SNAPSHOT)
    for _ in range(2):
        guest.invoke({**CALL, "client": "unknown"})
    assert host.forgotten == host.callers
    assert host.callers[0] is not host.callers[1]
    guest.invoke({**CALL, "client": "page"})
    listener.close()
    successor = Listener(guest, "page")
    successor.next(SNAPSHOT)
    successor.close()
    host.wait_until_forgotten(host.callers[-1])


def test_call_that_still_runs_when_its_page_leaves_is_forgotten(
    guest: Visitor, listener: Listener, host: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.next(SNAPSHOT)
    successors: list[Listener] = []

    def be_slow(_channel: str, _payload: object, peer: Peer) -> Envelope:
        successors.append(Listener(guest, "page"))
        host.wait_until_forgotten(peer)
        return answer({})

    monkeypatch.setattr(host, "invoke", be_slow)
    assert guest.invoke({**CALL, "client": "page"}).json["success"]
    assert len(host.forgotten) == 2
    assert host.forgotten[0] is host.forgotten[1]
    successors[0].close()


def test_no_more_pages_than_there_are_places_for(
    guest: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "MAX_PAGES", 2)
    listeners = []
    for name in ("first", "second", "last"):
        listeners.append(Listener(guest, name))
        listeners[-1].next(SNAPSHOT)  # else the server may take the second one first
    listeners[0].wait_for_end()  # the oldest makes way
    for listener in listeners:
        listener.close()


# -- where it serves -------------------------------------------------------------------------------


def test_the_token_is_in_no_log(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.enter()
    visitor.get(visitor.page)
    visitor.get(f"/nothing?token={visitor.token}")
    output = "".join(capfd.readouterr())
    for secret in (visitor.token, (visitor.headers["Cookie"] or "").partition("=")[2]):
        assert secret not in caplog.text + output


def test_a_port_that_is_taken_and_a_wrong_address_are_reported(
    host: Scripted, visitor: Visitor
) -> None:
    with pytest.raises(SettingError, match="--port"):
        BrowserServer(host, Binding(port=visitor.place[1]), "en")
    with pytest.raises(SettingError, match="IP address"):
        Binding("localhost").is_loopback  # noqa: B018
    assert Binding("::1").is_loopback
    assert not Binding("0.0.0.0").is_loopback


def test_host_names_and_ip_addresses_are_written_as_browsers_do(
    host: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "DESKTOP-AB12CD3")
    with BrowserServer(host, Binding("0.0.0.0"), "en") as server:
        visitor = Visitor(server.address)
        assert visitor.host == f"desktop-ab12cd3:{visitor.place[1]}"
        visitor.place = ("127.0.0.1", visitor.place[1])
        visitor.enter()
        assert visitor.get(visitor.page).status == 200
    with BrowserServer(host, Binding("0:0:0:0:0:0:0:1"), "en") as server:
        visitor = Visitor(server.address)
        assert visitor.host == f"[::1]:{visitor.place[1]}"
        visitor.enter()
    assert host_at("http", "::1", 80) == "[::1]"


@pytest.mark.parametrize(
    ("scheme", "port", "host"),
    [
        *(("http", 80, "10.0.0.1"), ("https", 443, "10.0.0.1")),
        *(("http", 443, "10.0.0.1:443"), ("https", 80, "10.0.0.1:80")),
    ],
)
def test_browsers_leave_out_the_port_that_goes_without_saying(
    scheme: str, port: int, host: str
) -> None:
    """At ports that a test can't have."""
    access = Access(scheme, frozenset({host_at(scheme, "10.0.0.1", port)}), port)
    asked = {"REQUEST_METHOD": "POST", "HTTP_HOST": host, "HTTP_ORIGIN": f"{scheme}://{host}"}
    access.check_address(asked)
    with pytest.raises(AccessError):
        access.check_address({**asked, "HTTP_HOST": "10.0.0.1:8080"})


def test_over_tls(host: Scripted, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test"
    subject = "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    words = [*command.split(), *subject.split()]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    with BrowserServer(host, Binding(certificate=certificate, key=key), "en") as server:
        assert server.address.startswith("https://127.0.0.1:")
        # Who does not speak TLS, or says nothing, is in nobody's way.
        visitor = Visitor(server.address)
        silent = visitor.connect()
        trust = ssl.create_default_context(cafile=str(certificate))
        with pytest.raises(OSError, match="401"), urlopen(server.address, context=trust):
            pytest.fail("urlopen keeps no cookies")
        silent.close()
    with pytest.raises(SettingError, match="certificate"):
        Binding(certificate=tmp_path / "none.pem").tls()
    locked = tmp_path / "locked.pem"
    lock = f"openssl rsa -in {key} -aes256 -passout pass:secret -out {locked}"
    subprocess.run(lock.split(), check=True, capture_output=True)
    with pytest.raises(SettingError, match="password"):
        Binding(certificate=certificate, key=locked).tls()
