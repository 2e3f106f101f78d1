"""Containers that run one command on the engine's kernel and exit. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aiserver_tray.spec.labels import Owner, one_shot_labels
from aiserver_tray.spec.model import Body, ImageTarget

HELPER = ImageTarget("busybox:1.37.0")
"""The image for these containers."""
_NOBODY = "65534:65534"

_READ = 'for path; do value=$(cat "/proc/sys/$path") && echo "$path $value"; done; :'
_RAISE = '[ "$(cat "/proc/sys/$1")" -ge "$3" ] || sysctl -w "$2=$3"'


@dataclass(frozen=True)
class KernelSetting:
    """A setting of the engine's kernel that must have *value* at least."""

    name: str
    value: int
    modules: frozenset[str]
    """The modules that need it."""
    body: Body = field(repr=False)
    """For the container that raises it."""

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def path_of(name: str) -> str:
    """The path of the setting *name* (``vm.max_map_count``) below ``/proc/sys``."""
    return name.replace(".", "/")


def reading(names: Iterable[str], owner: Owner) -> Body:
    """A container that prints a line ``PATH VALUE`` for each existing setting of *names*."""
    host = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
    return {**_body(_READ, map(path_of, names), owner, host), "User": _NOBODY}


def raising(name: str, value: int, owner: Owner) -> Body:
    """A container that sets *name* to *value*, unless the setting is already as high."""
    # With user namespaces, no user of a container has the right to change the kernel.
    host = {"Privileged": True, "UsernsMode": "host"}
    return _body(_RAISE, (path_of(name), name, str(value)), owner, host)


def _body(script: str, words: Iterable[str], owner: Owner, host: Body) -> Body:
    return {
        "Image": HELPER.name,
        "Entrypoint": ["sh", "-c", script, "sh"],
        "Cmd": list(words),
        "Labels": one_shot_labels(owner),
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            # The output is read from the log, and some logging drivers can't return it.
            "LogConfig": {"Type": "json-file"},
            **host,
        },
    }
