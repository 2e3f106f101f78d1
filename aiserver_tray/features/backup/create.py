"""Making a backup: each group of modules stands still only while its data is copied on the engine;
the copies are read into the file while it runs again."""

import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from aiserver_tray import __version__
from aiserver_tray.base.errors import AiServerError, ObjectNotFoundError
from aiserver_tray.features.access.store import authority_of
from aiserver_tray.features.backup.archive import BackupFile, BackupWriter, new_path
from aiserver_tray.features.backup.grouping import standstill
from aiserver_tray.features.backup.index import folder_of
from aiserver_tray.features.backup.journal import clean, ended
from aiserver_tray.features.backup.keys import Keys
from aiserver_tray.features.backup.manifest import (
    FORMAT,
    Manifest,
    ManifestAuthority,
    ManifestEntry,
    ManifestImage,
    ManifestModule,
    entry_name,
)
from aiserver_tray.features.backup.plan import BackupPlan, Group, ModulePlan, Part
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.proof import check_hashes, expected_check
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.backup.views import Reason
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.unended import BackupJournal, Unended
from aiserver_tray.spec.labels import MODULE, SERVICE
from aiserver_tray.state.views import StepView

if TYPE_CHECKING:
    from aiserver_tray.features.backup.volumes import BackupVolumes
    from aiserver_tray.model import Container

CLONE_RATE, PACK_RATE = 250e6, 70e6
"""Bytes per second that are expected."""
_DUMP_SECONDS = 0.5
_MAX_FILE, _MAX_FOLDER = 1 << 18, 1 << 22
"""Bytes of a text file of a module that is kept with the backup, and of all of them."""


@dataclass
class Copy:
    """A part of a module, copied on the engine."""

    part: Part
    pieces: Iterable[bytes]
    clone: str | None = None
    tables: dict[str, int] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    """The names of images in it."""


def _subject(part: Part) -> str:
    """The subject of the steps of *part*."""
    return part.volume or f"{part.server}/{part.key}"


@dataclass
class Creation:
    """The work that makes the backup *plan* and reads it again; *id* is its name in the journal."""

    tools: Tools
    journal: BackupJournal
    keys: Keys
    plan: BackupPlan
    reason: Reason
    id: str
    kind: ClassVar[Literal["backup", "move"]] = "backup"
    """In the journal."""
    path: Path = field(default=Path(), init=False)
    """Of the file, once it is reserved."""
    held: "list[Container]" = field(default_factory=list, init=False)
    """What it has stopped, and starts again only if it fails."""
    _entries: list[ManifestEntry] = field(default_factory=list, init=False)
    _modules: list[ManifestModule] = field(default_factory=list, init=False)

    def run(self, stage: Stage) -> None:
        """Make the file. With any other end, what ran runs again, and nothing is left.

        Raises:
            AiServerError: it failed, or was cancelled.
        """
        names = [module.name for module in self.plan.modules]
        engine = self.tools.engine.info().id
        entry = Unended(kind=self.kind, modules=names, engine=engine)
        with self.journal.operation(self.id, entry):
            try:
                self._write(stage)
            finally:
                ended(self.tools, self.journal, self.id)

    def _write(self, stage: Stage) -> None:
        clean(self.tools, self.journal)
        stage.have_helper()
        self.reserve()
        self._announce(stage)
        with self._file(stage) as writer:
            for group in self.plan.groups:
                servers = {part.server for part in group.databases}
                with stage.locked(group.names, servers):
                    self._add_group(stage, group, writer)
            self._add_more(stage, writer)

    def _add_more(self, stage: Stage, writer: BackupWriter) -> None:
        """Write what is of no group: a backup has nothing."""

    def reserve(self) -> None:
        """Choose the path of the file, and note it in the journal.

        Raises:
            BackupError: nothing can be written there.
        """
        stem = f"aiserver-{datetime.now():%Y-%m-%d-%H%M}-{self.reason}"
        self.path = new_path(folder_of(self.tools.app.settings), stem)
        with self.journal.update(self.id) as entry:
            entry.file = str(self.path)

    def write(self, stage: Stage, copies: Iterable[Copy]) -> None:
        """Make the file of *copies*, which another work has made."""
        with self._file(stage) as writer:
            for copy in copies:
                self._pack(stage, copy, writer)

    @contextmanager
    def _file(self, stage: Stage) -> Iterator[BackupWriter]:
        """The file, which is whole at the end of the block, and then read again."""
        with BackupWriter(self.path, self.keys.recipients()) as writer:
            yield writer
            writer.finish(self._manifest())
        check_hashes(stage, BackupFile(self.path, self.keys.identities()))

    def _announce(self, stage: Stage) -> None:
        """Show all steps before the first one, so that what is done never becomes less."""
        for group in self.plan.groups:
            self._expect(stage, group, _well(stage.running([*chain(*_moved(group))])))
        stage.show([expected_check(self.path, self.plan.file_bytes)])

    # -- a group ---------------------------------------------------------------------------------

    def _add_group(self, stage: Stage, group: Group, writer: BackupWriter) -> None:
        volumes = self.tools.volumes(self.id, stage.cancelled)
        self.note(group.modules)
        with ExitStack() as over:
            for copy in self._copied(stage, group, volumes, over):
                self._pack(stage, copy, writer)
                if copy.clone:
                    volumes.remove(copy.clone)

    def _pack(self, stage: Stage, copy: Copy, writer: BackupWriter) -> None:
        part = copy.part
        name = entry_name(part.kind, part.module, part.key, part.server)
        with closing(stage.counted("pack", _subject(part), part.module, copy.pieces)) as pieces:
            written = writer.add(name, pieces)
        size, digest = written.bytes, written.sha256
        more = (part.server, copy.tables, part.volume if part.kind == "folder" else "", copy.images)
        entry = ManifestEntry(name, part.kind, part.module, part.key, size, digest, *more)
        self._entries.append(entry)

    def _copied(
        self, stage: Stage, group: Group, volumes: "BackupVolumes", over: ExitStack
    ) -> list[Copy]:
        """Copies of all that *group* has, for which it stands still."""
        features, stores = _moved(group)
        ran = stage.running([*features, *stores])
        self._expect(stage, group, _well(ran))
        copies: list[Copy] = []
        with self._standing_still(stage, ran) as stood:
            stage.stop(features, ran)
            for part in group.databases:
                copies.append(self.dumped(stage, part, over))
            stage.stop(stores, ran)
            before = time.monotonic()
            for one in group.volumes:
                with stage.step("clone", _subject(one), one.module):
                    clone = volumes.clone(one.volume)
                    pieces = volumes.read(clone)
                    over.callback(pieces.close)  # the engine can't remove what is being read
                    copies.append(Copy(one, pieces, clone))
            stood.append(time.monotonic() - before)
        if ran and len(stood) > 1:
            self._learn(group, stood)
        return copies

    def dumped(self, stage: Stage, part: Part, over: ExitStack) -> Copy:
        """A dump of the database *part* as it is now, until *over* ends."""
        server = self.tools.server(part.server, stage.cancelled)
        with stage.step("dump", _subject(part), part.module):
            dump = server.dump(part.key)
            over.callback(dump.close)
            return Copy(part, dump, tables=server.tables(part.key))

    @contextmanager
    def _standing_still(self, stage: Stage, ran: "list[Container]") -> Iterator[list[float]]:
        """Whatever happens in the block, what *ran* is started after it. Yields a list, which gets
        the seconds that the clones take, and then those of all if everything runs again."""
        with self.journal.update(self.id) as entry:
            entry.ran = [container.name for container in (*self.held, *ran)]
        before = time.monotonic()
        stood: list[float] = []
        try:
            yield stood
        finally:
            has_started = self._has_started(stage, ran)
        if has_started:
            stood.append(time.monotonic() - before)
            with self.journal.update(self.id) as entry:
                entry.ran = [container.name for container in self.held]

    def _has_started(self, stage: Stage, ran: "list[Container]") -> bool:
        """Start again what *ran*, and wait for what was well. What does not start is told, and is
        no reason to have no backup: it may be what the backup is needed for."""
        try:
            start_again(stage, self.tools, ran)
        except AiServerError as error:
            stage.notice(error.text)
            return False
        return True

    def _learn(self, group: Group, stood: Sequence[float]) -> None:
        clones, whole = stood
        engine = self.tools.engine.info().id
        with self.tools.app.settings.engines.update(engine) as state:
            state.learn({standstill(group.names): whole - clones})

    def _expect(self, stage: Stage, group: Group, ran: "list[Container]") -> None:
        step, databases, volumes = StepView, group.databases, group.volumes
        stage.expect_stop(ran)
        stage.show(step("dump", _subject(d), d.module, usual=_DUMP_SECONDS) for d in databases)
        stage.show(
            step("clone", v.volume, v.module, usual=(v.bytes or 0) / CLONE_RATE + 0.5)
            for v in volumes
        )
        stage.expect_start(ran)
        self.expect_packs(stage, (*databases, *volumes))

    def expect_packs(self, stage: Stage, parts: Iterable[Part]) -> None:
        """Show that *parts* will be written."""
        stage.show(
            StepView(
                "pack", _subject(p), p.module, total=(b := p.bytes or 0), usual=b / PACK_RATE + 0.2
            )
            for p in parts
        )

    # -- the manifest ----------------------------------------------------------------------------

    def note(self, modules: Iterable[ModulePlan]) -> None:
        """Note settings, files and images of *modules* as they are now."""
        self._modules += map(self._module, modules)

    def _manifest(self) -> Manifest:
        app, engine = self.tools.app, self.tools.engine
        stored, authority = app.settings.stored(APP_SETTINGS), authority_of(app.settings)
        return Manifest(
            format=FORMAT,
            application=__version__,
            installation=app.settings.installation_id,
            engine=engine.info().id,
            computer=socket.gethostname(),
            made_at=datetime.now(UTC),
            reason=self.reason,
            modules=tuple(self._modules),
            entries=tuple(self._entries),
            settings={
                a: value
                for a, value in stored.items()
                if value is not None and not APP_SETTINGS[a].is_secret
            },
            is_whole=self.plan.is_whole,
            authority=ManifestAuthority(*authority) if authority else None,
        )

    def _module(self, plan: ModulePlan) -> ManifestModule:
        app = self.tools.app
        module = app.catalog.module(plan.name)
        declared = app.declared_by(plan.name)
        stored = app.settings.stored(declared)
        known = {a.partition(".")[2]: (a, v) for a, v in stored.items() if v is not None}
        return ManifestModule(
            plan.name,
            plan.title,
            plan.version,
            plan.name in app.catalog.built_in,
            files_of(module.folder),
            {name: v for name, (a, v) in known.items() if not declared[a].is_secret},
            {name: v for name, (a, v) in known.items() if declared[a].is_secret},
            tuple(self._images(plan.name)),
            plan.redis,
            tuple(module.section("volumes")),
        )

    def _images(self, module: str) -> Iterator[ManifestImage]:
        engine = self.tools.engine
        containers = engine.containers.summaries(self.tools.owner.installation)
        for one in containers:
            if one.labels.get(MODULE) == module:
                found = engine.images.find(one.image_id)
                digests = [name for name in (found.names if found else ()) if "@" in name]
                service = one.labels.get(SERVICE, one.name)
                yield ManifestImage(service, one.image, one.image_id, tuple(digests))


def files_of(folder: Path) -> dict[str, str]:
    """The text files in the *folder* of a module: path -> text."""
    found: dict[str, str] = {}
    whole = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        try:
            if not path.is_file() or path.stat().st_size > _MAX_FILE:
                continue
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        whole += len(text)
        if whole > _MAX_FOLDER:
            break
        name = path.relative_to(folder) if folder.is_dir() else Path(path.name)
        found[name.as_posix()] = text
    return found


def start_again(stage: Stage, tools: Tools, ran: "list[Container]") -> None:
    """Start again what *ran*, and wait for what was ready."""
    well = _well(ran)
    for one in ran:
        if one not in well:
            with suppress(ObjectNotFoundError):
                tools.engine.containers.start(one.id)
    stage.start(well)


def _moved(group: Group) -> tuple[list[str], list[str]]:
    """The modules of *group* that stand still: those with features, and the stores."""
    moved = [module for module in group.modules if _stands_still(module)]
    features = [module.name for module in moved if not module.is_store]
    return features, [module.name for module in moved if module.is_store]


def _well(ran: "list[Container]") -> "list[Container]":
    """Those of *ran* that can be waited for."""
    return [container for container in ran if container.is_ready]


def _stands_still(module: ModulePlan) -> bool:
    """Whether *module* has data that it could change while it is copied. A server whose own
    databases are dumped need not stop for that."""
    return bool(module.volumes) or any(part.server != module.name for part in module.databases)
