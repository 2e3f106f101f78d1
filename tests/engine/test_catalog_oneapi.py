"""OneAPI of the catalog, in both editions: its first account is safe before it is published."""

import socket
from typing import NamedTuple

import docker
import pytest

from aiserver_tray.app import built_in_catalog
from aiserver_tray.base.errors import SettingError
from tests.engine.oneapi import EDITIONS, PUBLISHED, OneApiStack
from tests.support.observed import names, said

OWN = "a-password-of-mine"
editions = pytest.mark.parametrize("edition", EDITIONS)


def query(client: docker.DockerClient, database: str, statement: str) -> str:
    """What PostgreSQL answers."""
    return said(client, "ai-postgres", "psql", "-At", "-d", database, "-c", statement)


@editions
def test_the_first_account_has_a_generated_password_and_keeps_it(
    engine: docker.DockerClient, oneapi: OneApiStack, edition: str
) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    services = {f"ai-oneapi-{edition}", f"ai-oneapi-{edition}-account", "ai-oneapi-oneapi-database"}

    oneapi.done("up", "oneapi")

    assert names(engine) == {"ai-postgres", "ai-redis"} | services
    assert engine.containers.get(f"ai-oneapi-{edition}").health == "healthy"
    assert not oneapi.is_let_in(PUBLISHED)
    assert oneapi.is_let_in(oneapi.password)
    assert (
        query(engine, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE '%-api'")
        == edition
    )
    for name in services:
        found = engine.api.inspect_container(name)
        assert oneapi.password not in str([found["Path"], found["Args"]])
    assert said(engine, f"ai-oneapi-{edition}", "ls", "-A", "/data") == "", "logs to files"

    oneapi.done("down", "oneapi")
    oneapi.done("up", "oneapi")

    assert not oneapi.is_let_in(PUBLISHED)
    assert oneapi.is_let_in(oneapi.password)


@editions
def test_other_modules_reach_it_by_its_name(
    engine: docker.DockerClient, oneapi: OneApiStack, edition: str
) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    oneapi.done("up", "oneapi")
    assert '"success": true' in said(
        engine, f"ai-oneapi-{edition}", "wget", "-q", "-O", "-", "http://oneapi:3000/api/status"
    )


class Obstacle(NamedTuple):
    """What keeps OneAPI from storing a password, what the job says then, and how to fix it."""

    edition: str
    statement: str
    reason: str
    fix: str


OBSTACLES = {
    "no answer": Obstacle(
        "one-api",
        'REVOKE UPDATE ON standin_users FROM "one-api"',
        "an answer was expected from one-api",
        'GRANT UPDATE ON standin_users TO "one-api"',
    ),
    "not stored": Obstacle(
        "one-api",
        "CREATE RULE obstacle AS ON UPDATE TO standin_users DO INSTEAD NOTHING",
        "one-api does not take the new one",
        "DROP RULE obstacle ON standin_users",
    ),
    "no account": Obstacle(
        "new-api",
        "CREATE RULE obstacle AS ON INSERT TO standin_users DO INSTEAD NOTHING",
        "new-api does not take the new one",
        "DROP RULE obstacle ON standin_users",
    ),
}


@pytest.mark.parametrize("obstacle", OBSTACLES.values(), ids=OBSTACLES.keys())
def test_without_a_safe_password_nothing_is_published(
    engine: docker.DockerClient, oneapi: OneApiStack, obstacle: Obstacle
) -> None:
    edition = obstacle.edition
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    oneapi.done("up", "oneapi")
    oneapi.done("down", "oneapi")
    query(engine, edition, "TRUNCATE standin_users")
    query(engine, edition, obstacle.statement)

    error = oneapi.failed("up", "oneapi")

    assert error.code == "E_JOB_FAILED"
    reason = f"The first account (root) has no safe password: {obstacle.reason}"
    assert reason in str(error)
    assert f"ai-oneapi-{edition}" not in {c.name for c in engine.containers.list()}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", oneapi.port)) != 0
    query(engine, edition, obstacle.fix)
    oneapi.done("up", "oneapi")
    assert not oneapi.is_let_in(PUBLISHED)
    assert oneapi.is_let_in(oneapi.password)


def test_new_api_on_a_database_with_the_published_password_is_not_served(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", "new-api")
    oneapi.done("up", "oneapi")
    oneapi.done("down", "oneapi")
    # As one-api would have stored it: what its stand-in makes in an empty database.
    query(engine, "new-api", "TRUNCATE standin_users")
    engine.containers.run(
        "justsong/one-api:v0.6.10",
        entrypoint=[
            "/bin/sh",
            "-c",
            "/one-api & until wget -qO- 127.0.0.1:3000/api/status; do :; done",
        ],
        environment=environment(oneapi, "new-api"),
        network="ai-net",
        remove=True,
    )

    error = oneapi.failed("up", "oneapi")

    assert "the published one works; change it in new-api" in str(error)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("failed to get gpt-4o token encoder: no such host", "could not download its encodings"),
        ("initializing token encoders", "what it says is above"),
    ],
)
def test_one_api_without_a_way_out_says_what_it_needs(
    engine: docker.DockerClient, words: str, reason: str
) -> None:
    script = built_in_catalog() / "features/oneapi/one-api.sh"
    program = f"#!/bin/sh\necho '[FATAL] {words}' > $2/oneapi-20260101.log; exit 1\n"
    job = engine.containers.run(
        "justsong/one-api:v0.6.10",
        entrypoint=[
            "/bin/sh",
            "-c",
            'rm /one-api; echo "$1" > /one-api; chmod +x /one-api; eval "$0"',
        ],
        command=[script.read_text(encoding="utf-8"), program],
        detach=True,
    )

    assert job.wait(timeout=60)["StatusCode"] == 1
    assert reason in job.logs().decode()


def environment(oneapi: OneApiStack, database: str) -> dict[str, str]:
    """What one-api needs to use a database of its fork."""
    app = oneapi.app
    password = app.settings.reveal(app.declared, "oneapi.ONEAPI_DB_PASSWORD")
    dsn = f"postgres://{database}:{password}@postgres:5432/{database}"
    return {"SQL_DSN": dsn, "SESSION_SECRET": "of-nobody"}


@editions
def test_a_password_of_the_users_own_is_left_alone(oneapi: OneApiStack, edition: str) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    oneapi.done("up", "oneapi")
    change = {"password": OWN, "original_password": oneapi.password}
    oneapi.ask("PUT", "/api/user/self", oneapi.password, change)

    oneapi.done("down", "oneapi")
    oneapi.done("up", "oneapi")

    assert oneapi.is_let_in(OWN)
    assert not oneapi.is_let_in(oneapi.password)
    assert not oneapi.is_let_in(PUBLISHED)


def test_an_edition_takes_the_others_place_and_a_new_database_password_works(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    oneapi.done("up", "oneapi")
    oneapi.set("oneapi.ONEAPI_EDITION", "new-api")

    oneapi.done("up", "oneapi")

    running = {c.name for c in engine.containers.list()}
    assert running == {"ai-postgres", "ai-redis", "ai-oneapi-new-api"}
    assert oneapi.is_let_in(oneapi.password)

    oneapi.set("oneapi.ONEAPI_EDITION", "one-api")
    oneapi.set("oneapi.ONEAPI_DB_PASSWORD", "AnotherDatabasePassword1")
    oneapi.done("up", "oneapi")

    assert oneapi.is_let_in(oneapi.password)
    with pytest.raises(SettingError, match="stored data depends on it"):
        oneapi.set("oneapi.ONEAPI_ROOT_PASSWORD", "AnotherPassword1")


def test_what_runs_is_left_alone(engine: docker.DockerClient, oneapi: OneApiStack) -> None:
    oneapi.done("up", "oneapi")
    assert oneapi.done("up", "oneapi") == []
