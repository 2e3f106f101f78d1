"""Which network this computer is in, and what it is called there."""

import socket
from unittest.mock import Mock

import pytest

from aiserver_tray.features.access import names, network
from aiserver_tray.features.access.names import Names
from aiserver_tray.features.access.network import Network, is_private, label
from tests.support.systems import on_linux

HOME = Network("192.168.1.20", "wlan0", "192.168.1.0/24", "aa:aa:aa:aa:aa:aa")
NAMELESS = Network("192.168.1.20", "wlan0", "192.168.1.0/24")
"""Its router is not known."""
DOCKER = Network("172.17.0.1", "docker0", "172.17.0.0/16")
VPN = Network("10.8.0.2", "tun0", "10.8.0.0/24")
PUBLIC = Network("203.0.113.5", "eth1", "203.0.113.0/24")


@pytest.mark.parametrize(
    ("network", "range", "router", "is_same"),
    [
        (HOME, "192.168.1.0/24", "aa:aa:aa:aa:aa:aa", True),
        (HOME, "192.168.1.0/24", "bb:bb:bb:bb:bb:bb", False),  # a café has the same range
        (HOME, "192.168.1.0/24", "", True),  # the system did not say when it was opened
        (HOME, "10.0.0.0/8", "aa:aa:aa:aa:aa:aa", False),
        (NAMELESS, HOME.range, HOME.router, False),
        (NAMELESS, HOME.range, "", True),
    ],
)
def test_a_network_is_known_by_its_range_and_its_router(
    network: Network, range: str, router: str, *, is_same: bool
) -> None:
    assert network.is_same(range, router) == is_same


def test_addresses_that_others_may_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def has(*found: Network) -> None:
        monkeypatch.setattr(network, "_all", lambda: iter(found))

    has(HOME, DOCKER, VPN, PUBLIC)
    assert network.others(HOME) == ["10.8.0.2", "203.0.113.5"]
    assert network.others(None) == []
    cable = Network("192.168.1.21", "eth0", HOME.range)  # the same one
    holding = Network("192.168.7.3", "tun1", "192.168.0.0/16")  # it holds this one
    tail = Network("100.90.1.2", "tailscale0", "100.90.1.2/32")
    has(HOME, cable, holding, DOCKER, VPN, tail)
    assert network.further(HOME) == ["10.8.0.0/24", "100.64.0.0/10"], "not of this one"
    assert network.further(tail) == ["10.8.0.0/24", "192.168.0.0/16", HOME.range]
    assert network.further(None) == []
    assert network.apart(["10.8.0.0/24", "10.9.0.0/24"], ["10.8.0.128/26"]) == ["10.9.0.0/24"]
    has(DOCKER, PUBLIC, Network("10.0.0.4", "eth0", "10.0.0.0/8"), HOME)
    for usual, offered in (
        ("192.168.1.20", ["192.168.1.20", "10.0.0.4"]),
        ("203.0.113.5", ["10.0.0.4", "192.168.1.20"]),
    ):
        monkeypatch.setattr(network, "_usual_address", lambda usual=usual: usual)
        assert [one.address for one in network.networks()] == offered, "private ones"


@pytest.mark.parametrize(
    ("address", "found"),
    [("192.168.1.1", True), ("172.32.0.1", False), ("100.64.1.1", True), ("fe80::1", True)],
)
def test_private_addresses(address: str, *, found: bool) -> None:
    assert is_private(address) == found


@pytest.mark.parametrize(
    ("host", "expected"),
    [("Kitchen.fritz.box", "kitchen"), ("Böses Büro_1", "b-ses-b-ro-1"), ("日本", "computer")],
)
def test_the_name_of_the_computer_is_one_label(
    monkeypatch: pytest.MonkeyPatch, host: str, expected: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert label() == expected


def test_a_name_that_another_device_has_gets_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"n8n-kitchen.local": {"192.168.1.7"}, "n8n-kitchen-2.local": {"192.168.1.20"}}
    monkeypatch.setattr(names, "addresses_of", lambda name, _: frozenset(taken.get(name, set())))
    assert names.free_name("n8n-kitchen", "192.168.1.20") == "n8n-kitchen-2.local"
    monkeypatch.setattr(names, "addresses_of", Mock(side_effect=OSError))
    assert names.free_name("n8n-kitchen", "192.168.1.20") == "n8n-kitchen.local"


@on_linux  # elsewhere, this computer has not all of 127.0.0.0/8
@pytest.mark.parametrize("is_admitted", [True, False])
def test_only_what_admitted_clients_send_is_passed_on(*, is_admitted: bool) -> None:
    asking: list[str] = []

    def admits(client: str) -> bool:
        asking.append(client)
        return is_admitted

    answers = Names()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answers.forward("127.0.0.2", {port: admits})  # another address of this computer
        with socket.create_connection(("127.0.0.2", port), 60) as client:
            if is_admitted:
                server.accept()[0].close()
            assert client.recv(1) == b""
        answers.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 60)
    assert asking == ["127.0.0.1"]
