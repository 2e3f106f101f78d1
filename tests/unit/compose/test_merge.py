from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.merge import drop_repeated, extend_service, merge


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Two forms of one service, merged without problems."""
    problems: list[object] = []
    tree = merge(
        {"services": {"a": base}},
        {"services": {"a": over}},
        lambda *problem: problems.append(problem),
    )
    assert not problems
    service: dict[str, Any] = tree["services"]["a"]
    return service


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"image": "x"}, {"image": "y"}, {"image": "y"}),
        ({"image": "x"}, {"image": None}, {"image": "x"}),
        ({"ports": [1]}, {"ports": [2]}, {"ports": [1, 2]}),
        ({"command": ["a"]}, {"command": ["b"]}, {"command": ["b"]}),
        ({"command": ["a"]}, {"command": None}, {"command": None}),
        (
            {"environment": {"B": True, "A": 1.5, "C": None}},
            {"environment": ["D=4"]},
            {"environment": ["A=1.5", "B=true", "C", "D=4"]},
        ),
        ({"build": "."}, {"build": {"target": "t"}}, {"build": {"context": ".", "target": "t"}}),
        (
            {"depends_on": ["a"]},
            {"depends_on": {"b": {"condition": "service_healthy"}}},
            {
                "depends_on": {
                    "a": {"condition": "service_started", "required": True},
                    "b": {"condition": "service_healthy"},
                }
            },
        ),
        (
            {"networks": ["n"]},
            {"networks": {"n": {"priority": 1}}},
            {"networks": {"n": {"priority": 1}}},
        ),
        ({"dns": "1.1.1.1"}, {"dns": ["2.2.2.2"]}, {"dns": ["1.1.1.1", "2.2.2.2"]}),
        (
            {"extra_hosts": ["h=1"]},
            {"extra_hosts": {"h": ["1", "2"]}},
            {"extra_hosts": ["h=1", "h=2"]},
        ),
        ({"x-a": {"b": 1}}, {"x-a": {"c": 2}}, {"x-a": {"c": 2}}),
        (
            {"logging": {"driver": "a", "options": {"x": "1"}}},
            {"logging": {"driver": "b"}},
            {"logging": {"driver": "b"}},
        ),
        (
            {"logging": {"driver": "a", "options": {"x": "1"}}},
            {"logging": {"options": {"y": "2"}}},
            {"logging": {"driver": "a", "options": {"x": "1", "y": "2"}}},
        ),
        ({"ulimits": {"n": {"soft": 1, "hard": 2}}}, {"ulimits": {"n": 3}}, {"ulimits": {"n": 3}}),
    ],
)
def test_a_key_is_merged_by_its_rule(
    base: dict[str, Any], over: dict[str, Any], result: dict[str, Any]
) -> None:
    assert merged(base, over) == result


def test_address_pools_are_merged_by_subnet() -> None:
    def networks(*pools: dict[str, str]) -> dict[str, Any]:
        return {"networks": {"n": {"ipam": {"config": list(pools)}}}}

    tree = merge(
        networks({"subnet": "a", "gateway": "g"}),
        networks({"subnet": "a", "ip_range": "r"}, {"subnet": "b"}),
        lambda *_: None,
    )

    assert tree == networks({"subnet": "a", "gateway": "g", "ip_range": "r"}, {"subnet": "b"})


@pytest.mark.parametrize(
    ("base", "over", "path"),
    [
        ({"deploy": {}}, {"deploy": []}, ("services", "a", "deploy")),
        ({"ports": []}, {"ports": {}}, ("services", "a", "ports")),
        ({"labels": {"l": {}}}, {"labels": ["m"]}, ("services", "a", "labels")),
    ],
)
def test_shapes_that_do_not_fit_are_reported(
    base: dict[str, Any], over: dict[str, Any], path: KeyPath
) -> None:
    problems: list[tuple[KeyPath, Text]] = []

    merge(
        {"services": {"a": base}},
        {"services": {"a": over}},
        lambda path, text: problems.append((path, text)),
    )

    assert [found for found, _ in problems] == [path]


def test_a_service_extends_by_the_rules_of_services() -> None:
    base = {"command": "x", "environment": {"A": 1}}

    extended = extend_service(
        base, {"command": "y", "environment": ["B"]}, ("services", "a"), lambda *_: None
    )

    assert extended == {"command": "y", "environment": ["A=1", "B"]}


@pytest.mark.parametrize(
    ("key", "items", "left"),
    [
        ("environment", ["A=1", "B", "A=2"], ["A=2", "B"]),
        ("cap_add", ["X", "Y", "X"], ["X", "Y"]),
        ("expose", [80, "80", "81"], ["80", "81"]),
        (
            "volumes",
            [{"target": "/a", "source": "x"}, {"target": "/a", "source": "y"}],
            [{"target": "/a", "source": "y"}],
        ),
        (
            "ports",
            [
                {"target": 80, "published": "1"},
                {"target": 80, "published": "1", "host_ip": "0.0.0.0"},
                {"target": 80, "published": "1", "protocol": "udp"},
            ],
            [
                {"target": 80, "published": "1", "host_ip": "0.0.0.0"},
                {"target": 80, "published": "1", "protocol": "udp"},
            ],
        ),
        ("secrets", ["s", {"source": "s"}], [{"source": "s"}]),
        ("configs", ["c", {"source": "d", "target": "/c"}], [{"source": "d", "target": "/c"}]),
        ("devices", ["/a:/x", "/b:/x"], ["/b:/x"]),
        ("env_file", ["a", {"path": "a"}], [{"path": "a"}]),
        ("security_opt", ["a", "a"], ["a", "a"]),
        ("environment", [["A"], ["A"]], [["A"], ["A"]]),
    ],
)
def test_last_of_equal_items_stays(key: str, items: list[Any], left: list[Any]) -> None:
    tree = {"services": {"a": {key: items}}}

    drop_repeated(tree)

    assert tree["services"]["a"][key] == left
