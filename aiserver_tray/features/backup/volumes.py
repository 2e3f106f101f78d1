"""Volumes on the engine: cloned, read as an archive, unpacked, and replaced."""

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

from aiserver_tray.base.errors import BackupError, CancelledError, ObjectNotFoundError
from aiserver_tray.base.i18n import Text
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import BACKUP, BACKUP_OPERATION, Owner, backup_labels

if TYPE_CHECKING:
    from aiserver_tray.engine.cancellation import Cancellation
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.engine.values import ContainerSummary, Network, Volume
    from aiserver_tray.spec.model import Body

_FROM, _TO = "/source", "/volume"
_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD"]
"""Owners, files that root may not read, times and modes of others' files, their setgid bits, and
devices."""
_LINK_TIMES = f"""for link; do
    touch -h -d "@$(stat -c %Y "$link")" "{_TO}${{link#{_FROM}}}" || exit
done"""
_FAIL = f"""find {_TO} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} + || true
echo "$errors"
exit 1"""
"""The output goes to a log that may be on the same disk: where that is full, it has no room until
the half copy is gone."""
_CLONE = f"""errors=$(cp -a {_FROM}/. {_TO}/ 2>&1) || {{
{_FAIL}
}}
find {_FROM} -type l -exec sh -c '{_LINK_TIMES}' sh {{}} +"""
"""BusyBox copies the times of all but links."""
_CLONE_USED = f"""errors=$(cp -a {_FROM}/. {_TO}/ 2>&1) && exit
errors=$(echo "$errors" | grep -v 'No such file') || exit 0
{_FAIL}"""
"""What a program removes meanwhile is no error."""
_REPLACE = f"""sync
find {_TO} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} +
{_CLONE}
sync"""
"""The clone of what is removed must be on the disk before, and the copy before the clone goes."""
_FILL = f"""test -z "$(ls -A {_TO})" || {{ echo 'its new folder has files already'; exit 1; }}
find {_FROM} -type b -o -type c | while read -r device; do rm "$device"; done
find {_FROM} -type f -exec chmod ug-s {{}} +
{_CLONE}"""
"""A folder of the computer gets nothing that gives rights: the backup may come from anybody."""
_ID_DIGITS = 12
_ERROR_LINES = 5


class BackupVolumes:
    """The volumes of one operation, which make their own volumes with names and labels of their
    own: no state, alert or log has them. The image of the helper containers must be on the engine
    (`operations.plan.up.plan_helper`).

    Every method raises `CancelledError` once *cancelled* is set, and what the engine's methods do.
    """

    def __init__(
        self, engine: "Engine", owner: Owner, operation: str, cancelled: "Cancellation"
    ) -> None:
        self._engine = engine
        self._labels = backup_labels(owner, operation)
        self._prefix = f"ai-backup-{operation[:_ID_DIGITS]}-"
        self._cancelled = cancelled
        self._lock = Lock()

    def clone(self, volume: str) -> str:
        """A new volume with a copy of *volume*, which may be the path of a folder of the computer;
        its name.

        The copy lacks extended attributes with access control lists among them, and fractions of
        the seconds of a link's time; holes are filled. Owners, modes, links of both kinds, pipes,
        sockets, devices and names in any encoding are kept.
        """
        with self._kept() as clone:
            self._copy(_CLONE, volume, clone)
        return clone

    def clone_used(self, volume: str) -> str:
        """As `clone`, of a volume that programs go on to change: as after a power cut."""
        with self._kept() as clone:
            self._copy(_CLONE_USED, volume, clone)
        return clone

    def read(self, volume: str) -> Generator[bytes]:
        """The tar of *volume*, whose entries are below ``volume/``. It lacks sockets, fractions of
        seconds and the extended attributes ``user.*`` and ``trusted.*``; holes are filled."""
        with self._mounted({_TO: volume}, read_only=_TO) as container:
            yield from self._engine.containers.read_archive(container, _TO, self._cancelled)

    def unpack(self, pieces: Iterable[bytes]) -> str:
        """A new volume with the content of the tar *pieces*; its name. It is removed if *pieces*
        raises."""
        with self._kept() as volume, self._mounted({_TO: volume}) as container:
            # The engine refuses links that lead out of the folder that it unpacks into.
            self._engine.containers.write_archive(container, "/", pieces, self._cancelled)
        return volume

    def replace(self, volume: str, source: str, body: "Body") -> None:
        """Make the content of *volume* a copy of that of *source*. If it was interrupted, repeat
        it. If *volume* is gone, it is created from *body*, that of its `VolumeTarget`."""
        self._engine.volumes.create(volume, body)
        self._copy(_REPLACE, source, volume)

    def fill(self, folder: str, source: str) -> None:
        """Copy the content of the volume *source* to the empty *folder* of the computer."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._copy(_FILL, source, folder, read_only="")

    def digest(self, volume: str) -> str:
        """The SHA-256 of the tar of *volume*, in hexadecimal digits."""
        digest = sha256()
        for piece in self.read(volume):
            digest.update(piece)
        return digest.hexdigest()

    def is_empty(self, volume: str) -> bool:
        """Whether *volume* has no files."""
        script = f'[ -z "$(ls -A {_TO})" ]'
        with self._mounted({_TO: volume}, script, read_only=_TO) as container:
            self._engine.containers.start(container)
            return not self._engine.containers.outcome(container, self._cancelled)

    def missing(self, volume: str, files: Iterable[str]) -> list[str]:
        """Those of the *files* that *volume* lacks."""
        read = self._engine.containers.read_file
        with self._mounted({_TO: volume}, read_only=_TO) as container:
            return [one for one in files if read(container, f"{_TO}/{one}") is None]

    def create(self) -> str:
        """A new, empty volume; its name."""
        with self._lock:
            # Also those of an interrupted process: the engine would return an existing volume.
            numbers = [
                int(number)
                for one in self._engine.volumes.all()
                if (number := one.name.removeprefix(self._prefix)).isdecimal()
            ]
            name = f"{self._prefix}{max(numbers, default=0) + 1}"
            self._engine.volumes.create(name, {"Labels": self._labels})
        return name

    def remove(self, volume: str) -> None:
        """Remove *volume*, which no container has any more. No effect if it is gone."""
        with suppress(ObjectNotFoundError):
            self._engine.volumes.remove(volume)

    @contextmanager
    def temporary(self) -> Iterator[str]:
        """A new, empty volume, which is removed at the end."""
        volume = self.create()
        try:
            yield volume
        finally:
            self.remove(volume)

    @contextmanager
    def _kept(self) -> Iterator[str]:
        """A new, empty volume, which only an error removes."""
        volume = self.create()
        try:
            yield volume
        except BaseException:
            self.remove(volume)
            raise

    def _copy(self, script: str, source: str, target: str, read_only: str = _FROM) -> None:
        """Run *script* in a container with both volumes until it exits."""
        mounts = {_FROM: source, _TO: target}
        with self._mounted(mounts, script, read_only) as container:
            self._engine.containers.start(container)
            if self._engine.containers.outcome(container, self._cancelled):
                why = " ".join(self._engine.containers.tail(container, _ERROR_LINES))
                text = Text("The volume {volume} can't be copied: {why}", volume=source, why=why)
                raise BackupError(text, volume=source)

    @contextmanager
    def _mounted(
        self, mounts: dict[str, str], script: str = "", read_only: str = ""
    ) -> Iterator[str]:
        """A container for *script*, which is not started, with the volumes or folders *mounts* by
        path."""
        if self._cancelled.is_set():
            raise CancelledError
        body = {
            "Image": HELPER.name,
            "Entrypoint": ["sh", "-ec", script],
            "User": "0:0",
            "Labels": self._labels,
            "HostConfig": {
                "NetworkMode": "none",
                # The engine refuses to unpack beside a read-only one.
                "ReadonlyRootfs": bool(script),
                "CapDrop": ["ALL"],
                "CapAdd": _CAPABILITIES,
                "SecurityOpt": ["no-new-privileges"],
                # The output is read from the log, and some logging drivers can't return it.
                "LogConfig": {"Type": "json-file"},
                "Mounts": [
                    {"Source": source, "Target": path, "ReadOnly": path == read_only}
                    | (
                        {"Type": "bind"}
                        if Path(source).is_absolute()
                        else {"Type": "volume", "VolumeOptions": {"NoCopy": True}}
                    )
                    for path, source in mounts.items()
                ],
            },
        }
        with self.container(body) as container:
            yield container

    @contextmanager
    def container(self, body: "Body") -> Iterator[str]:
        """A container of *body* for this operation, which is not started, and removed at the
        end."""
        containers = self._engine.containers
        name = f"{CONTAINERS}{uuid4().hex[:_ID_DIGITS]}"
        container = containers.create(name, {**body, "Labels": self._labels})
        try:
            yield container
        finally:
            with suppress(ObjectNotFoundError):
                containers.remove(container)


CONTAINERS: Final = "ai.backup."
"""How the names of the containers begin. A module's containers have no dot in theirs."""


Kind = Literal["container", "volume", "network"]


@dataclass(frozen=True)
class Leftover:
    """An object of a backup, restore or rehearsal that an interrupted operation left on the
    engine."""

    kind: Kind
    name: str
    operation: str
    """The ID of the operation."""


def leftovers(engine: "Engine", installation: str) -> list[Leftover]:
    """All objects of *installation*'s backups, restores and rehearsals, containers first; also
    those of operations that run."""
    kinds: dict[Kind, Sequence[ContainerSummary | Volume | Network]] = {
        "container": engine.containers.summaries(),
        "volume": engine.volumes.all(),
        "network": engine.networks.all(),
    }
    return [
        Leftover(kind, one.name, one.labels.get(BACKUP_OPERATION, ""))
        for kind, found in kinds.items()
        for one in found
        if one.labels.get(BACKUP) == installation
    ]


def remove_leftovers(engine: "Engine", installation: str, keep: Collection[str]) -> None:
    """Remove the `leftovers`, except those of the operations whose IDs are in *keep*."""
    for found in leftovers(engine, installation):
        if found.operation not in keep:
            with suppress(ObjectNotFoundError):
                match found.kind:
                    case "container":
                        engine.containers.remove(found.name)
                    case "volume":
                        engine.volumes.remove(found.name)
                    case "network":
                        engine.networks.remove(found.name)
