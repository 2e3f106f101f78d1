"""Addresses of modules as clients get them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.operations.preview import ServiceEffect
from aiserver_tray.protocol.channel import OfModule

_MAX_DOMAIN: Final = 300
FILE: Final = "access.json"
"""In the home: what is open."""

AccessState = Literal["closed", "waiting", "opening", "open", "broken", "paused"]
OPEN: Final = ("open", "broken")
"""The states in which other devices reach a module."""
AccountState = Literal["exists", "missing", "unknown"]
LinkKind = Literal["name", "router", "forward", "certificate", "module", "ports"]
Way = Literal["network", "internet", "tunnel"]
"""`tunnel`: the internet, through a program of the user's that brings the certificate."""

LockState = Literal["on", "off", "new"]
"""`new`: with another key."""


class OpenRequest(OfModule):
    """A module to open to the network or to the internet."""

    way: Way = "network"
    address: str = Field(default="", max_length=100)
    """of this computer, one of `networks`; without it, the usual one"""
    domain: str = Field(default="", max_length=_MAX_DOMAIN)
    """for the internet"""
    lock: bool = False
    """with the extra lock"""
    unchecked: bool = False
    """the person agrees that nobody has checked whether strangers can create accounts; needed for
    a module that is not `checked`"""


@dataclass(frozen=True)
class LinkView:
    """A part of the proof that another device can use the address."""

    kind: LinkKind
    """`name`: in the network or on the internet; `router`: its address on the internet; `forward`:
    the ports that it has to forward; `certificate`; `module`: its own answer; `ports`: no other
    port of a module answers there"""
    ok: bool | None
    """`null`: it was not tried"""
    text: Text


@dataclass(frozen=True)
class ModuleAccessView:
    """From where a module can be used."""

    name: str
    title: LocalText
    state: AccessState
    """`waiting`: it opens once its first account exists; `broken`: it is open, but a part of the
    proof failed; `paused`: this computer is in another network than the one that it was opened
    to"""
    url: str
    """its address in the network, or the one that it would have"""
    ip_url: str
    """the same with the IP address of this computer, for devices that don't find names"""
    since: datetime | None
    account: AccountState
    """whether its first account exists; `unknown`: it does not run, or does not say"""
    links: tuple[LinkView, ...] = ()
    """the last proof"""
    checked_at: datetime | None = None
    """when that was"""
    way: Way = "network"
    """to what it is open, or is to be"""
    locked: bool = False
    """the extra lock: only devices that opened the link with the key get in"""
    checked: bool = True
    """its file says how to find out whether somebody owns it; otherwise, it opens only with the
    extra lock"""
    operation: str | None = None
    """the ID of the operation that opens it now"""
    bound: bool = False
    """while it is open, nobody can log in at another address, such as that of this computer"""


@dataclass(frozen=True)
class NetworkView:
    """An address of this computer in a network."""

    address: str
    interface: str
    chosen: bool
    """modules are opened there"""


@dataclass(frozen=True)
class CertificateView:
    """The certificate authority of this installation, which devices have to trust."""

    name: str
    fingerprint: str
    """SHA-256 of its certificate, in pairs of hexadecimal digits"""
    until: datetime
    guide: str
    """the address of the page that explains how to install it"""
    file: str
    """the address of the certificate itself"""


@dataclass(frozen=True)
class AccessList:
    """The addresses of all modules that can be opened to the network."""

    modules: tuple[ModuleAccessView, ...]
    networks: tuple[NetworkView, ...]
    """of this computer, in which modules can be opened"""
    certificate: CertificateView | None
    """`null`: nothing was opened yet"""
    problem: Text | None
    """why nothing can be opened here"""
    others: tuple[str, ...] = ()
    """further addresses of this computer, at which the gateway's ports answer, too"""
    internet_problem: Text | None = None
    """why nothing can be opened to the internet"""
    firewall: tuple[str, ...] = ()
    """what an administrator types if a firewall of this computer refuses other devices"""


@dataclass(frozen=True)
class AccessPlan:
    """What opening a module does."""

    url: str
    address: str
    """of this computer in the network"""
    account: AccountState
    starts_gateway: bool
    recreated: tuple[ServiceEffect, ...]
    """the services of the module that are recreated with the new address"""
    seconds: float | None
    """for which the module stands still; `null`: not known"""
    checks: tuple[LinkView, ...] = ()
    """for the internet: what can be found out before"""


@dataclass(frozen=True)
class DeviceLinkView:
    """The address for another device, with the key of the extra lock if there is one."""

    url: str
    ip_url: str


@dataclass(frozen=True)
class CodeView:
    """A QR code to draw: dark squares on a light ground with a margin of four."""

    size: int
    """of a side, without the margin"""
    path: str
    """of the dark squares, for an SVG"""
