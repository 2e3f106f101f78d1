"""Short forms of one value, turned into the long form.

Parsers take the text and give the mapping of the long form; they raise ``ValueError(Text)``
whose text completes the sentence "expected …".
"""

import posixpath
import re
from ipaddress import ip_address
from typing import Any

from aiserver_tray.base.i18n import Text

_PROTOCOLS = ("tcp", "udp", "sctp")
_PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_PORT = Text("a port such as 80, 8080:80, 127.0.0.1:8080:80/udp or a range 8000-8010:80-90")
_VOLUME = Text("a volume such as name:/path, ./folder:/path:ro or /path")
_DRIVE = re.compile(r"[^\W\d_]:")


def parse_port(text: str) -> list[dict[str, Any]]:
    """``[HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL]``, one long form for each port of a range."""
    *front, target = text.split(":")
    address = _address(":".join(front[:-1]))
    published = front[-1] if front else ""
    target, _, protocol = target.partition("/")
    protocol = protocol.partition("/")[0].lower() or "tcp"
    targets = _ports(target)
    hosts = _ports(published) if published else None
    fits = hosts is None or len(targets) in (1, len(hosts))
    if protocol not in _PROTOCOLS or 0 in targets or not fits:
        raise ValueError(_PORT)
    ports = []
    for index, port in enumerate(targets):
        long = {"mode": "ingress", "target": port, "protocol": protocol}
        if address:
            long["host_ip"] = address
        if hosts:
            several = len(hosts) > len(targets)  # the engine picks one of them
            long["published"] = f"{hosts[0]}-{hosts[-1]}" if several else str(hosts[index])
        ports.append(long)
    return sorted(ports, key=lambda long: str(long["target"]))


def _ports(text: str) -> range:
    first, dash, last = text.partition("-")
    numbers = [first, last.partition("-")[0]] if dash else [first, first]
    if not all(re.fullmatch("[0-9]{1,5}", number) for number in numbers):
        raise ValueError(_PORT)
    low, high = map(int, numbers)
    if not low <= high <= 65535:
        raise ValueError(_PORT)
    return range(low, high + 1)


def _address(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if not bare:
        return ""
    try:
        ip_address(bare)
    except ValueError:
        raise ValueError(_PORT) from None
    if "%" in bare or (":" in bare and bare == text):
        raise ValueError(_PORT)  # a zone, or an IPv6 address without its brackets
    return bare


def parse_volume(text: str) -> dict[str, Any]:
    """``[SOURCE:]TARGET[:OPTIONS]`` of a service's volumes."""
    if not text:
        raise ValueError(_VOLUME)
    if len(text) < 3:
        return {"type": "volume", "target": posixpath.normpath(text)}
    fields = _fields(text)
    if "" in fields or len(fields) > 3:
        raise ValueError(_VOLUME)
    source, target, options = [*([""] if len(fields) == 1 else []), *fields, "", ""][:3]
    volume: dict[str, Any] = {"type": "bind" if is_host_path(source) else "volume"}
    if source:
        volume["source"] = source
    volume["target"] = clean_path(target)
    for option in options.split(","):
        _apply_option(volume, option)
    if volume["type"] == "bind":
        volume.setdefault("bind", {})["create_host_path"] = True
    else:
        volume.setdefault("volume", {})
    return volume


def _fields(text: str) -> list[str]:
    """Split at colons, except after a Windows drive letter."""
    fields, start = [], 0
    for index, char in enumerate(text):
        if char == ":" and not (index == start + 1 and text[start].isalpha()):
            fields.append(text[start:index])
            start = index + 1
    return [*fields, text[start:]]


def _apply_option(volume: dict[str, Any], option: str) -> None:
    """Options that Compose doesn't know have no effect there either."""
    if option in ("ro", "rw"):
        volume["read_only"] = option == "ro"
    elif option == "nocopy":
        volume["volume"] = {"nocopy": True}
    elif option in _PROPAGATIONS:
        volume.setdefault("bind", {})["propagation"] = option
    elif option in ("z", "Z"):
        volume.setdefault("bind", {})["selinux"] = option


def is_host_path(source: str) -> bool:
    """Whether a volume's source is a path of the host and not the name of a volume."""
    return source.startswith((".", "/", "~", "\\\\")) or bool(_DRIVE.match(source))


def clean_path(path: str) -> str:
    """Shortest equal path, as Go's ``path.Clean``: unlike POSIX, ``//`` at the start is ``/``."""
    return posixpath.normpath(f"/{path.lstrip('/')}" if path.startswith("/") else path)


def parse_device(text: str) -> dict[str, Any]:
    """``SOURCE[:TARGET[:PERMISSIONS]]``."""
    match text.split(":"):
        case [source]:
            return {"source": source, "target": source, "permissions": "rwm"}
        case [source, target]:
            return {"source": source, "target": target or source, "permissions": "rwm"}
        case [source, target, permissions]:
            return {"source": source, "target": target or source, "permissions": permissions}
    raise ValueError(Text("a device such as /dev/dri or /dev/a:/dev/b:rwm"))


def parse_ssh(items: list[Any]) -> dict[str, str | None]:
    """``default`` or ``ID=PATH`` each."""
    keys: dict[str, str | None] = {}
    for item in items:
        name, equals, path = str(item).partition("=")
        if not isinstance(item, str) or not (equals or name == "default"):
            raise ValueError(Text("default or ID=PATH"))
        keys[name] = path if equals else None
    return keys


def parse_pairs(items: list[Any]) -> dict[str, str]:
    """``KEY=VALUE`` each; every item has to have a value."""
    if not all(isinstance(item, str) and "=" in item for item in items):
        raise ValueError(Text("KEY=VALUE"))
    return dict(item.split("=", 1) for item in items)
