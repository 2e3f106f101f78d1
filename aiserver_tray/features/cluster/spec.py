"""From a module's target to what a Docker Swarm has for it: services, networks, configs and
secrets, in the terms of its API. Pure.

Bodies: https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Service/operation/ServiceCreate
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.spec.config import SECOND
from aiserver_tray.spec.labels import (
    CONFIG_HASH,
    HOME,
    INSTALLATION,
    MODULE,
    REQUIRES,
    SERVICE,
    VERSION,
    digest,
)
from aiserver_tray.spec.model import File, ModuleTarget, NetworkTarget, ServiceTarget
from aiserver_tray.spec.names import SHARED_NETWORK, project_name

Json = dict[str, Any]

JOB: Final = "io.aiserver.job"
SCALABLE: Final = "io.aiserver.scalable"
"""On a service: it is a job; it may run several times."""
_TASK: Final = "io.aiserver.cluster-task"
"""On containers: their module. The labels of a module are on its services only: an owner of the
node's engine would take the containers for its own."""
NETWORK_OF: Final = "io.aiserver.cluster-network"
"""On networks: the installation. With the labels of a module, an owner of a node's engine would
remove them with it."""
NOWHERE: Final = "ai-nowhere-cluster"
"""An internal network for services without one. Without any, the engine would give them one that
leads outside."""
STACK: Final = "com.docker.stack.namespace"

MAX_SECRET: Final = 500_000
MAX_CONFIG: Final = 1_000_000
"""Bytes that Swarm takes of one."""
_MONITOR_SECONDS: Final = 15
"""For which a service must go on after it was updated, or is put back."""
_DELAY_SECONDS: Final = 5
_RESTARTS: Final = {"on-failure": "on-failure", "always": "any", "unless-stopped": "any"}

_NO_HOST_KEYS: Final = {
    "Privileged": "privileged", "Devices": "devices", "DeviceRequests": "gpus",
    "DeviceCgroupRules": "device_cgroup_rules", "VolumesFrom": "volumes_from", "Links": "links",
    "IpcMode": "ipc", "PidMode": "pid", "UTSMode": "uts", "UsernsMode": "userns_mode",
    "CgroupnsMode": "cgroup", "CgroupParent": "cgroup_parent", "Runtime": "runtime",
    "StorageOpt": "storage_opt", "BlkioWeight": "blkio_config", "BlkioWeightDevice": "blkio_config",
    "BlkioDeviceReadBps": "blkio_config", "BlkioDeviceReadIOps": "blkio_config",
    "BlkioDeviceWriteBps": "blkio_config", "BlkioDeviceWriteIOps": "blkio_config",
    "CpuShares": "cpu_shares", "CpusetCpus": "cpuset", "CpuCount": "cpu_count",
    "CpuPercent": "cpu_percent", "CpuPeriod": "cpu_period", "CpuQuota": "cpu_quota",
    "CpuRealtimePeriod": "cpu_rt_period", "CpuRealtimeRuntime": "cpu_rt_runtime",
    "MemorySwap": "memswap_limit", "MemorySwappiness": "mem_swappiness",
    "OomKillDisable": "oom_kill_disable", "OomScoreAdj": "oom_score_adj",
    "Isolation": "isolation", "Annotations": "annotations", "MaskedPaths": "security_opt",
    "ReadonlyPaths": "security_opt",
}  # fmt: skip
_NO_BODY_KEYS: Final = {
    "Platform": "platform", "Domainname": "domainname", "MacAddress": "mac_address",
    "NetworkDisabled": "network_mode",
}  # fmt: skip
"""Field of the body -> the key in the file: a Swarm drops them without a word."""
_NO_ENDPOINT_KEYS: Final = {
    "MacAddress": "mac_address", "DriverOpts": "driver_opts", "Links": "links",
}  # fmt: skip
_TOLD: Final = (MODULE, SERVICE, INSTALLATION, REQUIRES)
_MODES: Final = ("", "none", "bridge", "default")
_SECURITY: Final = ("no-new-privileges", "seccomp=", "apparmor=unconfined")


@dataclass(frozen=True)
class FileSpec:
    """A config or a secret. Neither can change: another content is another one, with another
    name."""

    name: str
    is_secret: bool
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class ServiceSpec:
    """A service."""

    module: str
    service: str
    name: str
    """On the cluster."""
    body: Json = field(repr=False)
    """For its creation, with names in the place of the IDs of configs and secrets."""
    files: tuple[FileSpec, ...]
    needs: tuple[str, ...]
    """The services of its module that must be ready before."""
    is_job: bool
    ready_within: float
    """Seconds from its start."""

    @property
    def ports(self) -> Sequence[Json]:
        """Those that are published."""
        return list(self.body["EndpointSpec"]["Ports"])

    @property
    def hash(self) -> str:
        """Covers all that is not decided by the cluster."""
        return str(self.body["Labels"][CONFIG_HASH])


@dataclass(frozen=True)
class ModuleSpec:
    """A module."""

    module: str
    requires: tuple[str, ...]
    networks: Mapping[str, Json]
    services: tuple[ServiceSpec, ...]
    volumes: tuple[str, ...]
    """Their names on the node that the module is pinned to."""
    page: int | None
    """The port of its page."""
    refused: tuple[Text, ...]
    """Why it can't run on a Swarm."""


def pin_label(module: str) -> str:
    """The label of the node that has the volumes of *module*."""
    return f"io.aiserver.volumes.{module}"


def network_there(name: str) -> str:
    """The name on the cluster of the network *name*: an engine has it as its own already, if it
    also runs modules itself."""
    return f"{name}-cluster"


def escaped(text: str) -> str:
    """*text* where Swarm expands the templates of Go."""
    return text.replace("{{", '{{"{{"}}')


def module_spec(target: ModuleTarget, secrets: Collection[str], *, publish: bool) -> ModuleSpec:
    """What a Swarm has for *target*. Files with one of *secrets* are secrets there, as are those
    that the file calls so. *publish*: the port of its page."""
    page = _page(target)
    services = tuple(
        _service(target, one, secrets, page if publish else None) for one in target.services
    )
    refused = [text for one in target.services for text in _refused(one)]
    refused += [text for one in target.networks for text in _refused_network(target, one)]
    external = {one.name for one in target.volumes if one.external}
    refused += [_no(target.name, f"volumes.{name}.external") for name in sorted(external)]
    volumes = {name for one in target.services for name in one.volumes}
    networks = {
        network_there(one.name): _network(target, internal=bool(one.body.get("Internal")))
        for one in target.networks
    }
    if any(not one.attached for one in target.services):
        networks[NOWHERE] = _network(target, internal=True)
    return ModuleSpec(
        target.name,
        target.requires,
        networks,
        services,
        tuple(sorted(volumes)),
        page,
        tuple(dict.fromkeys(refused)),
    )


def _page(target: ModuleTarget) -> int | None:
    """The port of the page of *target*."""
    host = (target.open or "").partition("://")[2].partition("/")[0]
    for one in target.services:
        for port in one.ports:
            if host.endswith(f":{port.host}"):
                return port.host
    return None


# -- what a Swarm has not --------------------------------------------------------------------------


def _no(where: str, key: str) -> Text:
    return Text(
        "{where}: a Docker Swarm has no {key}. Remove it in compose.override.yaml, or keep this "
        "module on one computer",
        where=where,
        key=key,
    )


def _refused(one: ServiceTarget) -> Iterator[Text]:
    for key in dict.fromkeys(_lost(one)):
        yield _no(one.address, key)
    if one.image.name is None or one.image.pull_policy == "build":
        yield Text(
            "{where}: its image {image} is built here, and other machines can't get it. Push it to "
            "a registry, and name it as image in the file",
            where=one.address,
            image=one.image.display_name,
        )
    for folder in bound_folders(one):
        yield Text(
            "{where}: it uses the folder {folder} of this computer. Use a volume instead",
            where=one.address,
            folder=folder,
        )
    for file in one.files:
        limit = MAX_SECRET if file.is_secret else MAX_CONFIG
        if len(file.content) > limit:
            yield Text(
                "{where}: the file {file} is larger than the {limit} bytes that a Docker Swarm "
                "takes",
                where=one.address,
                file=file.path,
                limit=limit,
            )


def bound_folders(one: ServiceTarget) -> list[str]:
    """The folders and files of this computer that *one* mounts."""
    host = one.body["HostConfig"]
    binds = [bind.rsplit(":", 2)[0] for bind in host.get("Binds") or ()]
    return binds + [m["Source"] for m in host.get("Mounts") or () if m["Type"] == "bind"]


def _lost(one: ServiceTarget) -> Iterator[str]:
    """The keys in the file that a Swarm drops without a word, or refuses."""
    body, host = one.body, one.body["HostConfig"]
    yield from (key for name, key in _NO_HOST_KEYS.items() if host.get(name))
    yield from (key for name, key in _NO_BODY_KEYS.items() if body.get(name))
    for endpoint in body["NetworkingConfig"]["EndpointsConfig"].values():
        yield from (key for name, key in _NO_ENDPOINT_KEYS.items() if endpoint.get(name))
        if any((endpoint.get("IPAMConfig") or {}).values()):
            yield "ipv4_address"
    mounts = host.get("Mounts") or ()
    words = [w for o in (host.get("Tmpfs") or {}).values() for w in o.split(",") if w]
    found = {
        "network_mode": host.get("NetworkMode", "") not in (*_MODES, *one.attached),
        "post_start": one.post_start,
        "pre_stop": one.pre_stop,
        "security_opt": any(not o.startswith(_SECURITY) for o in host.get("SecurityOpt") or ()),
        "volumes.subpath": any((m.get("VolumeOptions") or {}).get("Subpath") for m in mounts),
        "volumes.type": any(m["Type"] not in ("volume", "tmpfs", "bind") for m in mounts),
        "tmpfs": None in map(_tmpfs_option, words),
    }
    yield from (key for key, is_there in found.items() if is_there)


def _refused_network(target: ModuleTarget, network: NetworkTarget) -> Iterator[Text]:
    where, body = f"{target.name}: {network.name}", network.body
    if network.external and network.name != SHARED_NETWORK:
        yield _no(where, "networks.external")
    if body.get("Driver", "") not in ("", "bridge", "overlay"):
        yield _no(where, f"networks.driver {body['Driver']}")
    named = {"Options": "driver_opts", "EnableIPv6": "enable_ipv6", "IPAM": "ipam"}
    yield from (_no(where, f"networks.{key}") for name, key in named.items() if body.get(name))


# -- bodies ----------------------------------------------------------------------------------------


def _network(target: ModuleTarget, *, internal: bool) -> Json:
    labels = {NETWORK_OF: target.services[0].body["Labels"][INSTALLATION]}
    return {"Driver": "overlay", "Internal": internal, "Labels": labels}


def _service(
    target: ModuleTarget, one: ServiceTarget, secrets: Collection[str], port: int | None
) -> ServiceSpec:
    files = tuple(_file(one, number, file, secrets) for number, file in enumerate(one.files))
    published = [
        {"Protocol": p.protocol, "TargetPort": p.container, "PublishedPort": p.host,
         "PublishMode": "host"}
        for p in one.ports if p.host == port
    ]  # fmt: skip
    labels = {k: v for k, v in one.body["Labels"].items() if k in _TOLD}
    labels[STACK] = project_name(target.name)
    labels |= {JOB: "true"} if one.is_job else {}
    labels |= {SCALABLE: "true"} if one.is_scalable else {}
    body: Json = {
        "Name": one.container,
        "Labels": labels,
        "TaskTemplate": _task(target, one, files),
        # Not a job of Swarm: a manager that leads for a second time runs those again and again.
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr", "Ports": published},
    }
    if not one.is_job:
        # Otherwise both would use one volume or port.
        order = "stop-first" if one.volumes or published else "start-first"
        update = {
            "Parallelism": 1,
            "Order": order,
            "FailureAction": "rollback",
            "Monitor": _MONITOR_SECONDS * SECOND,
            "MaxFailureRatio": 0,
        }
        body |= {"UpdateConfig": update, "RollbackConfig": {**update, "FailureAction": "pause"}}
    labels[CONFIG_HASH] = digest(body)
    needs = tuple(dependency.service for dependency in one.depends_on)
    named = one.module, one.service, one.container
    return ServiceSpec(*named, body, files, needs, one.is_job, one.ready_within)


def _file(one: ServiceTarget, number: int, file: File, secrets: Collection[str]) -> FileSpec:
    has_secret = any(secret.encode() in file.content for secret in secrets if secret)
    is_secret = file.is_secret or (has_secret and len(file.content) <= MAX_SECRET)
    hashed = hashlib.sha256(file.content).hexdigest()[:12]
    return FileSpec(f"{one.container[:45]}-{number}-{hashed}", is_secret, file.content)


def _task(target: ModuleTarget, one: ServiceTarget, files: tuple[FileSpec, ...]) -> Json:
    host = one.body["HostConfig"]
    limits = {
        "MemoryBytes": host.get("Memory"),
        "NanoCPUs": host.get("NanoCpus"),
        "Pids": host.get("PidsLimit"),
    }
    restart = host.get("RestartPolicy") or {}
    condition = "none" if one.is_job else _RESTARTS.get(restart.get("Name", ""), "none")
    endpoints = one.body["NetworkingConfig"]["EndpointsConfig"]
    pinned = [f"node.labels.{pin_label(target.name)}==true"] if one.volumes else []
    return _without_empty({
        "ContainerSpec": _container(target, one, files),
        "Resources": _without_empty({
            "Limits": _without_empty(limits),
            "Reservations": _without_empty({"MemoryBytes": host.get("MemoryReservation")}),
        }),
        "RestartPolicy": _without_empty({
            "Condition": condition,
            "Delay": _DELAY_SECONDS * SECOND,
            "MaxAttempts": restart.get("MaximumRetryCount"),
        }),
        "Placement": {"Constraints": pinned},
        "LogDriver": {"Name": log["Type"], "Options": log["Config"]}
        if (log := host.get("LogConfig"))
        else None,
        "Networks": [
            {"Target": network_there(name), "Aliases": end.get("Aliases") or []}
            for name, end in endpoints.items()
        ]
        or [{"Target": NOWHERE}],
    })  # fmt: skip


def _container(target: ModuleTarget, one: ServiceTarget, files: tuple[FileSpec, ...]) -> Json:
    body, host = one.body, one.body["HostConfig"]
    mounted: dict[bool, list[Json]] = {True: [], False: []}
    for spec, file in zip(files, one.files, strict=True):
        kind = "Secret" if spec.is_secret else "Config"
        place = {"Name": file.path, "UID": str(file.uid), "GID": str(file.gid), "Mode": file.mode}
        mounted[spec.is_secret].append({"File": place, f"{kind}Name": spec.name})
    return _without_empty({
        "Image": one.image.name,
        "Labels": {_TASK: one.address},
        "Command": body.get("Entrypoint"),
        "Args": body.get("Cmd"),
        "Hostname": escaped(body.get("Hostname") or ""),
        "Env": [escaped(variable) for variable in body.get("Env") or ()],
        "Dir": body.get("WorkingDir"),
        "User": body.get("User"),
        "Groups": host.get("GroupAdd"),
        "TTY": body.get("Tty"),
        "OpenStdin": body.get("OpenStdin"),
        "ReadOnly": host.get("ReadonlyRootfs"),
        "StopSignal": body.get("StopSignal"),
        "StopGracePeriod": int(one.stop_grace * SECOND),
        "HealthCheck": body.get("Healthcheck"),
        "Init": host.get("Init"),
        "Sysctls": host.get("Sysctls"),
        "CapabilityAdd": host.get("CapAdd"),
        "CapabilityDrop": host.get("CapDrop"),
        "Ulimits": host.get("Ulimits"),
        "Hosts": [" ".join(reversed(h.split(":", 1))) for h in host.get("ExtraHosts") or ()],
        "DNSConfig": _without_empty({
            "Nameservers": host.get("Dns"),
            "Search": host.get("DnsSearch"),
            "Options": host.get("DnsOptions"),
        }),
        "Privileges": _privileges(host.get("SecurityOpt") or ()),
        "Mounts": [*_mounts(target, one), *_tmpfs(host)],
        "Secrets": mounted[True],
        "Configs": mounted[False],
    })  # fmt: skip


def _privileges(options: Collection[str]) -> Json:
    given: Json = {}
    for option in options:
        key, _, value = option.partition("=" if "=" in option else ":")
        if key == "no-new-privileges":
            given["NoNewPrivileges"] = value in ("", "true")
        elif key == "seccomp":
            mode = {"unconfined": "unconfined", "builtin": "default"}.get(value)
            custom = {"Mode": "custom", "Profile": list(value.encode())}
            given["Seccomp"] = {"Mode": mode} if mode else custom
        elif key == "apparmor" and value == "unconfined":
            given["AppArmor"] = {"Mode": "disabled"}
    return given


def _mounts(target: ModuleTarget, one: ServiceTarget) -> Iterator[Json]:
    known = {volume.name: volume.body for volume in target.volumes}
    for mount in one.body["HostConfig"].get("Mounts") or ():
        if mount.get("Source") in one.config_volumes:
            continue  # Swarm puts files also into a read-only container
        plain = {k: v for k, v in mount.items() if v not in (None, "", {})}
        if mount["Type"] == "volume":
            body = known.get(mount["Source"], {})
            driver = {"Name": body.get("Driver"), "Options": body.get("DriverOpts")}
            options = {
                "Labels": {
                    key: value
                    for key, value in (body.get("Labels") or {}).items()
                    if key not in (VERSION, HOME)
                },
                "NoCopy": (mount.get("VolumeOptions") or {}).get("NoCopy"),
                "DriverConfig": _without_empty(driver),
            }
            plain["VolumeOptions"] = _without_empty(options)
        yield plain


def _tmpfs(host: Json) -> Iterator[Json]:
    for folder, options in (host.get("Tmpfs") or {}).items():
        words = (_tmpfs_option(word) for word in filter(None, options.split(",")))
        given = {key: value for word in words if word for key, value in word.items()}
        if "uid=" in options or "gid=" in options:  # a Swarm's belong to root
            given["Mode"] = 0o1777
        yield _without_empty({"Type": "tmpfs", "Target": folder, "TmpfsOptions": given})
    if size := host.get("ShmSize"):
        options = {"SizeBytes": size, "Mode": 0o1777}
        yield {"Type": "tmpfs", "Target": "/dev/shm", "TmpfsOptions": options}


def _tmpfs_option(word: str) -> Json | None:
    """A mount option of a tmpfs in the words of Swarm. None: it has none for it."""
    key, _, value = word.partition("=")
    if key == "size":
        try:
            return {"SizeBytes": parse_size(value)}
        except ValueError:
            return None
    if key == "mode":
        return {"Mode": int(value, 8)} if value.isdecimal() else None
    return {} if key in ("uid", "gid") or word in ("rw", "noexec", "nosuid", "nodev") else None


def _without_empty(given: Json) -> Json:
    return {key: value for key, value in given.items() if value not in (None, "", [], {}, 0)}
