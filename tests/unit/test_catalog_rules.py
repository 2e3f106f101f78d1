"""What holds for every service of the built-in catalog."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.resolve import config_environment
from catalog_table import load

CATALOG = load()
PORTS = {
    "mysql": [13306],
    "postgres": [15432],
    "redis": [16379],
    "minio": [19000, 19001],
    "elasticsearch": [19200],
    "qdrant": [16333, 16334],
    "meilisearch": [17700],
    "oneapi": [18080],
    "dify": [18090],
    "n8n": [18100],
    "ragflow": [18600],
}


class Found(NamedTuple):
    """A service of a module."""

    module: str
    name: str
    model: Service
    is_job: bool


def found() -> Iterator[Found]:
    """All, under whichever choice they are active."""
    for module in CATALOG.modules.values():
        env = config_environment(CATALOG, module, None)
        project = load_project(module.source, env, profiles=["*"])
        for name, service in project.services.items():
            yield Found(module.name, name, service, name in jobs_in(project))


ALL = [*found()]
every = pytest.mark.parametrize("service", ALL, ids=lambda one: f"{one.module}/{one.name}")


@every
def test_its_image_is_pinned(service: Found) -> None:
    assert re.fullmatch(r"[a-z0-9./_-]+:[\w.-]*\d[\w.-]*", service.model.image)


@every
def test_it_may_no_more_than_it_needs(service: Found) -> None:
    assert "no-new-privileges:true" in service.model.security_opt
    assert service.model.cap_drop == ["ALL"]
    assert not service.model.privileged
    assert {mount.type for mount in service.model.volumes} <= {"volume"}


@every
def test_it_takes_no_more_than_it_may(service: Found) -> None:
    assert service.model.logging
    assert service.model.logging.options == {"max-size": "10m", "max-file": "3"}
    assert service.model.mem_limit


def test_what_it_may_take_is_a_setting() -> None:
    """But for jobs: one is over soon, and what it needs does not grow with the data."""
    for module in CATALOG.modules.values():
        sizes = [name for name, setting in module.settings.items() if setting.type == "size"]
        env = config_environment(CATALOG, module, None) | dict.fromkeys(sizes, "777m")
        project = load_project(module.source, env, profiles=["*"])
        limits = {n: s.mem_limit for n, s in project.services.items() if n not in jobs_in(project)}
        assert limits == dict.fromkeys(limits, 777 * 2**20), module.name


@every
def test_it_comes_back_by_itself(service: Found) -> None:
    assert service.model.restart == ("no" if service.is_job else "unless-stopped")
    assert bool(service.model.healthcheck) is not service.is_job
    assert service.is_job or (service.model.stop_grace_period and service.model.stop_signal)


def test_the_ports_are_those_that_people_know() -> None:
    published: dict[str, set[int]] = defaultdict(set)
    for service in ALL:
        published[service.module] |= {int(port.published) for port in service.model.ports}
        assert not any(port.host_ip for port in service.model.ports), "app.bind says where"
    assert {name: sorted(ports) for name, ports in published.items()} == PORTS
    for module in CATALOG.modules.values():
        ports = [s.initial for s in module.settings.values() if s.type == "port"]
        assert sorted(map(int, filter(None, ports))) == PORTS[module.name], "each a setting"


def test_no_two_users_of_the_shared_redis_have_one_database() -> None:
    users: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for service in ALL:
        environment = {name: value or "" for name, value in service.model.environment.items()}
        for name, value in environment.items():
            number = re.search(r"@redis:6379/(\d+)", value)
            if name == "REDIS_DB" and environment.get("REDIS_HOST") == "redis":
                users[value].add((service.module, service.model.image))
            elif number:
                users[number[1]].add((service.module, service.model.image))
            assert number or "@redis:6379" not in value, f"{service.name}: {name} says none"
    assert len(users) > 3
    assert {number: who for number, who in users.items() if len(who) > 1} == {}


@every
def test_its_check_asks_no_proxy_of_the_user(service: Found) -> None:
    """BusyBox's wget heeds ``http_proxy``, and knows no ``no_proxy``."""
    check = service.model.healthcheck
    words = " ".join(check.test) if check else ""
    assert "wget" not in words or "wget -Y off " in words
