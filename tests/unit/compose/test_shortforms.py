from typing import Any

import pytest

from aiserver_tray.catalog.compose import shortforms


def _port(target: int, protocol: str = "tcp", **more: str) -> dict[str, Any]:
    return {"mode": "ingress", "target": target, "protocol": protocol, **more}


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [_port(80)]),
        ("8080:80/UDP", [_port(80, "udp", published="8080")]),
        ("80/", [_port(80)]),
        ("127.0.0.1::80", [_port(80, host_ip="127.0.0.1")]),
        ("127.0.0.1:1:80", [_port(80, host_ip="127.0.0.1", published="1")]),
        ("[::1]:1:80", [_port(80, host_ip="::1", published="1")]),
        ("8000-8010:80", [_port(80, published="8000-8010")]),
        ("1-2:8-9", [_port(8, published="1"), _port(9, published="2")]),
        ("9-10", [_port(10), _port(9)]),
    ],
)
def test_port_is_read(text: str, ports: list[dict[str, Any]]) -> None:
    assert shortforms.parse_port(text) == ports


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


def _volume(target: str, source: str | None = None, **more: object) -> dict[str, Any]:
    named: dict[str, Any] = {"source": source} if source else {}
    return {"type": "volume", "target": target, "volume": {}, **named, **more}


def _bind(target: str, source: str, **more: object) -> dict[str, Any]:
    bind = {"create_host_path": True, **more}
    return {"type": "bind", "source": source, "target": target, "bind": bind}


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("/x", {"type": "volume", "target": "/x"}),
        ("/data", _volume("/data")),
        ("data:/a/../b/", _volume("/b", "data")),
        ("data:/b:ro,nocopy", _volume("/b", "data", read_only=True, volume={"nocopy": True})),
        ("data:/b:rw,nonsense", _volume("/b", "data", read_only=False)),
        ("./x:/y", _bind("/y", "./x")),
        ("~/x:/y:z,rslave", _bind("/y", "~/x", selinux="z", propagation="rslave")),
        (r"C:\x:/y", _bind("/y", r"C:\x")),
        (r"\\.\pipe\p:/y", _bind("/y", r"\\.\pipe\p")),
        ("data://y", _volume("/y", "data")),
    ],
)
def test_volume_is_read(text: str, volume: dict[str, Any]) -> None:
    assert shortforms.parse_volume(text) == volume


@pytest.mark.parametrize("text", ["", "abc::d", "abc:", ":/abc", "data:/b:ro:more"])
def test_wrong_volume_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a volume such as"):
        shortforms.parse_volume(text)


@pytest.mark.parametrize(
    ("text", "target", "permissions"),
    [("/dev/a", "/dev/a", "rwm"), ("/dev/a:/b", "/b", "rwm"), ("/dev/a::r", "/dev/a", "r")],
)
def test_device_is_read(text: str, target: str, permissions: str) -> None:
    expected = {"source": "/dev/a", "target": target, "permissions": permissions}
    assert shortforms.parse_device(text) == expected


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
