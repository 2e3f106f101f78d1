"""Database servers as a backup uses them, and the programs that run in their containers."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from copy import copy
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, TypeVar

from aiserver_tray.base.errors import AiServerError, BackupError, RestoreError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.engine.execution import Program

_BOUND = """token=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & program=$!
{ read -r _ <&3; kill "$program"; } >/dev/null 2>&1 & watcher=$!
wait "$program"; code=$?
{ kill "$watcher"; wait "$watcher"; } 2>/dev/null
printf '%s%03d' "$token" "$code"
read -r _ <&3"""
"""Runs a program that reads nothing, and ends it with the connection: by itself, an exec goes on
when its client is gone. After the output, it writes a token and the exit code, and waits: when the
first process of an exec exits, the engine waits only two seconds for a slow reader of the rest. It
waits for each of its own processes: PostgreSQL takes a process without a parent that was killed for
one of its server, and ends all sessions."""
_CODE_DIGITS = 3

_Kind = TypeVar("_Kind", bound="Server")

Failure = Callable[[object], AiServerError]
"""Makes an error from the reason, such as the last words of a program."""


class Dump:
    """A database as it was when this object was returned. Iterate it once, in any thread; `close`
    it from any. Its program ends with the connection, also if this process is killed.

    Until it has been read, PostgreSQL refuses to change the structure of the database's tables:
    what migrates them waits."""

    def __init__(self, program: "Program", token: bytes, fail: Failure) -> None:
        self._program = program
        self._token = token
        self._fail = fail
        self._pieces = self._whole()
        self._begin = b""

    def await_sign(self, sign: bytes) -> None:
        """Read until the output has *sign*. Raises as iteration does."""
        while sign not in self._begin and (piece := next(self._pieces, b"")):
            self._begin += piece

    def __iter__(self) -> Iterator[bytes]:
        """The bytes of the dump.

        Raises:
            BackupError: the program failed.
            CancelledError
        """
        yield self._begin
        yield from self._pieces

    def _whole(self) -> Generator[bytes, None, None]:
        """The output without what `_BOUND` adds, which proves that it is whole."""
        size = len(self._token) + _CODE_DIGITS
        held = b""
        with closing(self._program.output()) as output:
            for piece in output:
                held += piece
                if held[-size:].startswith(self._token):
                    break
                if len(held) > size:
                    yield held[:-size]
                    held = held[-size:]
            if held[-size:] != self._token + b"000":
                self._program.end_input()
                for _ in output:  # its last words, which come beside its output
                    pass
                raise self._fail(self._program.errors)
        if held[:-size]:
            yield held[:-size]

    def close(self) -> None:
        """End the program, if it still runs."""
        self._program.close()
        with suppress(ValueError):  # another thread reads it, and sees its end
            self._pieces.close()


class Server(ABC):
    """A database server in the running *container*, used as its administrator *user*. Every method
    raises `BackupError` if the server refuses, `CancelledError` once *cancelled* is set, and what
    the engine's methods do."""

    def __init__(
        self, engine: "Engine", container: str, user: str, password: str, cancelled: Cancellation
    ) -> None:
        self._engine = engine
        self.container = container
        self.user = user
        self.password = password
        self._cancelled = cancelled

    @abstractmethod
    def databases(self) -> list[str]:
        """The names of all databases, except the server's own."""

    def seen_as(self, kind: type[_Kind]) -> _Kind:
        """The same server, asked as another *kind* of the same dialect."""
        return kind(self._engine, self.container, self.user, self.password, self._cancelled)

    def exists(self, database: str) -> bool:
        return database in self.databases()

    @abstractmethod
    def size(self, database: str) -> int:
        """The bytes that *database* takes, about."""

    @abstractmethod
    def tables(self, database: str) -> dict[str, int]:
        """The tables of *database* (PostgreSQL: with their schema), with the number of their rows
        as the server estimates it."""

    @abstractmethod
    def dump(self, database: str) -> Dump:
        """Begin a dump of *database*. Its snapshot is open when this returns.

        Raises:
            BackupError: it has something that could not be restored.
        """

    def load(self, database: str, owner: str, pieces: Iterable[bytes]) -> None:
        """Create *database* from the dump *pieces*; *owner* is the role that owns it. The dump's
        SQL runs without rights outside of *database*. An error leaves no database.

        Raises:
            RestoreError: there is a database of this name, *owner* is an administrator, or the dump
                has what the server refuses.
        """
        fail = not_restored(database)
        if self.exists(database):
            raise fail(Text("it exists already"))
        with self._dropped_after_error(database):
            self._load(database, owner, pieces, fail)

    def copy_all(self, new: "Server") -> None:
        """Copy all databases into *new*, an empty server of the same kind or of a newer version.

        Raises:
            BackupError: the copy is not whole.
        """
        self._copy_all(new)
        for database in self.databases():
            if new.tables(database).keys() != self.tables(database).keys():
                raise refused(Text("the copy of {database} is not whole", database=database))

    def _copy_all(self, new: "Server") -> None:
        for database in self.databases():
            with closing(self.dump(database)) as dump:
                new.load(database, database, dump)

    @abstractmethod
    def _load(self, database: str, owner: str, pieces: Iterable[bytes], fail: Failure) -> None:
        """As `load`. Raises what *fail* makes."""

    def swap(self, database: str, new: str, old: str) -> None:
        """Give *database* the content of *new*, and keep what was there as *old*. Repeat it if it
        was interrupted: it does nothing if it is done (`is_swapped`)."""
        if not self.is_swapped(new):
            self._move(database, old, new)

    def swap_back(self, database: str, new: str, old: str) -> None:
        """Undo `swap`, whether it was done or not, until *old* or *new* is dropped. Then *new* is
        there again, to be dropped."""
        if self.is_swapped(new):
            self._move(database, new, old)

    @abstractmethod
    def _move(self, database: str, away: str, source: str) -> None:
        """Move the content of *database* to *away*, and that of *source* to *database*, in one go.
        Each of them may be missing."""

    @abstractmethod
    def is_swapped(self, new: str) -> bool:
        """Whether `swap` is done: *new* has become the database."""

    @abstractmethod
    def drop(self, database: str) -> None:
        """Drop *database* and end its sessions, with what an interrupted `load` left. No effect if
        it is gone."""

    def drop_roles(self, roles: Iterable[str]) -> None:  # noqa: B027 - others have no roles
        """Drop *roles*, which own nothing any more. No effect for those that are gone."""

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        try:
            self._greet()
        except BackupError:
            return False
        return True

    @abstractmethod
    def _greet(self) -> None:
        """Log in over TCP: during initialization, a temporary server listens only on the socket."""

    def _run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        pieces: Iterable[bytes],
        fail: Failure,
    ) -> bytes:
        """Run *command* with the input *pieces*; its output. Raises what *fail* makes of its last
        words if it fails."""
        program = self._program(command, environment)
        output = program.feed(pieces)
        if program.exit_code:
            raise fail(program.errors)
        return output

    @contextmanager
    def _dropped_after_error(self, database: str) -> Iterator[None]:
        """If the block raises, drop *database*, also after a cancellation."""
        try:
            yield
        except BaseException:
            server = copy(self)
            server._cancelled = Cancellation()
            with suppress(AiServerError):  # the first error says more
                server.drop(database)
            raise

    def _begin(
        self, command: Sequence[str], environment: Mapping[str, str], sign: bytes, fail: Failure
    ) -> Dump:
        """Begin to dump with *command*, until its output has *sign*."""
        token = secrets.token_hex()
        bound = ["sh", "-c", _BOUND, "sh", token, *command]
        dump = Dump(self._program(bound, environment), token.encode(), fail)
        try:
            dump.await_sign(sign)
        except BaseException:
            dump.close()
            raise
        return dump

    def _program(self, command: Sequence[str], environment: Mapping[str, str]) -> "Program":
        # Passwords are in the environment, because arguments are shown to everyone.
        env = [f"{name}={value}" for name, value in environment.items()]
        body = {"Cmd": list(command), "Env": env, **self._exec_options}
        return self._engine.containers.program(self.container, body, self._cancelled)

    _exec_options: ClassVar[Mapping[str, str]] = {}
    """More of the body of each exec."""


def loader_of(database: str) -> str:
    """The name of the role that loads *database*, and has no rights anywhere else."""
    return f"ai_restore_{sha256(database.encode()).hexdigest()[:12]}"


def refused(why: object) -> BackupError:
    """The server refuses what a backup or restore needs, *why* in its own words."""
    return BackupError(Text("The database server reports: {why}", why=why))


def not_dumped(database: str) -> Failure:
    """Makes the error of a dump of *database* that failed."""
    return lambda why: BackupError(
        Text("The database {database} can't be backed up: {why}", database=database, why=why),
        database=database,
    )


def not_restored(database: str) -> Failure:
    """Makes the error of a restore of *database* that failed."""
    return lambda why: RestoreError(
        Text("The database {database} can't be restored: {why}", database=database, why=why),
        database=database,
    )
