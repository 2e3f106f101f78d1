"""Networks of a module, and how a container is attached to them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiserver_tray.spec.host_config import shared
from aiserver_tray.spec.labels import Owner, resource_body, resource_labels, without_ours
from aiserver_tray.spec.model import NetworkTarget
from aiserver_tray.spec.names import SHARED_NETWORK, network_name

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.resources import Ipam, Network, ServiceNetwork
    from aiserver_tray.catalog.compose.service import Service
    from aiserver_tray.spec.scope import Scope


def network_target(module: str, key: str, network: "Network", owner: Owner) -> NetworkTarget:
    """The network that *module*'s file calls *key*."""
    if network.external:
        labels = owner.labels if network.name == SHARED_NETWORK else {}
        return NetworkTarget(network.name, {"Labels": labels}, external=True)
    body: dict[str, Any] = {
        "Driver": network.driver,
        "Options": network.driver_opts,
        "Internal": network.internal,
        "Attachable": network.attachable,
        "EnableIPv6": bool(network.enable_ipv6),
    }
    if network.enable_ipv4 is not None:
        body["EnableIPv4"] = network.enable_ipv4
    if ipam := _ipam(network.ipam):
        body["IPAM"] = ipam
    labels = resource_labels("network", module, key, owner, without_ours(network.labels))
    return NetworkTarget(network_name(module, key), resource_body(body, labels))


def _ipam(ipam: "Ipam") -> dict[str, Any]:
    pools = [
        {
            "Subnet": pool.subnet,
            "IPRange": pool.ip_range,
            "Gateway": pool.gateway,
            "AuxiliaryAddresses": pool.aux_addresses,
        }
        for pool in ipam.config
    ]
    given = {"Driver": ipam.driver, "Config": pools, "Options": ipam.options}
    return given if any(given.values()) else {}


def networking(scope: "Scope", name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """For the service *name*: the ``HostConfig`` fields about networks, and its endpoints (by
    network on the engine). The first endpoint is the one in ``NetworkMode``."""
    service = scope.service(name)
    links = _links(service, scope)
    found: dict[str, dict[str, Any]] = {}
    for key in _by_priority(service):
        network = scope.networks[key]
        endpoint = _endpoint(service.networks[key])
        endpoint["Aliases"] = list(dict.fromkeys(_aliases(name, service, key, network)))
        endpoint["Links"] = links or None
        if service.mac_address and not found:
            endpoint["MacAddress"] = endpoint["MacAddress"] or service.mac_address
        found[network.name] = endpoint
    mode = shared(service.network_mode, scope.container_of) or next(iter(found), "none")
    return {"NetworkMode": mode, "Links": links or None}, found


def shared_names(body: Mapping[str, Any]) -> list[str]:
    """The names by which a container from *body* answers on the shared network, besides that of the
    container."""
    endpoints = body["NetworkingConfig"]["EndpointsConfig"]
    if SHARED_NETWORK not in (body["HostConfig"]["NetworkMode"], *endpoints):
        return []
    aliases = endpoints.get(SHARED_NETWORK, {}).get("Aliases", ())
    return list(filter(None, dict.fromkeys((*aliases, body["Hostname"]))))


def _by_priority(service: "Service") -> list[str]:
    there = service.networks
    return sorted(there, key=lambda key: (-found.priority if (found := there[key]) else 0, key))


def _endpoint(attachment: "ServiceNetwork | None") -> dict[str, Any]:
    if attachment is None:
        return {"MacAddress": ""}
    return {
        "IPAMConfig": {
            "IPv4Address": attachment.ipv4_address,
            "IPv6Address": attachment.ipv6_address,
            "LinkLocalIPs": attachment.link_local_ips,
        },
        "MacAddress": attachment.mac_address,
        "DriverOpts": attachment.driver_opts or None,
    }


def _aliases(name: str, service: "Service", key: str, network: NetworkTarget) -> Iterator[str]:
    yield name
    # The container's name is another, but services of the file may use this one. Not on the network
    # of all modules, where names must be unique.
    if service.container_name and network.name != SHARED_NETWORK:
        yield service.container_name
    if attachment := service.networks[key]:
        yield from attachment.aliases


def _links(service: "Service", scope: "Scope") -> list[str]:
    """``container:alias`` of every link."""
    own = (link.partition(":") for link in service.links)
    outside = (link.partition(":") for link in service.external_links)
    return [
        *(f"{scope.container_of(linked)}:{alias or linked}" for linked, _, alias in own),
        *(f"{container}:{alias or container}" for container, _, alias in outside),
    ]
