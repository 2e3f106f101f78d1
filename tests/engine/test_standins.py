"""Every stand-in refuses what the real software refuses, and uses the credentials it is given."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import NamedTuple

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from tests.engine.waiting import address, answer, logged, until
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.lab.recipes import load_recipes
from tests.support.limits import LIMIT

API = "langgenius/dify-api:1.17.1"
SECRET = "Zq7RkT2mVx9LbN4cHs8WdF3gJp6YtA5e"
NETWORK = "lab-test-standins"

DIFY_DATABASE = {
    "DB_HOST": "pg",
    "DB_USERNAME": "postgres",
    "DB_PASSWORD": SECRET,
    "REDIS_HOST": "redis",
    "REDIS_PASSWORD": SECRET,
}
QDRANT = {"QDRANT__SERVICE__API_KEY": SECRET}
ONE_API = {
    "SESSION_SECRET": SECRET,
    "SQL_DSN": f"root:{SECRET}@tcp(mysql:3306)/rag_flow",
    "REDIS_CONN_STRING": f"redis://default:{SECRET}@redis:6379/5",
}


class Case(NamedTuple):
    """What a stand-in needs to start, the setting with its secret, and where its health is."""

    environment: dict[str, str]
    secret: str
    port: int
    path: str
    status: int = 200


STAND_INS: dict[str, Case] = {
    "pgsty/silo:RELEASE.2026-09-16T00-00-00Z": Case(
        {"MINIO_ROOT_USER": "admin", "MINIO_ROOT_PASSWORD": SECRET},
        "MINIO_ROOT_PASSWORD",
        9000,
        "/minio/health/live",
    ),
    "rustfs/rustfs:1.0.0": Case(
        {"RUSTFS_ACCESS_KEY": "admin", "RUSTFS_SECRET_KEY": SECRET},
        "RUSTFS_SECRET_KEY",
        9000,
        "/minio/health/cluster",
    ),
    "elasticsearch:8.11.3": Case(
        {"ELASTIC_PASSWORD": SECRET, "discovery.type": "single-node"},
        "ELASTIC_PASSWORD",
        9200,
        "/",
        401,
    ),
    "qdrant/qdrant:v1.19.0": Case(QDRANT, "QDRANT__SERVICE__API_KEY", 6333, "/readyz"),
    "langgenius/qdrant:v1.8.3": Case(QDRANT, "QDRANT__SERVICE__API_KEY", 6333, "/readyz"),
    "semitechnologies/weaviate:1.39.2": Case(
        {"AUTHENTICATION_APIKEY_ALLOWED_KEYS": SECRET, "CLUSTER_HOSTNAME": "node1"}
        | {"PERSISTENCE_DATA_PATH": "/var/lib/weaviate"},
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS",
        8080,
        "/v1/.well-known/ready",
    ),
    "getmeili/meilisearch:v1.50.0": Case(
        {"MEILI_MASTER_KEY": SECRET}, "MEILI_MASTER_KEY", 7700, "/health"
    ),
    "searxng/searxng:2026.11.2-cccbc9e15": Case(
        {"SEARXNG_SECRET": SECRET, "SEARXNG_SETTINGS_PATH": "/etc/searxng/settings.yml"},
        "SEARXNG_SECRET",
        8080,
        "/healthz",
    ),
    "justsong/one-api:v0.6.10": Case(ONE_API, "SESSION_SECRET", 3000, "/api/status"),
    "calciumion/new-api:v1.0.0-rc.36": Case(
        ONE_API | {"SQL_DSN": f"postgresql://postgres:{SECRET}@pg:5432/postgres"},
        "SESSION_SECRET",
        3000,
        "/api/status",
    ),
    "ghcr.io/open-webui/open-webui:v0.12.4": Case(
        {"WEBUI_SECRET_KEY": SECRET, "DATABASE_URL": f"postgresql://postgres:{SECRET}@pg/postgres"},
        "WEBUI_SECRET_KEY",
        8080,
        "/ready",
    ),
    API: Case(
        DIFY_DATABASE
        | {"MODE": "api", "MIGRATION_ENABLED": "true", "DB_DATABASE": "postgres"}
        | {"SECRET_KEY": SECRET, "CELERY_BROKER_URL": f"redis://:{SECRET}@redis:6379/3"},
        "SECRET_KEY",
        5001,
        "/health",
    ),
    "langgenius/dify-plugin-daemon:0.6.10-local": Case(
        DIFY_DATABASE
        | {"SERVER_KEY": SECRET, "DIFY_INNER_API_KEY": SECRET, "DB_DATABASE": "dify_plugin"}
        | {"DIFY_INNER_API_URL": "http://api:5001"},
        "SERVER_KEY",
        5002,
        "/health/check",
    ),
    "langgenius/dify-sandbox:0.2.15": Case({"API_KEY": SECRET}, "API_KEY", 8194, "/health"),
    "langgenius/dify-agent-backend:1.17.1": Case(
        {"DIFY_AGENT_SERVER_SECRET_KEY": "A" * 43, "DIFY_AGENT_API_TOKEN": SECRET}
        | {"DIFY_AGENT_REDIS_URL": f"redis://:{SECRET}@redis:6379/4"},
        "DIFY_AGENT_API_TOKEN",
        5050,
        "/",
        401,
    ),
    "langgenius/dify-agent-local-sandbox:1.17.1": Case(
        {"SHELLCTL_AUTH_TOKEN": SECRET}, "SHELLCTL_AUTH_TOKEN", 5004, "/healthz"
    ),
    "infiniflow/ragflow:v0.27.2": Case(
        {"API_PROXY_SCHEME": "python", "MYSQL_HOST": "mysql", "MYSQL_PASSWORD": SECRET}
        | {"ES_HOST": "es", "ELASTIC_PASSWORD": SECRET, "MINIO_HOST": "minio"}
        | {"MINIO_USER": "admin", "MINIO_PASSWORD": SECRET}
        | {"REDIS_HOST": "redis", "REDIS_PASSWORD": SECRET},
        "MYSQL_PASSWORD",
        9380,
        "/api/v1/system/healthz",
    ),
}
WEB = "langgenius/dify-web:1.17.1"  # has no settings of its own

every = pytest.mark.parametrize("name", STAND_INS)


def test_each_stand_in_of_the_table_is_tested_here() -> None:
    table = {recipe.name for recipe in load_recipes().values() if recipe.what == "stand-in"}
    assert table == {*STAND_INS, WEB}


@pytest.fixture(scope="module", autouse=True)
def dependencies(lab: Place) -> Iterator[None]:
    """Real databases, and the stand-ins that others connect to, on one network."""
    with borrowed(lab) as client:
        client.networks.create(NETWORK)
        start_dependencies(client)
        yield


def start_dependencies(client: docker.DockerClient) -> None:
    silo, elastic = "pgsty/silo:RELEASE.2026-09-16T00-00-00Z", "elasticsearch:8.11.3"
    mysql = {"MYSQL_ROOT_PASSWORD": SECRET, "MYSQL_DATABASE": "rag_flow"}
    started = [
        run(client, "postgres:17.11-alpine", {"POSTGRES_PASSWORD": SECRET}, name="pg"),
        run(client, "redis:7.4.11-alpine", {}, ["--requirepass", SECRET], name="redis"),
        run(client, "mysql:8.0.40", mysql, name="mysql"),
        run(client, elastic, STAND_INS[elastic].environment, name="es"),
        run(client, silo, STAND_INS[silo].environment, ["server", "/data"], name="minio"),
    ]
    checks = [
        "pg_isready -h 127.0.0.1",
        f"redis-cli --no-auth-warning -a {SECRET} ping | grep PONG",
        f"mysqladmin ping -h 127.0.0.1 -uroot -p{SECRET} --silent",
        f"curl -f -u elastic:{SECRET} http://127.0.0.1:9200/_cluster/health",
        "curl -f http://127.0.0.1:9000/minio/health/live",
    ]
    for container, check in zip(started, checks, strict=True):
        until(partial(passes, container, check), container)


def run(
    client: docker.DockerClient,
    image: str,
    environment: dict[str, str],
    command: list[str] | None = None,
    **more: object,
) -> Container:
    if command is None and image.startswith("pgsty/"):
        command = ["server", "--console-address", ":9001", "/data"]
    options: dict[str, object] = {"network": NETWORK, "detach": True, "environment": environment}
    return client.containers.run(image, command, **(options | more))


def passes(container: Container, check: str) -> bool:
    try:
        return bool(container.exec_run(["sh", "-c", check]).exit_code == 0)
    except APIError:  # it ended, which the caller reports
        return False


def ended(container: Container) -> tuple[int, str]:
    return container.wait(timeout=LIMIT)["StatusCode"], container.logs().decode()


@every
def test_it_ends_with_a_message_where_a_required_setting_is_missing(
    engine: docker.DockerClient, name: str
) -> None:
    environment, secret, *_ = STAND_INS[name]
    without = {key: value for key, value in environment.items() if key != secret}

    code, output = ended(run(engine, name, without))

    assert code == 1
    assert f"{secret} is not set" in output


@every
def test_it_refuses_a_published_default(engine: docker.DockerClient, name: str) -> None:
    environment, secret, *_ = STAND_INS[name]
    published = "QaHbTe77CtuXmsfyhR7+vRjI/+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1"

    code, output = ended(run(engine, name, environment | {secret: published}))

    assert code == 1
    assert f"{secret} holds a published default" in output
    assert published not in output


@every
def test_its_health_answers_after_the_delay_until_it_is_told_to_end(
    engine: docker.DockerClient, name: str
) -> None:
    environment, _, port, path, status = STAND_INS[name]
    delayed = environment | {"LAB_READY_AFTER": "1"}
    container = run(engine, name, delayed, ports={f"{port}/tcp": ("127.0.0.1", None)})
    url = address(container, port) + path
    begun = datetime.fromisoformat(container.attrs["State"]["StartedAt"]).timestamp()

    response = until(lambda: status_of(url), container)

    assert time.time() - begun >= 1
    assert response == status
    container.stop(timeout=20)
    assert container.wait()["StatusCode"] == 0


def status_of(url: str) -> int | None:
    response = answer(url)
    return None if response is None else response.status_code


def test_the_page_is_rendered_only_while_the_api_answers_and_files_are_served_without_it(
    engine: docker.DockerClient,
) -> None:
    environment = {"SERVER_CONSOLE_API_URL": "http://late-api:5001"}
    container = run(engine, WEB, environment, ports={"3000/tcp": ("127.0.0.1", None)})
    file, page = (f"{address(container, 3000)}/{path}" for path in ("embed.min.js", "apps"))

    assert until(lambda: status_of(file), container) == 200
    assert status_of(page) == 500
    api = run(engine, API, STAND_INS[API].environment, name="late-api")
    assert until(lambda: status_of(page) == 200, api)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        (API, "DB_PASSWORD", "password authentication failed"),
        (API, "REDIS_PASSWORD", "WRONGPASS|invalid username-password"),
        ("infiniflow/ragflow:v0.27.2", "MYSQL_PASSWORD", "Access denied"),
        ("infiniflow/ragflow:v0.27.2", "ELASTIC_PASSWORD", "401"),
        ("infiniflow/ragflow:v0.27.2", "MINIO_PASSWORD", "401"),
    ],
)
def test_it_ends_with_a_message_where_a_dependency_refuses_its_credentials(
    engine: docker.DockerClient, name: str, wrong: str, message: str
) -> None:
    code, output = ended(run(engine, name, STAND_INS[name].environment | {wrong: "B" * 32}))

    assert code == 1
    assert any(text in output for text in message.split("|")), output


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("CHOWN", "Cannot change ownership"),
        ("FOWNER", "Cannot change mode"),
        ("DAC_OVERRIDE", "can't open file"),
        # Lines of the bootstrap: chroot, setgroups, setuid.
        ("SYS_CHROOT", "line 3"),
        ("SETGID", "line 4"),
        ("SETUID", "line 6"),
        ("KILL", "Operation not permitted"),
    ],
)
def test_a_code_sandbox_ends_with_a_message_where_it_lacks_a_capability(
    engine: docker.DockerClient, missing: str, message: str
) -> None:
    name = "langgenius/dify-sandbox:0.2.15"
    every = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_CHROOT"}
    added = sorted(every - {missing})

    container = run(engine, name, {"API_KEY": SECRET}, cap_drop=["ALL"], cap_add=added)

    code, output = ended(container)
    assert code == 1
    assert message in output


def test_ragflow_without_its_scheme_serves_a_page_but_no_backend(
    engine: docker.DockerClient,
) -> None:
    environment = STAND_INS["infiniflow/ragflow:v0.27.2"].environment | {"API_PROXY_SCHEME": ""}
    ports = {f"{port}/tcp": ("127.0.0.1", None) for port in (80, 9380)}
    container = run(engine, "infiniflow/ragflow:v0.27.2", environment, ports=ports)

    assert until(lambda: status_of(address(container, 80)), container) == 200
    assert answer(address(container, 9380) + "/api/v1/system/healthz") is None


def test_dify_starts_only_on_a_migrated_database(engine: docker.DockerClient) -> None:
    with database_of_dify(engine) as environment:
        code, output = ended(run(engine, API, environment))
        assert code == 1
        assert "the database is not migrated" in output
        assert ended(run(engine, API, environment | {"MODE": "migration"}))[0] == 0
        ports = {"5001/tcp": ("127.0.0.1", None)}
        container = run(engine, API, environment, ports=ports)
        assert until(lambda: status_of(address(container, 5001) + "/health"), container) == 200


@contextmanager
def database_of_dify(client: docker.DockerClient) -> Iterator[dict[str, str]]:
    """An empty database, and the environment of Dify's services with it."""
    server = client.containers.get("pg")
    server.exec_run(["psql", "-U", "postgres", "-c", "CREATE DATABASE dify"])
    yield STAND_INS[API].environment | {"DB_DATABASE": "dify", "MIGRATION_ENABLED": "false"}
    server.exec_run(["psql", "-U", "postgres", "-c", "DROP DATABASE dify WITH (FORCE)"])


def test_the_migration_waits_for_the_lock_that_a_killed_one_left(
    engine: docker.DockerClient,
) -> None:
    service = load_catalog([built_in_catalog()]).modules["dify"].section("services")
    entrypoint = service["dify-migration"]["entrypoint"]
    with database_of_dify(engine) as environment:
        environment |= {"MODE": "migration", "LAB_READY_AFTER": "60"}
        killed = run(engine, API, environment)
        redis = partial(passes, engine.containers.get("redis"))
        cli = f"redis-cli --no-auth-warning -a {SECRET}"
        until(lambda: redis(f"{cli} exists db_upgrade_lock | grep 1"), killed)
        killed.kill()
        redis(f"{cli} persist db_upgrade_lock")  # however long this takes

        environment["LAB_READY_AFTER"] = "0"
        code, output = ended(run(engine, API, environment))
        assert (code, output) == (0, "Database migration skipped\n")
        waiting = run(engine, API, environment, entrypoint=entrypoint)
        logged(waiting, "Retrying")
        redis(f"{cli} del db_upgrade_lock")

        code, output = ended(waiting)
        assert (code, output.splitlines()[-1]) == (0, "standin (head)")
