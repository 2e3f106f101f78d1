"""How containers reach a server: asked in a container that will use it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.containers import Containers
from aiserver_tray.features.models.relay import HOST

Way = Literal["open", "closed", "silent", "unknown"]
"""open: a server answers; closed: nothing listens there for containers; silent: what is sent there
is dropped, as by a firewall; unknown: the container knows no such computer."""

_SECONDS = 6
_SCRIPT = """\
grep -w "$1" /etc/hosts | grep -v '^#'
echo --
timeout "$3" wget -Y off -S -q -O /dev/null "$2" 2>&1
"""


@dataclass(frozen=True)
class Reach:
    """What a container said."""

    way: Way
    gateway: str | None
    """the address that it has for this computer"""


def reach(containers: Containers, container: str, address: str) -> Reach:
    """How *container* reaches the server at *address*. No key is sent: any answer is one.

    Raises:
        AiServerError: the engine is lost, or the container does not run.
    """
    command = ["sh", "-c", _SCRIPT, "sh", HOST, f"{address}/v1/models", str(_SECONDS)]
    body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True}
    limit = float(_SECONDS + 4)
    _, lines = containers.run(container, body, seconds=limit, cancelled=Cancellation())
    return understood(lines)


def understood(lines: Sequence[str]) -> Reach:
    """What the output of the script says, whose ``wget`` is GNU's or BusyBox's."""
    split = lines.index("--") if "--" in lines else 0
    hosts, told = lines[:split], "\n".join(lines[split:])
    firsts = (line.split(maxsplit=1)[0] for line in hosts if line.strip())
    gateway = next(filter(_is_address, firsts), None)
    if re.search(r"HTTP/\d", told):
        return Reach("open", gateway)
    if re.search(r"refused", told, re.IGNORECASE):
        return Reach("closed", gateway)
    if re.search(r"bad address|unable to resolve|not known|resolution", told, re.IGNORECASE):
        return Reach("unknown", gateway)
    return Reach("silent", gateway)


def _is_address(word: str) -> bool:
    try:
        return bool(ip_address(word))
    except ValueError:
        return False
