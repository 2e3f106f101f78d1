"""Types for the engine, and wrong values that no file of tests/oracle/refused has. The level oracle
compares keys and printed forms with `docker compose`."""

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


def test_attributes_have_types_for_the_engine() -> None:
    project, _ = _validated(
        {
            "services": {
                "web": {
                    "image": "nginx",
                    "mem_limit": "1g",
                    "healthcheck": {"interval": "10s"},
                    "x-aiserver": {"ready_within": "5m"},
                    "cpu_shares": 2.7,
                    "group_add": [1, "1"],
                    "extra_hosts": ["a:1.2.3.4", "a=[::2]"],
                    "storage_opt": {"n": 3},
                    "scale": 2,
                    "deploy": {},
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
    assert (web.cpu_shares, web.group_add, web.storage_opt) == (2, ["1", "1"], {"n": "3"})
    assert web.extra_hosts == {"a": ["1.2.3.4", "::2"]}
    assert web.deploy is not None
    assert web.deploy.replicas == 2


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
    assert _validated({})[0].to_compose() == {"name": "demo", "services": {}}


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("image", None, ("image",)),
        ("attach", None, ("attach",)),
        ("cpu_percent", 101, ("cpu_percent",)),
        ("group_add", [1, 1], ("group_add",)),
        ("extra_hosts", ["b=1", "a"], ("extra_hosts", 1)),
        ("networks", {"a": {"aliases": "b"}}, ("networks", "a", "aliases")),
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


def test_keys_that_do_not_fit_together_are_reported_at_their_key() -> None:
    a = {
        "image": "x",
        "networks": {"m": None},
        "links": ["z"],
        "scale": 2,
        "container_name": "a",
        "deploy": {"replicas": 3, "resources": {"limits": {}}},
        "volumes": [{"type": "volume", "source": "v", "target": "/v"}],
        "mem_limit": 1,
        "configs": [{"source": "c"}],
        "secrets": [{"source": "s"}],
        "healthcheck": {"test": ["true"]},
        "develop": {"watch": [{"path": ".", "action": "sync"}]},
    }
    build = {
        "context": ".",
        "dockerfile": "x",
        "dockerfile_inline": "FROM x",
        "secrets": [{"source": "s"}],
        "additional_contexts": {"b": "service:z"},
    }
    services = {
        "a": a,
        "b": {"build": build, "network_mode": "none", "networks": {"n": None}},
        "c": {},
        "d": {"image": "x", "volumes_from": ["e"]},
        "e": {"image": "x", "volumes_from": ["d"]},
    }
    _, problems = _validated({"services": services, "networks": {"n": None}})
    assert {".".join(map(str, path[1:])) for path in problems} == {
        *("a.networks.m", "a.depends_on.z", "a.scale", "a.container_name", "a.volumes.0"),
        *("a.mem_limit", "a.configs.0", "a.secrets.0", "a.healthcheck.test", "a.develop.watch.0"),
        *("b.build.dockerfile_inline", "b.build.secrets.0", "b.build.additional_contexts.b"),
        *("b.network_mode", "c", "d.depends_on"),
    }


def test_secret_has_to_come_from_somewhere() -> None:
    _, problems = _validated({"secrets": {"s": {"driver": "x"}}})
    assert set(problems) == {("secrets", "s")}


@pytest.mark.parametrize("section", ["secrets", "configs"])
def test_secret_or_config_that_is_null_is_refused(section: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _validated({section: {"a": None}})
    assert [error["loc"] for error in caught.value.errors()] == [(section, "a")]
