"""Which ports of this machine are free, and who has the others: with real sockets and processes."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from aiserver_tray.system.ports import (
    PortOwner,
    firewall_commands,
    free_port_near,
    is_free,
    overlap,
    port_owner,
    ranges_in,
    reserved_range,
)
from tests.support.systems import is_root

NOBODY = 65534


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


ADDRESSES = [
    "127.0.0.1",
    "0.0.0.0",
    pytest.param("::", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")),
]

SERVER = """
import socket, sys, time
address, kind = sys.argv[1], getattr(socket, sys.argv[2])
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
server.bind((address, 0))
if kind is socket.SOCK_STREAM:
    server.listen()
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(address: str, protocol: str = "tcp") -> Iterator[tuple[int, int]]:
    """A process that serves on *address*: its pid and port."""
    kind = "SOCK_STREAM" if protocol == "tcp" else "SOCK_DGRAM"
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, address, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        yield process.pid, int(process.stdout.readline())
        process.communicate()


@contextmanager
def serving(address: str, port: int = 0) -> Iterator[int]:
    """A server of this process, and its port."""
    with closing(socket.create_server((address, port))) as server:
        yield server.getsockname()[1]


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process without its rights."""
    psutil.net_connections("tcp")  # imported while it can be
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def low_port() -> int:
    """One below 1024 that is free."""
    return next(port for port in range(1023, 1, -1) if is_free("127.0.0.1", port, "tcp"))


def has_low_ports() -> bool:
    """Whether only root may bind some ports."""
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return first.exists() and first.read_text(encoding="ascii") != "0\n"


as_root = pytest.mark.skipif(not is_root(), reason="only root can give up rights")


@pytest.mark.parametrize("wanted", ADDRESSES)
@pytest.mark.parametrize("server", ADDRESSES)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_served_port_is_free_on_no_address_that_overlaps(
    monkeypatch: pytest.MonkeyPatch, wanted: str, server: str, protocol: str
) -> None:
    with other_process(server, protocol) as (pid, port):
        owner = PortOwner(pid, psutil.Process(pid).name())
        assert not is_free(wanted, port, protocol)
        assert port_owner(wanted, port, protocol) == owner
        with monkeypatch.context() as mac:  # where other users' are hidden
            mac.setattr(psutil, "net_connections", Mock(side_effect=psutil.AccessDenied))
            assert port_owner(wanted, port, protocol) == owner
    assert is_free(wanted, port, protocol)
    assert port_owner(wanted, port, protocol) is None


def test_another_address_or_protocol_is_free_and_what_cannot_be_checked() -> None:
    with other_process("127.0.0.1") as (_, port):
        for address, protocol in (("127.0.0.2", "tcp"), ("127.0.0.1", "udp"), ("::1", "tcp")):
            assert is_free(address, port, protocol)
            assert port_owner(address, port, protocol) is None
    for address, protocol in (("192.0.2.1", "tcp"), ("127.0.0.1", "sctp"), ("no.invalid", "tcp")):
        assert is_free(address, 8000, protocol)


def test_looking_leaves_the_port_free() -> None:
    with serving("127.0.0.1") as port:
        pass
    assert is_free("127.0.0.1", port, "tcp")
    with serving("127.0.0.1", port):
        assert not is_free("127.0.0.1", port, "tcp")


def test_a_connection_that_lingers_after_its_server_keeps_no_port() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection, _ = server.accept()
        server.close()
        connection.close()  # first, so that it is the server's side that lingers
        assert client.recv(1) == b""
    states = [c.status for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port]
    assert psutil.CONN_TIME_WAIT in states
    assert is_free("127.0.0.1", port, "tcp")
    assert port_owner("127.0.0.1", port, "tcp") is None


def test_a_udp_port_whose_server_would_share_it_is_not_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        assert not is_free("127.0.0.1", server.getsockname()[1], "udp")


@as_root
def test_the_owner_of_another_users_port_is_not_seen_though_the_port_is_taken() -> None:
    with other_process("127.0.0.1") as (_, port), as_nobody():
        assert not is_free("127.0.0.1", port, "tcp")
        assert port_owner("127.0.0.1", port, "tcp") is None


@as_root
@pytest.mark.skipif(not has_low_ports(), reason="everyone may bind every port here")
def test_a_port_that_we_may_not_bind_is_free_unless_someone_serves_it() -> None:
    port = low_port()
    with as_nobody():
        assert is_free("127.0.0.1", port, "tcp")
    with serving("127.0.0.1", port), as_nobody():
        assert not is_free("127.0.0.1", port, "tcp")


def test_which_addresses_overlap() -> None:
    for one, two in (
        *(("127.0.0.1", "::ffff:127.0.0.1"), ("::1", "0:0:0:0:0:0:0:1")),
        *(("", "::1"), ("::", "10.0.0.1")),
    ):
        assert overlap(one, two)
        assert overlap(two, one)
    for other in ("127.0.0.2", "::1", "localhost"):
        assert not overlap("127.0.0.1", other)


def test_the_next_usable_port_comes_first_then_the_last_before() -> None:
    assert free_port_near(8000, {8001}.__contains__) == 8001
    assert free_port_near(8000, {7000, 9000}.__contains__) == 9000
    assert free_port_near(8000, {1024, 7000}.__contains__) == 7000
    assert free_port_near(80, {81, 1024}.__contains__) == 1024
    assert free_port_near(65535, {65535, 1024}.__contains__) == 1024
    assert free_port_near(8000, {8000, 1023}.__contains__) == 8000
    with serving("127.0.0.1") as port:
        near = free_port_near(port, lambda number: is_free("127.0.0.1", number, "tcp"))
        with serving("127.0.0.1", near):
            assert near != port


@pytest.mark.parametrize(
    ("system", "program", "expected"),
    [
        ("win32", "", "profile=private localport=18440-18442"),
        ("linux", "ufw", "sudo ufw allow 18440:18442/tcp"),
        ("linux", "firewall-cmd", "sudo firewall-cmd --add-port=18440-18442/tcp"),
        ("linux", "", ""),
    ],
)
def test_the_command_of_the_firewall_that_this_system_has(
    monkeypatch: pytest.MonkeyPatch, system: str, program: str, expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(shutil, "which", lambda name, **_: name == program)
    found = firewall_commands([18442, 18440, 18441])
    assert expected in "".join(found)
    assert bool(found) == bool(expected)
    apart = "".join(firewall_commands([18440, 19000]))
    assert "19000" in apart or not expected
    assert "18440-19000" not in apart.replace(":", "-"), "nothing between them"


ENGLISH = """
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
      5357        5357
     49709       49808
     50000       50059     *

* - Administered port exclusions.

"""
CHINESE = ENGLISH.replace("Protocol tcp Port Exclusion Ranges", "协议 tcp 端口排除范围")
CHINESE = CHINESE.replace("Start Port    End Port", "开始端口    结束端口")


def test_reserved_ranges_are_read_in_any_language() -> None:
    """What netsh prints. It is on Windows only, so its output stands here."""
    ranges = [(5357, 5357), (49709, 49808), (50000, 50059)]
    assert ranges_in(ENGLISH.replace("\n", "\r\n").encode("cp437")) == ranges
    assert ranges_in(CHINESE.replace("\n", "\r\n").encode("gbk")) == ranges
    assert ranges_in(b"The following command was not found: interface 1 2 show.\r\n") == []
    assert reserved_range("127.0.0.1", 1, "tcp") is None
