"""``HostConfig`` of a container, in the engine's terms: its resources and limits.

Fields:
https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerCreate
Names that differ from Compose are mapped as Docker Compose does.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiserver_tray.catalog.compose.scalars import parse_size

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.build import Ulimit
    from aiserver_tray.catalog.compose.deploy import DeviceRequest
    from aiserver_tray.catalog.compose.service import BlkioConfig, Device, Service

NANO = 1_000_000_000

_RESTART = {"none": "no", "any": "always"}
"""The words of ``deploy.restart_policy``, and the engine's words for them."""

# container-device-interface's SPEC.md: vendor.com/class=name
_CDI_NAME = re.compile(r"[A-Za-z][\w.-]*/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*")

ContainerOf = Callable[[str], str]
"""From a service's name to its container's."""


_FILE_DRIVERS = ("local", "json-file")


def host_config(
    service: "Service", bind: str, container_of: ContainerOf, least_log_size: str
) -> dict[str, Any]:
    """``HostConfig`` without networks, mounts and security options, which need more than *service*.
    Ports without an address are bound to *bind*. Files of logs have *least_log_size* at least.
    Keys that the file does not set are left out, so that a newly supported key changes no hash."""
    said = {
        "Annotations": service.annotations,
        "CapAdd": service.cap_add,
        "CapDrop": service.cap_drop,
        "CgroupnsMode": service.cgroup,
        "Dns": service.dns,
        "DnsOptions": service.dns_opt,
        "DnsSearch": service.dns_search,
        "GroupAdd": service.group_add,
        "Init": service.init,
        "IpcMode": shared(service.ipc, container_of),
        "Isolation": service.isolation,
        "LogConfig": _log_config(service, least_log_size),
        "OomScoreAdj": service.oom_score_adj,
        "PidMode": shared(service.pid or "", container_of),
        "Privileged": service.privileged,
        "ReadonlyRootfs": service.read_only,
        "RestartPolicy": _restart_policy(service),
        "Runtime": service.runtime,
        "ShmSize": service.shm_size,
        "StorageOpt": service.storage_opt,
        "Sysctls": service.sysctls,
        "Tmpfs": _tmpfs(service.tmpfs),
        "UTSMode": service.uts,
        "UsernsMode": service.userns_mode,
        "VolumesFrom": [_volumes_from(source, container_of) for source in service.volumes_from],
        **_resources(service),
    }
    return {
        **{key: value for key, value in said.items() if value or isinstance(value, bool)},
        "ExtraHosts": extra_hosts(service.extra_hosts),
        "PortBindings": _port_bindings(service, bind),
    }


def shared(mode: str, container_of: ContainerOf) -> str:
    """A namespace's *mode*, in which the engine knows containers, not services."""
    kind, _, name = mode.partition(":")
    return f"container:{container_of(name)}" if kind == "service" and name else mode


def extra_hosts(hosts: Mapping[str, Iterable[str]]) -> list[str]:
    """Addresses by host as ``HOST:ADDRESS``."""
    return sorted(f"{host}:{address}" for host, addresses in hosts.items() for address in addresses)


def _log_config(service: "Service", least_size: str) -> dict[str, Any]:
    if service.logging is None:
        return {}
    driver, options = service.logging.driver, service.logging.options
    size = options.get("max-size", "")
    with suppress(ValueError):  # the engine knows what is wrong with it
        if driver in _FILE_DRIVERS and 0 < parse_size(size) < parse_size(least_size):
            options = {**options, "max-size": least_size}
    return {"Type": driver, "Config": options}


def with_known_log_driver(host_config: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """*host_config* for an engine that knows the log drivers *known*. Podman has no ``local``, and
    takes ``json-file`` for its own files, with the same options."""
    logging = host_config.get("LogConfig", {})
    if logging.get("Type") != "local" or "local" in known:
        return {**host_config}
    return {**host_config, "LogConfig": {**logging, "Type": "json-file"}}


def _port_bindings(service: "Service", bind: str) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in service.ports:
        binding = {"HostIp": port.host_ip or bind, "HostPort": str(port.published)}
        bindings.setdefault(f"{port.target}/{port.protocol}", []).append(binding)
    return bindings


def _restart_policy(service: "Service") -> dict[str, Any]:
    name, _, attempts = service.restart.partition(":")
    count = int(attempts) if attempts.isdecimal() else 0
    if service.deploy and (policy := service.deploy.restart_policy):
        name, count = policy.condition, policy.max_attempts or 0
    return {"Name": _RESTART.get(name, name), "MaximumRetryCount": count}


def _tmpfs(entries: Iterable[str]) -> dict[str, str]:
    return {path: options for path, _, options in (entry.partition(":") for entry in entries)}


def _volumes_from(source: str, container_of: ContainerOf) -> str:
    kind, _, rest = source.partition(":")
    if kind == "container":
        return rest
    return f"{container_of(kind)}:{rest}" if rest else container_of(kind)


def _resources(service: "Service") -> dict[str, Any]:
    requests = [cdi for device in service.devices if (cdi := _cdi_request(device))]
    resources = {
        "CgroupParent": service.cgroup_parent,
        "CpuCount": service.cpu_count,
        "CpuPercent": service.cpu_percent,
        "CpuPeriod": service.cpu_period,
        "CpuQuota": service.cpu_quota,
        "CpuRealtimePeriod": service.cpu_rt_period,
        "CpuRealtimeRuntime": service.cpu_rt_runtime,
        "CpuShares": service.cpu_shares,
        "CpusetCpus": service.cpuset,
        "DeviceCgroupRules": service.device_cgroup_rules,
        "DeviceRequests": requests + [_gpu_request(request) for request in service.gpus],
        "Devices": [_device(device) for device in service.devices if not _cdi_request(device)],
        "Memory": service.mem_limit,
        "MemoryReservation": service.mem_reservation,
        "MemorySwap": service.memswap_limit,
        "MemorySwappiness": service.mem_swappiness,
        "NanoCpus": round(service.cpus * NANO),
        "OomKillDisable": service.oom_kill_disable,
        "PidsLimit": service.pids_limit,
        "Ulimits": ulimits(service.ulimits),
        **(_blkio(service.blkio_config) if service.blkio_config else {}),
    }
    return resources | _deployed(service, resources["DeviceRequests"])


def _deployed(service: "Service", requests: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields for ``deploy.resources``, which override the service's own keys."""
    if not service.deploy:
        return {}
    limits, reserved = service.deploy.resources.limits, service.deploy.resources.reservations
    given: dict[str, Any] = {}
    if limits:
        given |= {
            "Memory": limits.memory,
            "NanoCpus": round(limits.cpus * NANO),
            "PidsLimit": max(limits.pids, 0),
        }
    if reserved:
        given["MemoryReservation"] = reserved.memory
        given["DeviceRequests"] = requests + [_device_request(r) for r in reserved.devices]
    return {key: value for key, value in given.items() if value}


def _device(device: "Device") -> dict[str, str]:
    return {
        "PathOnHost": device.source,
        "PathInContainer": device.target or device.source,
        "CgroupPermissions": device.permissions or "rwm",
    }


def _cdi_request(device: "Device") -> dict[str, Any] | None:
    """A device that its vendor's own specification describes has a name, and no path."""
    if not _CDI_NAME.fullmatch(device.source):
        return None
    return {"Driver": "cdi", "DeviceIDs": [device.source]}


def _gpu_request(request: "DeviceRequest") -> dict[str, Any]:
    asked = request.capabilities
    capabilities = asked if "gpu" in asked else ["gpu", *asked]
    return {**_device_request(request), "Capabilities": [capabilities]}


def _device_request(request: "DeviceRequest") -> dict[str, Any]:
    return {
        "Driver": request.driver,
        "Count": request.count,
        "DeviceIDs": request.device_ids or None,
        "Capabilities": [request.capabilities],
        "Options": request.options or None,
    }


def ulimits(given: Mapping[str, "Ulimit"]) -> list[dict[str, Any]]:
    """The limits of setrlimit(2), by name."""
    return [
        {"Name": name, "Soft": limit.soft or limit.single, "Hard": limit.hard or limit.single}
        for name, limit in sorted(given.items())
    ]


def _blkio(blkio: "BlkioConfig") -> dict[str, Any]:
    throttled = {
        "BlkioDeviceReadBps": blkio.device_read_bps,
        "BlkioDeviceReadIOps": blkio.device_read_iops,
        "BlkioDeviceWriteBps": blkio.device_write_bps,
        "BlkioDeviceWriteIOps": blkio.device_write_iops,
    }
    return {
        "BlkioWeight": blkio.weight,
        "BlkioWeightDevice": [{"Path": d.path, "Weight": d.weight} for d in blkio.weight_device],
        **{
            key: [{"Path": d.path, "Rate": d.rate} for d in devices]
            for key, devices in throttled.items()
        },
    }
