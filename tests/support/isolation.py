"""A network and mounts of its own for each process that runs tests, so that no run sees the ports,
addresses, bridges, rules or mounts of another one or of the machine.

The way out is a virtual cable to the machine, which translates addresses, as engines do. Without
root, without the programs for it, or where the machine's names are served on its loopback address,
which others can't reach, tests share the machine's network.
"""

import ctypes
import ipaddress
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000
"""unshare(2)'s CLONE_NEWNS and CLONE_NEWNET."""
_PREFIX = "aitest"
_LINKS = range(256)
_SCREENS = Path("/tmp/.X11-unix")


def is_possible() -> bool:
    """Whether this process can have a network of its own with a way out."""
    if not hasattr(os, "geteuid") or os.geteuid() or not Path("/proc/self/ns/net").exists():
        return False
    if not all(map(shutil.which, ("ip", "iptables", "nsenter"))):
        return False
    with suppress(OSError):
        names = re.findall(r"(?m)^nameserver (\S+)", Path("/etc/resolv.conf").read_text())
        return not any(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in names)
    return False


class Isolation:
    """The network and the mounts of this process and of all that it starts."""

    def __init__(self) -> None:
        from tests.lab import kernel  # noqa: PLC0415 - other systems have no such settings

        self._kernel, self._libc = kernel, ctypes.CDLL(None, use_errno=True)
        self._machine = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._sweep()
        self._kernel.allow(_PREFIX)
        _enter(self._libc.unshare, _NEW_MOUNTS)
        _enter(self._libc.unshare, _NEW_NETWORK)
        _run("mount", "--make-rprivate", "/")
        # X servers number themselves by names in the network, and share a folder by number.
        _SCREENS.mkdir(mode=0o1777, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "mode=1777", "screens", str(_SCREENS))
        self._link = next(name for name in map(f"{_PREFIX}{{}}".format, _LINKS) if self._add(name))
        outer, inner, network = _addresses(self._link)
        self._on_machine("ip", "address", "add", f"{outer}/30", "dev", self._link)
        self._on_machine("ip", "link", "set", self._link, "up")
        for rule in _rules(self._link, network):
            self._on_machine("iptables", "--wait", *rule)
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "address", "add", f"{inner}/30", "dev", "eth0")
        _run("ip", "link", "set", "eth0", "mtu", "1400", "up")
        _run("ip", "route", "add", "default", "via", outer)

    def close(self) -> None:
        """Remove the cable and its rules, and return to the machine's network."""
        self._on_machine("ip", "link", "delete", self._link)
        self._sweep()
        _enter(self._libc.setns, self._machine, _NEW_NETWORK)
        self._kernel.restore(_PREFIX)

    def _add(self, name: str) -> bool:
        """Lay a cable to the machine, where it gets this *name*, unless another has it."""
        words = ("ip", "link", "add", "name", name, "type", "veth", "peer", "name", "eth0")
        with suppress(subprocess.CalledProcessError):
            self._on_machine(*words, "netns", str(os.getpid()))
            return True
        return False

    def _sweep(self) -> None:
        """Remove the rules of cables that are gone: with a process that was killed, its network
        goes."""
        saved = {
            table: self._on_machine("iptables-save", "-t", table) for table in ("nat", "filter")
        }
        # Asked after the rules: another process lays its cable first, and then adds its rules.
        shown = json.loads(self._on_machine("ip", "-json", "link", "show"))
        links = {link["ifname"] for link in shown}
        for table, rules in saved.items():
            for rule, name in re.findall(rf"(?m)^-A (.*--comment ({_PREFIX}\d+) .*)$", rules):
                if name not in links:
                    with suppress(subprocess.CalledProcessError):  # another worker sweeps, too
                        self._on_machine("iptables", "--wait", "-t", table, "-D", *rule.split())

    def _on_machine(self, *command: str) -> str:
        """The output of a command in the machine's network."""
        return _run("nsenter", f"--net=/proc/{os.getpid()}/fd/{self._machine}", "--", *command)


def _enter(call: Callable[..., int], *arguments: int) -> None:
    """Make a *call* of Linux that changes where this process is."""
    if call(*arguments):
        raise OSError(ctypes.get_errno(), call)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _addresses(link: str) -> tuple[str, str, str]:
    """The machine's address and the worker's at a cable, and their network. The range is reserved
    for tests of devices (RFC 2544), so that no machine is in it."""
    start = f"198.19.{link.removeprefix(_PREFIX)}"
    return f"{start}.1", f"{start}.2", f"{start}.0/30"


def _rules(link: str, network: str) -> list[list[str]]:
    ours = f"-m comment --comment {link}"
    rules = [
        f"-t nat -A POSTROUTING -s {network} {ours} -j MASQUERADE",
        f"-t filter -I FORWARD -i {link} {ours} -j ACCEPT",
        f"-t filter -I FORWARD -o {link} {ours} -j ACCEPT",
    ]
    return [rule.split() for rule in rules]


def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook. Only processes that run tests are isolated."""
    runs_tests = hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)
    if runs_tests and not config.option.collectonly and is_possible():
        config.add_cleanup(Isolation().close)
