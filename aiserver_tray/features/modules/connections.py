"""The addresses with which programs connect to a module, without passwords."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiserver_tray.base.i18n import LocalText
from aiserver_tray.catalog.modules import Module

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.model import Port
    from aiserver_tray.settings.store import Settings

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_NAME: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class ModuleConnection:
    """An account of a module, or a database that another module has in it. In the addresses,
    `{password}` stands where the password belongs, percent-encoded; an address without it needs the
    secret in another way."""

    title: LocalText
    """of the account, or of the module that has the database"""
    database: str
    """may be empty"""
    here: str | None
    """the address from this computer; `null`: the port is not published on it"""
    others: str
    """the address from containers of other modules"""
    setting: str | None
    """address of the secret setting"""


def connections(
    catalog: "Catalog", settings: "Settings", module: Module, ports: Sequence["Port"]
) -> Iterator[ModuleConnection]:
    """The connections to *module*, whose published ports are *ports*. Databases whose password does
    not exist yet do not exist either, and are left out."""
    connect = module.connect
    if connect is None:
        return
    here = _published(ports, connect.port)
    inside = connect.host or module.name, connect.port

    def to(title: LocalText, user: str, database: str, secret: str | None) -> ModuleConnection:
        values = {"user": user, "database": database}
        shown = _address(connect.address, *here, values) if here else None
        others = _address(connect.address, *inside, values)
        return ModuleConnection(title, database, shown, others, secret)

    for account in module.accounts:
        secret = account.secret and f"{module.name}.{account.secret}"
        yield to(account.title, account.user or "", connect.database, secret)
    stored = {*settings.secrets.names()}
    for other in catalog.modules.values():
        known = known_values(settings, other)
        for one in other.databases:
            secret = f"{other.name}.{one.secret}"
            if one.module == module.name and secret in stored:
                user, database = filled(one.user, known), filled(one.database, known)
                yield to(other.title, user, database, secret)


def _address(template: str, host: str, port: int, values: Mapping[str, str]) -> str:
    encoded = {name: quote(value, safe="") for name, value in values.items()}
    return template.format(host=host, port=port, password="{password}", **encoded)


def _published(ports: Sequence["Port"], inside: int) -> tuple[str, int] | None:
    """Host and port at which this computer reaches the container's port *inside*. Never the name
    localhost, by which some clients mean a socket."""
    for port in ports:
        if port.container == inside and port.protocol == "tcp":
            host = _LOOPBACK.get(port.address, port.address)
            return (f"[{host}]" if ":" in host else host), port.host
    return None


def known_values(settings: "Settings", module: Module) -> dict[str, str]:
    """The values of *module*'s settings in its file, without secrets."""
    declared = {n: s for n, s in module.settings.items() if not s.is_secret}
    values = settings.known({f"{module.name}.{n}": s for n, s in declared.items()})
    found = {n: values.get(f"{module.name}.{n}", "") for n in declared}
    return {name: declared[name].in_file(value) for name, value in found.items()}


def filled(text: str, known: Mapping[str, str]) -> str:
    """*text* with the `known_values` of the settings in it."""
    return _NAME.sub(lambda found: known.get(found[1], ""), text)
