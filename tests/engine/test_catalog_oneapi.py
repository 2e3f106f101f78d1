"""OneAPI of the catalog, in both editions: its first account is safe before it is published."""

import socket
from typing import NamedTuple

import docker
import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.core.app import built_in_catalog
from tests.engine.oneapi import EDITIONS, PUBLISHED, OneApiStack, query
from tests.support.installation import last_words
from tests.support.limits import LIMIT
from tests.support.observed import names, said

OWN = "a-password-of-mine"
editions = pytest.mark.parametrize("edition", EDITIONS)


@editions
def test_the_first_account_has_a_safe_password_before_anything_is_published(
    engine: docker.DockerClient, oneapi: OneApiStack, edition: str
) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    container = f"ai-oneapi-{edition}"
    services = {container, f"{container}-account", "ai-oneapi-oneapi-database"}

    preview = oneapi.cli.run("up", "oneapi", "--dry-run").succeeded()
    oneapi.done("up", "oneapi")

    assert ("openaipublic" in preview.errors) == (edition == "one-api")
    assert names(engine) == {"ai-postgres", "ai-redis"} | services
    assert engine.containers.get(container).health == "healthy"
    has_generated_password(oneapi)
    databases = "SELECT datname FROM pg_database WHERE datname LIKE '%-api'"
    assert query(engine, "postgres", databases) == edition
    for name in services:
        found = engine.api.inspect_container(name)
        assert oneapi.password not in str([found["Path"], found["Args"]])
    assert said(engine, container, "ls", "-A", "/data") == "", "logs to files"
    by_its_name = "http://oneapi:3000/api/status"  # as other modules reach it
    assert '"success": true' in said(engine, container, "wget", "-q", "-O", "-", by_its_name)
    assert oneapi.done("up", "oneapi") == [], "what runs is left alone"

    down_and_up(oneapi)
    has_generated_password(oneapi)

    change = {"password": OWN, "original_password": oneapi.password}
    oneapi.ask("PUT", "/api/user/self", oneapi.password, change)
    down_and_up(oneapi)
    assert oneapi.is_let_in(OWN)
    assert not oneapi.is_let_in(oneapi.password)
    assert not oneapi.is_let_in(PUBLISHED)

    nothing_is_published_without_one(engine, oneapi, edition)


def has_generated_password(oneapi: OneApiStack) -> None:
    """See that the first account has the password that was generated."""
    assert not oneapi.is_let_in(PUBLISHED)
    assert oneapi.is_let_in(oneapi.password)


def down_and_up(oneapi: OneApiStack) -> None:
    oneapi.done("down", "oneapi")
    oneapi.done("up", "oneapi")


class Obstacle(NamedTuple):
    """What keeps OneAPI from storing a password, what the job says then, and how to fix it."""

    statement: str
    reason: str
    fix: str


OBSTACLES = {
    "one-api": [
        Obstacle(
            'REVOKE UPDATE ON standin_users FROM "one-api"',
            "an answer was expected from one-api",
            'GRANT UPDATE ON standin_users TO "one-api"',
        ),
        Obstacle(
            "CREATE RULE obstacle AS ON UPDATE TO standin_users DO INSTEAD NOTHING",
            "one-api does not take the new one",
            "DROP RULE obstacle ON standin_users",
        ),
    ],
    "new-api": [
        Obstacle(
            "CREATE RULE obstacle AS ON INSERT TO standin_users DO INSTEAD NOTHING",
            "new-api does not take the new one",
            "DROP RULE obstacle ON standin_users",
        )
    ],
}


def nothing_is_published_without_one(
    engine: docker.DockerClient, oneapi: OneApiStack, edition: str
) -> None:
    """See that OneAPI, which runs, does not start again while something is in the way of a safe
    password, and then has the generated one again."""
    oneapi.done("down", "oneapi")
    for obstacle in OBSTACLES[edition]:
        query(engine, edition, "TRUNCATE standin_users")
        query(engine, edition, obstacle.statement)
        is_refused(engine, oneapi, f"has no safe password: {obstacle.reason}")
        query(engine, edition, obstacle.fix)
    if edition == "new-api":
        serve_published_password(engine, oneapi)
        is_refused(engine, oneapi, "the published one works; change it in new-api")
        query(engine, edition, "TRUNCATE standin_users")

    oneapi.done("up", "oneapi")

    has_generated_password(oneapi)


def is_refused(engine: docker.DockerClient, oneapi: OneApiStack, reason: str) -> None:
    """See that it does not start, for this *reason*."""
    error = oneapi.failed("up", "oneapi")
    assert error.code == "E_JOB_FAILED"
    assert "The first account (root) " in str(error)
    assert reason in str(error)
    assert not [c.name for c in engine.containers.list() if c.name.startswith("ai-oneapi-")]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", oneapi.port)) != 0


def serve_published_password(engine: docker.DockerClient, oneapi: OneApiStack) -> None:
    """Let new-api's account be as one-api would have stored it: what its stand-in makes in an empty
    database."""
    query(engine, "new-api", "TRUNCATE standin_users")
    program = "/one-api & until wget -qO- 127.0.0.1:3000/api/status; do :; done"
    engine.containers.run(
        "justsong/one-api:v0.6.10",
        entrypoint=["/bin/sh", "-c", program],
        environment=environment(oneapi, "new-api"),
        network="ai-net",
        remove=True,
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("failed to get gpt-4o token encoder: no such host", "could not download its encodings"),
        ("initializing token encoders", "what it says is above"),
    ],
)
def test_one_api_without_internet_access_says_what_it_needs(
    engine: docker.DockerClient, words: str, reason: str
) -> None:
    script = built_in_catalog() / "features/oneapi/one-api.sh"
    log = f"echo '[FATAL] {words}' > $2/oneapi-20260101.log"
    program = f"#!/bin/sh\n{last_words(log, 1)}\n"
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

    assert job.wait(timeout=LIMIT)["StatusCode"] == 1
    assert reason in job.logs().decode()


def environment(oneapi: OneApiStack, database: str) -> dict[str, str]:
    """What one-api needs to use a database of its fork."""
    app = oneapi.app
    password = app.settings.reveal(app.declared, "oneapi.ONEAPI_DB_PASSWORD")
    dsn = f"postgres://{database}:{password}@postgres:5432/{database}"
    return {"SQL_DSN": dsn, "SESSION_SECRET": "of-nobody"}


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
