"""Which programs of others are recognised, and why some can't be copied."""

from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.features.adopt.n8n import settings_of
from aiserver_tray.features.adopt.sources import Source, find_sources, repository
from aiserver_tray.protocol.message import Json
from aiserver_tray.spec.labels import MODULE

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"


def container(name: str, image: str, **more: Any) -> Json:  # noqa: ANN401 - as the engine says it
    """A container in the words of the engine."""
    labels = {PROJECT: more["project"], SERVICE: name} if "project" in more else {}
    mounts = [
        {"Type": kind, "Name": source if kind == "volume" else None, "Source": source}
        | {"Destination": target, "RW": True}
        for kind, source, target in more.get("mounts", ())
    ]
    return {
        "Id": f"{name}-0123456789abcdef",
        "Name": f"/{name}",
        "Image": "sha256:1",
        "Config": {
            "Image": image,
            "Labels": labels | more.get("labels", {}),
            "Env": [f"{key}={value}" for key, value in more.get("env", {}).items()],
            "Entrypoint": more.get("entrypoint"),
            "Cmd": more.get("command"),
        },
        "HostConfig": {
            "AutoRemove": more.get("temporary", False),
            "PortBindings": {"5678/tcp": [{"HostIp": "", "HostPort": "5678"}]},
        },
        "State": {"Status": more.get("status", "running")},
        "NetworkSettings": {"Networks": {more.get("network", "bridge"): {"Aliases": None}}},
        "Mounts": mounts,
    }


def found(*containers: Json) -> list[Source]:
    """What is found among *containers*."""
    known = {one["Id"]: one for one in containers}

    def summary(one: Json) -> SimpleNamespace:
        config = one["Config"]
        return SimpleNamespace(id=one["Id"], image=config["Image"], labels=config["Labels"])

    methods = SimpleNamespace(
        summaries=lambda: map(summary, containers),
        definition=known.__getitem__,
        read_file=lambda *_: b'{"version": "2.30.1"}',
    )
    engine: Any = SimpleNamespace(containers=methods, each=lambda ask, ids: [*map(ask, ids)])
    return find_sources(engine)


DATA = ("volume", "n8n_data", "/home/node/.n8n")
PLAIN = container("n8n", "docker.n8n.io/n8nio/n8n:2.20.0", mounts=[DATA])
SERVER = container(
    "postgres",
    "postgres:16-alpine",
    project="kit",
    network="kit_demo",
    env={"POSTGRES_USER": "root", "PG_VERSION": "16.4"},
    mounts=[("volume", "kit_postgres", "/var/lib/postgresql/data")],
)
DATABASE = {"DB_TYPE": "postgresdb", "DB_POSTGRESDB_HOST": "postgres"}


def kit(**more: Any) -> Json:  # noqa: ANN401 - as `container` takes it
    given = {"env": DATABASE, "mounts": [DATA], "project": "kit", "network": "kit_demo"}
    return container("n8n", "n8nio/n8n:latest", **(given | more))


def test_n8n_is_found_with_its_containers_and_settings() -> None:
    worker = container("worker", "n8nio/n8n:latest", project="kit", command=["worker"])
    importer = container(
        "n8n-import", "n8nio/n8n", project="kit", command=["-c", "n8n import:credentials"]
    )
    ours = container("ai-n8n", "n8nio/n8n:2.41.6", labels={MODULE: "n8n"})
    (source,) = found(kit(), worker, importer, SERVER, ours)
    assert (source.name, source.version, source.problem) == ("n8n", "2.30.1", None)
    assert [one.name for one in source.members] == ["n8n", "worker", "n8n-import", "postgres"]
    assert source.sources == ["n8n_data", "kit_postgres"]
    (plain,) = found(PLAIN)
    assert (plain.version, plain.database, plain.main.ports) == ("2.20.0", None, (5678,))
    given = {"GENERIC_TIMEZONE": "Asia/Shanghai", "N8N_SMTP_HOST": "mail", "N8N_PORT": "80"}
    wanted = {"N8N_TIMEZONE": "Asia/Shanghai", "N8N_SMTP_HOST": "mail"}
    assert settings_of(given) == wanted


def test_dify_is_found_with_its_folders() -> None:
    here = "/srv/dify/docker/volumes"
    api = container(
        "api",
        "langgenius/dify-api:1.9.2",
        project="docker",
        env={"MODE": "api", "DB_HOST": "db", "SECRET_KEY": "sk"},
        mounts=[("bind", f"{here}/app/storage", "/app/api/storage")],
    )
    worker = container(
        "worker", "langgenius/dify-api:1.9.2", project="docker", env={"MODE": "worker"}
    )
    daemon = container(
        "plugin_daemon",
        "langgenius/dify-plugin-daemon:0.3.3-local",
        project="docker",
        mounts=[("bind", f"{here}/plugin_daemon", "/app/storage")],
    )
    db = container(
        "db",
        "postgres:15-alpine",
        project="docker",
        env={"PGDATA": "/var/lib/postgresql/data/pgdata"},
        mounts=[("bind", f"{here}/db/data", "/var/lib/postgresql/data")],
    )
    (source,) = found(api, worker, daemon, db)
    assert (source.kind, source.version, source.problem) == ("dify", "1.9.2", None)
    assert [one.name for one in source.members] == ["api", "worker", "plugin_daemon", "db"]
    folders = {what: mount.source.removeprefix(here) for what, mount in source.data.items()}
    wanted = {"app_storage": "/app/storage", "plugin_storage": "/plugin_daemon"}
    assert folders == wanted | {"database": "/db/data"}


@pytest.mark.parametrize(
    ("containers", "why"),
    [
        ([container("n8n", "n8nio/n8n:2.1.0")], "in no volume"),
        ([kit(env={"DB_TYPE": "mysqldb"})], "mysqldb, which can't be copied"),
        ([kit()], "at postgres, which is no PostgreSQL container"),
        ([kit(env=DATABASE | {"DB_TABLE_PREFIX": "n8n_"}), SERVER], "DB_TABLE_PREFIX is set"),
        ([kit(temporary=True), SERVER], "option --rm"),
        ([container("pg", "postgres:16")], "in no volume"),
    ],
)
def test_what_can_not_be_copied_has_its_reason(containers: list[Json], why: str) -> None:
    problems = [one.problem.render("en") for one in found(*containers) if one.problem]
    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("docker.n8n.io/n8nio/n8n:2.20.0", "n8nio/n8n"),
        ("localhost:5000/n8nio/n8n@sha256:00", "n8nio/n8n"),
        ("docker.io/library/postgres", "postgres"),
        ("postgres:16", "postgres"),
    ],
)
def test_an_image_has_its_name_from_any_registry(image: str, name: str) -> None:
    assert repository(image) == name
