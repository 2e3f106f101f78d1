"""Copies of what belongs to others: taken while it stands still, proven by hashes, and read by
servers that are thrown away."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from aiserver_tray.base.errors import AdoptError, AiServerError, raise_all
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.adopt.sources import PG_DATA, Foreign, Source
from aiserver_tray.features.backup.journal import start_foreign
from aiserver_tray.features.backup.postgres import Postgres, literal, name
from aiserver_tray.features.backup.proof import SERVERS, await_server, throw_away_server
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.backup.planning import Tools
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.features.backup.volumes import BackupVolumes
    from aiserver_tray.settings.unended import BackupJournal
    from aiserver_tray.spec.model import Body

STOP_SECONDS = 120.0
"""That a program of others has to stop in. It is never killed."""
_POLL_SECONDS: Final = 0.2
_LAST_LINES: Final = 8


class SourceServer(Postgres):
    """A PostgreSQL server as adoptions ask it."""

    def create(self, database: str) -> None:
        """Create the empty *database*."""
        self._tell(f"CREATE DATABASE {name(database)} TEMPLATE template0;")

    def count(self, database: str, table: str) -> int:
        """The rows of *table*. Zero: there is no such table."""
        there = self._ask(
            f"SELECT to_json(to_regclass({literal(f'public.{table}')})::text)", database
        )
        return (
            int(self._ask(f"SELECT count(*) FROM public.{name(table)}", database)) if there else 0
        )

    def rows(self, database: str) -> dict[str, int]:
        """The rows of each table of *database*, counted."""
        parts = [
            f"SELECT {literal(one)} AS t, count(*) AS n "
            f"FROM {'.'.join(map(name, one.split('.', 1)))}"
            for one in self.tables(database)
        ]
        if not parts:
            return {}
        question = f"SELECT json_object_agg(t, n) FROM ({' UNION ALL '.join(parts)}) AS counted"
        return dict(self._ask(question, database))

    def values(self, database: str, question: str) -> Any:  # noqa: ANN401 - JSON
        """The JSON that *question* selects."""
        return self._ask(question, database)

    def execute(self, database: str, statements: str) -> None:
        self._tell(statements, database)

    def logins(self) -> dict[str, str | None]:
        """Of each role that may log in and is no administrator, its password as the server stores
        it."""
        found = self._ask(
            "SELECT coalesce(json_object_agg(rolname, rolpassword), '{}') FROM pg_authid "
            "WHERE rolcanlogin AND NOT rolsuper"
        )
        return dict(found)

    def give_logins(self, logins: Mapping[str, str | None]) -> None:
        """Let the roles *logins* log in with their passwords, and create those that are missing."""
        self._tell("".join(
            f"SELECT format('CREATE ROLE %I', {literal(role)}) WHERE NOT EXISTS "
            f"(SELECT FROM pg_roles WHERE rolname = {literal(role)}) \\gexec\n"
            f"ALTER ROLE {name(role)} LOGIN PASSWORD {literal(word) if word else 'NULL'};\n"
            for role, word in logins.items()
        ))  # fmt: skip

    def roles(self) -> list[str]:
        return list(self._ask("SELECT json_agg(rolname) FROM pg_roles"))

    def owner(self, database: str) -> str | None:
        """The role that owns *database*. None: an administrator."""
        found = self._ask(
            "SELECT to_json(CASE WHEN r.rolsuper THEN NULL ELSE r.rolname END) FROM pg_database d "
            f"JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = {literal(database)}"
        )
        return None if found is None else str(found)

    def renew_sequences(self, database: str) -> None:
        """Let new rows of *database* get numbers after those that are there."""
        self._tell(
            "SELECT format('DO $$BEGIN PERFORM setval(%L, greatest((SELECT coalesce(max(%I), 0) "
            "FROM %I.%I), 1)); END$$', s, column_name, table_schema, table_name) FROM (SELECT *, "
            "pg_get_serial_sequence(format('%I.%I', table_schema, table_name), column_name) AS s "
            "FROM information_schema.columns WHERE table_schema = 'public') AS found "
            "WHERE s IS NOT NULL \\gexec\n",
            database,
        )


@dataclass
class Copying:
    """Takes the copies of *source* within *stage*, for the operation *id*."""

    tools: "Tools"
    journal: "BackupJournal"
    stage: "Stage"
    source: Source
    module: str
    id: str
    volumes: "BackupVolumes"
    clones: dict[str, str] = field(default_factory=dict, init=False)
    """By what it is, the volume with its copy."""
    still: float = field(default=0.0, init=False)
    """Seconds for which the source stood still."""
    _digests: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def _engine(self) -> "Engine":
        return self.tools.engine

    # -- while it stands still ---------------------------------------------------------------------

    def take(self) -> None:
        """Copy its data while it stands still, and start it again as it was.

        Raises:
            AdoptError: it does not stop, or the copy differs. It runs as before.
        """
        ran = [one for one in self.source.members if one.running]
        with self.journal.update(self.id) as entry:
            entry.foreign = [one.id for one in reversed(ran)]
        begun = awake()
        try:
            for one in ran:
                with self.stage.step("stop", one.name, self.module):
                    stop(self._engine, one)
            copies = {source: self._cloned(source) for source in self.source.sources}
        finally:
            self._start(ran)
            self.still = awake() - begun if ran else 0.0
        self.clones = {what: copies[mount.source] for what, mount in self.source.data.items()}
        for source, clone in copies.items():
            with self.stage.step("proof", source, self.module):
                if self.volumes.digest(clone) != self._digests[source]:
                    text = Text("The copy of {source} is not what is there.", source=source)
                    raise AdoptError(text, module=self.module)

    def _cloned(self, source: str) -> str:
        """The copy of the volume or folder *source*, whose hash is taken as well."""
        with self.stage.step("clone", source, self.module):
            clone = self.volumes.clone(source)
            self._digests[source] = self.volumes.digest(source)
        return clone

    def _start(self, ran: Sequence[Foreign]) -> None:
        if ran:
            # Not a step of `stage`, which begins none once the user has cancelled.
            raise_all(start_foreign(self.tools, self.journal, self.id))

    # -- servers that are thrown away --------------------------------------------------------------

    @contextmanager
    def server(self) -> Iterator[SourceServer]:
        """A PostgreSQL server without a network on the copy of the source's databases."""
        if (found := self.source.database) is None:
            raise TypeError(self.source)
        kind, user = SERVERS["postgres"], found.environment.get("POSTGRES_USER", "postgres")
        names = ("POSTGRES_USER", "PGDATA", "LANG", "LC_ALL")
        given = {n: found.environment[n] for n in names if n in found.environment}
        target = self.source.data["database"].target
        body: Body = {
            "Image": found.image_id,
            "Entrypoint": None,
            "Cmd": [*kind.command],
            "User": "",
            "Env": [f"{name}={value}" for name, value in ({"PGDATA": PG_DATA} | given).items()],
            "HostConfig": {
                "NetworkMode": "none",
                "LogConfig": {"Type": "json-file"},
                "Mounts": [{"Type": "volume", "Source": self.clones["database"], "Target": target}],
            },
        }
        engine, cancelled, password = self._engine, self.stage.cancelled, secrets.token_hex()
        with self.volumes.container(body) as container:
            engine.containers.start(container)
            self._set_password(container, user, password)
            server = SourceServer(engine, container, user, password, cancelled)
            await_server(server, engine, container, cancelled)
            yield server

    @contextmanager
    def empty_server(self) -> Iterator[SourceServer]:
        """A new one with the image of ours."""
        image = self.stage.image(self.tools.app.target("postgres").services[0].image)
        where = self.tools.owner, self.id, self.stage.cancelled
        with throw_away_server(self._engine, image, "postgres", *where) as server:
            yield server.seen_as(SourceServer)

    def _set_password(self, container: str, user: str, password: str) -> None:
        """Nobody may know the one that the copy has: its socket asks for none, as the image sets it
        up."""
        script = (
            'until psql -U "$1" -d template1 -qc "ALTER ROLE \\"$1\\" PASSWORD \'$SECRET\'"; '
            "do sleep 0.3; done"
        )
        body = {
            "Cmd": ["sh", "-c", script, "sh", user],
            "Env": [f"SECRET={password}"],
            "User": "postgres",
            "AttachStderr": True,
        }
        run = self._engine.containers.run
        code, lines = run(container, body, seconds=STOP_SECONDS, cancelled=self.stage.cancelled)
        if code:
            said = self._engine.containers.tail(container, _LAST_LINES)
            text = Text(
                "The copy of the database does not start: {why}", why=" ".join(said or lines)
            )
            raise AdoptError(text, module=self.module)

    def run(self, body: "Body", fail: Callable[[str], AiServerError]) -> list[str]:
        """Run a container of *body* until it exits, and return its output. Raises what *fail* makes
        of its last words if it fails."""
        containers = self._engine.containers
        with self.volumes.container(body) as container:
            containers.start(container)
            code = containers.outcome(container, self.stage.cancelled)
            lines = containers.tail(container, 1000)
        if code:
            raise fail(" ".join(lines[-_LAST_LINES:]))
        return lines


def stop(engine: "Engine", one: Foreign) -> None:
    """Ask the container *one* to stop, and wait, also if the user cancels meanwhile: it could not
    be started again before it has stopped. It is not killed.

    Raises:
        AdoptError: it does not stop.
    """
    containers, deadline = engine.containers, awake() + STOP_SECONDS

    def status() -> str:
        return str(containers.definition(one.id)["State"]["Status"])

    match status():
        case "running":
            containers.signal(one.id, one.signal)
        case "restarting":  # no process of it runs
            containers.stop(one.id)
    while status() in ("running", "restarting", "paused"):
        if awake() > deadline:
            text = Text(
                "{container} did not stop within {seconds} s. Nothing was changed, but it may "
                "still stop. Stop it yourself, then copy it again.",
                container=one.name,
                seconds=round(STOP_SECONDS),
            )
            raise AdoptError(text)
        sleep(_POLL_SECONDS)
