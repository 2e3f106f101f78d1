"""Programs of others, copied into modules of ours on the lab's engine, through the owner's
channels."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import EngineMachine
from aiserver_tray.features.adopt import copying
from aiserver_tray.features.adopt.adoption import Adoption
from aiserver_tray.features.adopt.copying import Copying
from aiserver_tray.features.backup.channels import BackupFeature
from aiserver_tray.features.backup.journal import start_foreign
from aiserver_tray.owner.owner import Owner
from aiserver_tray.settings.names import BACKUP_JOURNAL
from aiserver_tray.settings.unended import Unended
from aiserver_tray.state.views import OperationView
from tests.engine.backups import before, leftovers
from tests.engine.backups import files_of as files_of_backups
from tests.engine.built_in import choose_free_ports, value_of
from tests.engine.n8n import add_credential, has_all, logged_in, publish_workflow, set_up_owner
from tests.engine.through_owner import asked, done, ended, found, has_ended, is_over, sql
from tests.engine.waiting import until
from tests.lab.fixtures import have_image
from tests.support.installation import IMAGE, Installation
from tests.support.limits import SECONDS
from tests.support.observed import said
from tests.support.owning import PEER, owned
from tests.support.waiting import eventually

SERVER = "postgres:17.11-alpine"
PORT = "5678/tcp"
FOLDER = "/home/node/.n8n"
FEATURES = "aiserver_tray.features"
QUIET = {"N8N_DIAGNOSTICS_ENABLED": "false", "N8N_SECURE_COOKIE": "false"}
KEY = "key-of-the-kit"
OTHER = "key-of-another-kit"


def well(owner: Owner, channel: str, source: str) -> OperationView:
    """Do what takes several starts of n8n."""
    id = asked(owner, channel, source=source)["operationId"]

    def over() -> OperationView | None:
        operations = owner.core.store.state.operations
        return next((view for view in operations if has_ended(id, view)), None)

    view = eventually(over, "the end of it", 4 * SECONDS)
    assert view.status == "succeeded", view.error
    return view


def refused(owner: Owner, source: str, code: str) -> str:
    """Why *source* is not copied. Nothing is left of the attempt."""
    error = ended(owner, "ai/adopt/start", source=source).error
    assert error
    assert error.code == code, error
    return error.render()


def shown(owner: Owner, source: str) -> dict[str, Any]:
    """What is said of *source* before it is copied."""
    (one,) = (one for one in asked(owner, "ai/adopt/list")["sources"] if one["name"] == source)
    return dict(one)


def stopping(owner: Owner) -> list[str]:
    """The containers that stop when the only copy takes over."""
    (one,) = asked(owner, "ai/adopt/list")["adoptions"]
    return list(one["containers"])


def files_of(container: Any, folder: str) -> str:  # noqa: ANN401 - a container
    """The hash of all files in *folder* of a container that may be stopped, with their owners,
    modes and times."""
    pieces, _ = container.get_archive(folder)
    digest = hashlib.sha256()
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        for one in tar:
            content = tar.extractfile(one) if one.isfile() else None
            about = (one.name, one.uid, one.gid, one.mode, one.mtime, one.linkname)
            digest.update(repr(about).encode() + (content.read() if content else b""))
    return digest.hexdigest()


def is_clean(here: Installation, engine: docker.DockerClient) -> None:
    """See that nothing is left of an adoption but its data."""
    assert leftovers(engine) == []
    journal = json.loads((here.home / BACKUP_JOURNAL).read_text(encoding="utf-8"))
    assert journal["operations"] == {}


def page_of(container: Any) -> str:  # noqa: ANN401 - a container
    """The address at which a container publishes n8n's page."""
    container.reload()
    return f"http://127.0.0.1:{container.ports[PORT][0]['HostPort']}"


def set_up(container: Any) -> None:  # noqa: ANN401 - a container
    """Give an n8n an owner, an active workflow and a credential."""
    page = page_of(container)
    until(lambda: _answers(page), container)
    set_up_owner(page)
    user = logged_in(page)
    publish_workflow(user, page)
    add_credential(user, page)


def _answers(page: str) -> bool:
    try:
        return requests.get(f"{page}/healthz/readiness", timeout=5).ok
    except requests.RequestException:
        return False


def is_triggered(page: str) -> bool:
    """Whether the webhook of the workflow answers."""
    answer = requests.post(f"{page}/webhook/sum", json={"a": 1, "b": 2}, timeout=60)
    return answer.ok and answer.json()["sum"] == 3


# -- n8n -------------------------------------------------------------------------------------------


def of_registry(engine: docker.DockerClient, version: str) -> str:
    """The image under the name that it has in n8n's own registry."""
    have_image(engine, f"n8nio/n8n:{version}")
    engine.images.get(f"n8nio/n8n:{version}").tag(name := "docker.n8n.io/n8nio/n8n", version)
    return f"{name}:{version}"


def stand_in(container: Any) -> None:  # noqa: ANN401 - a container
    """Let the stopped *container* of n8n do nothing from its next start on: that it runs is all
    that counts, and n8n takes five seconds of the processor."""
    script = b"#!/bin/sh\nexec sleep 86400\n"
    entry = tarfile.TarInfo("docker-entrypoint.sh")
    entry.size, entry.mode = len(script), 0o755
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(script))
    container.put_archive("/", buffer.getvalue())


def of_sqlite(
    engine: docker.DockerClient,
    version: str,
    name: str,
    **more: Any,  # noqa: ANN401 - as the SDK takes it
) -> Any:  # noqa: ANN401 - a container
    """An n8n of a plain ``docker run``."""
    return engine.containers.run(
        of_registry(engine, version),
        name=name,
        environment={**QUIET, "GENERIC_TIMEZONE": "Europe/Berlin"},
        volumes={f"{name}_data": {"bind": FOLDER}},
        ports={PORT: ("127.0.0.1", None)},
        detach=True,
        **more,
    )


@pytest.mark.timeout(900)  # n8n starts five times, its commands five times more
def test_an_n8n_with_sqlite_is_copied_and_switched_over(
    here: Installation, engine: docker.DockerClient
) -> None:
    project = {"com.docker.compose.project": "mine"}
    mine = of_sqlite(engine, "2.20.0", "my-n8n", labels=project)
    job = engine.containers.create(mine.image, ["import:workflow"], name="job", labels=project)
    set_up(mine)
    mine.stop()
    files = files_of(mine, FOLDER)
    stand_in(mine)
    choose_free_ports(here, "n8n", "postgres")
    page = f"http://127.0.0.1:{value_of(here, 'n8n.N8N_HOST_PORT')}"
    with owned(here) as (owner, _):
        source = shown(owner, "my-n8n")
        said_of = source["version"], source["database"], source["running"], source["problem"]
        assert said_of == ("2.20.0", "SQLite", False, None)

        well(owner, "ai/adopt/start", "my-n8n")

        has_all(page, engine.containers.get("ai-n8n"))
        assert value_of(here, "n8n.N8N_TIMEZONE") == "Europe/Berlin"
        assert not is_triggered(page)
        mine.reload()
        assert (mine.status, files_of(mine, FOLDER)) == ("exited", files)
        is_clean(here, engine)
        (copied,) = asked(owner, "ai/adopt/list")["adoptions"]
        assert (copied["state"], copied["waiting"]) == ("beside", 1)
        assert "1 workflow and 1 credential, as many as there" in copied["proven"]
        assert "n8n decrypts the credentials here" in copied["proven"]
        mine.start()
    killed_while_it_switches_over(here, mine, page)
    with owned(here) as (owner, modules):
        view = found(owner, partial(is_over, "adopt"))
        assert "was interrupted" in str(view.error)
        modules.wait_for(n8n="running")
        mine.reload()
        assert mine.status == "running"
        until(lambda: _answers(page), engine.containers.get("ai-n8n"))
        assert not is_triggered(page)
        is_clean(here, engine)
        switches_over_and_back(owner, mine, page)
        job.reload()
        assert job.status == "created"
        is_clean(here, engine)


def killed_while_it_switches_over(here: Installation, mine: Any, page: str) -> None:  # noqa: ANN401 - a container
    """End the process in the moment in which the triggers of ours are on, and before that is
    known."""
    words = [here.home, here.catalog, here.host, "ai/adopt/switch", '{"source": "my-n8n"}']
    where = f"{FEATURES}.adopt.copying:SourceServer.values"
    command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words), where, "n8n"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    mine.reload()
    assert mine.status == "exited"
    assert not _answers(page)


def switches_over_and_back(owner: Owner, mine: Any, page: str) -> None:  # noqa: ANN401 - a container
    """See that only one of both does the work."""
    well(owner, "ai/adopt/switch", "my-n8n")
    mine.reload()
    assert mine.status == "exited"
    until(lambda: is_triggered(page), mine)
    well(owner, "ai/adopt/back", "my-n8n")
    mine.reload()
    assert mine.status == "running"
    assert not is_triggered(page)


def test_an_n8n_with_postgresql_is_copied_only_with_its_key(
    here: Installation, engine: docker.DockerClient
) -> None:
    have_image(engine, "n8nio/n8n:2.41.1")
    have_image(engine, SERVER)
    engine.networks.create("kit")
    login = {"POSTGRES_USER": "root", "POSTGRES_PASSWORD": "password", "POSTGRES_DB": "n8n"}
    server = engine.containers.run(
        SERVER,
        name="kit-postgres-1",
        hostname="postgres",
        environment=login,
        labels={"com.docker.compose.project": "kit", "com.docker.compose.service": "postgres"},
        volumes={"kit_postgres_storage": {"bind": "/var/lib/postgresql/data"}},
        network="kit",
        networking_config={"kit": engine.api.create_endpoint_config(aliases=["postgres"])},
        detach=True,
    )
    kit = partial(
        engine.containers.create,
        "n8nio/n8n:2.41.1",
        name="n8n",
        labels={"com.docker.compose.project": "kit", "com.docker.compose.service": "n8n"},
        volumes={"kit_n8n_storage": {"bind": FOLDER}},
        ports={PORT: ("127.0.0.1", None)},
        network="kit",
    )
    database = {
        "DB_TYPE": "postgresdb",
        "DB_POSTGRESDB_HOST": "postgres",
        "DB_POSTGRESDB_USER": "root",
        "DB_POSTGRESDB_PASSWORD": "password",
    }
    eventually(lambda: server.exec_run("pg_isready -h 127.0.0.1").exit_code == 0, "the server")
    n8n = kit(environment={**QUIET, **database, "N8N_ENCRYPTION_KEY": KEY})
    n8n.start()
    set_up(n8n)
    choose_free_ports(here, "n8n", "postgres")
    page = f"http://127.0.0.1:{value_of(here, 'n8n.N8N_HOST_PORT')}"
    with owned(here) as (owner, _):
        n8n.remove(force=True)
        wrong = kit(environment={**QUIET, **database, "N8N_ENCRYPTION_KEY": "another"})
        assert "does not open the credentials of n8n" in refused(owner, "n8n", "E_ADOPT_KEY")
        server.reload()
        assert server.status == "running"
        assert [v.name for v in engine.volumes.list() if v.name.startswith("ai-n8n")] == []
        is_clean(here, engine)
        wrong.remove()
        n8n = kit(environment={**QUIET, **database, "N8N_ENCRYPTION_KEY": KEY})
        n8n.start()
        until(lambda: _answers(page_of(n8n)), n8n)

        well(owner, "ai/adopt/start", "n8n")

        has_all(page, engine.containers.get("ai-n8n"))
        for one in (n8n, server):
            one.reload()
            assert one.status == "running"
        until(lambda: _answers(page_of(n8n)), n8n)
        has_all(page_of(n8n), n8n)
        is_clean(here, engine)
        assert stopping(owner) == ["n8n", "kit-postgres-1"]
        engine.containers.run(IMAGE, ["sleep", "86400"], name="guest", network="kit", detach=True)
        assert stopping(owner) == ["n8n"]
        n8n.remove(force=True)
        kit(environment={**QUIET, **database, "N8N_ENCRYPTION_KEY": KEY})
        assert "created again since" in str(ended(owner, "ai/adopt/switch", source="n8n").error)
        server.reload()
        assert server.status == "running"


# -- Dify ------------------------------------------------------------------------------------------

TENANT = "0d3c6e0a-6c4c-4f0b-9d8e-0f6c5c0a7b11"
RENAME = "update tenants set name = 'another'"


def of_dify(
    engine: docker.DockerClient,
    image: str,
    service: str,
    folder: Path,
    target: str,
    **more: Any,  # noqa: ANN401 - as the SDK takes it
) -> Any:  # noqa: ANN401 - a container
    """A container of Dify's Compose file, with its data in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"com.docker.compose.project": "docker", "com.docker.compose.service": service}
    config = {"docker_default": engine.api.create_endpoint_config(aliases=[service])}
    return engine.containers.run(
        image,
        name=f"docker-{service}-1",
        labels=labels,
        volumes={str(folder): {"bind": target}},
        network="docker_default",
        networking_config=config,
        detach=True,
        **more,
    )


def with_key(key: str) -> dict[str, Any]:
    """How the container of the API is created."""
    environment = {"MODE": "api", "DB_HOST": "db", "SECRET_KEY": f"sk-{key}"}
    return {"environment": environment, "stop_signal": "SIGKILL", "command": ["sleep", "86400"]}


def test_a_dify_is_copied_from_the_folders_of_its_compose_file(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    """Its server is a real one. Of its API, only the files count, so that it is no Dify."""
    have_image(engine, SERVER)
    have_image(engine, IMAGE)
    engine.images.get(IMAGE).tag("langgenius/dify-api", "1.9.2")
    engine.networks.create("docker_default")
    volumes, data = tmp_path / "volumes", "/var/lib/postgresql/data"
    login = {"POSTGRES_PASSWORD": "difyai123456", "POSTGRES_DB": "dify", "PGDATA": f"{data}/pgdata"}
    server = of_dify(engine, SERVER, "db", volumes / "db" / "data", data, environment=login)
    image, storage = "langgenius/dify-api:1.9.2", volumes / "app" / "storage"
    api = of_dify(engine, image, "api", storage, "/app/api/storage", **with_key(KEY))
    ready = "pg_isready -h 127.0.0.1"
    eventually(lambda: server.exec_run(ready).exit_code == 0, "the server")
    command = f"create table tenants as select '{TENANT}'::uuid as id, 'mine' as name"
    said(engine, server.name, "psql", "-U", "postgres", "-qAt", "dify", "-c", command)
    choose_free_ports(here, "dify", "postgres", "redis")
    with owned(here) as (owner, _):
        assert "private keys of 1 workspace " in refused(owner, api.name, "E_ADOPT_KEY")
        is_clean(here, engine)
        key = storage / "privkeys" / TENANT / "private.pem"
        key.parent.mkdir(parents=True)
        key.write_text("of the workspace", encoding="utf-8")
        files = files_of(api, "/app/api/storage")

        well(owner, "ai/adopt/start", api.name)

        assert sql(engine, "dify", "select name from tenants") == "mine"
        path = f"/app/api/storage/privkeys/{TENANT}/private.pem"
        assert said(engine, "ai-dify-api", "cat", path) == "of the workspace"
        assert value_of(here, "dify.DIFY_SECRET_KEY") == f"sk-{KEY}"
        for one in (api, server):
            one.reload()
            assert one.status == "running"
        assert files_of(api, "/app/api/storage") == files
        is_clean(here, engine)
        api.remove(force=True)
        of_dify(engine, image, "api", storage, "/app/api/storage", **with_key(OTHER))
        another_replaces_the_copy(here, owner, engine, server)
        is_clean(here, engine)


def another_replaces_the_copy(
    here: Installation,
    owner: Owner,
    engine: docker.DockerClient,
    server: Any,  # noqa: ANN401 - a container
) -> None:
    """See that a source with another key does, and that what is here is backed up before."""
    name = "docker-api-1"
    said(engine, server.name, "psql", "-U", "postgres", "-q", "dify", "-c", RENAME)
    assert shown(owner, name)["hasData"]
    backups = files_of_backups(owner)

    well(owner, "ai/adopt/start", name)

    assert sql(engine, "dify", "select name from tenants") == "another"
    assert value_of(here, "dify.DIFY_SECRET_KEY") == f"sk-{OTHER}"
    (backup,) = {*files_of_backups(owner)} - {*backups}
    assert "adopt" in backup


# -- PostgreSQL, and all that can go wrong ---------------------------------------------------------


class Theirs:
    """A PostgreSQL of others with two databases and roles."""

    def __init__(self, client: docker.DockerClient) -> None:
        have_image(client, SERVER)
        self._client = client
        self.container = client.containers.run(
            SERVER,
            name="pg",
            environment={"POSTGRES_PASSWORD": "password"},
            volumes={"pg_data": {"bind": "/var/lib/postgresql/data"}},
            detach=True,
        )
        ready = "pg_isready -h 127.0.0.1"
        eventually(lambda: self.container.exec_run(ready).exit_code == 0, "the server")
        for name in ("sales", "stock"):
            self.sql("postgres", f"create role {name} login password 'of-{name}'")
            self.sql("postgres", f"create database {name} owner {name}")
            self.sql(name, f"set role {name}; create table item (text text)")
            self.sql(name, f"insert into item values ('{name}'), ('more')")

    def sql(self, database: str, text: str) -> str:
        return said(self._client, "pg", "psql", "-U", "postgres", "-qAt", database, "-c", text)

    @property
    def works(self) -> bool:
        self.container.reload()
        return bool(self.container.status == "running") and eventually(
            lambda: self.container.exec_run("pg_isready -h 127.0.0.1").exit_code == 0, "the server"
        )


@contextmanager
def with_theirs(here: Installation, engine: docker.DockerClient) -> Iterator[tuple[Owner, Theirs]]:
    theirs = Theirs(engine)
    choose_free_ports(here, "postgres")
    with owned(here) as (owner, _):
        yield owner, theirs


def has_nothing(here: Installation, engine: docker.DockerClient, theirs: Theirs) -> None:
    """See that nothing was changed here or there."""
    assert theirs.works
    assert theirs.sql("sales", "select count(*) from item") == "2"
    assert sql(engine, "postgres", "select count(*) from pg_database where datname ~ '^s'") == "0"
    assert sql(engine, "postgres", "select count(*) from pg_roles where rolname ~ '^s'") == "0"
    is_clean(here, engine)
    assert not [*(here.home / "adoptions").glob("*")]


def test_a_postgresql_is_copied_with_its_databases_and_roles(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_theirs(here, engine) as (owner, theirs):
        done(owner, "ai/operation/start", kind="up", modules=["postgres"])
        with before(Copying, "_cloned", lambda: cancel(owner)):
            view = ended(owner, "ai/adopt/start", source="pg")
        assert view.status == "cancelled"
        has_nothing(here, engine, theirs)
        with before(Adoption, "_again", theirs.container.pause):
            assert "was changed" in refused(owner, "pg", "E_ADOPT")
        assert "docker unpause pg" in shown(owner, "pg")["problem"]
        theirs.container.unpause()
        has_nothing(here, engine, theirs)
        # The lab's disk is not filled.
        monkeypatch.setattr(Engine, "machine", lambda _: EngineMachine(free_disk=1))
        answer = owner.api.invoke("ai/adopt/start", {"source": "pg"}, PEER)
        assert answer["code"] == "E_ADOPT"
        assert "disk space" in answer["message"]
        monkeypatch.undo()

        well(owner, "ai/adopt/start", "pg")

        assert theirs.works
        is_clean(here, engine)
        for name in ("sales", "stock"):
            login = f"postgresql://{name}:of-{name}@127.0.0.1/{name}"
            assert (
                said(engine, "ai-postgres", "psql", login, "-qAtc", "select count(*) from item")
                == "2"
            )
        theirs.sql("postgres", "create database n8n")
        assert "n8n, sales and stock" in refused(owner, "pg", "E_ADOPT")
        well(owner, "ai/adopt/switch", "pg")
        theirs.container.reload()
        assert theirs.container.status == "exited"
        well(owner, "ai/adopt/back", "pg")
        assert theirs.works
        asked(owner, "ai/adopt/forget", source="pg")
        assert asked(owner, "ai/adopt/list")["adoptions"] == []


def cancel(owner: Owner) -> None:
    operations = owner.core.store.state.operations
    (id,) = (view.id for view in operations if view.kind == "adopt" and not view.is_over)
    asked(owner, "ai/operation/cancel", id=id)


def test_what_does_not_stop_or_is_too_new_is_refused(
    here: Installation, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STOP_SECONDS", 2.0)
    have_image(engine, SERVER)
    volumes = {"stubborn": {"bind": "/var/lib/postgresql/data"}}
    deaf = ["sh", "-c", "trap '' TERM INT; while :; do sleep 1; done"]
    stubborn = engine.containers.run(
        SERVER, deaf, name="stubborn", entrypoint=[], volumes=volumes, detach=True
    )
    engine.images.get(IMAGE).tag("n8nio/n8n", "3.0.0")
    engine.images.get(IMAGE).tag("n8nio/n8n", "0.214.0")
    for version in ("3.0.0", "0.214.0"):
        given = {f"data-{version}": {"bind": FOLDER}}
        engine.containers.create(f"n8nio/n8n:{version}", name=f"n8n-{version}", volumes=given)
    engine.containers.create("n8nio/n8n:3.0.0", name="without")
    choose_free_ports(here, "postgres")
    with owned(here) as (owner, _):
        stubborn.reload()
        began = stubborn.attrs["State"]["StartedAt"]
        assert "did not stop within 2 s" in refused(owner, "stubborn", "E_ADOPT")
        stubborn.reload()
        assert (stubborn.status, stubborn.attrs["State"]["StartedAt"]) == ("running", began)
        is_clean(here, engine)
        assert "Upgrade AI-Server Tray first" in shown(owner, "n8n-3.0.0")["problem"]
        assert "is too old" in shown(owner, "n8n-0.214.0")["problem"]
        assert "in no volume" in shown(owner, "without")["problem"]


def test_one_container_that_does_not_start_keeps_no_other_stopped(
    here: Installation, engine: docker.DockerClient
) -> None:
    have_image(engine, IMAGE)
    broken = engine.containers.create(IMAGE, ["/no/such/program"], name="broken")
    fine = engine.containers.create(IMAGE, ["sleep", "86400"], name="fine")
    with owned(here) as (owner, _):
        backups = owner.api.place.feature(BackupFeature).backups
        entry = Unended(kind="adopt", modules=["postgres"], foreign=[broken.id, fine.id])
        with backups.journal.operation("one", entry):
            (error,) = start_foreign(backups.tools, backups.journal, "one")
            assert "broken could not be started again" in error.render()
            assert backups.journal.all["one"].foreign == [broken.id]
            fine.reload()
            assert fine.status == "running"
            broken.remove()
            assert start_foreign(backups.tools, backups.journal, "one") == []
            assert backups.journal.all["one"].foreign == []
            backups.journal.end("one")


POINTS: tuple[tuple[str, str | None], ...] = (
    # the method that is not reached, what the next start says
    ("adopt.copying:Copying._cloned", "E_ADOPT"),
    ("adopt.adoption:Adoption._swap", "E_ADOPT"),
    ("backup.journal:BackupJournal.whole", "E_ADOPT"),
    ("backup.stage:Stage.want", None),
)


def test_the_next_start_ends_the_copy_that_a_killed_process_has_begun(
    here: Installation, engine: docker.DockerClient
) -> None:
    with with_theirs(here, engine) as (owner, theirs):
        done(owner, "ai/operation/start", kind="up", modules=["postgres"])
    for method, code in POINTS:
        words = [here.home, here.catalog, here.host, "ai/adopt/start", '{"source": "pg"}']
        command = [sys.executable, "-m", "tests.engine.killed_backup", *map(str, words)]
        process = subprocess.run([*command, f"{FEATURES}.{method}", "postgres"], check=False)
        assert process.returncode == -signal.SIGKILL, method
        with owned(here) as (owner, modules):
            view = found(owner, partial(is_over, "adopt"))
            assert (view.error and view.error.code) == code, (method, view.error)
            found(owner, lambda view: view.is_revival and view.is_over)
            modules.wait_for(postgres="running")
            if code:
                has_nothing(here, engine, theirs)
                continue
            assert theirs.works
            assert sql(engine, "sales", "select count(*) from item") == "2"
            assert len(asked(owner, "ai/adopt/list")["adoptions"]) == 1
            is_clean(here, engine)
