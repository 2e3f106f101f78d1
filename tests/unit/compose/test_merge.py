"""Merging where tests/oracle/corpus (`override*`, `extends*`) has no case."""

from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.merge import drop_repeated, merge


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
        ({"image": "x"}, {"image": None}, {"image": "x"}),
        ({"command": ["a"]}, {"command": None}, {"command": None}),
        (
            {"environment": {"B": True, "A": 1.5, "C": None}},
            {"environment": ["D=4"]},
            {"environment": ["A=1.5", "B=true", "C", "D=4"]},
        ),
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


@pytest.mark.parametrize(
    ("key", "items", "left"),
    [
        ("expose", [80, "80", "81"], ["80", "81"]),
        ("env_file", ["a", {"path": "a"}], [{"path": "a"}]),
        ("security_opt", ["a", "a"], ["a", "a"]),
        ("environment", [["A"], ["A"]], [["A"], ["A"]]),
    ],
)
def test_last_of_equal_items_stays(key: str, items: list[Any], left: list[Any]) -> None:
    tree = {"services": {"a": {key: items}}}

    drop_repeated(tree)

    assert tree["services"]["a"][key] == left
