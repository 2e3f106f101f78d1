"""Bounds, problems and odd values of short forms. What they mean, tests/oracle compares."""

from copy import deepcopy
from typing import Any

import pytest

from aiserver_tray.catalog.compose.canonical import MAX_PORTS, canonicalize
from aiserver_tray.catalog.compose.keypath import KeyPath


def _canonical(tree: dict[str, Any]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    problems: dict[KeyPath, str] = {}
    return canonicalize(tree, lambda path, text: problems.update({path: str(text)})), problems


def test_two_different_external_names_are_reported() -> None:
    _, problems = _canonical({"volumes": {"a": {"name": "x", "external": {"name": "y"}}}})
    assert problems == {("volumes", "a", "name"): "expected 'y' as in external.name, found 'x'"}


def test_ranges_stand_for_a_bounded_number_of_ports() -> None:
    ranges = ["1-65535:1-65535"] * 10
    tree, problems = _canonical(
        {"services": {"a": {"ports": [80, *ranges]}, "b": {"ports": ranges}}}
    )
    assert [*problems] == [("services", "a", "ports", 1)]
    assert str(MAX_PORTS) in problems["services", "a", "ports", 1]
    ports = [len(service["ports"]) for service in tree["services"].values()]
    assert ports == [1, 0]


def test_a_telephone_system_may_publish_its_ports() -> None:
    tree, problems = _canonical(
        {"services": {"pbx": {"ports": ["10000-20000:10000-20000/udp", "5060:5060"]}}}
    )
    assert not problems
    assert len(tree["services"]["pbx"]["ports"]) == 10_002


def test_every_unreadable_short_form_is_reported_with_its_place() -> None:
    web = {
        "ports": ["80", "x"],
        "volumes": [":::"],
        "devices": ["a:b:c:d"],
        "build": {"ssh": ["id"]},
        "environment": {"": "x"},
        "depends_on": ["db", "db"],
        "networks": ["n", "n"],
    }
    _, problems = _canonical({"services": {"web": web}})
    assert {path[2:] for path in problems} == {
        ("ports", 1),
        ("volumes", 0),
        ("devices", 0),
        ("build", "ssh"),
        ("environment",),
        ("depends_on",),
        ("networks",),
    }
    assert problems["services", "web", "ports", 1].startswith("expected a port such as")


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [], [None], {}, {"a": None}, [[1]]])
def test_value_without_a_short_form_is_left_alone(value: object) -> None:
    for key in ("ports", "volumes", "build", "networks", "depends_on", "env_file", "gpus", "dns"):
        canonicalize({"services": {"web": {key: deepcopy(value)}}}, lambda _path, _text: None)
    tree = {"services": value, "networks": value, "volumes": {"v": value}}
    assert _canonical(deepcopy(tree))[0] == tree


def test_doing_it_twice_changes_nothing() -> None:
    tree, _ = _canonical(
        {
            "services": {
                "web": {
                    "build": ".",
                    "ports": ["80"],
                    "volumes": ["a:/a", "./b:/b"],
                    "gpus": "all",
                    "env_file": "e",
                    "depends_on": ["db"],
                }
            },
            "networks": {"n": {"external": {"name": "m"}}},
        }
    )
    assert _canonical(deepcopy(tree)) == (tree, {})
