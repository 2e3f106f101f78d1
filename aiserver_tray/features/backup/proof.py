"""Whether a backup can be restored: its hashes are right, and its databases can be loaded into a
server that lives for this."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from aiserver_tray.base.errors import (
    BackupDamagedError,
    BackupError,
    CancelledError,
    ObjectConflictError,
    RestoreError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.grouping import ServerPlace
from aiserver_tray.features.backup.journal import ended
from aiserver_tray.features.backup.manifest import ManifestEntry
from aiserver_tray.features.backup.planning import Tools, server_in
from aiserver_tray.features.backup.servers import Server
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.backup.volumes import BackupVolumes
from aiserver_tray.settings.unended import BackupJournal, Unended
from aiserver_tray.state.views import StepView

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.backup.plan import Dialect
    from aiserver_tray.spec.labels import Owner
    from aiserver_tray.spec.model import Body

_MEMORY_BYTES = 1 << 30
_ATTEMPTS = 360
_PAUSE_SECONDS = 0.5
_ERROR_LINES = 5


class ServerKind(NamedTuple):
    """How the image of a server is used."""

    user: str
    """The administrator."""
    account: str
    """Of the image: who runs the server."""
    password: str
    """The variable with the administrator's password."""
    data: str
    command: tuple[str, ...]
    """Nothing has to survive, so it waits for no disk."""


SERVERS: dict[str, ServerKind] = {
    "postgres": ServerKind(
        "postgres",
        "postgres",
        "POSTGRES_PASSWORD",
        "/var/lib/postgresql/data",
        ("postgres", "-c", "fsync=off", "-c", "full_page_writes=off"),
    ),
    "mysql": ServerKind(
        "root",
        "mysql",
        "MYSQL_ROOT_PASSWORD",
        "/var/lib/mysql",
        ("mysqld", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"),
    ),
}


@contextmanager
def throw_away_server(  # noqa: PLR0913, PLR0917 - where it is, and whose
    engine: "Engine",
    image: str,
    dialect: "Dialect",
    owner: "Owner",
    operation: str,
    cancelled: "Cancellation",
) -> Iterator[Server]:
    """A new, empty server of *image*, which must be on the engine, without any network. At the end
    of the block, its container and its volume are removed.

    Raises:
        BackupError: it does not start.
        CancelledError, and what the engine's methods raise.
    """
    kind, password = SERVERS[dialect], secrets.token_hex()
    volumes = BackupVolumes(engine, owner, operation, cancelled)
    with (
        volumes.temporary() as volume,
        volumes.container(_body(kind, image, volume, password)) as container,
    ):
        engine.containers.start(container)
        server = server_in(engine, container, dialect, kind.user, password, cancelled)
        await_server(server, engine, container, cancelled)
        yield server


def _body(kind: ServerKind, image: str, volume: str, password: str) -> "Body":
    return {
        "Image": image,
        "Cmd": list(kind.command),
        "User": kind.account,
        "Env": [f"{kind.password}={password}"],
        "HostConfig": {
            "NetworkMode": "none",
            "Memory": _MEMORY_BYTES,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "json-file"},
            "Mounts": [{"Type": "volume", "Source": volume, "Target": kind.data}],
        },
    }


def await_server(
    server: Server, engine: "Engine", container: str, cancelled: "Cancellation"
) -> None:
    """Wait until *server* is ready."""
    for _ in range(_ATTEMPTS):
        try:
            if server.is_ready():
                return
        except ObjectConflictError:  # it does not run any more
            break
        if cancelled.wait(_PAUSE_SECONDS):
            raise CancelledError
    why = " ".join(engine.containers.tail(container, _ERROR_LINES))
    raise BackupError(Text("A server to check the databases with does not start: {why}", why=why))


# -- the check -------------------------------------------------------------------------------------

_READ_RATE = 140e6
_ROLE = "restored"

OnBytes = Callable[[int], object]


def check_hashes(stage: Stage, file: BackupFile) -> None:
    """Read all of *file* again, as it is on the disk.

    Raises:
        BackupError: it is not what was written.
    """
    whole = sum(entry.bytes for entry in file.manifest.entries)
    stage.show([expected_check(file.path, whole)])
    with stage.step("proof", file.path.name, "") as advance:
        file.check(advance)


def expected_check(path: Path, size: int) -> StepView:
    """The step of `check_hashes`, to come; *size*: the bytes of what is in the file."""
    return StepView("proof", path.name, "", usual=size / _READ_RATE + 0.2, total=size)


def databases_of(file: BackupFile) -> list[ManifestEntry]:
    """The entries of *file* that are databases."""
    return [entry for entry in file.manifest.entries if entry.server]


def prove(
    tools: Tools,
    journal: BackupJournal,
    file: BackupFile,
    on_bytes: OnBytes,
    cancelled: Cancellation,
) -> None:
    """Read all of *file*, and load each database of it. Calls *on_bytes* with the bytes that were
    read.

    Raises:
        BackupDamagedError: it can't be restored.
        BackupError: that can't be found out here, or the file can't be read now.
        CancelledError, and what the engine's methods raise.
    """
    file.check(on_bytes)
    servers: dict[str, list[ManifestEntry]] = {}
    for entry in databases_of(file):
        servers.setdefault(entry.server, []).append(entry)
    if not servers:
        return
    id = uuid4().hex
    with journal.operation(id, Unended(kind="backup", modules=[], engine=tools.engine.info().id)):
        try:
            for name, entries in servers.items():
                place = _place(tools, name)
                image = tools.engine.containers.inspect(place.container).image_id
                new = tools.engine, image, place.dialect, tools.owner, id, cancelled
                with throw_away_server(*new) as server:
                    for entry in entries:
                        _load(server, file, entry, on_bytes)
        finally:
            ended(tools, journal, id)


def _load(server: Server, file: BackupFile, entry: ManifestEntry, on_bytes: OnBytes) -> None:
    try:
        server.load(entry.key, _ROLE, _counted(file.read(entry), on_bytes))
    except RestoreError as error:
        if not server.is_ready():  # its end says nothing about the file
            raise
        raise BackupDamagedError(error.text, module=entry.module) from error
    found = server.tables(entry.key)
    server.drop(entry.key)
    if missing := sorted(entry.tables.keys() - found.keys()):
        text = Text(
            "{file} can't be restored: the database {database} lacks the table {table}. Back up "
            "again.",
            file=file.path,
            database=entry.key,
            table=missing[0],
        )
        raise BackupDamagedError(text, module=entry.module)


def _place(tools: Tools, server: str) -> ServerPlace:
    if (place := tools.planner.server(server)) is None:
        text = Text(
            "The databases of the backup can't be tried, because there is no {server} here. Its "
            "hashes are right.",
            server=server,
        )
        raise BackupError(text)
    return place


def _counted(pieces: Iterable[bytes], on_bytes: OnBytes) -> Iterator[bytes]:
    for piece in pieces:
        on_bytes(len(piece))
        yield piece
