"""Odd values and refusals; tests/oracle compares the short forms of its corpus with Compose."""

from typing import Any

import pytest

from aiserver_tray.catalog.compose import shortforms


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "80:", "x", "70000", "9-8", "1-3:1-2", "80/icmp", "127.0.1:1:80", "::1:1:80"),
        *("[fe80::1%eth0]:1:80", "host:1:80", "-1", "1-", "¹", "0x50"),
    ],
)
def test_wrong_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a port such as"):
        shortforms.parse_port(text)


@pytest.mark.parametrize("text", ["", "abc::d", "abc:", ":/abc", "data:/b:ro:more"])
def test_wrong_volume_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a volume such as"):
        shortforms.parse_volume(text)


def test_odd_short_forms_are_read() -> None:
    assert shortforms.parse_port("80/") == shortforms.parse_port("80")
    volume = {"type": "volume", "source": "data", "target": "/y", "volume": {}}
    assert shortforms.parse_volume("data://y") == volume
    device = {"source": "/dev/a", "target": "/dev/a", "permissions": "r"}
    assert shortforms.parse_device("/dev/a::r") == device
    assert [port["target"] for port in shortforms.parse_port("9-10")] == [10, 9]
    bind = {"selinux": "z", "propagation": "rslave", "create_host_path": True}
    assert shortforms.parse_volume("./x:/y:z,rslave")["bind"] == bind


def test_device_with_too_many_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="a device such as"):
        shortforms.parse_device("a:b:c:d")


def test_ssh_keys_are_read() -> None:
    assert shortforms.parse_ssh(["default", "id=/k"]) == {"default": None, "id": "/k"}


@pytest.mark.parametrize("items", [["id"], [1], [None]])
def test_wrong_ssh_key_is_refused(items: list[Any]) -> None:
    with pytest.raises(ValueError, match="ID=PATH"):
        shortforms.parse_ssh(items)


def test_pairs_need_a_value() -> None:
    assert shortforms.parse_pairs(["a=b=c"]) == {"a": "b=c"}
    with pytest.raises(ValueError, match="KEY=VALUE"):
        shortforms.parse_pairs(["a"])
