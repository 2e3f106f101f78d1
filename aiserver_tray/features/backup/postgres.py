"""PostgreSQL as a backup uses it."""

import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, ClassVar

from aiserver_tray.base.errors import BackupError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.servers import (
    Dump,
    Failure,
    Server,
    loader_of,
    not_dumped,
    refused,
)

_OPTIONS = (
    # A database's owner can set a search path for all sessions in it, with functions of their own.
    "-c search_path=pg_catalog -c standard_conforming_strings=on -c client_min_messages=warning "
    # Statements with passwords must not get into the server's log.
    "-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1"
)
_PSQL = (
    "psql", "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align",
    "--set=ON_ERROR_STOP=1",
)  # fmt: skip
_ADMINISTRATION = "postgres"
"""The database of the administrator's own sessions."""
_TABLES = """SELECT coalesce(json_object_agg(n.nspname || '.' || c.relname,
    CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint ELSE coalesce(s.n_live_tup, 0) END), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"""
_SWAPS = 5
"""Attempts: a client that is not a module may connect in the moment between."""


class Postgres(Server):
    _exec_options: ClassVar = {"User": "postgres"}

    def databases(self) -> list[str]:
        found = self._ask(
            "SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database "
            f"WHERE NOT datistemplate AND datname <> {literal(_ADMINISTRATION)}"
        )
        return list(found)

    def size(self, database: str) -> int:
        return int(self._ask(f"SELECT pg_database_size({literal(database)})"))

    def tables(self, database: str) -> dict[str, int]:
        return dict(self._ask(_TABLES, database))

    def dump(self, database: str) -> Dump:
        command = (
            "pg_dump", "--format=custom", "--compress=0", "--no-password",
            "--lock-wait-timeout=60s", f"--dbname={conninfo(database)}",
        )  # fmt: skip
        # In this format, it writes nothing before it has read what there is and locked the tables,
        # all within the transaction of the snapshot: the first byte is the sign.
        return self._begin(command, self._login(), b"PGDMP", not_dumped(database))

    def _copy_all(self, new: Server) -> None:
        """With roles, their passwords, and privileges."""
        if not isinstance(new, Postgres):
            raise TypeError(new)
        command = ("pg_dumpall", "--no-password")
        with closing(self._begin(command, self._login(), b"--", refused)) as dump:
            new.take_all(dump)

    def take_all(self, dump: Iterable[bytes]) -> None:
        """Take over the roles and databases that ``pg_dumpall`` of another server has written."""
        # The administrator is there already, which is an error that counts for nothing.
        command = (*_PSQL[:-1], f"--dbname={conninfo(_ADMINISTRATION)}")
        self._run(command, {**self._login(), "PGOPTIONS": _OPTIONS}, dump, refused)

    def _load(self, database: str, owner: str, pieces: Iterable[bytes], fail: Failure) -> None:
        """The dump's SQL runs as a role that is not an administrator and not *owner*: in a session
        of either, it could take back what it was given up. Of extensions it can create those that
        PostgreSQL trusts, such as uuid-ossp. Afterwards all belongs to *owner*, which is created
        without a login: the module's own job sets its password. Privileges of other roles and
        tablespaces are not restored."""
        if self._ask(
            f"SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname = {literal(owner)}"
        ):
            raise fail(Text("{owner} is an administrator", owner=owner))
        loader, password = loader_of(database), secrets.token_hex()
        self._tell(
            f"SELECT format('CREATE ROLE %I', {literal(owner)}) WHERE NOT EXISTS "
            f"(SELECT FROM pg_roles WHERE rolname = {literal(owner)}) \\gexec\n"
            f"DROP ROLE IF EXISTS {name(loader)};"
            f"CREATE ROLE {name(loader)} LOGIN PASSWORD {literal(password)};"
            f"CREATE DATABASE {name(database)} OWNER {name(loader)} TEMPLATE template0;"
            f"REVOKE ALL ON DATABASE {name(database)} FROM PUBLIC;"
        )
        command = (
            "pg_restore", "--no-owner", "--no-privileges", "--no-tablespaces",
            "--exit-on-error", "--no-password", f"--dbname={conninfo(database)}",
        )  # fmt: skip
        self._run(command, {"PGUSER": loader, "PGPASSWORD": password}, pieces, fail)
        self._tell(
            f"REASSIGN OWNED BY {name(loader)} TO {name(owner)};"
            f"DROP OWNED BY {name(loader)}; DROP ROLE {name(loader)};",
            database,
        )

    def is_swapped(self, new: str) -> bool:
        return not self.exists(new)

    def drop(self, database: str) -> None:
        self._tell(
            f"DROP DATABASE IF EXISTS {name(database)} WITH (FORCE);"
            f"DROP ROLE IF EXISTS {name(loader_of(database))};"
        )

    def drop_roles(self, roles: Iterable[str]) -> None:
        self._tell("".join(f"DROP ROLE IF EXISTS {name(role)};" for role in roles))

    def _greet(self) -> None:
        # By default, the database would have the name of the administrator.
        address = f"--dbname={conninfo(_ADMINISTRATION)} host=127.0.0.1"
        self._run((*_PSQL, address, "--command=SELECT"), self._login(), (), refused)

    def _move(self, database: str, away: str, source: str) -> None:
        there = self.databases()
        renamed = {database: away, source: database}
        if not (present := {a: b for a, b in renamed.items() if a in there}):
            return
        sessions = ", ".join(map(literal, present))
        renames = [f"ALTER DATABASE {name(a)} RENAME TO {name(b)};" for a, b in present.items()]
        for left in reversed(range(_SWAPS)):
            try:
                self._tell(
                    "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
                    f"WHERE datname IN ({sessions});\nBEGIN; {''.join(renames)} COMMIT;"
                )
            except BackupError:
                if not left:
                    raise
            else:
                return

    def _ask(self, question: str, database: str = _ADMINISTRATION) -> Any:  # noqa: ANN401 - JSON
        """The JSON that *question* selects. None: it is NULL, which psql prints as nothing."""
        return json.loads(self._tell(question, database).strip() or "null")

    def _tell(self, statements: str, database: str = _ADMINISTRATION) -> bytes:
        command = (*_PSQL, f"--dbname={conninfo(database)}")
        environment = {**self._login(), "PGOPTIONS": _OPTIONS}
        return self._run(command, environment, [statements.encode()], refused)

    def _login(self) -> Mapping[str, str]:
        return {"PGUSER": self.user, "PGPASSWORD": self.password, "PGCLIENTENCODING": "UTF8"}


def name(text: str) -> str:
    """*text* as a name in SQL."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """*text* as a string in SQL."""
    return "'" + text.replace("'", "''") + "'"


def conninfo(database: str) -> str:
    """The address of *database* at the server's socket. A bare name could be taken as one."""
    quoted = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{quoted}'"
