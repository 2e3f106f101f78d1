"""The basic modules on a real engine: they get healthy, can't seem so, keep data, can be built."""

from collections.abc import Iterator
from functools import partial

import docker
import pytest
from docker.models.containers import Container

from aiserver_tray.base.errors import SettingError
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.spec.labels import CONFIG_OF
from tests.engine.built_in import check_of, choose_free_ports, command_of, healthy, passes, value_of
from tests.engine.waiting import until
from tests.support.installation import Installation
from tests.support.observed import said

MODULES = load_catalog([built_in_catalog()]).modules.values()
BASICS = [module.name for module in MODULES if module.kind == "basic"]
STATUS_SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()
        self.wfile.write(sys.argv[3].encode())
http.server.HTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""
PORTS = {"minio": 9000, "elasticsearch": 9200, "qdrant": 6333, "meilisearch": 7700} | {
    "searxng": 8080
}
GREEN = '{"status":"green"}'
RED = '{"status":"red"}'

Answer = tuple[int, str]
"""Status and body of an answer to any request."""

UNREADY: dict[str, tuple[Answer, list[Answer]]] = {
    "minio": ((200, ""), [(503, "")]),
    "elasticsearch": ((200, GREEN), [(200, RED), (401, "")]),
    "qdrant": ((200, ""), [(503, " 200 ")]),
    "meilisearch": ((200, ""), [(503, "")]),
    "searxng": ((200, "OK"), [(503, "")]),
}
"""Module -> a good answer of its server, and bad ones."""


@pytest.fixture
def basics(here: Installation) -> Installation:
    """An installation whose basic modules have ports that nobody has."""
    choose_free_ports(here, *BASICS)
    return here


@pytest.fixture
def no_builds_left(engine: docker.DockerClient) -> Iterator[None]:
    """A build that is left would be used by later tests."""
    yield
    for image in engine.images.list():
        for tag in image.tags:
            if tag.startswith("aiserver/"):
                engine.images.remove(tag, force=True)


OTHER = "B" * 32
KEPT = {"mysql": "MYSQL_ROOT_PASSWORD", "minio": "MINIO_ROOT_PASSWORD"}
"""Module -> its password, on which stored data depends."""
FREE = {
    "elasticsearch": "ELASTIC_PASSWORD",
    "qdrant": "QDRANT_API_KEY",
    "meilisearch": "MEILISEARCH_MASTER_KEY",
}
"""Module -> its password, which can be changed."""
PUBLISHED = {"local-models"}
"""Modules that use the published image as it is, so that there is nothing to build."""
CHECKED = {
    "mysql": "MYSQL_ROOT_PASSWORD",
    "elasticsearch": "ELASTIC_PASSWORD",
    "redis": "REDISCLI_AUTH",
}
"""Module -> the variable with the password that its health check uses."""


@pytest.mark.usefixtures("no_builds_left")
@pytest.mark.parametrize("module", BASICS)
def test_basic_module_gets_healthy_keeps_its_data_and_can_be_built(
    basics: Installation, engine: docker.DockerClient, module: str
) -> None:
    basics.done("up", module)
    assert healthy(engine) == {f"ai-{module}"}
    assert basics.module(module).state == "running"
    its_check_tells_what_is_wrong(engine, module)
    for folder in volumes(engine, module):
        said(engine, f"ai-{module}", "touch", f"{folder}/kept")
    assert volumes(engine, module)
    if module == "mysql":
        insert = "CREATE DATABASE own; CREATE TABLE own.t (x INT); INSERT INTO own.t VALUES (7)"
        query(engine, insert)

    basics.done("down", module)
    assert engine.containers.list(all=True) == []
    basics.done("up", module)

    for folder in volumes(engine, module):
        said(engine, f"ai-{module}", "test", "-e", f"{folder}/kept")
    assert healthy(engine) == {f"ai-{module}"}
    if module == "mysql":
        assert query(engine, "SELECT x FROM own.t") == "7"
    if module in KEPT:
        is_not_changed(basics, f"{module}.{KEPT[module]}")
    if module in PUBLISHED:
        return
    if module in FREE:
        basics.set(f"{module}.{FREE[module]}", OTHER)
    assert basics.cli.run("build", module).succeeded()
    basics.done("up", module)
    assert healthy(engine) == {f"ai-{module}"}
    if module in FREE:
        assert OTHER in said(engine, f"ai-{module}", "env")
    runs_the_built_image(engine, module, module)


def runs_the_built_image(engine: docker.DockerClient, module: str, service: str) -> None:
    """See that all that runs is one container of the built image, healthy by the image's check."""
    (container,) = engine.containers.list()
    (tag,) = [tag for tag in container.image.tags if tag.startswith("aiserver/")]
    assert tag.startswith(f"aiserver/{module}/{service}:")
    assert container.health == "healthy"
    assert passes(container, command_of(container.image.attrs["Config"]["Healthcheck"]["Test"]))


def is_not_changed(basics: Installation, setting: str) -> None:
    """See that a password is refused where stored data depends on another one."""
    before = value_of(basics, setting)
    with pytest.raises(SettingError):
        basics.set(setting, OTHER)
    assert value_of(basics, setting) == before


def volumes(engine: docker.DockerClient, module: str) -> list[str]:
    """Where the module's volumes are mounted, without those of configuration files alone; all of
    them are its own, by name."""
    mounts = engine.containers.get(f"ai-{module}").attrs["Mounts"]
    found = {mount["Destination"]: mount["Name"] for mount in mounts if mount["Type"] == "volume"}
    assert all(name.startswith(f"ai-{module}-") for name in found.values()), found
    labels = {name: engine.volumes.get(name).attrs["Labels"] or {} for name in found.values()}
    return [folder for folder, name in found.items() if CONFIG_OF not in labels[name]]


def query(engine: docker.DockerClient, sql: str) -> str:
    command = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql -h 127.0.0.1 -u root -N -e "$0"'
    return said(engine, "ai-mysql", "sh", "-c", command, sql)


def test_full_redis_refuses_writes_and_keeps_running(
    basics: Installation, engine: docker.DockerClient
) -> None:
    basics.set("redis.REDIS_MEMORY", "64m")
    basics.done("up", "redis")
    write = "head -c 1048576 /dev/zero | tr '\\0' x | redis-cli -x set"

    script = f"for key in $(seq 100); do {write} $key; done; redis-cli get 1 | wc -c"
    answers = said(engine, "ai-redis", "sh", "-c", script).split("\n")

    assert answers.count("OK") > 30
    assert [answer for answer in answers if answer.startswith("OOM command not allowed")]
    assert answers[-1] == "1048577"
    container = engine.containers.get("ai-redis")
    assert (container.health, container.attrs["RestartCount"]) == ("healthy", 0)


def its_check_tells_what_is_wrong(engine: docker.DockerClient, module: str) -> None:
    """See that the health check passes, but not with another password, nor where the server says
    that it is not ready, nor where there is none."""
    container = engine.containers.get(f"ai-{module}")
    check = check_of(container)
    assert passes(container, check)
    if module in CHECKED:
        assert not passes(container, check, **{CHECKED[module]: OTHER})
    if module in UNREADY:
        it_fails_where_the_server_is_not_ready(engine, container, module)


def it_fails_where_the_server_is_not_ready(
    engine: docker.DockerClient, container: Container, module: str
) -> None:
    """See that the check needs a good answer, in other containers of the same image."""
    good, bad = UNREADY[module]
    image, check, port = container.image.tags[0], check_of(container), PORTS[module]

    well = serving(engine, image, port, good)
    assert until(lambda: passes(well, check), well)
    reach = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    others = [well]
    for answer in bad:
        ill = serving(engine, image, port, answer)
        assert until(partial(passes, ill, ["python3", "-c", reach]), ill)
        assert not passes(ill, check)
        others.append(ill)
    gone = engine.containers.run(image, entrypoint=["sleep", "86400"], detach=True)
    assert not passes(gone, check)
    for other in (*others, gone):
        other.remove(force=True)


def serving(engine: docker.DockerClient, image: str, port: int, answer: Answer) -> Container:
    """A container of the image in which each request gets the same answer."""
    words = ["python3", "-c", STATUS_SERVER, str(port), str(answer[0]), answer[1]]
    return engine.containers.run(image, entrypoint=words, detach=True)


@pytest.mark.usefixtures("no_builds_left")
def test_the_other_object_store_takes_the_place_of_the_first_one(
    basics: Installation, engine: docker.DockerClient
) -> None:
    basics.done("up", "minio")
    basics.set("minio.MINIO_SERVER", "rustfs")
    assert basics.cli.run("build", "minio").succeeded()
    basics.done("up", "minio")

    assert healthy(engine) == {"ai-minio-minio-rustfs"}
    runs_the_built_image(engine, "minio", "minio-rustfs")
    container = engine.containers.get("ai-minio-minio-rustfs")
    assert "minio" in container.attrs["NetworkSettings"]["Networks"]["ai-net"]["Aliases"]
    assert [m["Name"] for m in container.attrs["Mounts"]] == ["ai-minio-rustfs-data"]
    assert engine.volumes.get("ai-minio-data")
