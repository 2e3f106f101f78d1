"""Restoring modules: everything is unpacked beside what is there, and takes its place only when it
is whole. With any other end, everything is as it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import BackupDamagedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.create import CLONE_RATE, PACK_RATE
from aiserver_tray.features.backup.databases import Tools
from aiserver_tray.features.backup.journal import (
    BackupJournal,
    SwappedDatabase,
    SwappedVolume,
    Unended,
    clean,
    ended,
    finish,
    put_back,
    remove_volume,
    undo,
)
from aiserver_tray.features.backup.manifest import ManifestEntry
from aiserver_tray.features.backup.stage import Expected, Stage
from aiserver_tray.model import Changes
from aiserver_tray.spec.labels import CONFIG_OF

if TYPE_CHECKING:
    from aiserver_tray.spec.model import VolumeTarget

_NEW, _OLD = "__restore", "__before"


@dataclass(frozen=True)
class Choice:
    """What is restored from a file, and how."""

    file: BackupFile
    modules: tuple[str, ...]
    entries: tuple[ManifestEntry, ...]
    owners: Mapping[str, str] = field(default_factory=dict)
    """By name of an entry of a database: the role that owns it."""
    requires: tuple[str, ...] = ()
    """All modules that these need."""
    redis: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """By module of a Redis server: its databases that are cleared."""
    changes: Changes = field(default_factory=dict)
    """Settings, by address."""
    features: tuple[str, ...] = ()
    """Those of the modules that run afterwards."""
    quiet: tuple[str, ...] = ()
    """Those of the modules whose triggers stay off."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The modules of the database servers."""
        return tuple(sorted({one.server for one in self.entries if one.server}))

    @property
    def volumes(self) -> list[ManifestEntry]:
        return [entry for entry in self.entries if entry.kind == "volume"]

    @property
    def databases(self) -> list[ManifestEntry]:
        return [entry for entry in self.entries if entry.kind != "volume"]


def volumes_of(tools: Tools, module: str) -> "dict[str, VolumeTarget]":
    """The data volumes of *module*, by their names in its file."""
    found = {}
    for volume in tools.app.preview(module).volumes:
        given = volume.body.get("Labels") or {}
        if not volume.external and CONFIG_OF not in given:
            found[given["com.docker.compose.volume"]] = volume
    return found


class Restoration:
    """The work that restores *choice*. *before* backs up what is there."""

    def __init__(
        self,
        tools: Tools,
        journal: BackupJournal,
        choice: Choice,
        before: Callable[[Stage], object],
    ) -> None:
        self._tools = tools
        self._journal = journal
        self._choice = choice
        self._before = before
        self._staged: dict[str, str] = {}
        """By name of an entry: the volume with its content."""

    def run(self, stage: Stage) -> None:
        """Restore it.

        Raises:
            AiServerError: it failed, or was cancelled; everything is as it was.
        """
        self._before(stage)
        stage.next_part()
        choice = self._choice
        entry = Unended(kind="restore", modules=[*choice.modules])
        others = {*choice.requires, *choice.servers}
        with (
            stage.locked(choice.modules, others),
            self._journal.operation(stage.id, entry),
        ):
            clean(self._tools, self._journal)
            try:
                self._restore(stage)
            except BaseException:
                self._undo(stage)
                raise
            ended(self._tools, self._journal, stage.id)
            for id, other in self._journal.interrupted.items():
                if other.problem and {*other.modules} <= {*choice.modules}:
                    ended(self._tools, self._journal, id)  # this one has replaced all of it

    def _undo(self, stage: Stage) -> None:
        """Put everything back. If that fails, the journal keeps what is left to do."""
        entry = self._journal.all[stage.id]
        {"prepared": undo, "swapped": put_back, "whole": finish}[entry.state](
            stage, self._tools, stage.id, entry
        )
        ended(self._tools, self._journal, stage.id)

    def _restore(self, stage: Stage) -> None:
        stage.have_helper()
        if servers := self._choice.servers:
            stage.up(servers)
        self._expect(stage)
        self._unpack(stage)
        self._swap(stage)
        for module in self._choice.quiet:
            stage.quiet(module)
        stage.up(self._choice.features)
        with self._journal.update(stage.id) as entry:
            entry.state = "whole"
        stage.want(self._choice.features)
        finish(stage, self._tools, stage.id, self._journal.all[stage.id])

    def _expect(self, stage: Stage) -> None:
        ran = stage.running(self._choice.modules)
        entries = self._choice.entries
        stage.expect(
            Expected("unpack", one.name, one.module, one.bytes / PACK_RATE + 0.5, one.bytes)
            for one in entries
        )
        stage.expect_stop(ran)
        stage.expect(
            Expected("swap", one.name, one.module, one.bytes / CLONE_RATE * 2 + 0.5)
            for one in entries
        )
        stage.expect_start(ran)

    # -- beside what is there ----------------------------------------------------------------------

    def _unpack(self, stage: Stage) -> None:
        volumes = self._tools.volumes(stage.id, stage.cancelled)
        for one in self._choice.volumes:
            with self._pieces(stage, one) as pieces:
                self._staged[one.name] = staged = volumes.unpack(pieces)
            if volumes.digest(staged) != one.sha256:
                raise self._unequal(one)
        for one in self._choice.databases:
            new = f"{one.key}{_NEW}"
            server = self._tools.server(one.server, stage.cancelled)
            swapped = SwappedDatabase(
                server=one.server, database=one.key, new=new, old=f"{one.key}{_OLD}"
            )
            with self._journal.update(stage.id) as entry:
                entry.databases.append(swapped)
            server.drop(new)
            server.drop(swapped.old)  # of a restore that could not be undone
            with self._pieces(stage, one) as pieces:
                server.load(new, self._choice.owners[one.name], pieces)
            if server.tables(new).keys() != one.tables.keys():
                raise self._unequal(one)

    @contextmanager
    def _pieces(self, stage: Stage, entry: ManifestEntry) -> Iterator[Iterator[bytes]]:
        """The content of *entry*, within its step."""
        with (
            closing(self._choice.file.read(entry)) as plain,
            closing(stage.counted("unpack", entry.name, entry.module, plain)) as pieces,
        ):
            yield pieces

    def _unequal(self, entry: ManifestEntry) -> BackupDamagedError:
        text = Text(
            "{file} has {name}, but once it was unpacked, its content was not what the backup "
            "says. Nothing was changed. Use another backup.",
            file=self._choice.file.path,
            name=entry.name,
        )
        return BackupDamagedError(text, module=entry.module)

    # -- in its place ------------------------------------------------------------------------------

    def _swap(self, stage: Stage) -> None:
        """Replace what is there. From the first change on, the journal says how to put it back."""
        choice, tools = self._choice, self._tools
        ran = stage.running(choice.modules)
        with self._journal.update(stage.id) as entry:
            entry.ran = [container.name for container in ran]
        stage.remove(choice.modules)
        kept = self._kept(stage)
        declared = tools.app.declared_with(choice.changes)
        values, secrets = tools.app.settings.formers(declared, choice.changes)
        with self._journal.update(stage.id) as entry:
            entry.state, entry.volumes = "swapped", [*kept.values()]
            entry.values, entry.secrets = dict(values), dict(secrets)
        tools.app.settings.adopt(declared, choice.changes)
        self._swap_volumes(stage)
        for one in choice.databases:
            with stage.step("swap", one.name, one.module):
                server = tools.server(one.server, stage.cancelled)
                server.swap(one.key, f"{one.key}{_NEW}", f"{one.key}{_OLD}")
        for module, databases in choice.redis.items():
            tools.redis(module, stage.cancelled).clear(databases)

    def _kept(self, stage: Stage) -> dict[str, SwappedVolume]:
        """Copies of the volumes that are replaced."""
        volumes = self._tools.volumes(stage.id, stage.cancelled)
        kept: dict[str, SwappedVolume] = {}
        for one in self._choice.volumes:
            name = volumes_of(self._tools, one.module)[one.key].name
            found = self._tools.engine.volumes.find(name)
            clone = volumes.clone(name) if found else None
            labels = dict(found.labels) if found else {}
            kept[one.name] = SwappedVolume(volume=name, kept=clone, labels=labels)
        return kept

    def _swap_volumes(self, stage: Stage) -> None:
        """Create the volumes anew: their labels have the fingerprints of the secrets that their
        data depends on, and can't be changed."""
        volumes = self._tools.volumes(stage.id, Cancellation())
        for one in self._choice.volumes:
            with stage.step("swap", one.name, one.module):
                target = volumes_of(self._tools, one.module)[one.key]
                remove_volume(self._tools, target.name)
                volumes.replace(target.name, self._staged[one.name], target.body)
