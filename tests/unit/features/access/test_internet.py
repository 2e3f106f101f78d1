"""What is reported of a domain before it is opened, and of its certificate afterwards."""

import json
import socket
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import AddressError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.access import internet
from aiserver_tray.features.access.authority import LEAF_DAYS, make_authority, make_leaf
from aiserver_tray.features.access.gateway import Gateway, is_valid
from aiserver_tray.features.access.internet import (
    authority_words,
    checked_domain,
    judged,
    prove_public,
    router_outside,
    told_before,
)

DOMAIN = "n8n.example.com"
FORWARD = Text("Forward port 443")
WORDS = "9.9.9.7: Timeout during connect (likely firewall problem)"


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("n8n.example.com", DOMAIN),
        (" https://N8N.Example.com/ ", DOMAIN),
        ("café.example.org", "xn--caf-dma.example.org"),
    ],
)
def test_a_domain_is_taken_from_what_a_person_enters(text: str, domain: str) -> None:
    assert checked_domain(text) == domain


@pytest.mark.parametrize(
    "text", ["", "n8n", "192.168.1.20", "kitchen.local", "a b.example.com", "*.example.com", "a..b"]
)
def test_what_no_authority_certifies_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="Expected a domain"):
        checked_domain(text)


@pytest.mark.parametrize(
    ("found", "outside", "wrong", "said"),
    [
        (["9.9.9.7"], "9.9.9.7", set(), "is 9.9.9.7"),
        (["9.9.9.7"], None, set(), "does not say its address"),
        ([], "9.9.9.7", {"name"}, "has no address yet"),
        (["192.168.1.20"], None, {"name"}, "leads nowhere from the internet"),
        (["127.0.0.1", "::1"], None, {"name"}, "leads nowhere from the internet"),
        (["0.0.0.0"], None, {"name"}, "leads nowhere from the internet"),
        (["100.64.3.9"], None, {"name"}, "leads nowhere from the internet"),
        (["9.9.9.9"], "9.9.9.7", {"name"}, "your router has 9.9.9.7"),
        (["9.9.9.7"], "100.64.3.9", {"router"}, "Your provider shares"),
        (["9.9.9.7"], "192.168.0.2", {"router"}, "another router is before it"),
    ],
)
def test_what_can_be_known_is_said_before(
    found: list[str], outside: str | None, wrong: set[str], said: str
) -> None:
    told = told_before(DOMAIN, found, outside, FORWARD)
    assert {one.kind for one in told if one.ok is False} == wrong
    assert said in "\n".join(str(one.text) for one in told)
    assert told[-1].text == FORWARD
    tunnel = told_before(DOMAIN, found, outside, None)
    assert [one.kind for one in tunnel] == ["name"], "it needs no router"


def line(**entry: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps({"level": "error", "identifier": DOMAIN, **entry})


def test_the_words_of_the_authority_are_found_in_the_log() -> None:
    problem = {"type": "urn:ietf:params:acme:error:connection", "detail": WORDS}
    obtain = "HTTP 400 urn:ietf:params:acme:error:connection - " + WORDS
    new = [line(msg="challenge failed", problem=problem), line(logger="tls.obtain", error=obtain)]
    assert authority_words(new, DOMAIN) == WORDS
    limited = [line(error=f"[{DOMAIN}] HTTP 429 too many\ncertificates")]
    assert authority_words(limited, DOMAIN) == "HTTP 429 too many certificates"
    ended = line(error="context canceled (ca=https://ca.example)")
    assert authority_words([*limited, ended], DOMAIN) == "HTTP 429 too many certificates"
    assert authority_words([*new, "no JSON {", ""], "other.example.com") is None


def test_a_certificate_that_was_not_renewed_in_time_is_a_problem() -> None:
    pair, now = make_leaf(make_authority("An authority"), ["n8n.local"]), datetime.now(UTC)
    fine = judged(pair.certificate, now, None)
    assert (fine.ok, "From An authority until" in str(fine.text)) == (True, True)
    late = judged(pair.certificate, now + timedelta(days=LEAF_DAYS * 0.8), WORDS)
    assert late.ok is False
    assert f"could not be renewed: {WORDS}" in str(late.text)
    now = datetime.now(UTC)
    pem = make_leaf(make_authority("An authority"), ["n8n.local"]).certificate.encode()
    assert is_valid(pem + pem, now)
    assert not is_valid(pem, now + timedelta(days=LEAF_DAYS + 1))
    assert not is_valid(b"none", now)


class Tunnel:
    """A server at the domain, which may be anybody's. It notes the cookies that it gets."""

    def __init__(self, told: str) -> None:
        self.told = told
        self.asked: list[str] = []
        self.cookies: list[str] = []

    def text(self, url: str) -> str:
        self.asked.append(url)
        return self.told

    def ask(self, url: str, _: int | None, cookie: str) -> tuple[int, str | None, str]:
        assert url == f"https://{DOMAIN}/"
        self.cookies.append(cookie)
        pair = make_leaf(make_authority("An authority"), [DOMAIN])
        return 200, pair.certificate, ""


def test_only_the_gateway_behind_a_tunnel_gets_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is a fake, because no tunnel reaches a test machine."""
    monkeypatch.setattr(internet, "resolved", lambda _: ["9.9.9.7"])

    def proven(tunnel: Tunnel) -> list[bool | None]:
        request = "/", "aiserver-key-n8n=k"
        found = prove_public(cast("Gateway", tunnel), DOMAIN, "tunnel", request, "abcd")
        return [one.ok for one in found]

    ours, other = Tunnel("cd"), Tunnel("ab")
    assert proven(ours) == [True, True, True]
    assert ours.asked == [f"https://{DOMAIN}/.well-known/aiserver-tray/ab"]
    assert ours.cookies == ["aiserver-key-n8n=k"]
    assert proven(other) == [True, True, False]
    assert other.cookies == [""]


@pytest.mark.parametrize(
    ("answer", "address"),
    [
        (b"\0\x80\0\0\0\0\0\1" + bytes([100, 64, 3, 9]), "100.64.3.9"),
        (b"\0\x80\0\3\0\0\0\1" + bytes(4), None),
        (b"\0\x80", None),
    ],
    ids=["address", "no network", "too short"],
)
def test_the_router_is_asked_for_its_address(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, address: str | None
) -> None:
    """The router is a fake, because a test machine may have none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as router:
        router.bind(("127.0.0.1", 0))
        monkeypatch.setattr(internet, "router_address", lambda: "127.0.0.1")
        monkeypatch.setattr(internet, "_NAT_PMP", router.getsockname()[1])

        def reply() -> None:
            _, client = router.recvfrom(16)
            router.sendto(answer, client)

        thread = Thread(target=reply)
        thread.start()
        assert router_outside() == address
        thread.join()
    monkeypatch.setattr(internet, "router_address", lambda: "")
    assert router_outside() is None
