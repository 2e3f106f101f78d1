"""The engine's JSON as values."""

import hashlib
import re
import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aiserver_tray.base.strings import in_line
from aiserver_tray.engine.values import (
    ContainerDetails,
    ContainerSummary,
    DiskUse,
    EngineMachine,
    HealthCheck,
    Image,
    ImageDetails,
    Layer,
    Mount,
    Network,
    RegistryAccess,
    Usage,
    Volume,
    VolumeUse,
)
from aiserver_tray.model import Container, Health, Port
from aiserver_tray.spec import labels

Json = Mapping[str, Any]

_NEVER = "0001-01-01T00:00:00Z"
_MAX_CHECK_CHARACTERS = 2000
_DEFAULT_INTERVAL = 30_000_000_000
"""Nanoseconds between health checks if the container names none."""
_WITHOUT_LAYER = re.compile(
    r"(/bin/sh -c #\(nop\)\s+)?"
    r"(ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b"
)
"""Instructions of a Dockerfile that add no layer, as the history of an image has them."""
_HOLDS_PORTS = ("running", "paused", "restarting", "removing")


_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
_DISK = re.compile(r"^disk .*?(\d+) +\d+ +(\d+) +\d+% ", re.MULTILINE)
_KERNEL = re.compile(r"^kernel (\S+)$", re.MULTILINE)
_LISTENER = re.compile(
    r"^(tcp|udp)6? +\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ (?:0A|07) ", re.MULTILINE
)
"""A line of /proc/net/tcp or its like: a port on which a program listens."""


def machine_report(data_root: str) -> str:
    """The shell's script that prints what `machine` reads, on any Linux."""
    return (
        'echo "kernel $(uname -r)"; grep MemAvailable /proc/meminfo; '
        f'echo "disk $(df -Pk {shlex.quote(data_root)} | tail -n 1)"; '
        'for name in tcp tcp6 udp udp6; do sed "s/^ */$name /" /proc/net/$name; done'
    )


def machine(printed: str) -> EngineMachine:
    """What a machine has, as the `machine_report` of it *printed*."""
    memory, disk = _AVAILABLE.search(printed), _DISK.search(printed)
    kernel = _KERNEL.search(printed)
    listeners = (
        (_hexadecimal_address(address), int(port, 16), protocol)
        for protocol, address, port in _LISTENER.findall(printed)
    )
    return EngineMachine(
        int(memory[1]) * 1024 if memory else None,
        int(disk[2]) * 1024 if disk else None,
        int(disk[1]) * 1024 if disk else None,
        kernel[1] if kernel else "",
        frozenset(listeners) if "local_address" in printed else None,
    )


def _hexadecimal_address(text: str) -> str:
    """An address as Linux prints it: words of four bytes, the last byte first."""
    words = (bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    family = socket.AF_INET if len(text) == 8 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))


def container(answer: Json) -> Container:
    """A container of ours from its inspect response."""
    config, state = answer["Config"], answer["State"]
    given = config.get("Labels") or {}
    health = state.get("Health") or {}
    log, attached = health.get("Log") or (), answer["NetworkSettings"].get("Networks") or {}
    return Container(
        id=answer["Id"],
        name=answer["Name"].removeprefix("/"),
        module=in_line(given.get(labels.MODULE, "")),
        service=in_line(given.get(labels.SERVICE, "")),
        config_hash=given.get(labels.CONFIG_HASH, ""),
        image=config["Image"],
        image_id=answer["Image"],
        status=state["Status"],
        health=health.get("Status") or "none",
        exit_code=state["ExitCode"],
        oom_killed=state["OOMKilled"],
        error=state["Error"],
        created_at=moment(answer["Created"]),
        started_at=moment(state["StartedAt"]),
        finished_at=moment(state["FinishedAt"]),
        restart_count=answer["RestartCount"],
        ports=tuple(_bound(answer["NetworkSettings"].get("Ports"))),
        last_check=_output(log[-1]) if log else "",
        unhealthy_since=_unhealthy_since(health, config.get("Healthcheck") or {}),
        # One that was never started has no IDs yet.
        networks=frozenset(e["NetworkID"] for e in attached.values() if e.get("NetworkID")),
        requires=labels.required_in(given),
        page=given.get(labels.PAGE),
    )


def container_details(answer: Json) -> ContainerDetails:
    """The details of a container of ours from its inspect response."""
    log = (answer["State"].get("Health") or {}).get("Log") or ()
    variables = answer["Config"].get("Env") or ()
    return ContainerDetails(
        container=container(answer),
        last_check=_check(log[-1]) if log else None,
        mounts=tuple(map(_mount, answer.get("Mounts") or ())),
        environment=tuple(sorted(variable.partition("=")[0] for variable in variables)),
    )


def _check(entry: Json) -> HealthCheck:
    return HealthCheck(moment(entry["End"]), entry["ExitCode"], _output(entry))


def _mount(mount: Json) -> Mount:
    source = mount.get("Name") or mount.get("Source") or ""
    return Mount(mount["Type"], source, mount["Destination"], not mount["RW"])


def port_claims(answer: Json) -> tuple[Port, ...]:
    """The host ports that a container takes when it runs; those that the engine chooses by then,
    be it from a range, are left out."""
    return tuple(_bound(answer["HostConfig"].get("PortBindings")))


def _bound(bindings: Json | None) -> Iterator[Port]:
    """``{"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}``."""
    for inside, outside in (bindings or {}).items():
        number, _, protocol = inside.partition("/")
        for binding in outside or ():
            host = binding["HostPort"]
            if host.isdecimal() and int(host):
                address = binding.get("HostIp") or "0.0.0.0"
                yield Port(address, int(host), int(number), protocol or "tcp")


def _output(check: Json) -> str:
    return str(check["Output"]).strip()[-_MAX_CHECK_CHARACTERS:]


def _unhealthy_since(health: Json, check: Json) -> datetime | None:
    """Begin of the first failed check in a row. The engine keeps the last checks only, so those
    before are counted back."""
    log, streak = health.get("Log") or (), health.get("FailingStreak") or 0
    begun = moment(log[-1]["Start"]) if log else None
    if health.get("Status") != "unhealthy" or begun is None:
        return None
    seconds = (check.get("Interval") or _DEFAULT_INTERVAL) / 1e9
    kept = log[-streak:][0]["Start"] if streak <= len(log) else None
    return moment(kept) if kept else begun - timedelta(seconds=seconds * (streak - 1))


def summary(answer: Json) -> ContainerSummary:
    """An entry of the list of containers."""
    names = [name.removeprefix("/") for name in answer["Names"]]
    return ContainerSummary(
        id=answer["Id"],
        # The others are those by which containers that link to it know it.
        name=next((name for name in names if "/" not in name), ""),
        labels=answer.get("Labels") or {},
        status=answer["State"],
        health=_health_in(answer.get("Status") or ""),
        image=answer["Image"],
        image_id=answer["ImageID"],
        ports=tuple(_published(answer)),
        networks=frozenset(answer["NetworkSettings"]["Networks"] or ()),
    )


def _published(answer: Json) -> Iterator[Port]:
    if answer["State"] not in _HOLDS_PORTS:  # the list may still have the old ones
        return
    for port in answer.get("Ports") or ():
        if public := port.get("PublicPort"):
            yield Port(port.get("IP") or "0.0.0.0", public, port["PrivatePort"], port["Type"])


def _health_in(status: str) -> Health:
    """The health of a container. The list contains it only as text: ``Up 3 minutes (healthy)``."""
    if "(healthy)" in status:
        return "healthy"
    if "(unhealthy)" in status:
        return "unhealthy"
    return "starting" if "(health: starting)" in status else "none"


def usage(answer: Json) -> Usage | None:
    """What a container uses, computed as ``docker stats`` does. None: it does not run."""
    cpu, memory = answer["cpu_stats"], answer["memory_stats"]
    read_at = moment(answer["read"])
    if "system_cpu_usage" not in cpu or "usage" not in memory or read_at is None:
        return None
    used, details = memory["usage"], memory.get("stats") or {}
    # Under control groups version 1, and 2.
    cached = details.get("total_inactive_file", details.get("inactive_file", 0))
    # Without networks, or with the host's, there are no counts.
    networks = (answer.get("networks") or {}).values()
    return Usage(
        time=read_at.timestamp(),
        cpu=cpu["cpu_usage"]["total_usage"],
        system=cpu["system_cpu_usage"],
        cpus=cpu.get("online_cpus") or len(cpu["cpu_usage"].get("percpu_usage") or ()),
        memory=used - cached if cached < used else used,
        limit=memory.get("limit", 0),
        rx=sum(network["rx_bytes"] for network in networks),
        tx=sum(network["tx_bytes"] for network in networks),
        read=_transferred(answer, "read"),
        write=_transferred(answer, "write"),
        pids=(answer.get("pids_stats") or {}).get("current", 0),
    )


def _transferred(answer: Json, operation: str) -> int:
    """Bytes to or from disks. Control groups version 1 have ``Read``, and there may be no list."""
    entries = (answer.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    return sum(entry["value"] for entry in entries if entry["op"].lower() == operation)


def disk_use(answer: Json) -> DiskUse:
    """The answer of ``/system/df``, counted as ``docker system df`` does."""
    images, caches = answer.get("Images") or (), answer.get("BuildCache") or ()
    layers = answer.get("LayersSize") or 0
    in_use = sum(_own_size(image) for image in images if image["Containers"])
    cache = [entry["Size"] for entry in caches if not entry["Shared"]]
    idle_cache = [e["Size"] for e in caches if not e["Shared"] and not e["InUse"]]
    return DiskUse(
        images=layers,
        containers=sum(entry.get("SizeRw") or 0 for entry in answer.get("Containers") or ()),
        volumes=sum(volume.size or 0 for volume in volume_use(answer)),
        build_cache=sum(cache),
        unused=max(0, layers - in_use) + sum(idle_cache),
    )


def volume_use(answer: Json) -> list[VolumeUse]:
    """The volumes in the answer of ``/system/df``."""
    found = []
    for volume in answer.get("Volumes") or ():
        size = (volume.get("UsageData") or {}).get("Size", -1)
        known = None if size < 0 else size
        found.append(VolumeUse(volume["Name"], volume.get("Labels") or {}, known))
    return found


def _own_size(image: Json) -> int:
    """Without the layers that it shares with others, if the engine can tell."""
    shared = image.get("SharedSize") or 0
    return int(image["Size"]) - (shared if shared > 0 else 0)


def image(answer: Json, reference: str) -> Image:
    """An image from its inspect answer, or an entry of the list."""
    names = (*(answer.get("RepoTags") or ()), *(answer.get("RepoDigests") or ()))
    config = answer.get("Config") or {}
    volumes, given = config.get("Volumes") or (), config.get("Labels") or {}
    return Image(answer["Id"], reference, names, answer["Size"], tuple(volumes), given)


def image_details(answer: Json, history: Sequence[Json]) -> ImageDetails:
    """The details of an image from its inspect answer and its history, whose newest entry is the
    first."""
    names = (answer.get("RootFS") or {}).get("Layers") or ()
    sizes, below = _layer_sizes(history, len(names)), b""
    layers = []
    for name, size in zip(names, sizes, strict=True):
        below = hashlib.sha256(below + name.encode()).digest()
        layers.append(Layer(below.hex(), size))
    tagged_at = (answer.get("Metadata") or {}).get("LastTagTime") or ""
    return ImageDetails(tuple(layers), moment(tagged_at))


def _layer_sizes(history: Sequence[Json], count: int) -> Sequence[int | None]:
    """The sizes of *count* layers. The history does not say which of its entries are layers: all
    that have a size are, and of the others those of an instruction that can add one."""
    entries = [(entry["Size"], entry.get("CreatedBy") or "") for entry in reversed(history)]
    for sizes in (
        [size for size, by in entries if size or not _WITHOUT_LAYER.match(by)],
        [size for size, _ in entries if size],
    ):
        if len(sizes) == count:
            return sizes
    return [None] * count


def network(answer: Json) -> Network:
    """A network from its inspect answer, or an entry of the list."""
    attached = tuple(answer.get("Containers") or ())
    pools = (answer.get("IPAM") or {}).get("Config") or ()
    is_own = answer.get("Driver") not in ("macvlan", "ipvlan")  # these use a range of the home
    subnets = tuple(pool["Subnet"] for pool in pools if is_own and pool.get("Subnet"))
    return Network(answer["Id"], answer["Name"], answer.get("Labels") or {}, attached, subnets)


def volume(answer: Json) -> Volume:
    """A volume from its inspect answer, or an entry of the list."""
    created = moment(answer.get("CreatedAt") or _NEVER)
    return Volume(answer["Name"], answer.get("Labels") or {}, created)


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}
"""The kernel's names of processors, and those of images."""


def gives_nvidia(info: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether the engine of *info* has NVIDIA's runtime, or a device of the container device
    interface (docs.docker.com/engine/containers/gpu and /reference/api/engine, ``SystemInfo``)."""
    devices = [str(one.get("ID", "")) for one in info.get("DiscoveredDevices") or ()]
    return "nvidia" in (info.get("Runtimes") or {}) or any(
        device.startswith("nvidia.com/gpu") for device in devices
    )


def platform(answer: Json) -> str:
    """The platform of images in the answer of ``/info``."""
    machine = answer.get("Architecture") or "x86_64"
    return f"{answer.get('OSType') or 'linux'}/{_ARCHITECTURES.get(machine, machine)}"


def registry_access(answer: Json) -> RegistryAccess:
    """How the engine reaches registries, in the answer of ``/info``."""
    config = answer.get("RegistryConfig") or {}
    indexes = config.get("IndexConfigs") or {}
    found = {
        "http": answer.get("HttpProxy"),
        "https": answer.get("HttpsProxy"),
        "no_proxy": answer.get("NoProxy"),
    }
    return RegistryAccess(
        mirrors=tuple(config.get("Mirrors") or ()),
        insecure=tuple(name for name, index in indexes.items() if not index.get("Secure", True)),
        proxies={name: value for name, value in found.items() if value},
    )


def moment(text: str) -> datetime | None:
    """A time as Go writes it, to the microsecond; None for its zero."""
    return None if text in ("", _NEVER) else datetime.fromisoformat(text)
