"""The internet: what can be found out about a domain before a module is opened there, the
certificate authority's check of it (ACME, by the gateway), and the proof of its address.

The honest check from outside is the authority's: it connects to port 443 of the domain. A request
of our own to it may stay within the router, and proves nothing.
"""

import datetime
import ipaddress
import json
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiserver_tray.base.errors import AddressError
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access.config import INTERNET, REDIRECT, nonce_of
from aiserver_tray.features.access.gateway import GATEWAY, Gateway
from aiserver_tray.features.access.network import router_address
from aiserver_tray.features.access.proof import answered, broken, fine, untried
from aiserver_tray.features.access.views import LinkView, Way

_DOMAIN: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]+")
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")
"""Addresses that a provider shares among its customers (RFC 6598)."""
_NAT_PMP: Final = 5351
_NAT_PMP_TRIES: Final = (0.25, 0.5)
"""Seconds to wait for each answer (RFC 6886)."""
_ISSUE_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.5
_LOG_SECONDS: Final = 3 * 24 * 3600
_MAX_WORDS: Final = 400
_LATE: Final = 0.25
"""Caddy renews when a third of the lifetime is left. With less than this part, it has failed."""


def checked_domain(text: str) -> str:
    """The domain in *text*, which may be the address of a page.

    Raises:
        AddressError: there is none.
    """
    name = text.strip().lower().removeprefix("https://").rstrip("/.")
    with suppress(UnicodeError):
        name = name.encode("idna").decode()
    if not _DOMAIN.fullmatch(name) or name.endswith((".local", ".localhost")):
        why = Text(
            "Expected a domain of your own such as n8n.example.com, found {text!r}.", text=text
        )
        raise AddressError(why)
    return name


# -- before ----------------------------------------------------------------------------------------


def resolved(domain: str) -> list[str]:
    """The IP addresses of *domain*; none: it has no address."""
    with suppress(OSError):
        found = socket.getaddrinfo(domain, None, type=socket.SOCK_STREAM)
        return sorted({str(one[4][0]) for one in found})
    return []


def router_outside() -> str | None:
    """The address of this computer's router on the internet, as it says itself by NAT-PMP. None:
    it does not."""
    router = router_address()
    if not router:
        return None
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((router, _NAT_PMP))
        for seconds in _NAT_PMP_TRIES:
            asking.settimeout(seconds)
            asking.send(b"\0\0")
            with suppress(TimeoutError):
                answer = asking.recv(16)
                if len(answer) >= 12 and answer[:4] == b"\0\x80\0\0":
                    return socket.inet_ntoa(answer[8:12])
    return None


def told_before(
    domain: str, found: Iterable[str], outside: str | None, forward: Text | None
) -> tuple[LinkView, ...]:
    """What is known before *domain* is opened: the addresses that were *found* for it, that of the
    router *outside* (None: not known), and how ports *forward* (None: a tunnel needs none). Pure.
    """
    if forward is None:
        return (_named(domain, [*found]),)
    return (
        _named(domain, [*found], outside),
        _router(outside),
        untried("forward", forward),
    )


def _named(domain: str, found: list[str], outside: str | None = None) -> LinkView:
    listed = Listed(found)
    if not found:
        text = Text("{name} has no address yet. Add it at your domain's provider", name=domain)
        return broken("name", text)
    if not any(map(_is_public, found)):
        text = Text(
            "{name} is {address}, which leads nowhere from the internet",
            name=domain,
            address=listed,
        )
        return broken("name", text)
    if outside and _is_public(outside) and outside not in found:
        text = Text(
            "{name} is {address}, but your router has {own}",
            name=domain,
            address=listed,
            own=outside,
        )
        return broken("name", text)
    return fine("name", Text("{name} is {address}", name=domain, address=listed))


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_global


def _router(outside: str | None) -> LinkView:
    if outside is None:
        text = Text(
            "Your router does not say its address on the internet. If its page shows one that "
            "begins with 10., 192.168. or 100.64. to 100.127., use a tunnel"
        )
        return untried("router", text)
    if ipaddress.ip_address(outside) in _SHARED:
        text = Text(
            "Your provider shares the address of your router ({address}) among customers. Nobody "
            "can reach you there. Use a tunnel, or ask for a public address",
            address=outside,
        )
        return broken("router", text)
    if not _is_public(outside):
        text = Text(
            "Your router has a private address ({address}): another router is before it. Forward "
            "the ports there, too, or use a tunnel",
            address=outside,
        )
        return broken("router", text)
    return fine("router", Text("Your router has a public address: {address}", address=outside))


def forwarding(ports: Mapping[int, int], machine: str) -> Text:
    """Which ports have to lead to *machine*, that of the engine."""
    return Text(
        "Port 443 must lead to {machine}, port {https}: forward it in the router. For http:// "
        "addresses, also port 80 to port {http}",
        machine=machine,
        https=ports[INTERNET],
        http=ports[REDIRECT],
    )


# -- the authority's check -------------------------------------------------------------------------


def authority_words(lines: Iterable[str], domain: str) -> str | None:
    """What the authority said last against *domain*, in *lines* of Caddy's log. Pure."""
    detail = error = None
    for entry in map(_entry, lines):
        is_cancelled = "context canceled" in str(entry.get("error"))
        if (entry.get("level"), entry.get("identifier")) == ("error", domain) and not is_cancelled:
            detail = (entry.get("problem") or {}).get("detail") or detail
            error = entry.get("error") or error
    words = str(detail or error or "").removeprefix(f"[{domain}] ")
    return " ".join(words.split())[:_MAX_WORDS] or None


def _entry(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(line[line.index("{") :])
        return found if isinstance(found, dict) else {}
    return {}


def await_certificate(
    gateway: Gateway, domain: str, directory: str, since: float, cancelled: Cancellation
) -> None:
    """Wait until the authority at *directory* has certified *domain*, which the gateway was told at
    *since* (seconds since 1970).

    Raises:
        AddressError: it has refused, with its words; or it has not answered in time.
        AiServerError: the engine can't be asked, or *cancelled* was set.
    """
    end = time.monotonic() + _ISSUE_SECONDS
    while not gateway.has_certificate(directory, domain):
        if words := authority_words(gateway.lines(since), domain):
            host = directory.partition("://")[2].partition("/")[0]
            text = Text(
                "The certificate authority ({host}) refused {domain}: {words}",
                host=host,
                domain=domain,
                words=words,
            )
            raise AddressError(text, module=GATEWAY)
        if time.monotonic() > end:
            text = Text(
                "The certificate authority did not check {domain} in time. See whether port 443 "
                "leads to this computer.",
                domain=domain,
            )
            raise AddressError(text, module=GATEWAY)
        if cancelled.wait(_POLL_SECONDS):
            raise AddressError(Text("Opening {domain} was cancelled.", domain=domain))


# -- the proof -------------------------------------------------------------------------------------


def prove_public(
    gateway: Gateway, domain: str, way: Way, request: tuple[str, str], nonce: str
) -> tuple[LinkView, ...]:
    """Try all links of *domain*: with *request*, a path that needs no account, and a cookie. Behind
    a tunnel, only the gateway, which is known by *nonce*, gets that cookie."""
    path, cookie = request
    known = nonce_of(nonce)
    is_ours = way == "internet" or gateway.text(f"https://{domain}{known[0]}") == known[1]
    request = path, cookie if is_ours else ""  # nobody else gets the key
    links = (_named(domain, resolved(domain)), *_answer(gateway, domain, way, request))
    if is_ours or links[-1].ok is not True:
        return links
    text = Text("Another server answers at {address}, not this gateway", address=domain)
    return (*links[:-1], broken("module", text))


def _answer(
    gateway: Gateway, domain: str, way: Way, request: tuple[str, str]
) -> Iterator[LinkView]:
    url, port = f"https://{domain}{request[0]}", INTERNET if way == "internet" else None
    status, certificate, error = gateway.ask(url, port, request[1])
    if certificate is None and "certificate" not in error:
        text = Text("{address} does not answer: {why}", address=domain, why=error)
        yield untried("certificate", Text("Not tried"))
        yield broken("module", text)
        return
    if error or certificate is None:
        text = Text("Devices refuse the certificate for {host}: {why}", host=domain, why=error)
        yield broken("certificate", text)
        yield untried("module", Text("Not tried"))
        return
    lines = gateway.lines(time.time() - _LOG_SECONDS) if way == "internet" else []
    words = authority_words(lines, domain)
    yield judged(certificate, datetime.datetime.now(datetime.UTC), words)
    yield answered(status)


def judged(certificate: str, now: datetime.datetime, words: str | None) -> LinkView:
    """Whether a valid *certificate* (PEM) was renewed in time; otherwise, what the authority said
    (*words*)."""
    from cryptography import x509  # noqa: PLC0415 - slow

    found = x509.load_pem_x509_certificate(certificate.encode())
    until = found.not_valid_after_utc
    left = (until - now) / (until - found.not_valid_before_utc)
    names = found.issuer.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    names = names or found.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    issuer, day = str(names[0].value) if names else "-", f"{until:%Y-%m-%d}"
    if left < _LATE:
        why = words or "-"
        text = Text("Ends on {day} and could not be renewed: {why}", day=day, why=why)
        return broken("certificate", text)
    text = Text("From {issuer} until {day}, renewed by itself", issuer=issuer, day=day)
    return fine("certificate", text)
