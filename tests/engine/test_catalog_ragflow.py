"""RAGFlow and what it requires on a real engine.

The tests share one RAGFlow, since it takes long to start. Each leaves it running, without OneAPI.
"""

from collections.abc import Iterator

import docker
import pytest
import requests
from docker.models.containers import Container

from tests.engine.built_in import check_of, choose_free_ports, healthy, passes, value_of
from tests.engine.oneapi import OneApiStack, installed
from tests.engine.waiting import until
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.limits import LIMIT
from tests.support.observed import facts, names, said
from tests.support.waiting import eventually

REQUIRED = ("mysql", "elasticsearch", "minio")
STORES = {"silo": "ai-minio", "rustfs": "ai-minio-minio-rustfs"}
JOB = "ai-ragflow-ragflow-database"
OWN = {"ai-ragflow", "ai-ragflow-ragflow-valkey", JOB}
MODELS_JOB = "ai-ragflow-ragflow-models"
KEY = "ragflow-key-of-the-account"
ADDRESS = "http://oneapi:3000/v1"
WRONG = "sk-" + "0" * 48


@pytest.fixture(scope="module")
def engine(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine with what the tests leave there."""
    with borrowed(lab) as client:
        yield client


@pytest.fixture(scope="module")
def ragflow(
    lab: Place, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> OneApiStack:
    """RAGFlow, running with a database that was there before it, beside one of somebody else."""
    here = installed(lab, tmp_path_factory.mktemp("ragflow"))
    choose_free_ports(here, "ragflow", *REQUIRED)
    here.done("up", "mysql")
    query(
        engine, "CREATE DATABASE other; CREATE DATABASE rag_flow; CREATE TABLE rag_flow.t (x INT)"
    )
    query(engine, "INSERT INTO rag_flow.t VALUES (7)")
    here.done("up", "ragflow")
    return here


def query(engine: docker.DockerClient, sql: str) -> str:
    """What the database's administrator gets."""
    command = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" exec mysql -h 127.0.0.1 -u root -N -e "$0"'
    return said(engine, "ai-mysql", "sh", "-c", command, sql)


def test_ragflow_starts_with_what_it_requires_and_changes_its_object_store(
    ragflow: OneApiStack, engine: docker.DockerClient
) -> None:
    is_healthy_with(ragflow, engine, "silo")
    no_password_is_an_argument(ragflow, engine)
    check_fails_where_one_thing_is_gone(engine)
    before = facts(engine, "ai-mysql", "ai-elasticsearch", "ai-ragflow-ragflow-valkey")

    ragflow.set("minio.MINIO_SERVER", "rustfs")
    ragflow.done("up", "ragflow")

    is_healthy_with(ragflow, engine, "rustfs")
    assert facts(engine, *before) == before


def is_healthy_with(ragflow: OneApiStack, engine: docker.DockerClient, store: str) -> None:
    """See what runs: nothing but what it requires, with this object *store*."""
    assert names(engine) == OWN | {"ai-mysql", "ai-elasticsearch", STORES[store]}
    assert healthy(engine) == names(engine) - {JOB}
    view = ragflow.module("ragflow")
    assert (view.state, view.ready, view.total) == ("running", 3, 3)
    (limit,) = engine.containers.get("ai-ragflow").attrs["HostConfig"]["Ulimits"]
    assert (limit["Name"], limit["Soft"], limit["Hard"]) == ("nofile", 65535, 65535)
    page = f"http://127.0.0.1:{value_of(ragflow, 'ragflow.RAGFLOW_HOST_PORT')}"
    assert "RAGFlow" in requests.get(page, timeout=LIMIT).text
    ports = engine.containers.get("ai-ragflow").attrs["NetworkSettings"]["Ports"]
    assert [port for port, bindings in ports.items() if bindings] == ["80/tcp"]


def check_fails_where_one_thing_is_gone(engine: docker.DockerClient) -> None:
    """See that its health check needs all that it needs."""
    container = engine.containers.get("ai-ragflow")
    check = check_of(container)
    assert passes(container, check)
    for needed in ("ai-mysql", "ai-elasticsearch", "ai-minio", "ai-ragflow-ragflow-valkey"):
        engine.containers.get(needed).stop()
        assert not passes(container, check), needed
        engine.containers.get(needed).start()
        assert until(lambda: passes(container, check), container)
    eventually(lambda: healthy(engine) == names(engine) - {JOB}, "the health of all")


def no_password_is_an_argument(ragflow: OneApiStack, engine: docker.DockerClient) -> None:
    """See that no container has a password where everybody can see it."""
    app = ragflow.app
    values = app.settings.values(app.declared)
    secrets = {values[n] for n, one in app.declared.items() if one.is_secret and values.get(n)}
    assert len(secrets) >= 5
    for container in engine.containers.list(all=True):
        config = container.attrs["Config"]
        words = [*(config["Entrypoint"] or []), *(config["Cmd"] or [])]
        words += config.get("Healthcheck", {}).get("Test", [])
        assert not [word for word in words if any(secret in word for secret in secrets)]


def test_its_job_leaves_data_alone_and_sets_a_changed_password(
    ragflow: OneApiStack, engine: docker.DockerClient
) -> None:
    first = value_of(ragflow, "ragflow.RAGFLOW_DB_PASSWORD")
    assert "other" not in as_ragflow(engine, first, "SHOW DATABASES").split()
    assert as_ragflow(engine, first, "SELECT x FROM rag_flow.t") == "7"
    before = facts(engine, *names(engine) - {"ai-ragflow", JOB})
    assert len(before) == 4

    ragflow.set("ragflow.RAGFLOW_DB_PASSWORD", "B" * 32)
    ragflow.done("up", "ragflow")

    assert facts(engine, *before) == before
    assert ragflow.module("ragflow").state == "running"
    assert as_ragflow(engine, "B" * 32, "SELECT x FROM rag_flow.t") == "7"
    with pytest.raises(AssertionError, match="Access denied"):
        as_ragflow(engine, first, "SELECT 1")


def as_ragflow(engine: docker.DockerClient, password: str, sql: str) -> str:
    """What RAGFlow's role gets."""
    command = 'MYSQL_PWD="$1" exec mysql -h 127.0.0.1 -u ragflow -N -e "$0"'
    return said(engine, "ai-mysql", "sh", "-c", command, sql, password)


def ended(engine: docker.DockerClient) -> tuple[int, str]:
    """How RAGFlow's job ended, and its last words."""
    job: Container = engine.containers.get(MODELS_JOB)
    return job.attrs["State"]["ExitCode"], job.logs().decode().strip()


def provider(engine: docker.DockerClient) -> list[str]:
    """Address and key of the provider in RAGFlow that is an account's, and what it offers."""
    fields = "tenant_id, provider, name, base_url, models, api_key"
    return query(engine, f"SELECT {fields} FROM rag_flow.standin_instances").split("\t")


def status(engine: docker.DockerClient, container: str, address: str, token: str) -> int:
    """What OneAPI answers who asks for its models from within *container*."""
    curl = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "60")
    header = ("-H", f"Authorization: Bearer {token}")
    return int(said(engine, container, *curl, *header, f"{address}/models"))


def test_ragflow_gets_oneapi_as_a_provider_of_an_account(
    engine: docker.DockerClient, ragflow: OneApiStack
) -> None:
    connected = ragflow.cli.run("connect", "ragflow").succeeded()

    assert "config set ragflow.RAGFLOW_API_KEY -" in connected.errors
    code, told = ended(engine)
    assert (code, told.startswith("Nothing to do without RAGFLOW_API_KEY")) == (0, True)

    query(engine, f"INSERT INTO rag_flow.api_token VALUES ('of-somebody', '{KEY}')")
    ragflow.set("ragflow.RAGFLOW_API_KEY", KEY)
    ragflow.cli.run("up", "ragflow").succeeded()

    assert ended(engine) == (0, "OneAPI offers 1 models to RAGFlow.")
    *place, address, models, token = provider(engine)
    assert place == ["of-somebody", "OpenAI-API-Compatible", "oneapi"]
    assert '"model_name": "stand-in"' in models
    assert address == ADDRESS
    assert status(engine, "ai-ragflow", address, token) == 200
    assert status(engine, "ai-ragflow", address, WRONG) == 401

    ragflow.set("ragflow.RAGFLOW_ONEAPI_TOKEN", WRONG)
    ragflow.cli.run("up", "ragflow").failed("E_JOB_FAILED", f"{ADDRESS}/models: HTTP Error 401")
    ragflow.cli.run("connect", "ragflow").succeeded()
    assert provider(engine)[-1] == token

    done = ragflow.cli.run("disconnect", "ragflow").succeeded()
    assert "set up OneAPI inside ragflow, remove it there" in done.errors

    assert MODELS_JOB not in names(engine)
    assert ragflow.tokens() == {}
    assert status(engine, "ai-ragflow", address, token) == 401
    assert ragflow.module("ragflow").state == "running"
    ragflow.done("down", "oneapi", "postgres", "redis")
