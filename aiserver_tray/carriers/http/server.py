"""Browser mode on a socket."""

import errno
import hashlib
import ipaddress
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.carriers.http.access import Access, Keys, Tickets, host_at
from aiserver_tray.carriers.http.browser import Browser
from aiserver_tray.carriers.http.httpd import Server
from aiserver_tray.protocol.message import Contract
from aiserver_tray.system.paths import Home

_PORTS: Final = range(29200, 32700)


@dataclass(frozen=True)
class Binding:
    """Where to serve: *address*, an IP address of this machine; ``port`` 0 is ``usual_port``, if
    that is free, or any free port; ``certificate`` and ``key`` are PEM files for TLS."""

    address: str = "127.0.0.1"
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    usual_port: int = 0

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect.

        Raises:
            SettingError: it is no IP address.
        """
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            why = Text("expected an IP address such as 127.0.0.1")
            raise SettingError(self.address, why) from None

    def with_free_port(self) -> "Binding":
        """The same binding with a free port, if it had none.

        Raises:
            SettingError: the address, or the certificate, can't be used.
        """
        server = _listening(self)
        server.server_close()
        return replace(self, port=int(server.server_port))

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context with the certificate, if there is one.

        Raises:
            SettingError: its files can't be used.
        """
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, self._refuse_password)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or error.__class__.__name__
            why = Text("can't use the certificate and its key ({reason})", reason=reason)
            raise SettingError(str(self.certificate), why) from error
        return context

    def _refuse_password(self) -> str:
        """OpenSSL would ask on the terminal, which may not be there, or wait for ever."""
        why = Text("the key needs a password. Use a key file without a password")
        raise SettingError(str(self.key or self.certificate), why)


class BrowserServer:
    """Serves *contract* until ``with`` ends or it is closed. ``address`` is for the user: anyone
    who has it can do everything that the user can.

    Raises:
        SettingError: the address, or the certificate, can't be used.
    """

    def __init__(
        self, contract: Contract, binding: Binding, language: Language, keys: Keys | None = None
    ) -> None:
        self._server = _listening(binding)
        scheme = "https" if binding.certificate else "http"
        port = self.port = int(self._server.server_port)
        hosts = [host_at(scheme, name, port) for name in _names(binding.address)]
        keys = keys or Keys()
        # Whoever is elsewhere is locked out by a restart.
        tickets = Tickets(keys.home) if binding.is_loopback else None
        self._access = Access(scheme, frozenset(hosts), port, keys, tickets)
        self._place = f"{scheme}://{hosts[0]}/"
        self.browser = Browser(contract, self._access, language)
        self._server.start(self.browser.app)
        self.address = f"{self._place}?token={self._access.keys.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invitation(self, page: str) -> str:
        """An address of the dashboard's *page* that works for one visit. For places where others
        can read it, such as the arguments of a browser's process."""
        # Browsers keep the fragment when they are sent on, and the page finds it there.
        return f"{self._place}?token={self._access.invite()}#{page}"

    def close(self) -> None:
        self.browser.close()
        self._server.close()


def usual_port(home: Home) -> int:
    """The port of this *home*, so that bookmarks and open pages find it after a restart. Systems
    give such ports to no outgoing connection."""
    name = hashlib.sha256(os.fsencode(home.folder)).digest()
    return _PORTS.start + int.from_bytes(name[:4], "big") % len(_PORTS)


def _listening(binding: Binding) -> Server:
    if not binding.port and binding.usual_port:
        with suppress(SettingError):
            return _listening(replace(binding, port=binding.usual_port))
    try:
        return Server((binding.address, binding.port), binding.tls())
    except OSError as error:
        why = (
            Text("it is not an address of this machine")
            if error.errno == errno.EADDRNOTAVAIL
            else Text(
                "the address can't be used ({reason}). Choose another port with --port",
                reason=error.strerror or error,
            )
        )
        raise SettingError(f"{binding.address}:{binding.port}", why) from error


def _names(address: str) -> list[str]:
    """The accepted host names, as browsers write them; the first one is in our own address. Only IP
    addresses and the machine's own name: a DNS name of an attacker could lead here, too."""
    ip = ipaddress.ip_address(address)
    return [socket.gethostname().lower(), *_own_addresses()] if ip.is_unspecified else [str(ip)]


def _own_addresses() -> list[str]:
    import psutil  # noqa: PLC0415 - takes a while, and is rarely needed

    internet = (socket.AF_INET, socket.AF_INET6)
    found = [one for interface in psutil.net_if_addrs().values() for one in interface]
    return sorted({one.address.partition("%")[0] for one in found if one.family in internet})
