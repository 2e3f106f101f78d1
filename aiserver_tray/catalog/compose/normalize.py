"""Implicit parts of a Compose file: default network, dependencies, names."""

from collections.abc import Iterator
from typing import Any

from aiserver_tray.catalog.compose.keypath import mappings
from aiserver_tray.catalog.compose.shortforms import clean_path

_Tree = dict[str, Any]

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")


def normalize(tree: _Tree) -> None:
    """Complete the canonical *tree*, in place; ``tree["name"]`` is the project's name."""
    _join_default_network(tree)
    for _, service in mappings(tree.get("services")):
        _normalize_service(service)
    for section in ("networks", "volumes", "configs", "secrets"):
        if isinstance(tree.get(section), dict):
            _name_resources(tree[section], section, tree["name"])


def _join_default_network(tree: _Tree) -> None:
    """Connect a service without networks to ``default``, which exists only if it is used."""
    used = False
    for _, service in mappings(tree.get("services")):
        if "network_mode" in service:
            continue
        if service.get("networks", {}) == {}:
            service["networks"] = {"default": None}
        used = used or (isinstance(service["networks"], dict) and "default" in service["networks"])
    if used and isinstance(tree.setdefault("networks", {}), dict):
        tree["networks"].setdefault("default", None)


def _normalize_service(service: _Tree) -> None:
    if service.get("pull_policy") == "if_not_present":
        service["pull_policy"] = "missing"
    build = service.get("build")
    if isinstance(build, dict) and not build.keys() & {"dockerfile", "dockerfile_inline"}:
        build["dockerfile"] = "Dockerfile"
    deploy = service.get("deploy")
    if isinstance(deploy, dict) and "scale" in service:
        deploy.setdefault("replicas", service["scale"])
    mounts = service.get("volumes")
    for mount in mounts if isinstance(mounts, list) else ():
        if isinstance(mount, dict) and isinstance(mount.get("target"), str):
            mount["target"] = clean_path(mount["target"])
    dependencies = service.get("depends_on", {})
    if not isinstance(dependencies, dict):
        return
    for name, restart in _implied_dependencies(service):
        implied = {"condition": "service_started", "restart": restart, "required": True}
        dependencies.setdefault(name, implied)
    if dependencies:
        service["depends_on"] = dependencies


def _implied_dependencies(service: _Tree) -> Iterator[tuple[str, bool]]:
    """Services that links, shared namespaces and volumes_from refer to, and whether a restart
    of the other one restarts this one."""
    for link in _texts(service.get("links")):
        name, *alias = link.split(":")
        yield (name if len(alias) == 1 else link), True
    for key in _NAMESPACES:
        shared = service.get(key)
        if isinstance(shared, str) and shared.startswith("service:"):
            yield shared.removeprefix("service:"), True
    for source in _texts(service.get("volumes_from")):
        if not source.startswith("container:"):
            yield source.split(":")[0], False


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _name_resources(resources: _Tree, section: str, project: str) -> None:
    for key, given in resources.items():
        needs_nothing = given is None and section in ("networks", "volumes")
        resource = resources[key] = {} if needs_nothing else given
        if isinstance(resource, dict) and resource.get("name") is None:
            external = resource.get("external") is True
            resource["name"] = key if external else f"{project}_{key}"
