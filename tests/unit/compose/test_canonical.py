from copy import deepcopy
from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.canonical import MAX_PORTS, canonicalize
from aiserver_tray.catalog.compose.defaults import apply_defaults
from aiserver_tray.catalog.compose.keypath import KeyPath


def _canonical(tree: dict[str, Any]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    problems: dict[KeyPath, str] = {}
    return canonicalize(tree, lambda path, text: problems.update({path: str(text)})), problems


def _service(**keys: object) -> dict[str, Any]:
    tree, problems = _canonical({"services": {"web": keys}})
    assert not problems
    service: dict[str, Any] = tree["services"]["web"]
    return service


@pytest.mark.parametrize(
    ("key", "short", "long"),
    [
        ("build", "./web", {"context": "./web"}),
        ("depends_on", ["db"], {"db": {"condition": "service_started", "required": True}}),
        ("dns", "1.1.1.1", ["1.1.1.1"]),
        ("dns", ["1.1.1.1", "", None], ["1.1.1.1"]),
        ("env_file", "a.env", [{"path": "a.env", "required": True}]),
        ("env_file", [{"path": "a", "required": False}], [{"path": "a", "required": False}]),
        ("label_file", "labels", ["labels"]),
        ("gpus", "all", [{"count": "all"}]),
        ("networks", ["a", "b"], {"a": None, "b": None}),
        ("configs", ["c"], [{"source": "c"}]),
        ("secrets", ["s", {"source": "t"}], [{"source": "s"}, {"source": "t"}]),
        ("devices", ["/d"], [{"source": "/d", "target": "/d", "permissions": "rwm"}]),
        ("volumes", ["/data"], [{"type": "volume", "target": "/data", "volume": {}}]),
        (
            "ports",
            [80, "1-2:3-4", {"target": 5}],
            [
                {"mode": "ingress", "protocol": "tcp", "target": 80},
                {"mode": "ingress", "protocol": "tcp", "target": 3, "published": "1"},
                {"mode": "ingress", "protocol": "tcp", "target": 4, "published": "2"},
                {"target": 5},
            ],
        ),
        ("environment", ["A=1", "B"], ["A=1", "B"]),
    ],
)
def test_short_form_becomes_long(key: str, short: object, long: object) -> None:
    assert _service(**{key: short})[key] == long


def test_short_forms_of_a_build_become_long() -> None:
    service = _service(build={"ssh": ["default"], "additional_contexts": ["a=b"], "secrets": ["s"]})
    assert service["build"] == {
        "ssh": {"default": None},
        "additional_contexts": {"a": "b"},
        "secrets": [{"source": "s"}],
    }


@pytest.mark.parametrize("section", ["networks", "volumes", "secrets", "configs"])
def test_old_form_of_an_external_name_becomes_the_new(section: str) -> None:
    tree, problems = _canonical({section: {"a": {"external": {"name": "b"}}, "c": None}})
    assert tree == {section: {"a": {"external": True, "name": "b"}, "c": None}}
    assert not problems


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


def _with_defaults(tree: dict[str, Any]) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}

    def report(path: KeyPath, text: Text) -> None:
        problems[path] = str(text)

    apply_defaults(tree, report)
    return problems


def test_defaults_are_filled_in() -> None:
    request: dict[str, Any] = {"capabilities": ["gpu"]}
    service: dict[str, Any] = {
        "build": {},
        "ports": [{"target": 1}, {"target": 2, "protocol": "udp", "mode": "host"}],
        "secrets": [{"source": "s"}],
        "deploy": {"resources": {"reservations": {"devices": [request]}}},
        "gpus": [{"device_ids": ["0"]}],
    }
    assert not _with_defaults({"services": {"web": service}})
    assert service["build"] == {"context": "."}
    assert service["ports"] == [
        {"target": 1, "protocol": "tcp", "mode": "ingress"},
        {"target": 2, "protocol": "udp", "mode": "host"},
    ]
    assert service["secrets"] == [{"source": "s", "target": "/run/secrets/s"}]
    assert request["count"] == "all"
    assert service["gpus"] == [{"device_ids": ["0"]}]


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"volumes": {"v": {"external": True, "driver": "x"}}}, ("volumes", "v", "driver")),
        ({"secrets": {"s": {"file": "a", "environment": "B"}}}, ("secrets", "s")),
        ({"configs": {"c": {}}}, ("configs", "c")),
        (
            {"services": {"a": {"volumes": [{"type": "bind", "target": "/t"}]}}},
            ("services", "a", "volumes", 0),
        ),
        (
            {"services": {"a": {"gpus": [{"count": 1, "device_ids": ["0"]}]}}},
            ("services", "a", "gpus", 0),
        ),
    ],
)
def test_keys_that_exclude_each_other_are_reported(tree: dict[str, Any], path: KeyPath) -> None:
    assert set(_with_defaults(tree)) == {path}


@pytest.mark.parametrize(
    "tree",
    [
        {"volumes": {"v": {"external": True, "name": "x", "x-note": 1}, "w": None}},
        {"secrets": {"s": {"external": True}, "t": {"driver": "d"}}},
        {"configs": {"c": {"content": ""}}},
        {"services": None, "configs": ["c"]},
    ],
)
def test_valid_combinations_are_not_reported(tree: dict[str, Any]) -> None:
    assert not _with_defaults(tree)
