"""The dependencies of a service within its module."""

from collections.abc import Collection, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, cast

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.base.i18n import Text
from aiserver_tray.spec.model import Condition, Dependency, ServiceTarget
from aiserver_tray.spec.scope import Scope

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.service import Service


def dependencies(scope: Scope, name: str) -> tuple[Dependency, ...]:
    """Dependencies of the service *name* on services with a container; an optional one may be
    missing from the project. The service whose namespace it shares is included, even if the file
    names that service's container."""
    service = scope.service(name)
    there = [n for n, s in scope.project.services.items() if s.replicas > 0]
    # The engine notes the id of the container whose namespace is shared.
    shared = set(_shared(scope, service, there))
    stated = (
        Dependency(
            other,
            cast("Condition", d.condition),
            d.restart or other in shared,
            d.required,
            other in shared,
        )
        for other, d in service.depends_on.items()
        if other in there
    )
    implied = sorted(shared - service.depends_on.keys() - {name})
    started = (Dependency(n, "service_started", restart=True, shares=True) for n in implied)
    return (*stated, *started)


def _shared(scope: Scope, service: "Service", there: Sequence[str]) -> Iterator[str]:
    modes = (service.network_mode, service.ipc, service.pid)
    for name in there:
        if f"service:{name}" in modes or f"container:{scope.container_of(name)}" in modes:
            yield name


def check_used(scope: Scope, names: Collection[str]) -> None:
    """Check that the services whose containers the services *names* use are some of them. Under the
    name of one without a container, the engine might find another module's: ``ai-a-b-c`` is also
    one of ``a-b``.

    Raises:
        CatalogError: one has none.
    """
    for name in names:
        for key, other in _used(scope.service(name)):
            if other not in names:
                text = Text("expected an active service, found {found!r}", found=other)
                raise CatalogError.at(scope.place(name, key), text)


def _used(service: "Service") -> Iterator[tuple[str, str]]:
    """The services whose containers *service* uses, each with the key that names it."""
    modes = {"network_mode": service.network_mode, "ipc": service.ipc, "pid": service.pid or ""}
    for key, mode in modes.items():
        kind, _, other = mode.partition(":")
        if kind == "service" and other:
            yield key, other
    for source in service.volumes_from:
        if (other := source.partition(":")[0]) != "container":
            yield "volumes_from", other
    for link in service.links:
        yield "links", link.partition(":")[0]


def check_circle(scope: Scope, services: Sequence[ServiceTarget]) -> None:
    """Check for cycles among *services*. Compose does not check dependencies that a container's
    name implies.

    Raises:
        CatalogError: there is a cycle.
    """
    graph = {s.service: [d.service for d in s.depends_on] for s in services}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        text = Text("expected no dependency cycle, found {path}", path=" → ".join(path))
        raise CatalogError.at(scope.place(path[0]), text) from None
