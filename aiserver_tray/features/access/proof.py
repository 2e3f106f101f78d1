"""The proof that another device can use an address, and nothing else: it is asked as such a device
asks. From here, a firewall of this computer can't be seen."""

import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from typing import Final

from aiserver_tray.base.i18n import Listed, LocalText, Text
from aiserver_tray.features.access.names import addresses_of
from aiserver_tray.features.access.views import LinkKind, LinkView

_SECONDS: Final = 20.0
_PORT_SECONDS: Final = 3.0
_NAME_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Address:
    """An address in the network to be proven."""

    title: LocalText
    """Of the module."""
    name: str
    ip: str
    port: int
    path: str
    """That the module answers without a login."""
    authority: str
    """The certificate of the authority, as PEM."""
    is_published: bool
    """This process answers for the name."""
    cookie: str = ""
    """Of the extra lock."""


@dataclass(frozen=True)
class OtherPort:
    """A port of a module that must not be reached from the network."""

    module: str
    port: int


def prove(address: Address, others: Iterable[OtherPort]) -> tuple[LinkView, ...]:
    """Try all links of *address*. *others* are the ports that must be closed there."""
    return (_name(address), *_answer(address), ports_closed(address.ip, [*others]))


def is_found_here(name: str, ip: str) -> bool:
    """Whether programs of this computer find *name* at *ip*. Not every system asks by multicast."""
    with suppress(OSError):
        return ip in [one[4][0] for one in socket.getaddrinfo(name, None, socket.AF_INET)]
    return False


def fine(kind: LinkKind, text: Text) -> LinkView:
    """A link that works."""
    return LinkView(kind, ok=True, text=text)


def broken(kind: LinkKind, text: Text) -> LinkView:
    """A link that does not work."""
    return LinkView(kind, ok=False, text=text)


def untried(kind: LinkKind, text: Text) -> LinkView:
    """A link that can't be tried."""
    return LinkView(kind, ok=None, text=text)


def _name(address: Address) -> LinkView:
    if not address.is_published:
        text = Text("{name} is answered only while the applet runs", name=address.name)
        return untried("name", text)
    try:
        found = addresses_of(address.name, address.ip, _NAME_SECONDS)
    except OSError as error:
        text = Text("The network does not allow names: {why}", why=error.strerror or str(error))
        return broken("name", text)
    if found == {address.ip}:
        is_it = Text("{name} is {address}", name=address.name, address=address.ip)
        return fine("name", is_it)
    if not found:
        text = Text("{name} is not found. Use the IP address", name=address.name)
    else:
        other = Listed(sorted(found - {address.ip}))
        text = Text(
            "{name} is {other}, another device. Close and open the module for another name",
            name=address.name,
            other=other,
        )
    return broken("name", text)


def _answer(address: Address) -> Iterator[LinkView]:
    """The certificate, under the name and under the IP address; then the answer of the module."""
    for host in (address.name, address.ip):
        try:
            status = _status(address, host)
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            text = Text("Devices refuse the certificate for {host}: {why}", host=host, why=why)
            yield broken("certificate", text)
            yield untried("module", Text("Not tried"))
            return
        except (OSError, HTTPException) as error:
            yield untried("certificate", Text("Not tried"))
            text = Text("{address} does not answer: {why}", address=address.ip, why=str(error))
            yield broken("module", text)
            return
    text = Text("The certificate is valid for the name and the IP address")
    yield fine("certificate", text)
    yield answered(status)


def answered(status: int) -> LinkView:
    """Whether *status* is that of a module that works. With 401, it asks for a login."""
    if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.UNAUTHORIZED:
        text = Text("The module answers with status {status}", status=status)
        return broken("module", text)
    return fine("module", Text("It answers at its address"))


def _status(address: Address, host: str) -> int:
    context = ssl.create_default_context(cadata=address.authority)
    connection = _At(address.ip, host, address.port, context)
    try:
        headers = {"Cookie": address.cookie} if address.cookie else {}
        connection.request("GET", address.path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


class _At(HTTPSConnection):
    """A connection to *ip* that asks for *host*, as a device does that has resolved the name."""

    def __init__(self, ip: str, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_SECONDS, context=context)
        self._ip, self._tls = ip, context

    def connect(self) -> None:
        plain = socket.create_connection((self._ip, self.port), self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def ports_closed(ip: str, others: Sequence[OtherPort]) -> LinkView:
    """Whether *others* don't answer at *ip*."""
    reached = [one for one in others if _answers(ip, one.port)]
    if reached:
        names = Listed(dict.fromkeys(f"{one.module} ({one.port})" for one in reached))
        text = Text(
            "The network also reaches {names}, without encryption. Set app.bind to 127.0.0.1",
            names=names,
        )
        return broken("ports", text)
    return fine("ports", Text("No other port of a module answers at this address"))


def _answers(ip: str, port: int) -> bool:
    with suppress(OSError):
        socket.create_connection((ip, port), _PORT_SECONDS).close()
        return True
    return False
