"""The rules for modules with an x-aiserver, which `catalog check` knows."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aiserver_tray.base.errors import Problem
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.module_rules import redis_databases, whole_project
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from catalog_table import load
from tests.unit.module_folders import WHOAMI, WHOAMI_ENV, write, write_whoami

PORTS = {
    "mysql": [13306],
    "postgres": [15432],
    "redis": [16379],
    "minio": [19000, 19001],
    "elasticsearch": [19200],
    "qdrant": [16333, 16334],
    "meilisearch": [17700],
    "oneapi": [18080],
    "dify": [18090, 18093],
    "n8n": [18100],
    "ragflow": [18600],
}
"""Ports that users have in their bookmarks. A new module is not listed here."""

ON_REQUEST = (18093,)
"""Those of them that are published only if the user turns them on."""


SUMMARY = "summary: {en: Shows each request as the server gets it, zh: 显示服务器收到的请求}"


def notes(root: Path) -> list[Problem]:
    """What the check notes of the modules in *root*; it finds no problems."""
    report = check(load_catalog([root]), None)
    assert report.problems == []
    return [*report.notes]


def test_a_module_that_follows_all_rules_gets_no_notes(tmp_path: Path) -> None:
    write_whoami(tmp_path)
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        (":v1.11.0", ":stable", "image", "not pinned"),
        (":v1.11.0", "", "image", "not pinned"),
        ('["no-new-privileges:true"]', "[]", "security_opt", '["no-new-privileges:true"]'),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop", "cap_drop: [ALL]"),
        ("cap_drop: [ALL]", "cap_drop: [ALL]\n    privileged: true", "privileged", "cap_add"),
        ("driver: local", "driver: json-file", "logging", "driver: local"),
        ('max-file: "3"', 'max-file: "9"', "logging", 'max-file: "3"'),
        ("mem_limit: ${WHOAMI_MEMORY}", "", "mem_limit", "mem_limit: ${NAME}"),
        ("mem_limit: ${WHOAMI_MEMORY}", "mem_limit: 64m", "mem_limit", "mem_limit: ${NAME}"),
        ("restart: unless-stopped", "restart: always", "restart", "restart: unless-stopped"),
        ("[CMD, /whoami, -health]", "[NONE], disable: true", "healthcheck", "health check"),
        ("[CMD, /whoami, -health]", "[CMD, wget, localhost]", "healthcheck.test", "wget -Y off"),
        ("stop_signal: SIGTERM", "", "stop_signal", "stop_signal: SIGTERM"),
        ("stop_grace_period: 10s", "", "stop_grace_period", "stop_grace_period: 30s"),
        ('"${WHOAMI_PORT}:8080"', '"18300:8080"', "ports.0", '"${NAME}:8080"'),
        ('"${WHOAMI_PORT}:8080"', '"127.0.0.1:${WHOAMI_PORT}:8080"', "ports.0", "app.bind"),
        ("volumes: stores nothing, ", "", "volumes", "without: {volumes: …}"),
        (", secrets: shows only the request itself", "", "x-aiserver", "without: {secrets: …}"),
        (SUMMARY, "", ".summary", "a sentence"),
        (", download: 3m", "", ".needs", "download"),
        ("needs: {memory: 64m, disk: 10m, download: 3m}", "", ".needs", "memory, disk"),
    ],
)
def test_a_module_that_breaks_a_rule_is_noted_with_its_place(
    tmp_path: Path, old: str, new: str, key: str, said: str
) -> None:
    folder = write_whoami(tmp_path, (old, new))
    (note,) = notes(tmp_path)
    place = "x-aiserver" if key.startswith(".") else "services.whoami."
    assert (note.place.file, note.place.key) == (folder / "compose.yaml", place + key)
    lines = WHOAMI.splitlines()
    first = 0 if key.startswith(".") else lines.index("  whoami:")
    assert first < (note.place.line or 0) <= len(lines)
    assert said in note.text.render()


def test_a_mount_of_this_machine_and_a_needless_reason_are_noted(tmp_path: Path) -> None:
    mounts = "    volumes: ['.:/here', 'data:/data']\n    environment"
    data = "volumes: {data: {}}\nnetworks: {d"
    write_whoami(tmp_path, ("    environment", mounts), ("networks: {d", data))
    found = {note.place.key: note.text.render() for note in notes(tmp_path)}
    assert found.keys() == {
        "services.whoami.volumes.0",
        "services.whoami.x-aiserver.without.volumes",
    }
    assert "write a named volume" in found["services.whoami.volumes.0"]


def test_a_missing_env_example_is_noted_with_its_names(tmp_path: Path) -> None:
    file = write_whoami(tmp_path) / "env.example"
    file.unlink()
    (note,) = notes(tmp_path)
    assert note.place.file == file
    assert note.text.render().endswith("each of: WHOAMI_PORT, WHOAMI_MEMORY")
    file.write_text(WHOAMI_ENV, encoding="utf-8")
    assert notes(tmp_path) == []


JOB = """\
  prepare:
    image: busybox:1.37.0
    security_opt: ["no-new-privileges:true"]
    cap_drop: [ALL]
    logging: {driver: local, options: {max-size: 10m, max-file: "3"}}
    restart: "no"
    mem_limit: 32m
    x-aiserver: {job: true, without: {secrets: connects to nothing}}
networks: {default: {}}
"""


def test_a_job_has_rules_of_its_own(tmp_path: Path) -> None:
    folder = write_whoami(tmp_path, ("networks: {default: {}}\n", JOB))
    assert notes(tmp_path) == []
    file = folder / "compose.yaml"
    changed = file.read_text(encoding="utf-8").replace('restart: "no"', "healthcheck: {test: a}")
    file.write_text(changed.replace("    mem_limit: 32m\n", ""), encoding="utf-8")
    assert {note.place.key: note.text.render() for note in notes(tmp_path)} == {
        "services.prepare.restart": 'write restart: "no", because a job runs once',
        "services.prepare.healthcheck": "remove this, because a job is done when it exits with 0",
        "services.prepare.mem_limit": "write a memory limit, such as mem_limit: 256m",
    }


def test_services_that_a_choice_activates_follow_the_rules_too(tmp_path: Path) -> None:
    extra = JOB.replace("image: busybox:1.37.0", "image: busybox\n    profiles: [extra]")
    write_whoami(tmp_path, ("networks: {default: {}}\n", extra))
    assert [note.place.key for note in notes(tmp_path)] == ["services.prepare.image"]


def test_two_modules_with_one_default_port_are_noted(tmp_path: Path) -> None:
    write_whoami(tmp_path)
    other = write(tmp_path, "other", WHOAMI.replace("whoami:", "other:", 1))
    (other / "env.example").write_text(WHOAMI_ENV, encoding="utf-8")
    assert [(n.place.file.parent.name, n.place.key) for n in notes(tmp_path)] == [
        ("other", "x-aiserver.settings.WHOAMI_PORT.default"),
        ("whoami", "x-aiserver.settings.WHOAMI_PORT.default"),
    ]


@pytest.mark.parametrize(
    "environment",
    [
        "CACHE: 'redis://:x@redis:6379/{number}'",
        "REDIS_HOST: redis, REDIS_DB: '{number}'",
        "QUEUE_BULL_REDIS_HOST: redis, QUEUE_BULL_REDIS_DB: '{number}'",
    ],
)
def test_two_users_of_one_database_of_redis_are_noted(tmp_path: Path, environment: str) -> None:
    write_whoami(tmp_path, ('WHOAMI_PORT_NUMBER: "8080"', environment.format(number=3)))
    text = WHOAMI.replace('WHOAMI_PORT_NUMBER: "8080"', "CACHE: 'redis://:x@redis:6379/3'")
    other = write(tmp_path, "other", text.replace("18300", "18301"))
    (other / "env.example").write_text(WHOAMI_ENV, encoding="utf-8")
    (note,) = notes(tmp_path)
    assert note.place.file.parent.name == "whoami"
    assert "other uses database 3 of Redis as well" in note.text.render()
    (other / "compose.yaml").write_text(
        text.replace("18300", "18301").replace("6379/3", "6379"), encoding="utf-8"
    )
    (note,) = notes(tmp_path)
    assert "write the number of the database" in note.text.render()


def test_the_databases_of_redis_that_built_in_modules_use_are_emptied_by_their_restore() -> None:
    catalog = load()
    for module in catalog.modules.values():
        services = whole_project(catalog, module).services.values()
        used = {int(n) for one in services for _, n in redis_databases(one.environment)}
        assert used == {*module.backup.redis}, module.name


def test_a_plain_compose_file_has_no_rules(tmp_path: Path) -> None:
    write(tmp_path, "plain", "services: {a: {image: 'i:1', privileged: true, volumes: ['.:/x']}}\n")
    assert notes(tmp_path) == []


def published(module: Module, env: Mapping[str, str]) -> list[int]:
    services = load_project(module.source, env, profiles=["*"]).services.values()
    return sorted({int(port.published) for service in services for port in service.ports})


def test_the_ports_are_those_that_people_know() -> None:
    catalog = load()
    for name, ports in PORTS.items():
        module = catalog.modules[name]
        env = config_environment(catalog, module, None)
        switches = [setting for setting, s in module.settings.items() if s.type == "boolean"]
        usual = published(module, env)
        assert published(module, {**env, **dict.fromkeys(switches, "true")}) == ports
        assert usual == [port for port in ports if port not in ON_REQUEST]
        declared = [s.initial for s in module.settings.values() if s.type == "port"]
        assert sorted(map(int, filter(None, declared))) == ports, "each a setting"


def test_the_rules_see_every_service_of_the_built_in_catalog() -> None:
    catalog = load()
    for module in catalog.modules.values():
        assert whole_project(catalog, module).services.keys() == module.section("services").keys()
