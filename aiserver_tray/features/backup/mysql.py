"""MySQL and MariaDB as a backup uses them."""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

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

_MARKER = "ai_restore_marker"
"""A table that `load` adds, and that moves with the others in the one statement that swaps: its
database says whether that is done."""
_OWN = "('information_schema', 'mysql', 'performance_schema', 'sys')"
_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, REFERENCES, LOCK TABLES, "
    "CREATE TEMPORARY TABLES"
)
_CHARSET = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
"""As the modules' jobs create databases. Tables have their own."""


class Mysql(Server):
    """Only databases of plain InnoDB tables. Views, triggers, routines and events can't be moved
    from one database to another, and no other kind of table is dumped as of one moment."""

    def databases(self) -> list[str]:
        return list(
            self._ask(
                "SELECT COALESCE(JSON_ARRAYAGG(SCHEMA_NAME), JSON_ARRAY()) "
                f"FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN {_OWN}"
            )
        )

    def size(self, database: str) -> int:
        return int(
            self._ask(
                "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) "
                f"FROM information_schema.TABLES WHERE TABLE_SCHEMA = {literal(database)}"
            )
        )

    def tables(self, database: str) -> dict[str, int]:
        found = self._rows(database)
        found.pop(_MARKER, None)
        return found

    def dump(self, database: str) -> Dump:
        fail = not_dumped(database)
        self._refuse_unfit(database, fail)
        command = _program(
            "mariadb-dump", "mysqldump", f"--user={self.user}", "--single-transaction", "--quick",
            "--skip-triggers", "--skip-add-locks", "--no-tablespaces", "--hex-blob",
            "--default-character-set=utf8mb4", "--loose-set-gtid-purged=OFF",
            f"--ignore-table={database}.{_MARKER}", "--", database,
        )  # fmt: skip
        # The server drops a connection whose client does not read for a while: the session of the
        # dump gets a longer time from the server, because MariaDB's program has no option for it.
        seconds = self._ask("SELECT @@GLOBAL.net_write_timeout")
        self._tell(f"SET GLOBAL net_write_timeout = {_DAY_SECONDS};")
        try:
            # The head of the dump is written before the transaction begins, the first table after.
            return self._begin(command, self._login(), b"\n-- Table structure", fail)
        finally:
            self._tell(f"SET GLOBAL net_write_timeout = {int(seconds)};")

    def _load(self, database: str, owner: str, pieces: Iterable[bytes], fail: Failure) -> None:  # noqa: ARG002 - see below
        """The dump's SQL runs as a user with rights for tables of *database* only, and without the
        commands of the client. The module's own job creates *owner* and its rights."""
        loader, password = loader_of(database), secrets.token_hex()
        self._tell(
            f"DROP USER IF EXISTS {account(loader)};"
            f"CREATE USER {account(loader)} IDENTIFIED BY {literal(password)};"
            f"CREATE DATABASE {name(database)} {_CHARSET};"
            f"GRANT {_RIGHTS} ON {pattern(database)}.* TO {account(loader)};"
        )
        command = _program(
            "mariadb", "mysql", f"--user={loader}", "--batch", "--binary-mode",
            "--local-infile=0", "--default-character-set=utf8mb4", f"--database={database}",
        )  # fmt: skip
        self._run(command, {"MYSQL_PWD": password}, pieces, fail)
        self._refuse_unfit(database, fail)
        self._tell(
            f"DROP USER {account(loader)};"
            f"CREATE TABLE {name(database)}.{name(_MARKER)} (id INT) ENGINE=InnoDB;"
        )

    def is_swapped(self, new: str) -> bool:
        return _MARKER not in self._rows(new)

    def swap_back(self, database: str, new: str, old: str) -> None:
        super().swap_back(database, new, old)
        if not self._rows(old):  # its tables have moved, and our marker with them
            self.drop(old)

    def drop(self, database: str) -> None:
        self._end_sessions(database)
        self._tell(
            f"DROP DATABASE IF EXISTS {name(database)};"
            f"DROP USER IF EXISTS {account(loader_of(database))};"
        )

    def _greet(self) -> None:
        arguments = ("--host=127.0.0.1", f"--user={self.user}", "--execute=SELECT 1")
        self._run(_program("mariadb", "mysql", *arguments), self._login(), (), refused)

    def _move(self, database: str, away: str, source: str) -> None:
        """One statement moves all tables, and is done as a whole or not at all."""
        renames = [
            f"{name(before)}.{name(table)} TO {name(after)}.{name(table)}"
            for before, after in ((database, away), (source, database))
            for table in self.tables(before)
        ]
        renames.append(f"{name(source)}.{name(_MARKER)} TO {name(away)}.{name(_MARKER)}")
        for one in (database, away, source):
            self._end_sessions(one)
            self._tell(f"CREATE DATABASE IF NOT EXISTS {name(one)} {_CHARSET};")
        self._tell(f"RENAME TABLE {', '.join(renames)};")

    def _rows(self, database: str) -> dict[str, int]:
        """The tables of *database* with their rows, also our marker."""
        return dict(
            self._ask(
                "SELECT COALESCE(JSON_OBJECTAGG(TABLE_NAME, COALESCE(TABLE_ROWS, 0)), "
                "JSON_OBJECT()) FROM information_schema.TABLES "
                f"WHERE TABLE_SCHEMA = {literal(database)}"
            )
        )

    def _refuse_unfit(self, database: str, fail: Failure) -> None:
        """Raises what *fail* makes if *database* has something else than plain tables."""
        sources = {
            "TABLES": "TABLE_SCHEMA = {} AND (TABLE_TYPE <> 'BASE TABLE' OR ENGINE <> 'InnoDB')",
            "TRIGGERS": "TRIGGER_SCHEMA = {}",
            "ROUTINES": "ROUTINE_SCHEMA = {}",
            "EVENTS": "EVENT_SCHEMA = {}",
        }
        counts = " + ".join(
            f"(SELECT COUNT(*) FROM information_schema.{view} "
            f"WHERE {condition.format(literal(database))})"
            for view, condition in sources.items()
        )
        if self._ask(f"SELECT {counts}"):
            raise fail(Text("it has views, triggers, routines, events, or tables without InnoDB"))

    def _end_sessions(self, database: str) -> None:
        ids = self._ask(
            "SELECT COALESCE(JSON_ARRAYAGG(ID), JSON_ARRAY()) FROM information_schema.PROCESSLIST "
            f"WHERE DB = {literal(database)} AND ID <> CONNECTION_ID()"
        )
        for session in ids:
            try:
                self._tell(f"KILL {int(session)};")
            except BackupError:  # it has just ended
                continue

    def _ask(self, question: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self._tell(question + ";"))

    def _tell(self, statements: str) -> bytes:
        arguments = ("--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4")
        command = _program("mariadb", "mysql", f"--user={self.user}", *arguments)
        text = f"{_SESSION}\n{statements}\n"
        return self._run(command, self._login(), [text.encode()], refused)

    def _login(self) -> Mapping[str, str]:
        return {"MYSQL_PWD": self.password}


_DAY_SECONDS = 86400
_SESSION = """SET SESSION sql_mode = '', group_concat_max_len = 16777216;
/*!80000 SET SESSION information_schema_stats_expiry = 0 */;"""
"""Quoting as below; long answers, which MariaDB cuts; and counts of today. MySQL alone runs the
second statement."""


def _program(mariadb: str, mysql: str, *arguments: str) -> tuple[str, ...]:
    """The command of either program, whichever there is."""
    script = 'program=$1; command -v "$program" >/dev/null || program=$2; shift 2; '
    return ("sh", "-c", f'{script}exec "$program" "$@"', "sh", mariadb, mysql, *arguments)


def name(text: str) -> str:
    """*text* as a name in SQL."""
    return "`" + text.replace("`", "``") + "`"


def pattern(text: str) -> str:
    """The database *text* as GRANT takes it: there, names are patterns."""
    for character in "\\_%":
        text = text.replace(character, "\\" + character)
    return name(text)


def literal(text: str) -> str:
    """*text* as a string in SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def account(user: str) -> str:
    """The account of *user*, which only connects through the server's socket."""
    return f"{literal(user)}@'localhost'"
