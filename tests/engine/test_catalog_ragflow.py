"""RAGFlow and what it requires on a real engine."""

import docker
import pytest
import requests

from tests.engine.built_in import (
    check_of,
    choose_free_ports,
    healthy,
    passes,
    value_of,
)
from tests.engine.ragflow import REQUIRED, query
from tests.engine.waiting import until
from tests.support.installation import Installation
from tests.support.observed import facts, names, said
from tests.support.waiting import eventually

STORES = {"silo": "ai-minio", "rustfs": "ai-minio-minio-rustfs"}
JOB = "ai-ragflow-ragflow-database"
OWN = {"ai-ragflow", "ai-ragflow-ragflow-valkey", JOB}


@pytest.fixture
def ragflow(here: Installation) -> Installation:
    """An installation whose RAGFlow and what it requires have ports that nobody has."""
    choose_free_ports(here, "ragflow", *REQUIRED)
    return here


def test_it_brings_up_just_what_it_requires_and_changes_one_object_store_for_the_other(
    ragflow: Installation, engine: docker.DockerClient
) -> None:
    ragflow.done("up", "ragflow")
    is_healthy_with(ragflow, engine, "silo")
    no_password_is_an_argument(ragflow, engine)
    check_fails_where_one_thing_is_gone(engine)
    before = facts(engine, "ai-mysql", "ai-elasticsearch", "ai-ragflow-ragflow-valkey")

    ragflow.set("minio.MINIO_SERVER", "rustfs")
    ragflow.done("up", "ragflow")

    is_healthy_with(ragflow, engine, "rustfs")
    assert facts(engine, *before) == before


def is_healthy_with(ragflow: Installation, engine: docker.DockerClient, store: str) -> None:
    """See what runs: nothing but what it requires, with this object *store*."""
    assert names(engine) == OWN | {"ai-mysql", "ai-elasticsearch", STORES[store]}
    assert healthy(engine) == names(engine) - {JOB}
    view = ragflow.module("ragflow")
    assert (view.state, view.ready, view.total) == ("running", 3, 3)
    page = f"http://127.0.0.1:{value_of(ragflow, 'ragflow.RAGFLOW_HOST_PORT')}"
    assert "RAGFlow" in requests.get(page, timeout=60).text
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


def no_password_is_an_argument(ragflow: Installation, engine: docker.DockerClient) -> None:
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
    ragflow: Installation, engine: docker.DockerClient
) -> None:
    ragflow.done("up", "mysql")
    query(
        engine, "CREATE DATABASE other; CREATE DATABASE rag_flow; CREATE TABLE rag_flow.t (x INT)"
    )
    query(engine, "INSERT INTO rag_flow.t VALUES (7)")
    ragflow.done("up", "ragflow")
    first = value_of(ragflow, "ragflow.RAGFLOW_DB_PASSWORD")
    assert "other" not in as_ragflow(engine, first, "SHOW DATABASES").split()
    assert as_ragflow(engine, first, "SELECT x FROM rag_flow.t") == "7"
    before = facts(engine, "ai-mysql", "ai-elasticsearch", "ai-minio", "ai-ragflow-ragflow-valkey")

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
