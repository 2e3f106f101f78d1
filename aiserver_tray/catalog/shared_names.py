"""The names by which containers answer on the network that modules share.

There, the engine's DNS answers for the name of a service, its aliases, its host name and the name
of its container. It ignores case. A domain name is not a part of them, and a link answers only
inside the container that has it. If two containers have the same name, clients reach either.

A container looks up names on all its networks, in an order that the engine chooses. So a name on
the shared network can also hide a service on a module's own network.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from aiserver_tray.base.errors import Problem
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import mappings
from aiserver_tray.model import SHARED_NETWORK

if TYPE_CHECKING:
    from aiserver_tray.catalog.catalog import Catalog
    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.modules import Module

_OUR_NETWORKS = "ai-"
"""The prefix of the shared network and of all networks that belong to modules."""


class SharedName(NamedTuple):
    """A name of a service on the shared network; ``path`` is its place in the module's file."""

    name: str
    path: tuple[str, ...]


def dns_name(name: str) -> str:
    """*name* as the engine compares it with others."""
    # The engine converts each letter to one letter. Python makes two of "İ".
    lower = "".join(letter.lower()[0] for letter in name)
    return lower.removesuffix(f".{SHARED_NETWORK}")


def shared_names(project: "Project") -> Iterator[SharedName]:
    """The names of *project*'s services on the shared network, or on a network of another module,
    which counts as shared."""
    shared = {
        key
        for key, network in project.networks.items()
        if network.external and network.name.startswith(_OUR_NETWORKS)
    }
    for name, service in project.services.items():
        path = ("services", name)
        joined = sorted(shared & service.networks.keys())
        for key in joined:
            yield SharedName(name, path)
            attachment = service.networks[key]
            for alias in attachment.aliases if attachment else ():
                yield SharedName(alias, (*path, "networks", key, "aliases"))
        if service.hostname and (joined or service.network_mode.startswith(_OUR_NETWORKS)):
            yield SharedName(service.hostname, (*path, "hostname"))


def reserved_name_problems(
    catalog: "Catalog", module: "Module", project: "Project"
) -> list[Problem]:
    """The shared names of *module*'s services in *project* that belong to a built-in module, unless
    it is built in too. They are reserved even while that module is stopped, because others may
    still look it up."""
    if module.name in catalog.built_in:
        return []
    reserved = _reserved(catalog)
    return [
        _taken(module, found, reserved[key])
        for found in dict.fromkeys(shared_names(project))
        if (key := dns_name(found.name)) in reserved
    ]


def access_problems(catalog: "Catalog", module: "Module", project: "Project") -> list[Problem]:
    """Why *module* can't be opened to a network as its file says, unless it is built in: the
    gateway and the check of its account must come to its own containers only."""
    access, path = module.access, ("x-aiserver", "access")
    if access is None or module.name in catalog.built_in:
        return []
    problems: list[Problem] = []
    if getattr(access.first_account, "module", None) is not None:
        text = Text("only built-in modules may name another module. Use a service of this file")
        problems.append(Problem(module.place(*path, "first_account", "module"), text))
    own = {dns_name(found.name) for found in shared_names(project)}
    own |= {service.container_name for service in project.services.values()}
    if (host := access.host or module.name) not in own:
        text = Text(
            "expected the name of a service of this file that is on {network}, found {found!r}",
            network=SHARED_NETWORK,
            found=host,
        )
        problems.append(Problem(module.place(*path, "host"), text))
    return problems


def _taken(module: "Module", found: SharedName, other: str) -> Problem:
    text = Text(
        "expected another name on {network}: {name} belongs to the built-in module {other} (upper "
        "and lower case count as the same). Connections to {other}, with their passwords, could "
        "reach this service instead. Rename it, for example: {module}-{name}",
        name=found.name,
        other=other,
        network=SHARED_NETWORK,
        module=module.name,
    )
    return Problem(module.place(*found.path), text)


def _reserved(catalog: "Catalog") -> dict[str, str]:
    """Name -> module, for all services of the built-in modules, in the files as they are written:
    also for services that no choice activates."""
    return {
        dns_name(name): module
        for module in sorted(catalog.built_in)
        for service, tree in mappings(catalog.modules[module].section("services"))
        for name in (service, tree.get("hostname", service), *_aliases(tree))
    }


def _aliases(service: Mapping[str, Any]) -> Iterator[str]:
    for _, attachment in mappings(service.get("networks")):
        yield from attachment.get("aliases", ())


def duplicate_name_problems(
    modules: Iterable[tuple["Module", Iterable[SharedName]]],
) -> list[Problem]:
    """Check that names on the shared network are unique: one problem per file for names that
    several of *modules* use there."""
    owners: dict[str, tuple[Module, SharedName]] = {}
    problems = []
    for module, names in modules:
        for key, found in sorted(by_dns_name(names).items()):
            first, earlier = owners.setdefault(key, (module, found))
            if first is not module:
                problems += [
                    _duplicate(module, found, first, earlier),
                    _duplicate(first, earlier, module, found),
                ]
    return problems


def _duplicate(module: "Module", found: SharedName, other: "Module", its: SharedName) -> Problem:
    text = Text(
        "expected a unique name on {network}; {file} also uses {name}. Rename one of them. Upper "
        "and lower case count as the same",
        network=SHARED_NETWORK,
        file=other.file,
        name=its.name,
    )
    return Problem(module.place(*found.path), text)


def by_dns_name(names: Iterable[SharedName]) -> dict[str, SharedName]:
    """The first of several equal *names* counts."""
    found: dict[str, SharedName] = {}
    for name in names:
        found.setdefault(dns_name(name.name), name)
    return found
