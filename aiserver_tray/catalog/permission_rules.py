"""Each key of a Compose file in one table: whether it asks for something beyond containers of the
module's own."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiserver_tray.catalog.permission_kinds import Kind, Permission
from aiserver_tray.catalog.unsupported import is_bind
from aiserver_tray.model import SHARED_NETWORK

if TYPE_CHECKING:
    from pydantic import BaseModel

    from aiserver_tray.catalog.compose.project import Project
    from aiserver_tray.catalog.compose.resources import Mount, Network, Volume

_USUAL_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
"""Capabilities that the engine gives each container. Adding one back after ``cap_drop`` asks for
nothing (https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities).
"""
_LOCAL_LOGS = frozenset({"", "json-file", "local", "none"})
_OWN_SYSCTLS = ("net.", "kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")
"""Kernel settings that a container has for itself
(https://docs.docker.com/reference/cli/docker/container/run/#sysctl)."""
_OWN_BRIDGE_OPTIONS = frozenset({
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.driver.mtu",
})  # fmt: skip
_OWN_PROPAGATIONS = frozenset({"", "private", "rprivate", "slave", "rslave"})


@dataclass(frozen=True)
class Where:
    """What a rule may look at besides the key's value. *name* is that of the service, or of the
    network."""

    name: str
    project: "Project"


Rule = Callable[[Any, Where], Iterable[Permission]]
"""The permissions that a key's value asks for."""


def harmless(_value: object, _where: Where) -> tuple[Permission, ...]:
    """A key that concerns only containers, networks and volumes of the module's own, or one that
    `unsupported` refuses."""
    return ()


def _each(value: Any, where: Where) -> Iterator[Permission]:  # noqa: ANN401 - a model, or several
    """A section, or a list of sections, with keys of its own."""
    for one in value if isinstance(value, list) else [value]:
        yield from asked_by(one, where)


def _if_set(kind: Kind, name: str) -> Rule:
    """A key that asks by being there."""
    return lambda value, _: [Permission(kind, f"{name}={value}")]


def _capabilities(names: Iterable[str], _where: Where) -> Iterator[Permission]:
    for capability in names:
        if capability.upper().removeprefix("CAP_") not in _USUAL_CAPABILITIES:
            yield Permission("capability", capability)


def _security_options(options: Iterable[str], _where: Where) -> Iterator[Permission]:
    for option in options:
        if not option.startswith("no-new-privileges"):
            yield Permission("security_option", option)


def _namespace(name: str, *own: str) -> Rule:
    """The rule for the mode of a namespace, for which the values *own* ask for nothing."""

    def rule(mode: str, _where: Where) -> Iterator[Permission]:
        kind, _, other = mode.partition(":")
        if kind == "container":
            yield Permission("container", other)
        elif kind == "host":
            yield Permission("namespace", name)
        elif kind not in own:
            yield Permission("network" if name.startswith("network") else "namespace", mode)

    return rule


def _volumes_from(sources: Iterable[str], _where: Where) -> Iterator[Permission]:
    for source in sources:
        kind, _, other = source.partition(":")
        if kind == "container":
            yield Permission("container", other.partition(":")[0])


def _external_links(links: Iterable[str], _where: Where) -> Iterator[Permission]:
    return (Permission("container", link.partition(":")[0]) for link in links)


def _devices(devices: Iterable[Any], _where: Where) -> Iterator[Permission]:
    return (Permission("device", device.source) for device in devices)


def _device_requests(requests: Iterable[Any], _where: Where) -> Iterator[Permission]:
    for request in requests:
        words = ", ".join(filter(None, (request.driver, *request.capabilities)))
        yield Permission("device", words or "gpu")


def _host_address(address: str, _where: Where) -> Iterator[Permission]:
    if not is_loopback(address):
        yield Permission("port", address)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches *address*."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _sysctls(settings: Mapping[str, object], _where: Where) -> Iterator[Permission]:
    return (Permission("option", n) for n in settings if not n.startswith(_OWN_SYSCTLS))


def _named(kind: Kind, *own: str) -> Rule:
    """The rule for options by name: each asks, but for the *own* ones."""
    return lambda options, _: (
        Permission(kind, f"{name}={value}") for name, value in options.items() if name not in own
    )


def _logging(logging: Any, _where: Where) -> Iterator[Permission]:  # noqa: ANN401 - a section
    if logging.driver not in _LOCAL_LOGS:
        yield Permission("log", logging.driver)


def _runtime(runtime: str, _where: Where) -> Iterator[Permission]:
    if runtime != "runc":
        yield Permission("security_option", f"runtime={runtime}")


def _oom_score(score: int, _where: Where) -> Iterator[Permission]:
    if score < 0:
        yield Permission("option", f"oom_score_adj={score}")


def _networks(names: Mapping[str, Any], where: Where) -> Iterator[Permission]:
    for name, attachment in names.items():
        yield from _of_network(where.project.networks[name], where)
        if attachment is not None:
            yield from asked_by(attachment, where)


def _of_network(network: "Network", where: Where) -> Iterator[Permission]:
    if network.external:
        if network.name == "host":
            yield Permission("namespace", "network")
        else:
            kind: Kind = "shared_network" if network.name == SHARED_NETWORK else "network"
            yield Permission(kind, network.name)
    else:
        yield from asked_by(network, replace(where, name=network.name))


def _network_driver(driver: str, where: Where) -> Iterator[Permission]:
    if driver not in ("bridge", "default", "null", "none"):
        yield Permission("network", f"{driver}:{where.name}")


def _network_options(options: Mapping[str, str], where: Where) -> Iterator[Permission]:
    for name, value in options.items():
        if "gateway_mode" in name or "host_binding" in name:
            # "routed" reaches containers without published ports
            yield Permission("port", where.name)
        elif name not in _OWN_BRIDGE_OPTIONS:
            yield Permission("option", f"{name}={value}")


def _subnet(subnet: str, _where: Where) -> Iterator[Permission]:
    # The machine reaches these addresses there from then on, and no longer elsewhere.
    yield Permission("addresses", subnet)


def _mounts(mounts: Iterable["Mount"], where: Where) -> Iterator[Permission]:
    for mount in mounts:
        if mount.type == "volume" and mount.source:
            yield from _of_volume(where.project.volumes[mount.source])
        elif mount.type not in ("volume", "bind", "npipe", "tmpfs"):
            yield Permission("volume", f"{mount.type}:{mount.source}")
        yield from asked_by(mount, where)


def _of_volume(volume: "Volume") -> Iterator[Permission]:
    given = volume.driver_opts
    kind, device, options = (str(given.get(key, "")) for key in ("type", "device", "o"))
    if volume.external:
        yield Permission("volume", volume.name)
    elif volume.driver not in ("", "local"):
        yield Permission("volume", f"{volume.driver}:{volume.name}")
    elif is_bind(volume):
        return  # a folder, as of a bind
    elif any((kind, device, options)) and not kind == device == "tmpfs":
        # A disk, a network share, or an overlay of other folders, which are in the options.
        yield Permission("volume", " ".join(filter(None, (kind, device, options))))
    elif more := given.keys() - {"type", "device", "o", "size"}:
        yield Permission("volume", f"{', '.join(sorted(more))}:{volume.name}")


def _propagation(mode: str, _where: Where) -> Iterator[Permission]:
    if mode not in _OWN_PROPAGATIONS:
        yield Permission("option", f"propagation={mode}")


def _tags(tags: Iterable[str], _where: Where) -> Iterator[Permission]:
    return (Permission("image", tag) for tag in tags)


def _rules(nothing: str, /, **others: Rule) -> Mapping[str, Rule]:
    """The rules of a section: of its keys that ask for *nothing*, and of the *others*. Extensions
    (``x-…``) are notes for other programs."""
    return {**dict.fromkeys((*nothing.split(), "extensions"), harmless), **others}


def _privileged(_value: object, where: Where) -> Iterator[Permission]:
    yield Permission("privileged", where.name)


RULES: Mapping[str, Mapping[str, Rule]] = {
    "Service": _rules(
        # Names on networks are checked for all modules together; files by where they are; what
        # `unsupported` has can't start.
        "attach blkio_config cap_drop command configs container_name cpu_count cpu_percent"
        " cpu_period cpu_quota cpu_shares cpus cpuset credential_spec depends_on develop dns"
        " dns_opt dns_search domainname entrypoint env_file environment expose extra_hosts"
        " group_add healthcheck hostname image init label_file labels links mac_address"
        " mem_limit mem_reservation mem_swappiness memswap_limit pids_limit platform profiles"
        " pull_policy read_only restart scale secrets shm_size stdin_open stop_grace_period"
        " stop_signal tmpfs tty ulimits user working_dir",
        annotations=_named("option"),
        build=_each,
        cap_add=_capabilities,
        cgroup=_namespace("cgroup", "private"),
        cgroup_parent=_if_set("option", "cgroup_parent"),
        cpu_rt_period=_if_set("option", "cpu_rt_period"),
        cpu_rt_runtime=_if_set("option", "cpu_rt_runtime"),
        deploy=_each,
        device_cgroup_rules=lambda rules, _: (Permission("device", rule) for rule in rules),
        devices=_devices,
        external_links=_external_links,
        gpus=_device_requests,
        ipc=_namespace("ipc", "none", "private", "shareable", "service"),
        isolation=_if_set("security_option", "isolation"),
        logging=_logging,
        network_mode=_namespace("network", "none", "disabled", "service"),
        networks=_networks,
        oom_kill_disable=_if_set("option", "oom_kill_disable"),
        oom_score_adj=_oom_score,
        pid=_namespace("pid", "service"),
        ports=_each,
        post_start=_each,
        pre_stop=_each,
        privileged=_privileged,
        runtime=_runtime,
        security_opt=_security_options,
        storage_opt=_named("option", "size"),
        sysctls=_sysctls,
        userns_mode=_namespace("userns"),
        uts=_namespace("uts"),
        volumes=_mounts,
        volumes_from=_volumes_from,
    ),
    "Build": _rules(
        "additional_contexts args cache_from cache_to context dockerfile dockerfile_inline"
        " entitlements extra_hosts labels no_cache platforms privileged pull secrets shm_size ssh"
        " target ulimits",
        isolation=_if_set("security_option", "isolation"),
        network=_namespace("network (build)", "default", "none"),
        tags=_tags,
    ),
    "Deploy": _rules(
        "endpoint_mode labels mode placement replicas restart_policy rollback_config update_config",
        resources=_each,
    ),
    "Resources": _rules("limits", reservations=_each),
    "Reservations": _rules("cpus generic_resources memory", devices=_device_requests),
    "Hook": _rules("command environment user working_dir", privileged=_privileged),
    "Port": _rules(
        "app_protocol mode name protocol published target",
        host_ip=_host_address,
    ),
    "Mount": _rules(
        # Sources and whether they can be written are judged together, for all mounts of a module.
        "consistency read_only source target tmpfs type volume",
        bind=_each,
    ),
    "BindOptions": _rules(
        "create_host_path recursive",
        propagation=_propagation,
        selinux=_if_set("security_option", "selinux"),
    ),
    "Network": _rules(
        "attachable enable_ipv4 enable_ipv6 external internal labels name",
        driver=_network_driver,
        driver_opts=_network_options,
        ipam=_each,
    ),
    "Ipam": _rules(
        "",
        config=_each,
        driver=lambda driver, _: [Permission("network", f"ipam:{driver}")] * (driver != "default"),
        options=_named("option"),
    ),
    "IpamPool": _rules("aux_addresses gateway ip_range", subnet=_subnet),
    "ServiceNetwork": _rules(
        "aliases gw_priority ipv4_address ipv6_address link_local_ips mac_address priority",
        driver_opts=_named("option"),
    ),
}
"""By class of a section: the rule of each key. A key without a rule fails a test, and is an error
here."""


def asked_by(section: "BaseModel", where: Where) -> Iterator[Permission]:
    """What the keys of *section* ask for."""
    rules = RULES[type(section).__name__]
    for name in type(section).model_fields:
        if value := getattr(section, name):
            yield from rules[name](value, where)
