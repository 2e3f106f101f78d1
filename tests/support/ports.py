"""Ports, networks and numbers of this machine that no other test has, of this run or of another one
at the same time: each process that runs tests has a share of them."""

import random
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

_PORTS = range(20000, 32768)
"""Ports that no system gives a program that asks for any port, or for none, as a client does."""
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SUBNETS = range(64, 160)
"""Third numbers of networks 192.168.x.0/24."""
_SHARES = 32
"""Processes that run tests side by side on this machine, at most."""


class _Share:
    """The part with a *number* of all that there is. It is taken until this process ends."""

    def __init__(self, number: int, lock: FileLock) -> None:
        self.number = number
        self._lock = lock
        chance = random.SystemRandom()
        self.ports = _part(_PORTS, number)
        # Not always from the same one on: what a test before has left may hold it for a while.
        self.first = chance.randrange(len(self.ports))
        self.subnets: Iterator[int] = cycle(_part(_SUBNETS, number))


def free_port(count: int = 1) -> int:
    """A TCP port of this machine on which nothing listens now, and which a test can have later: the
    first one of *count* such ports in a row. All others of this process come first before it is
    given again."""
    share = _share()
    for _ in share.ports:
        first, share.first = share.first, (share.first + 1) % len(share.ports)
        ports = share.ports[first : first + count]
        if len(ports) == count and all(map(_is_free, ports)):
            share.first = (first + count) % len(share.ports)
            return ports[0]
    raise AssertionError(f"all ports of {share.ports} are in use")


def free_subnet() -> str:
    """The first three numbers of a private network /24 that this machine is not in."""
    addresses = [one.address for many in psutil.net_if_addrs().values() for one in many]
    for _ in _part(_SUBNETS, 0):
        found = f"192.168.{next(_share().subnets)}"
        if not any(address.startswith(f"{found}.") for address in addresses):
            return found
    raise AssertionError("this machine is in all networks for tests")


def own_number() -> int:
    """A number that no other process that runs tests on this machine has now."""
    return _share().number


@cache
def _share() -> _Share:
    if _EPHEMERAL.exists():
        lowest = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
        assert lowest >= _PORTS.stop, f"{_EPHEMERAL}: the system gives away ports of {_PORTS}"
    for number in range(_SHARES):
        lock = FileLock(Path(tempfile.gettempdir(), f"aiserver-tests-{number}.lock"))
        try:
            lock.acquire(blocking=False)
        except (Timeout, PermissionError):  # of another user
            continue
        return _Share(number, lock)
    raise AssertionError(f"{_SHARES} processes run tests on this machine")


def _part(whole: range, number: int) -> range:
    size = len(whole) // _SHARES
    return whole[number * size : (number + 1) * size]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:  # in use
            return False
    return True
