"""What may differ between our containers and Compose's, and why; any other difference fails."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiserver_tray.catalog.compose.service import Service
from tests.engine.creation.comparison import ABSENT
from tests.engine.creation.sides import BIND

NOTHING: tuple[Any, ...] = (ABSENT, None, "", [], {})
"""What the engine tells of a field that nobody gave."""


@dataclass(frozen=True)
class Difference:
    """A field that differs. ``path`` is dotted, without the service."""

    path: str
    ours: Any
    theirs: Any
    service: Service

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.path}: ours {self.ours!r}, Compose's {self.theirs!r}"


@dataclass(frozen=True)
class Exception_:  # noqa: N801 - not an exception in Python's sense
    """Differences of the fields that ``path``, a regular expression, matches are right where
    ``holds``."""

    path: str
    reason: str
    holds: Callable[[Difference], bool]

    def allows(self, difference: Difference) -> bool:
        """Whether this is the reason for *difference*."""
        return bool(re.fullmatch(self.path, difference.path)) and self.holds(difference)


def _only_ours(difference: Difference) -> bool:
    return difference.theirs in NOTHING


def _only_theirs(difference: Difference) -> bool:
    return difference.ours in NOTHING


def _names_a_file(difference: Difference) -> bool:
    """The mount is that of a config's or secret's file, or our volume for its folder."""
    target = re.fullmatch(r"HostConfig\.Mounts\.(/.*)\.\w+", difference.path)
    own = {mount.target for mount in difference.service.volumes}
    if target is None or target[1] in own:
        return False
    service = difference.service
    wanted = [*(c.target or f"/{c.source}" for c in service.configs)]
    wanted += [s.target for s in service.secrets]
    is_file = any(target[1] in (w, f"/{w}") for w in wanted)
    is_folder = service.read_only and any(w.startswith(f"{target[1]}/") for w in wanted)
    return (is_file and _only_theirs(difference)) or (is_folder and _only_ours(difference))


def _anonymous(difference: Difference) -> bool:
    targets = {m.target for m in difference.service.volumes if m.type == "volume" and not m.source}
    target = difference.path.removeprefix("HostConfig.Mounts.").removesuffix(".Source")
    return target in targets and _only_ours(difference)


def _said_as_mount_or_bind(difference: Difference) -> bool:
    """The same binds, each of which one side has among ``Binds``, the other among ``Mounts``."""
    special = [
        mount.target
        for mount in difference.service.volumes
        if mount.bind and (mount.bind.recursive or mount.bind.selinux)
    ]
    if difference.path == "HostConfig.Binds":
        ours, theirs = (
            [bind for bind in side or () if bind.split(":")[1] not in special]
            for side in (difference.ours, difference.theirs)
        )
        return ours == theirs
    return any(difference.path.startswith(f"HostConfig.Mounts.{target}.") for target in special)


def _is_gpu(difference: Difference) -> bool:
    return bool(difference.service.gpus) and _only_ours(difference)


def _is_device_option(difference: Difference) -> bool:
    deploy = difference.service.deploy
    reserved = deploy.resources.reservations if deploy else None
    return bool(reserved and any(d.options for d in reserved.devices)) and _only_ours(difference)


def _is_cdi(difference: Difference) -> bool:
    names = [device.source for device in difference.service.devices if "=" in device.source]
    if difference.path.startswith("HostConfig.DeviceRequests"):
        return bool(names) and _only_ours(difference)
    return bool(names) and difference.ours == ABSENT and difference.theirs in (*names, "rwm")


def _is_network_option(difference: Difference) -> bool:
    networks = difference.service.networks.values()
    return any(n and n.driver_opts for n in networks) and _only_ours(difference)


def _added(difference: Difference) -> tuple[set[str], set[str]]:
    ours, theirs = (set(side or ()) for side in (difference.ours, difference.theirs))
    return ours - theirs, theirs - ours


def _own_names(difference: Difference) -> bool:
    more, less = _added(difference)
    own = {difference.service.container_name} if difference.service.container_name else set()
    return more <= own and all(re.fullmatch(r".+-1", name) for name in less - own)


def _numbered_links(difference: Difference) -> bool:
    more, less = _added(difference)
    return not more and all(re.fullmatch(r"(.+):(.+-)?\1-1", link) for link in less)


EXCEPTIONS = (
    Exception_(
        r"Config\.Hostname",
        "where the file has none it is the container's id",
        lambda d: all(re.fullmatch("[0-9a-f]{12}", side) for side in (d.ours, d.theirs)),
    ),
    Exception_(r"Config\.Labels\.io\.aiserver\..+", "by which we know our own", _only_ours),
    Exception_(
        r"Config\.Labels\.com\.docker\.compose\.(project|config-hash)",
        "groups our containers; a hash of our own",
        lambda d: d.ours not in NOTHING and d.theirs not in NOTHING,
    ),
    Exception_(
        r"Config\.Labels\.com\.docker\.compose\..+",
        "only the labels by which Docker Desktop and `docker compose ls` group",
        _only_theirs,
    ),
    Exception_(
        r"HostConfig\.PortBindings\..+\.HostIp",
        "ports are published on app.bind unless the file names an address",
        lambda d: (d.ours, d.theirs) == (BIND, ""),
    ),
    Exception_(
        r"HostConfig\.Mounts\..+",
        "config and secret files are put into the container, not mounted from the host",
        _names_a_file,
    ),
    Exception_(
        r"HostConfig\.Mounts\..+\.Source",
        "an anonymous volume gets a name, so that `down` loses nothing",
        _anonymous,
    ),
    Exception_(
        r"HostConfig\.(Binds|Mounts\..+)",
        "Compose 2.26 forgets bind.recursive, and bind.selinux without create_host_path",
        _said_as_mount_or_bind,
    ),
    Exception_(r"HostConfig\.DeviceRequests(\..+)?", "Compose 2.26 forgets gpus", _is_gpu),
    Exception_(
        r"HostConfig\.DeviceRequests\.\d+\.Options(\..+)?",
        "Compose 2.26 forgets a device's options",
        _is_device_option,
    ),
    Exception_(
        r"HostConfig\.(DeviceRequests|Devices)(\..+)?",
        "Compose 2.26 takes a device's CDI name for a path",
        _is_cdi,
    ),
    Exception_(
        r"HostConfig\.Devices\.\d+\.CgroupPermissions",
        "without permissions Compose 2.26 gives none in the long form, all in the short one",
        lambda d: (d.ours, d.theirs) == ("rwm", ""),
    ),
    Exception_(
        r"(Config|Networks\..+)\.MacAddress",
        "Compose 2.26 forgets mac_address on a network for which the file says nothing else",
        lambda d: d.ours == d.service.mac_address and _only_ours(d),
    ),
    Exception_(
        r"Networks\..+\.DriverOpts(\..+)?",
        "Compose 2.26 forgets a network's options for one service",
        _is_network_option,
    ),
    Exception_(
        r"Networks\..+\.Aliases",
        "the container's own name; container_name, which is not our container's name",
        _own_names,
    ),
    Exception_(
        r"Networks\..+\.Links",
        "Compose's aliases with the number of the container",
        _numbered_links,
    ),
)


def reason_for(difference: Difference) -> Exception_ | None:
    """The exception that *difference* is."""
    return next((each for each in EXCEPTIONS if each.allows(difference)), None)
