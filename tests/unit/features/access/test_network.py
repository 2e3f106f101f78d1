"""Which network this computer is in, and what it is called there."""

import socket

import pytest

from aiserver_tray.features.access import names, network
from aiserver_tray.features.access.network import Network, is_private, label

HOME = Network("192.168.1.20", "wlan0", "192.168.1.0/24", "aa:aa:aa:aa:aa:aa")


@pytest.mark.parametrize(
    ("range", "router", "is_same"),
    [
        ("192.168.1.0/24", "aa:aa:aa:aa:aa:aa", True),
        ("192.168.1.0/24", "bb:bb:bb:bb:bb:bb", False),  # a café has the same range
        ("192.168.1.0/24", "", True),  # the system did not say when it was opened
        ("10.0.0.0/8", "aa:aa:aa:aa:aa:aa", False),
    ],
)
def test_a_network_is_known_by_its_range_and_its_router(
    range: str, router: str, *, is_same: bool
) -> None:
    assert HOME.is_same(range, router) == is_same


def test_a_network_without_a_known_router_is_not_the_one_that_had_one() -> None:
    unknown = Network("192.168.1.20", "wlan0", "192.168.1.0/24")
    assert not unknown.is_same(HOME.range, HOME.router)
    assert unknown.is_same(HOME.range, "")


def test_further_addresses_are_those_that_others_may_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        HOME,
        Network("172.17.0.1", "docker0", "172.17.0.0/16"),
        Network("10.8.0.2", "tun0", "10.8.0.0/24"),
        Network("203.0.113.5", "eth1", "203.0.113.0/24"),
    ]
    monkeypatch.setattr(network, "_all", lambda: iter(found))
    assert network.others(HOME) == ["10.8.0.2", "203.0.113.5"]
    assert network.others(None) == []


def test_only_private_addresses_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Network("172.17.0.1", "docker0", "172.17.0.0/16"),
        Network("203.0.113.5", "eth1", "203.0.113.0/24"),
        Network("10.0.0.4", "eth0", "10.0.0.0/8"),
        HOME,
    ]
    monkeypatch.setattr(network, "_all", lambda: iter(found))
    monkeypatch.setattr(network, "_usual_address", lambda: "192.168.1.20")
    assert [one.address for one in network.networks()] == ["192.168.1.20", "10.0.0.4"]
    monkeypatch.setattr(network, "_usual_address", lambda: "203.0.113.5")
    assert [one.address for one in network.networks()] == ["10.0.0.4", "192.168.1.20"]


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

    def refuse(*_: str) -> frozenset[str]:
        raise OSError

    monkeypatch.setattr(names, "addresses_of", refuse)
    assert names.free_name("n8n-kitchen", "192.168.1.20") == "n8n-kitchen.local"
