"""The question that a user answers before a module that is not built in starts: what the module
does, and what of it goes beyond its own containers."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aiserver_tray.base.i18n import Given, Listed, LocalText, Plural, Text
from aiserver_tray.base.strings import binary_size, in_line
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.catalog.permission_rules import is_loopback
from aiserver_tray.catalog.permissions import permissions
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.catalog.unsupported import is_bind

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.resources import Port
    from aiserver_tray.catalog.compose.service import Service

_PORTS = re.compile("[0-9]+(-[0-9]+)?")
"""What the engine takes. A service with scale 0 never gets there, and could say anything."""

DeedKind = Literal["containers", "modules", "internet", "port", "data", "memory", "download"]


@dataclass(frozen=True)
class Deed:
    """One thing that a module does, as others do, too."""

    kind: DeedKind
    text: Text


@dataclass(frozen=True)
class Consent:
    """What a user agrees to: that a module does all this."""

    module: str
    title: LocalText
    folder: str
    file: str
    """the name of its Compose file"""
    does: tuple[Deed, ...]
    asks: tuple[Permission, ...]
    """what goes beyond its own containers"""

    @property
    def hash(self) -> str:
        """Stays the same while the module asks for the same, in the same folder."""
        whole = [self.folder, [one.key for one in self.asks]]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    def is_covered_by(self, allowed: Collection[tuple[str, str]] | None) -> bool:
        """Whether a user who *allowed* this before (`Permission.key`) need not be asked. None: the
        module may not start at all."""
        return allowed is not None and all(one.key in allowed for one in self.asks)

    def as_data(self, known: Collection[tuple[str, str]] | None = None) -> dict[str, Any]:
        """A `ConsentJson` with texts not rendered yet. *known*: the permissions (`Permission.key`)
        that the user allowed before; None: the user was not asked before."""
        return {
            "module": self.module,
            "title": Given(self.title),
            "folder": self.folder,
            "file": self.file,
            "hash": self.hash,
            "does": [{"kind": deed.kind, "text": deed.text} for deed in self.does],
            "permissions": [
                one.as_data() | {"isNew": known is not None and one.key not in known}
                for one in self.asks
            ],
        }


def consent_to(
    catalog: Catalog,
    resolved: ResolvedModule,
    bind: str,
    opened: AbstractSet[str] = frozenset(),
    allowed: Collection[tuple[str, str]] = (),
) -> Consent | None:
    """What must be agreed to before *resolved* starts. Its ports without an address are published
    on *bind*; *opened* and *allowed* as for `permissions`. None for a built-in module.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    module = resolved.module
    if module.name in catalog.built_in:
        return None
    return Consent(
        module=module.name,
        title=module.title,
        folder=str(module.folder),
        file=module.file.name,
        does=tuple(_deeds(resolved, bind)),
        asks=permissions(catalog, resolved, opened, allowed),
    )


def _deeds(resolved: ResolvedModule, bind: str) -> Iterator[Deed]:
    project = resolved.project
    yield Deed(
        "containers",
        Plural(
            "runs {count} container: {names}",
            "runs {count} containers: {names}",
            count=len(project.services),
            names=Listed(map(in_line, project.services)),
        ),
    )
    if resolved.requires:
        names, count = Listed(resolved.requires), len(resolved.requires)
        yield Deed(
            "modules",
            Plural(
                "starts the module {names}, which it uses",
                "starts the modules {names}, which it uses",
                count=count,
                names=names,
            ),
        )
    if any(_reaches_out(service, project) for service in project.services.values()):
        yield Deed("internet", Text("uses the internet and your network"))
    yield from _ports(project, bind)
    if count := _own_volumes(project):
        yield Deed(
            "data",
            Plural(
                "keeps its data in {count} volume of its own",
                "keeps its data in {count} volumes of its own",
                count=count,
            ),
        )
    yield from _resources(resolved)


def _reaches_out(service: "Service", project: "Project") -> bool:
    """Whether *service* is on a network that leads outside, or its image is built on one."""
    if service.build and service.build.network != "none":
        return True
    if service.network_mode:
        return service.network_mode != "none" and not service.network_mode.startswith("service:")
    return any(not project.networks[name].internal for name in service.networks)


def _ports(project: "Project", bind: str) -> Iterator[Deed]:
    """The published ports: those for this computer only, and the others."""
    ports = [port for service in project.services.values() for port in service.ports]
    here = dict.fromkeys(_published(p) for p in ports if is_loopback(p.host_ip or bind))
    others = dict.fromkeys(_published(p) for p in ports if not is_loopback(p.host_ip or bind))
    if here:
        names, count = Listed(here), len(here)
        yield Deed(
            "port",
            Plural(
                "publishes port {names}, on this computer only",
                "publishes ports {names}, on this computer only",
                count=count,
                names=names,
            ),
        )
    if others:
        names, count = Listed(others), len(others)
        yield Deed(
            "port",
            Plural(
                "publishes port {names}, where other computers may reach it",
                "publishes ports {names}, where other computers may reach them",
                count=count,
                names=names,
            ),
        )


def _published(port: "Port") -> str:
    is_said = _PORTS.fullmatch(port.published)
    return port.published if is_said else f"→ {port.target}"


def _own_volumes(project: "Project") -> int:
    """How many volumes the project has for itself, named or not."""
    mounts = [mount for service in project.services.values() for mount in service.volumes]
    unnamed = sum(mount.type == "volume" and not mount.source for mount in mounts)
    return unnamed + sum(not v.external and not is_bind(v) for v in project.volumes.values())


def _resources(resolved: ResolvedModule) -> Iterator[Deed]:
    """How much memory it may take, if the file limits all services, and what is downloaded."""
    limits = [_limit(service) for service in resolved.project.services.values()]
    if limits and all(limits):
        yield Deed("memory", Text("takes up to {size} of memory", size=binary_size(sum(limits))))
    if size := resolved.module.needs.download:
        yield Deed("download", Text("downloads about {size}", size=binary_size(parse_size(size))))


def _limit(service: "Service") -> int:
    deployed = service.deploy.resources.limits if service.deploy else None
    return (deployed.memory if deployed else 0) or service.mem_limit
