"""Hosts that a container reaches inside the engine and that must bypass the proxy (pure)."""

from collections.abc import Iterator, Mapping
from itertools import chain

from aiserver_tray.spec.model import Body, ModuleTarget, ServiceTarget
from aiserver_tray.spec.names import SHARED_NETWORK


def neighbours(service: ServiceTarget, modules: Mapping[str, ModuleTarget]) -> set[str]:
    """The host names that *service* may contact: services of its module, services of the required
    *modules* on the shared network, and hosts that its file names."""
    module = modules[service.module]
    required = (modules[name] for name in module.requires if name in modules)
    hosts = service.body["HostConfig"].get("ExtraHosts") or ()
    return {
        *chain.from_iterable(_names(endpoint) for _, endpoint in _endpoints(module)),
        *chain.from_iterable(
            _names(endpoint)
            for other in required
            for network, endpoint in _endpoints(other)
            if network == SHARED_NETWORK
        ),
        *(host.partition(":")[0] for host in hosts),
    }


def _endpoints(module: ModuleTarget) -> Iterator[tuple[str, Body]]:
    for service in module.services:
        yield from service.body["NetworkingConfig"]["EndpointsConfig"].items()


def _names(endpoint: Body) -> list[str]:
    return list(endpoint.get("Aliases") or ())
