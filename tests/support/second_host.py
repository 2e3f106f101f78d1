"""Another device in a network of this computer: a network namespace behind a pair of virtual
cables."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from aiserver_tray.features.access import network
from aiserver_tray.features.access.network import Network
from tests.support.browser import chromium_in
from tests.support.limits import LIMIT
from tests.support.ports import free_subnet, own_number

_PREFIX = "ais"
"""How the names of such networks begin."""
_QUERY = """
import sys
from aiserver_tray.features.access.names import addresses_of
print(*sorted(addresses_of(sys.argv[1], sys.argv[2])))
"""
_SQUAT = """
import sys
from aiserver_tray.features.access.names import Names
names = Names()
names.publish(sys.argv[2], {sys.argv[1]: 1})
print("taken", flush=True)
sys.stdin.read()
names.close()
"""


@dataclass(frozen=True)
class SecondHost:
    """The device at *address*. This computer has *ours* in the same network, on *interface*."""

    namespace: str
    interface: str
    ours: str
    address: str

    def is_other(self, one: Network) -> bool:
        """Whether *one* is a network of another test."""
        is_test = one.interface.startswith(("ailab-", _PREFIX))
        return is_test and one.interface != self.interface

    def run(self, *command: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """What a command does there."""
        inside = ["ip", "netns", "exec", self.namespace, *command]
        return subprocess.run(
            inside, input=text, capture_output=True, text=True, check=False, timeout=120
        )

    @contextmanager
    def started(self, *command: str) -> "Iterator[subprocess.Popen[str]]":
        """A command there, which is ended with the block."""
        inside = ["ip", "netns", "exec", self.namespace, *command]
        pipe = subprocess.PIPE
        with subprocess.Popen(inside, stdin=pipe, stdout=pipe, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def curl(self, *arguments: str) -> str:
        """The body and status of an answer, as ``BODY STATUS``; status 000: there is none."""
        out = ["-sS", "-m", "60", "--noproxy", "*", "-w", " %{http_code}"]
        return self.run("curl", *out, *arguments).stdout.strip()

    def resolve(self, name: str) -> str:
        """The addresses of *name* by multicast DNS; empty: there are none."""
        found = self.run(sys.executable, "-c", _QUERY, name, self.address)
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """While it lasts, the device has *name*."""
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", _SQUAT, name]
        process = subprocess.Popen(
            [*command, self.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == b"taken\n"
            yield
        finally:
            process.stdin.close()
            process.wait(LIMIT)
            process.stdout.close()

    @contextmanager
    def browser(self, folder: Path, authority: Path, name: str) -> Iterator[Chrome]:
        """A Chromium there that trusts *authority* and finds *name* at this computer. All that it
        leaves behind is in *folder*."""
        store = folder / ".pki/nssdb"
        store.mkdir(parents=True)
        for change in (("-N", "--empty-password"), ("-A", "-t", "C,,", "-n", "a", "-i", authority)):
            subprocess.run(["certutil", "-d", f"sql:{store}", *change], check=True, timeout=LIMIT)
        start = folder / "start"
        # `ip` asks the kernel for news, which `chromium_in` refuses.
        inside = f'exec nsenter --net=/run/netns/{self.namespace} chromium "$@"'
        start.write_text(f"#!/bin/sh\nexport HOME={folder}\n{inside}\n", encoding="utf-8")
        start.chmod(0o700)
        # Its debugging port would answer in the namespace only.
        flags = ("--remote-debugging-pipe", f"--host-resolver-rules=MAP {name} {self.ours}")
        with chromium_in(folder, *flags, program=start) as chromium:
            yield chromium

    @contextmanager
    def also(self, ours: str, theirs: str) -> Iterator[None]:
        """While it lasts, this computer and the device are in a second network, too."""
        inside = ("netns", "exec", self.namespace, "ip", "address")
        _ip("address", "add", f"{ours}/24", "dev", self.interface)
        _ip(*inside, "add", f"{theirs}/24", "dev", "eth0")
        try:
            yield
        finally:
            _ip("address", "del", f"{ours}/24", "dev", self.interface)
            _ip(*inside, "del", f"{theirs}/24", "dev", "eth0")

    @contextmanager
    def translated(self, port: int, there: str) -> Iterator[None]:
        """While it lasts, what the device sends to *port* of this computer goes to *there* (address
        and port of a container), which sees the device's own address: as with an engine that sets
        packet rules, which that of the lab does not."""
        where = ("PREROUTING", "-i", self.interface, "-p", "tcp", "--dport", str(port))
        rule = (*where, "-j", "DNAT", "--to-destination", there)
        table = ("iptables", "--wait", "-t", "nat")
        subprocess.run([*table, "-A", *rule], check=True, timeout=LIMIT)
        try:
            yield
        finally:
            subprocess.run([*table, "-D", *rule], check=True, timeout=LIMIT)

    @contextmanager
    def lost(self) -> Iterator[None]:
        """While it lasts, this computer has no address in the network."""
        _ip("address", "flush", "dev", self.interface)
        try:
            yield
        finally:
            _ip("address", "add", f"{self.ours}/24", "dev", self.interface)

    def move(self, ours: str, theirs: str) -> "SecondHost":
        """This computer and the device get other addresses, as after DHCP or in another network."""
        _ip("address", "flush", "dev", self.interface)
        _ip("address", "add", f"{ours}/24", "dev", self.interface)
        inside = ("netns", "exec", self.namespace, "ip", "address")
        _ip(*inside, "flush", "dev", "eth0")
        _ip(*inside, "add", f"{theirs}/24", "dev", "eth0")
        return SecondHost(self.namespace, self.interface, ours, theirs)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)


@contextmanager
def second_host() -> Iterator[SecondHost]:
    """A device in a private network /24 that nothing else uses. It needs root."""
    name, subnet = f"{_PREFIX}{own_number()}", free_subnet()
    host = SecondHost(name, f"{name}h", f"{subnet}.1", f"{subnet}.2")
    if Path(f"/run/netns/{name}").exists():  # of a process that was killed
        _ip("netns", "delete", name)
    _ip("netns", "add", name)
    patch, every = pytest.MonkeyPatch(), network._all
    # The networks of other tests come and go meanwhile.
    patch.setattr(network, "_all", lambda: (one for one in every() if not host.is_other(one)))
    try:
        _ip("link", "add", host.interface, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", host.interface, "up")
        _ip("netns", "exec", name, "ip", "link", "set", "eth0", "up")
        _ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
        yield host.move(host.ours, host.address)
    finally:
        patch.undo()
        _ip("netns", "delete", name)  # the cable goes with it
        assert not Path(f"/run/netns/{name}").exists()
