"""What backups and restores do with the engine's volumes and with databases in containers."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import pytest

from aiserver_tray.base.errors import (
    BackupDamagedError,
    BackupError,
    CancelledError,
    EngineRequestError,
    RestoreError,
)
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.backup import proof
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.journal import wind_up
from aiserver_tray.features.backup.manifest import ManifestEntry
from aiserver_tray.features.backup.plan import Dialect
from aiserver_tray.features.backup.planning import Redis, server_in
from aiserver_tray.features.backup.proof import throw_away_server
from aiserver_tray.features.backup.servers import Server
from aiserver_tray.features.backup.volumes import (
    CONTAINERS,
    BackupVolumes,
    leftovers,
    remove_leftovers,
)
from aiserver_tray.settings.store import Settings
from aiserver_tray.settings.unended import BackupJournal, SwappedDatabase, Unended
from aiserver_tray.spec.labels import Owner
from aiserver_tray.system.paths import Home
from tests.engine.our_engine import BUSYBOX
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.waiting import eventually

OWNER = Owner("backup-parts", "1.0")
OPERATION = "0123456789abcdef"
POSTGRES, MYSQL, REDIS = "postgres:17.11-alpine", "mysql:8.0.40", "redis:7.4.11-alpine"
PASSWORD = "it's a pass\\word"
JOB = Path(__file__).parents[2] / "orchestration/features/n8n/database.sql"

ODD_FILES = r"""
cd /v; mkdir a empty ro; chown 70:1234 .; chmod 1750 .; chown 70:1234 a; chmod 3770 a
echo program > a/f; chown 3000000000:5 a/f; chmod 6755 a/f; ln a/f a/hard
echo hidden > .hidden; echo secret > a/secret; chown 999:999 a/secret; chmod 000 a/secret
ln -s ../../etc/passwd out; ln -s /absolute absolute; ln -s missing dangling
mkfifo pipe; mknod device c 1 3
printf x > "$(printf 'na\377me')"; printf y > "$(printf 'new\nline')"; printf z > 'ü 名'
truncate -s 3M sparse; echo r > ro/f; chown -R 1000 ro; chmod 500 ro
touch -h -d '2001-02-03 04:05:06' out a/f a ro .
"""


@dataclass
class Parts:
    """An engine with a database server of each kind."""

    client: docker.DockerClient
    engine: Engine

    def volumes(self, cancelled: Cancellation | None = None) -> BackupVolumes:
        return BackupVolumes(self.engine, OWNER, OPERATION, cancelled or Cancellation())

    def shell(self, volume: str, script: str) -> None:
        volumes = {volume: {"bind": "/v", "mode": "rw"}}
        self.client.containers.run(BUSYBOX, ["sh", "-ec", script], volumes=volumes, remove=True)

    def server(self, dialect: Dialect, cancelled: Cancellation | None = None) -> Server:
        user = "postgres" if dialect == "postgres" else "root"
        given = cancelled or Cancellation()
        return server_in(self.engine, f"parts-{dialect}", dialect, user, PASSWORD, given)

    def sql(self, dialect: Dialect, text: str, database: str = "") -> str:
        """What the server answers to *text*, from its administrator."""
        if dialect == "postgres":
            name = database or "postgres"
            command = ["psql", "-qtA", "-v", "ON_ERROR_STOP=1", "-U", "postgres", name, "-c", text]
        else:
            command = ["mariadb", "-uroot", f"-p{PASSWORD}", "-N", "-e", text, database]
        code, output = self.client.containers.get(f"parts-{dialect}").exec_run(
            [word for word in command if word],
            user="postgres" if dialect == "postgres" else "mysql",
        )
        assert code == 0, output
        return str(output.decode().strip())


@pytest.fixture(scope="module")
def parts(lab: Place) -> Iterator[Parts]:
    with borrowed(lab) as client, contextlib.closing(Engine(lab.host)) as engine:
        for image in (BUSYBOX, POSTGRES, MYSQL, REDIS):
            have_image(client, image)
        run = client.containers.run
        secrets = {"POSTGRES_PASSWORD": PASSWORD, "MYSQL_ROOT_PASSWORD": PASSWORD}
        run(POSTGRES, name="parts-postgres", user="postgres", environment=secrets, detach=True)
        run(MYSQL, name="parts-mysql", user="mysql", environment=secrets, detach=True)
        command = ["redis-server", "--requirepass", PASSWORD]
        run(REDIS, command, name="parts-redis", detach=True)
        yield Parts(client, engine)
        # The server ends all sessions when a process without a parent was killed in its container.
        log = client.containers.get("parts-postgres").logs().decode()
        assert "was terminated by signal" not in log


@pytest.fixture
def ready(parts: Parts) -> Parts:
    """With both database servers ready."""
    for dialect in DIALECTS:
        eventually(parts.server(dialect).is_ready, dialect)
    return parts


DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql")


@pytest.fixture(autouse=True)
def nothing_left(parts: Parts) -> Iterator[None]:
    """No test leaves anything, save what it removes itself."""
    yield
    assert leftovers(parts.engine, OWNER.installation) == []


def names(parts: Parts) -> set[str]:
    return {one.name for one in parts.engine.volumes.all()}


# -- volumes -------------------------------------------------------------------------------------


def test_odd_files_of_a_volume_in_use_are_cloned_read_unpacked_and_put_back_as_they_are(
    parts: Parts,
) -> None:
    parts.shell("parts-odd", ODD_FILES)
    user = parts.client.containers.run(
        BUSYBOX, ["sleep", "600"], volumes={"parts-odd": {"bind": "/v"}}, detach=True
    )
    volumes = parts.volumes()
    digest = volumes.digest("parts-odd")
    clone = volumes.clone("parts-odd")
    staged = volumes.unpack(volumes.read(clone))
    assert clone.startswith("ai-backup-0123456789ab-")
    assert (volumes.digest(clone), volumes.digest(staged)) == (digest, digest)
    parts.shell("parts-odd", "cd /v; rm -r a; echo new > .new; echo other > absolute2; chmod 755 .")
    for _ in "repeated", "after an interruption":
        volumes.replace("parts-odd", staged, {})
        assert volumes.digest("parts-odd") == digest
    user.remove(force=True)
    volumes.replace("parts-gone", staged, {"Labels": {"of": "the target"}})
    assert volumes.digest("parts-gone") == digest
    gone = parts.engine.volumes.find("parts-gone")
    assert gone
    assert gone.labels == {"of": "the target"}
    for volume in (clone, staged, staged):
        volumes.remove(volume)


def test_a_copy_that_does_not_fit_says_so(parts: Parts) -> None:
    parts.shell("parts-large", "head -c 3000000 /dev/urandom > /v/large")
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    with pytest.raises(BackupError, match=r"parts-large.* copied: cp: .*No space left on device"):
        parts.volumes().replace("parts-small", "parts-large", {"DriverOpts": options})


def broken_pieces() -> Iterator[bytes]:
    yield bytes(512)
    raise OSError("the disk of the backup is gone")


def refused_pieces() -> Iterator[bytes]:
    for _ in range(400):  # more than any buffer holds
        yield b"no tar " * 20_000


@pytest.mark.parametrize(
    ("pieces", "error"), [(broken_pieces, OSError), (refused_pieces, EngineRequestError)]
)
def test_a_tar_that_can_not_be_read_or_is_refused_leaves_no_volume(
    parts: Parts, pieces: Callable[[], Iterator[bytes]], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"disk of the backup|unexpected EOF|invalid tar|archive"):
        parts.volumes().unpack(pieces())


def cancel_reading(volumes: BackupVolumes, cancelled: Cancellation, _: Parts) -> None:
    for _piece in volumes.read("parts-endless"):
        cancelled.set()


def cancel_unpacking(volumes: BackupVolumes, cancelled: Cancellation, parts: Parts) -> None:
    def pieces() -> Iterator[bytes]:
        for number, piece in enumerate(parts.volumes().read("parts-endless")):
            if number == 100:
                cancelled.set()
            yield piece

    volumes.unpack(pieces())


def cancel_copying(volumes: BackupVolumes, cancelled: Cancellation, parts: Parts) -> None:
    def copies() -> bool:
        found = parts.engine.containers.summaries()
        return any(one.status == "running" and one.name.startswith(CONTAINERS) for one in found)

    def cancel() -> None:
        eventually(copies, "the copy")
        cancelled.set()

    threading.Thread(target=cancel, daemon=True).start()
    volumes.clone("parts-endless")


@pytest.mark.parametrize("stage", [cancel_reading, cancel_unpacking, cancel_copying])
def test_a_cancellation_ends_each_stage_and_leaves_nothing(
    parts: Parts, stage: Callable[[BackupVolumes, Cancellation, Parts], None]
) -> None:
    parts.shell("parts-endless", "truncate -s 30G /v/endless")
    cancelled = Cancellation()
    with pytest.raises(CancelledError):
        stage(parts.volumes(cancelled), cancelled, parts)


def test_what_a_killed_process_left_is_no_module_s_and_is_removed_unless_a_journal_keeps_it(
    parts: Parts,
) -> None:
    stopped = contextlib.ExitStack()
    for operation in ("kept", "lost"):
        volumes = BackupVolumes(parts.engine, OWNER, operation, Cancellation())
        volumes.create()
        stopped.enter_context(volumes.container({"Image": BUSYBOX}))
    parts.engine.volumes.create("parts-other", {"Labels": {"io.aiserver.backup": "another"}})
    assert parts.engine.containers.summaries(OWNER.installation) == []
    remove_leftovers(parts.engine, OWNER.installation, {"kept"})
    found = leftovers(parts.engine, OWNER.installation)
    assert [(one.kind, one.operation) for one in found] == [
        ("container", "kept"),
        ("volume", "kept"),
    ]
    remove_leftovers(parts.engine, OWNER.installation, ())
    assert "parts-other" in names(parts)
    stopped.close()


# -- databases -----------------------------------------------------------------------------------

CONTENT = {
    "postgres": """SET ROLE n8n; CREATE EXTENSION "uuid-ossp";
        CREATE TABLE t (id serial PRIMARY KEY, text text, u uuid DEFAULT uuid_generate_v4());
        INSERT INTO t (text) SELECT repeat('x', 500) FROM generate_series(1, 5000);
        CREATE TABLE child (t_id int REFERENCES t); INSERT INTO child VALUES (7);
        COMMENT ON TABLE t IS 'of the module'; CREATE VIEW v AS SELECT id FROM t;
        SELECT lo_from_bytea(4711, 'large')""",
    "mysql": """CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, text text);
        INSERT INTO t (text) SELECT REPEAT('x', 500) FROM seq_1_to_5000;
        CREATE TABLE child (t_id int, CONSTRAINT f FOREIGN KEY (t_id) REFERENCES t (id));
        INSERT INTO child VALUES (7)""",
}
LAST_WORDS = {"postgres": "closed the connection", "mysql": "Lost connection"}
"""Of a dump whose session was ended."""
LATE = "INSERT INTO t (text) VALUES ('late')"


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest, ready: Parts) -> Iterator[Dialect]:
    """Of a server with a database, n8n, that is a module's."""
    found: Dialect = request.param
    owned = "CREATE ROLE n8n; CREATE DATABASE n8n OWNER n8n"
    for statement in (owned if found == "postgres" else "CREATE DATABASE n8n").split("; "):
        ready.sql(found, statement)
    ready.sql(found, CONTENT[found], "n8n")
    yield found
    server = ready.server(found)
    for database in server.databases():
        server.drop(database)
    if found == "postgres":
        ready.sql(found, "DROP ROLE IF EXISTS n8n")


def test_a_dump_has_the_moment_of_its_begin_and_is_swapped_in_and_back(
    ready: Parts, dialect: Dialect
) -> None:
    server = ready.server(dialect)
    dump = server.dump("n8n")
    ready.sql(dialect, LATE, "n8n")
    server.load("n8n__restore", "n8n", dump)

    def rows(database: str) -> str:
        return ready.sql(dialect, "SELECT count(*) FROM t", database)

    assert (rows("n8n"), rows("n8n__restore")) == ("5001", "5000")
    assert server.tables("n8n__restore").keys() == server.tables("n8n").keys()
    assert server.size("n8n__restore") > 10_000
    for _ in "repeated", "after an interruption":
        server.swap("n8n", "n8n__restore", "n8n__before")
        assert server.is_swapped("n8n__restore")
        assert (rows("n8n"), rows("n8n__before")) == ("5000", "5001")
    server.load("n8n__copy", "n8n", server.dump("n8n__before"))
    assert rows("n8n__copy") == "5001", "what was there can be saved beside it"
    ready.sql(dialect, LATE, "n8n")  # its number is the next one, and its parent is there
    assert int(ready.sql(dialect, "SELECT max(id) FROM t", "n8n")) > 5000
    assert ready.sql(dialect, "SELECT t.id FROM t JOIN child ON t.id = t_id", "n8n") == "7"
    for _ in "repeated", "after an interruption":
        server.swap_back("n8n", "n8n__restore", "n8n__before")
        assert not server.is_swapped("n8n__restore")
        assert (rows("n8n"), rows("n8n__restore")) == ("5001", "5001")


def interrupted(parts: Parts, dialect: Dialect, folder: Path, existed: bool) -> BackupJournal:  # noqa: FBT001 - as the journal has it
    """The journal of a restore of the database that was killed once it had swapped."""
    journal = Settings(Home(folder, "home")).unended
    names = {"database": "n8n", "new": "n8n__restore", "old": "n8n__before"}
    swapped = SwappedDatabase(server=dialect, existed=existed, **names)
    entry = Unended(kind="restore", modules=["n8n"], state="swapped", databases=[swapped])
    with journal.operation(OPERATION, entry):
        pass
    return journal


class KilledError(Exception):
    """As the kill of a process, it is no error of ours."""


@pytest.mark.parametrize("before", ["swapped", "not swapped", "nothing there"])
def test_what_was_there_survives_each_repetition_of_an_interrupted_putting_back(
    ready: Parts, dialect: Dialect, before: str, tmp_path: Path
) -> None:
    server = ready.server(dialect)
    server.load("n8n__restore", "n8n", server.dump("n8n"))
    ready.sql(dialect, LATE, "n8n")
    if before == "nothing there":
        server.drop("n8n")
    if before != "not swapped":
        server.swap("n8n", "n8n__restore", "n8n__before")
    journal = interrupted(ready, dialect, tmp_path, before != "nothing there")
    where = "settings"

    def stop_at(place: str) -> None:
        if place == where:
            raise KilledError

    app = SimpleNamespace(
        settings=SimpleNamespace(put_back=lambda *_: stop_at("settings")), models=[]
    )
    given = {"app": app, "engine": ready.engine, "owner": OWNER, "volumes": lambda *_: None}
    tools = cast("Any", SimpleNamespace(**given, server=lambda *_: Dropping(server)))
    stage = cast("Any", SimpleNamespace(up=lambda _: None, remove=lambda _: None))

    class Dropping:
        """The server, which may be left before or after it drops something."""

        def __init__(self, whole: Server) -> None:
            self.swap_back, self.exists, self._drop = whole.swap_back, whole.exists, whole.drop

        def drop(self, name: str) -> None:
            stop_at("before the drop")
            self._drop(name)
            stop_at("after the drop")

    for place in ("settings", "before the drop", "after the drop", "after the drop"):
        where = place
        with pytest.raises(KilledError):
            wind_up(stage, tools, journal, OPERATION)
    where = ""
    wind_up(stage, tools, journal, OPERATION)
    assert journal.all == {}
    if before != "nothing there":
        assert server.databases() == ["n8n"]
        assert ready.sql(dialect, "SELECT count(*) FROM t", "n8n") == "5001"
    elif "n8n" in server.databases():
        assert server.tables("n8n") == {}


def program(parts: Parts, container: str, *command: str, **env: str) -> Callable[[bytes], str]:
    """Runs *command* there with an input; its output, once it has succeeded."""

    def run(given: bytes) -> str:
        body = {"Cmd": [*command], "Env": [f"{name}={value}" for name, value in env.items()]}
        found = parts.engine.containers.program(container, body, Cancellation())
        output = found.feed([given])
        assert found.exit_code == 0, found.errors
        return output.decode().strip()

    return run


def test_the_module_s_job_gives_a_restored_database_to_its_role(ready: Parts) -> None:
    server = ready.server("postgres")
    job = program(ready, "parts-postgres", "psql", "-v", "ON_ERROR_STOP=1", N8N_DB_PASSWORD="new")
    job(JOB.read_bytes())
    ready.sql("postgres", CONTENT["postgres"], "n8n")
    pieces = list(server.dump("n8n"))
    server.drop("n8n")
    ready.sql("postgres", "DROP ROLE n8n")
    server.load("n8n", "n8n", pieces)  # as on another computer, before the module's first start
    job(JOB.read_bytes())
    address = "postgresql://n8n:new@127.0.0.1/n8n"
    module = program(ready, "parts-postgres", "psql", "-qtA", "-v", "ON_ERROR_STOP=1", address)
    questions = b"SELECT count(*) FROM v; INSERT INTO t DEFAULT VALUES; SELECT lo_unlink(4711);"
    assert (
        module(
            questions
            + b"COMMENT ON TABLE t IS ''; DROP VIEW v; DROP EXTENSION \"uuid-ossp\" CASCADE"
        )
        == "5000\n1"
    )
    assert ready.sql("postgres", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'ai%'") == "0"
    server.drop("n8n")
    ready.sql("postgres", "DROP ROLE n8n")


def sessions(parts: Parts, dialect: Dialect) -> str:
    views = {
        "postgres": "pg_stat_activity WHERE datname = 'n8n'",
        "mysql": "information_schema.PROCESSLIST WHERE DB = 'n8n'",
    }
    return parts.sql(dialect, f"SELECT count(*) FROM {views[dialect]}")


def is_held(parts: Parts, dialect: Dialect) -> bool:
    """Whether the session of a dump waits for its reader, in the middle of a table: between two
    statements, the server ends it in other words."""
    conditions = {
        "postgres": "pg_stat_activity WHERE datname = 'n8n' AND wait_event = 'ClientWrite'",
        "mysql": "information_schema.PROCESSLIST WHERE DB = 'n8n' AND STATE = 'Writing to net'",
    }
    return parts.sql(dialect, f"SELECT count(*) FROM {conditions[dialect]}") == "1"


def test_a_dump_that_fails_says_why_and_one_that_is_left_ends(
    ready: Parts, dialect: Dialect
) -> None:
    server = ready.server(dialect)
    with pytest.raises(BackupError, match="no_such"):
        server.dump("no_such")
    killed = server.dump("n8n")
    eventually(lambda: is_held(ready, dialect), "a dump that nobody reads")
    if dialect == "postgres":
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'n8n'"
    else:
        ids = "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'n8n'"
        statement = f"KILL {ready.sql(dialect, ids)}"
    ready.sql(dialect, statement)
    with pytest.raises(BackupError, match=rf"(?s)n8n.*{LAST_WORDS[dialect]}"):
        list(killed)
    server.dump("n8n").close()
    eventually(lambda: sessions(ready, dialect) == "0", "the end of the closed dump")
    cancelled = Cancellation()
    dump = ready.server(dialect, cancelled).dump("n8n")
    cancelled.set()
    with pytest.raises(CancelledError):
        list(dump)
    eventually(lambda: sessions(ready, dialect) == "0", "the end of the cancelled dump")


def test_a_load_that_fails_or_is_cancelled_leaves_no_database(
    ready: Parts, dialect: Dialect
) -> None:
    server = ready.server(dialect)
    pieces = list(server.dump("n8n"))
    cancelled = Cancellation()

    def cancelling() -> Iterator[bytes]:
        yield pieces[0]
        cancelled.set()
        yield from pieces[1:]

    def broken() -> Iterator[bytes]:
        yield pieces[0]
        raise OSError("the file is gone")

    with pytest.raises(CancelledError):
        ready.server(dialect, cancelled).load("n8n__restore", "n8n", cancelling())
    with pytest.raises(OSError, match="the file is gone"):
        server.load("n8n__restore", "n8n", broken())
    with pytest.raises(RestoreError, match="exists already"):
        server.load("n8n", "n8n", pieces)
    assert server.databases() == ["n8n"]


# -- hostile dumps -------------------------------------------------------------------------------


def hostile_maker(parts: Parts, dialect: Dialect) -> Callable[[str], bytes]:
    """Makes a dump that the server's own program takes, with a statement; PostgreSQL's has it where
    there was a view."""
    if dialect == "mysql":
        return lambda statement: f"CREATE TABLE t (id INT);\n{statement}\n".encode()
    parts.sql(dialect, f"CREATE VIEW hostile AS SELECT '{200 * 'x'}'::text AS text", "n8n")
    data = b"".join(parts.server(dialect).dump("n8n"))
    begin = data.index(b"CREATE VIEW public.hostile AS")
    end = data.index(b";\n", begin)
    return lambda text: data[:begin] + text.encode().ljust(end - begin) + data[end:]


HOSTILE = {
    "postgres": (
        "RESET ROLE; RESET SESSION AUTHORIZATION; CREATE ROLE evil SUPERUSER",
        "SET ROLE n8n",
        "COPY public.t (text) FROM PROGRAM 'touch /tmp/evil'",
        "ALTER DATABASE n8n RENAME TO evil",
        "CREATE EXTENSION dblink",
    ),
    "mysql": (
        "CREATE USER evil;",
        "system touch /tmp/evil",
        "\\! touch /tmp/evil",
        "USE n8n; DROP TABLE child;",
        "SELECT 1 INTO OUTFILE '/tmp/evil';",
        "CREATE TRIGGER evil BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1;",
    ),
}
ROLES = {
    "postgres": "SELECT count(*) FROM pg_roles",
    "mysql": "SELECT count(*) FROM mysql.global_priv",
}


def test_a_hostile_dump_gets_no_rights_and_leaves_nothing(ready: Parts, dialect: Dialect) -> None:
    server = ready.server(dialect)
    dump_with = hostile_maker(ready, dialect)
    roles = ready.sql(dialect, ROLES[dialect])
    for statement in HOSTILE[dialect]:
        with pytest.raises(RestoreError, match="n8n__restore"):
            server.load("n8n__restore", "n8n", [dump_with(statement)])
        assert server.databases() == ["n8n"], statement
        assert ready.sql(dialect, ROLES[dialect]) == roles, statement
    assert ready.sql(dialect, "SELECT count(*) FROM child", "n8n") == "1"
    container = ready.client.containers.get(f"parts-{dialect}")
    assert container.exec_run(["test", "-e", "/tmp/evil"])[0] == 1


def test_a_dump_is_not_restored_for_an_administrator(ready: Parts) -> None:
    with pytest.raises(RestoreError, match="postgres is an administrator"):
        ready.server("postgres").load("n8n", "postgres", ())


def test_what_mysql_can_not_move_is_refused_before_the_dump(ready: Parts) -> None:
    ready.sql("mysql", "CREATE DATABASE n8n; CREATE VIEW n8n.v AS SELECT 1")
    with pytest.raises(BackupError, match=r"n8n.*views"):
        ready.server("mysql").dump("n8n")
    ready.server("mysql").drop("n8n")


# -- a server for one check, and Redis -----------------------------------------------------------


def test_a_throw_away_server_loads_a_dump_refuses_what_is_none_and_leaves_nothing(
    ready: Parts, dialect: Dialect
) -> None:
    image = POSTGRES if dialect == "postgres" else MYSQL
    dump = ready.server(dialect).dump("n8n")
    cancelled = Cancellation()
    with throw_away_server(ready.engine, image, dialect, OWNER, OPERATION, cancelled) as server:
        server.load("n8n", "n8n", dump)
        tables = server.tables("n8n")
        entry = ManifestEntry("", dialect, "n8n", "broken", 0, "", dialect)
        file = cast("BackupFile", SimpleNamespace(read=lambda _: [b"no dump"]))
        with pytest.raises(BackupDamagedError, match="broken can't be restored"):
            proof._load(server, file, entry, lambda _: None)
        (found,) = (
            one for one in leftovers(ready.engine, "backup-parts") if one.kind == "container"
        )
        networks = ready.client.containers.get(found.name).attrs["NetworkSettings"]["Networks"]
        assert [*networks] == ["none"]
    assert tables.keys() == ready.server(dialect).tables("n8n").keys()


def test_only_the_named_databases_of_redis_are_cleared(parts: Parts) -> None:
    redis = program(parts, "parts-redis", "redis-cli", REDISCLI_AUTH=PASSWORD)
    eventually(lambda: redis(b"PING\n") == "PONG", "Redis")
    redis(b"SELECT 1\nSET kept 1\nSELECT 2\nSET gone 1\nSELECT 3\nSET gone 1\n")
    Redis(parts.engine, "parts-redis", PASSWORD, Cancellation()).clear([2, 3])
    sizes = redis(b"SELECT 1\nDBSIZE\nSELECT 2\nDBSIZE\nSELECT 3\nDBSIZE\n")
    assert sizes.split() == ["OK", "1", "OK", "0", "OK", "0"]
    with pytest.raises(RestoreError, match=r"database 1: .*AUTH"):
        Redis(parts.engine, "parts-redis", "wrong", Cancellation()).clear([1])
