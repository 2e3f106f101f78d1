"""The lab's images are what they claim to be, under the catalog's own names."""

import docker
import pytest
from docker.models.containers import Container

from tests.engine.waiting import until
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.installation import last_words

POSTGRES = "postgres:17.11-alpine"
POSTGRES_15 = "postgres:15.19-alpine"
REDIS = "redis:7.4.11-alpine"
N8N = "n8nio/n8n:2.41.6"
RUNNERS = "n8nio/runners:2.41.6"
PASSWORD = "correct-horse-battery"
HARDENED = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "detach": True}


SMALL = [POSTGRES, POSTGRES_15, REDIS]
LARGE = [N8N, RUNNERS]
"""They may stay from an earlier run: to unpack them again takes half a minute."""


@pytest.fixture(scope="module")
def nothing_pulled(lab: Place) -> None:
    """All at once, since the images share layers."""
    with borrowed(lab) as client:
        for name in SMALL:
            if client.images.list(name):
                client.images.remove(name, force=True)


@pytest.mark.usefixtures("nothing_pulled")
@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_an_image_of_the_catalog_is_pulled_by_its_name(
    engine: docker.DockerClient, name: str
) -> None:
    assert name in LARGE or not engine.images.list(name)

    image = engine.images.pull(name)

    assert name in image.tags
    assert image.attrs["RepoDigests"]


def postgres(engine: docker.DockerClient, **more: object) -> Container:
    options: dict[str, object] = {
        "environment": {"POSTGRES_USER": "owner", "POSTGRES_PASSWORD": PASSWORD},
        "user": "postgres",
        "stop_signal": "SIGINT",
    }
    return engine.containers.run(POSTGRES, **HARDENED, **(options | more))


def query(container: Container, sql: str, user: str = "owner", database: str = "postgres") -> str:
    code, output = container.exec_run(
        ["psql", "-h", "127.0.0.1", "-U", user, "-d", database, "-Atc", sql],
        environment={"PGPASSWORD": PASSWORD},
    )
    assert code == 0, output.decode()
    return str(output.decode().strip())


def ready(container: Container, *command: str) -> None:
    until(lambda: container.exec_run(list(command)).exit_code == 0, container)


def test_postgres_15_is_what_its_tag_says(engine: docker.DockerClient) -> None:
    command = ["sh", "-c", last_words("pg_isready --version", 0)]
    said = engine.containers.run(POSTGRES_15, command, remove=True)
    assert said.startswith(b"pg_isready (PostgreSQL) 15.")


def test_postgres_refuses_to_start_without_a_password(engine: docker.DockerClient) -> None:
    container = postgres(engine, environment={})

    assert container.wait()["StatusCode"] == 1
    assert b"POSTGRES_PASSWORD" in container.logs()


def test_postgres_initialises_an_empty_volume_only(engine: docker.DockerClient) -> None:
    volume = engine.volumes.create()
    mount = {volume.name: {"bind": "/var/lib/postgresql/data", "mode": "rw"}}
    variables = {
        "POSTGRES_USER": "owner",
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_DB": "first",
        "PGDATA": "/var/lib/postgresql/data/pgdata",
    }
    first = postgres(engine, environment=variables, volumes=mount)
    ready(first, "pg_isready", "-h", "127.0.0.1", "-U", "owner", "-d", "first")
    query(first, "CREATE TABLE kept (n int)", database="first")
    first.stop(timeout=60)
    assert first.wait()["StatusCode"] == 0

    second = postgres(engine, environment=variables | {"POSTGRES_DB": "other"}, volumes=mount)
    ready(second, "pg_isready", "-h", "127.0.0.1", "-U", "owner", "-d", "first")

    assert query(second, "SELECT count(*) FROM kept", database="first") == "0"
    assert query(second, "SELECT count(*) FROM pg_database WHERE datname = 'other'") == "0"
    assert query(second, "SELECT current_setting('server_version_num')::int / 10000") == "17"


def test_postgres_wants_the_password_from_another_container(engine: docker.DockerClient) -> None:
    network = engine.networks.create("lab-test-postgres")
    server = postgres(engine, name="lab-test-server", network=network.name)
    ready(server, "pg_isready", "-h", "127.0.0.1", "-U", "owner")
    command = ["psql", "-h", "lab-test-server", "-U", "owner", "-d", "postgres", "-Atc", "SELECT 7"]

    def asked_with(password: str) -> tuple[int, bytes]:
        variables = {"PGPASSWORD": password}
        client = postgres(engine, command=command, environment=variables, network=network.name)
        return client.wait()["StatusCode"], client.logs()

    assert asked_with(PASSWORD) == (0, b"7\n")
    code, output = asked_with("wrong")
    assert code == 2
    assert b"password authentication failed" in output


def test_redis_runs_the_given_command_and_keeps_its_data(engine: docker.DockerClient) -> None:
    volume = engine.volumes.create()
    mount = {volume.name: {"bind": "/data", "mode": "rw"}}

    def redis() -> Container:
        container = engine.containers.run(
            REDIS,
            ["redis-server", "--requirepass", PASSWORD, "--appendonly", "yes"],
            user="redis",
            environment={"REDISCLI_AUTH": PASSWORD},
            volumes=mount,
            **HARDENED,
        )
        ready(container, "sh", "-c", "redis-cli -h 127.0.0.1 ping | grep -q PONG")
        return container

    first = redis()
    assert b"NOAUTH" in first.exec_run(["env", "REDISCLI_AUTH=", "redis-cli", "ping"]).output
    assert first.exec_run(["redis-cli", "set", "kept", "yes"]).output == b"OK\n"
    first.stop(timeout=60)

    assert redis().exec_run(["redis-cli", "get", "kept"]).output == b"yes\n"
