from typing import Any

import pytest
from pydantic import ValidationError

from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.project import Project, validate_project


def _validated(
    tree: dict[str, Any], profiles: tuple[str, ...] = ()
) -> tuple[Project, dict[KeyPath, str]]:
    problems: dict[KeyPath, str] = {}
    project = validate_project(
        {"name": "demo", **tree},
        lambda path, text: problems.update({path: str(text)}),
        profiles=profiles,
    )
    return project, problems


def _printed(tree: dict[str, Any], profiles: tuple[str, ...] = ()) -> dict[str, Any]:
    project, problems = _validated(tree, profiles)
    assert not problems
    return project.to_compose()


def _service(**keys: object) -> dict[str, Any]:
    service: dict[str, Any] = _printed(
        {"services": {"web": {"image": "nginx", "network_mode": "none", **keys}}}
    )["services"]["web"]
    return service


def test_smallest_project_is_printed_with_its_defaults() -> None:
    assert _printed({"services": {"web": {"image": "nginx"}}}) == {
        "name": "demo",
        "services": {
            "web": {
                "command": None,
                "entrypoint": None,
                "image": "nginx",
                "networks": {"default": None},
            }
        },
        "networks": {"default": {"name": "demo_default", "ipam": {}}},
    }


def test_project_without_services_prints_an_empty_mapping() -> None:
    assert _printed({}) == {"name": "demo", "services": {}}


@pytest.mark.parametrize(
    ("key", "given", "printed"),
    [
        ("annotations", ["a=1", "b"], {"a": "1", "b": ""}),
        ("attach", False, False),
        ("command", "echo 'a b'", ["echo", "a b"]),
        ("command", "", []),
        ("cpus", "0.50", 0.5),
        ("cpu_shares", 2.7, 2),
        ("deploy", {}, {"resources": {}, "placement": {}}),
        ("environment", ["A=1", "B", "C="], {"A": "1", "B": None, "C": ""}),
        ("environment", {"A": 1, "B": None, "C": True}, {"A": "1", "B": None, "C": "true"}),
        ("expose", [1, "2-3"], ["1", "2-3"]),
        ("extra_hosts", ["a:1.2.3.4", "b=::1", "a=[::2]"], ["a=1.2.3.4", "a=::2", "b=::1"]),
        ("extra_hosts", {"a": ["1.1.1.1", "2.2.2.2"]}, ["a=1.1.1.1", "a=2.2.2.2"]),
        ("group_add", [1, "1", "a"], ["1", "1", "a"]),
        ("healthcheck", {"test": "exit 0"}, {"test": ["CMD-SHELL", "exit 0"]}),
        ("healthcheck", {"interval": "90s", "retries": 3}, {"interval": "1m30s", "retries": 3}),
        ("init", "no", False),
        ("labels", {"a": 1.50, "b": None}, {"a": "1.5", "b": ""}),
        ("labels", ["price=$5"], {"price": "$$5"}),
        ("logging", {"options": {"n": 1, "z": None}}, {"options": {"n": "1", "z": ""}}),
        ("mem_limit", "1g", "1073741824"),
        ("memswap_limit", -1, "-1"),
        ("post_start", [{"command": "a b"}], [{"command": ["a", "b"]}]),
        ("ports", [{"target": 1, "published": 2}], [{"target": 1, "published": "2"}]),
        ("pull_policy", "if_not_present", "missing"),
        ("scale", 0, 0),
        ("secrets", [], None),
        ("stop_grace_period", "1m30s", "1m30s"),
        ("storage_opt", {"size": "1G", "n": 3}, {"size": "1G", "n": "3"}),
        ("tmpfs", "/x", ["/x"]),
        ("tty", False, None),
        ("ulimits", {"a": 0, "b": 5}, {"a": {}, "b": 5}),
        ("ulimits", {"a": {"soft": 1, "hard": 2}}, {"a": {"soft": 1, "hard": 2}}),
        ("volumes", [{"type": "tmpfs", "target": "/a/../b/"}], [{"type": "tmpfs", "target": "/b"}]),
        ("x-note", 1, None),
        (
            "blkio_config",
            {"weight_device": [{"path": "/dev/sda", "weight": 5}]},
            {"weight_device": [{"Path": "/dev/sda", "Weight": 5}]},
        ),
        (
            "develop",
            {"watch": [{"path": "/a", "action": "rebuild"}]},
            {"watch": [{"path": "/a", "action": "rebuild", "exec": {"command": None}}]},
        ),
        (
            "build",
            {"context": "/b", "ssh": {"default": None}, "shm_size": 5},
            {"context": "/b", "dockerfile": "Dockerfile", "ssh": ["default"], "shm_size": "5"},
        ),
    ],
)
def test_key_prints_as_compose_prints_it(key: str, given: object, printed: object) -> None:
    assert _service(**{key: given}).get(key) == printed


def test_gpu_request_for_all_prints_as_minus_one() -> None:
    devices = [{"capabilities": ["gpu"], "count": "all"}]
    deploy = _service(deploy={"resources": {"reservations": {"devices": devices}}})["deploy"]
    assert deploy["resources"]["reservations"] == {
        "devices": [{"capabilities": ["gpu"], "count": -1}]
    }


def test_attributes_have_types_for_the_engine() -> None:
    project, _ = _validated(
        {
            "services": {
                "web": {
                    "image": "nginx",
                    "mem_limit": "1g",
                    "healthcheck": {"interval": "10s"},
                    "x-aiserver": {"ready_within": "5m"},
                }
            }
        }
    )
    web = project.services["web"]
    assert web.mem_limit == 1024**3
    assert web.healthcheck is not None
    assert web.healthcheck.interval == 10_000_000_000
    assert web.extensions == {"x-aiserver": {"ready_within": "5m"}}
    assert web.networks == {"default": None}


def test_unused_resources_and_services_of_inactive_profiles_are_left_out() -> None:
    tree = {
        "services": {
            "a": {"image": "x", "networks": {"n": None}},
            "b": {
                "image": "x",
                "profiles": ["p"],
                "volumes": [{"type": "volume", "source": "v", "target": "/v"}],
            },
        },
        "networks": {"n": None, "unused": None},
        "volumes": {"v": None},
        "secrets": {"s": {"file": "/s"}},
    }
    plain = _printed(tree)
    assert list(plain["services"]) == ["a"]
    assert plain["networks"] == {"n": {"name": "demo_n", "ipam": {}}}
    assert "volumes" not in plain
    assert "secrets" not in plain
    for profiles in (("p",), ("*",)):
        assert _printed(tree, profiles)["volumes"] == {"v": {"name": "demo_v"}}


def test_dependencies_are_implied() -> None:
    services = _printed(
        {
            "services": {
                "web": {
                    "image": "x",
                    "links": ["db:database"],
                    "volumes_from": ["store:ro", "container:other"],
                    "ipc": "service:peer",
                    "depends_on": {"peer": {"condition": "service_healthy"}},
                },
                **{name: {"image": "x"} for name in ("db", "store", "peer")},
            }
        }
    )["services"]
    assert services["web"]["depends_on"] == {
        "db": {"condition": "service_started", "restart": True, "required": True},
        "store": {"condition": "service_started", "required": True},
        "peer": {"condition": "service_healthy", "required": True},
    }


def test_scale_is_the_number_of_replicas() -> None:
    assert _service(scale=2, deploy={})["deploy"]["replicas"] == 2


def test_content_that_a_variable_gave_is_not_printed() -> None:
    configs = {"c": {"environment": "C", "content": "value"}, "d": {"content": "$x"}}
    used = [{"source": "c"}, {"source": "d"}]
    project, _ = _validated(
        {"services": {"a": {"image": "x", "configs": used}}, "configs": configs}
    )
    assert project.configs["c"].content == "value"
    assert project.to_compose()["configs"] == {
        "c": {"name": "demo_c", "environment": "C"},
        "d": {"name": "demo_d", "content": "$$x"},
    }


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("imagee", "x", ("imagee",)),
        ("image", 5, ("image",)),
        ("image", None, ("image",)),
        ("attach", None, ("attach",)),
        ("build", {"contxt": "."}, ("build", "contxt")),
        ("cap_add", ["A", "A"], ("cap_add",)),
        ("command", ["a", 1], ("command", 1)),
        ("cpu_percent", 101, ("cpu_percent",)),
        ("cpu_percent", 12.5, ("cpu_percent",)),
        ("group_add", [1, 1], ("group_add",)),
        ("depends_on", {"a": {}}, ("depends_on", "a", "condition")),
        ("depends_on", {"a": {"condition": "soon"}}, ("depends_on", "a", "condition")),
        ("environment", {"A": []}, ("environment", "A")),
        ("extra_hosts", ["b=1", "a"], ("extra_hosts", 1)),
        ("healthcheck", {"interval": "10"}, ("healthcheck", "interval")),
        ("mem_limit", "lots", ("mem_limit",)),
        ("networks", {"a": {"aliases": "b"}}, ("networks", "a", "aliases")),
        ("ports", [{"target": "x"}], ("ports", 0, "target")),
        ("ports", None, ("ports",)),
        ("privileged", "maybe", ("privileged",)),
        ("ulimits", {"a": {"soft": 1}}, ("ulimits", "a")),
        ("volumes", [{"target": "/a"}], ("volumes", 0, "type")),
    ],
)
def test_wrong_value_of_a_key_is_refused_with_its_place(
    key: str, value: object, path: KeyPath
) -> None:
    with pytest.raises(ValidationError) as caught:
        _validated({"services": {"web": {"image": "x", key: value}}})
    assert [error["loc"] for error in caught.value.errors()] == [("services", "web", *path)]


def test_every_wrong_shape_is_found_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        _validated({"services": {"a": {"tty": 1}, "b": {"user": 1}}, "volums": {}})
    assert len(caught.value.errors()) == 3


@pytest.mark.parametrize(
    ("services", "path"),
    [
        ({"a": {}}, ("services", "a")),
        ({"a": {"image": "x", "networks": {"m": None}}}, ("services", "a", "networks", "m")),
        (
            {"a": {"image": "x", "volumes": [{"type": "volume", "source": "v", "target": "/v"}]}},
            ("services", "a", "volumes", 0),
        ),
        ({"a": {"image": "x", "configs": [{"source": "c"}]}}, ("services", "a", "configs", 0)),
        ({"a": {"image": "x", "secrets": [{"source": "s"}]}}, ("services", "a", "secrets", 0)),
        (
            {"a": {"build": {"context": "/", "secrets": [{"source": "s"}]}}},
            ("services", "a", "build", "secrets", 0),
        ),
        (
            {"a": {"build": {"context": "/", "additional_contexts": {"b": "service:c"}}}},
            ("services", "a", "build", "additional_contexts", "b"),
        ),
        (
            {"a": {"build": {"dockerfile": "a", "dockerfile_inline": "b"}}},
            ("services", "a", "build", "dockerfile_inline"),
        ),
        ({"a": {"image": "x", "links": ["b"]}}, ("services", "a", "depends_on", "b")),
        (
            {"a": {"image": "x", "network_mode": "none", "networks": {"n": None}}},
            ("services", "a", "network_mode"),
        ),
        ({"a": {"image": "x", "scale": 2, "deploy": {"replicas": 3}}}, ("services", "a", "scale")),
        (
            {"a": {"image": "x", "scale": 2, "container_name": "c"}},
            ("services", "a", "container_name"),
        ),
        (
            {"a": {"image": "x", "mem_limit": 1, "deploy": {"resources": {"limits": {}}}}},
            ("services", "a", "mem_limit"),
        ),
        (
            {"a": {"image": "x", "healthcheck": {"test": ["true"]}}},
            ("services", "a", "healthcheck", "test"),
        ),
        (
            {"a": {"image": "x", "develop": {"watch": [{"path": "/", "action": "sync"}]}}},
            ("services", "a", "develop", "watch", 0),
        ),
        (
            {
                "a": {"image": "x", "volumes_from": ["b"]},
                "b": {"image": "x", "volumes_from": ["a"]},
            },
            ("services", "a", "depends_on"),
        ),
    ],
)
def test_keys_that_do_not_fit_together_are_reported_with_their_place(
    services: dict[str, Any], path: KeyPath
) -> None:
    assert set(_validated({"services": services, "networks": {"n": None}})[1]) == {path}


def test_optional_dependency_on_an_inactive_service_is_no_problem() -> None:
    def problems(required: bool) -> set[KeyPath]:  # noqa: FBT001
        dependency = {"condition": "service_started", "required": required}
        services = {
            "a": {"image": "x", "depends_on": {"b": dependency}},
            "b": {"image": "x", "profiles": ["p"]},
        }
        return set(_validated({"services": services})[1])

    assert not problems(False)  # noqa: FBT003
    assert problems(True) == {("services", "a", "depends_on", "b")}  # noqa: FBT003


def test_secret_has_to_come_from_somewhere() -> None:
    _, problems = _validated({"secrets": {"s": {"driver": "x"}}})
    assert set(problems) == {("secrets", "s")}


@pytest.mark.parametrize("section", ["secrets", "configs"])
def test_secret_or_config_that_is_null_is_refused(section: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _validated({section: {"a": None}})
    assert [error["loc"] for error in caught.value.errors()] == [(section, "a")]
