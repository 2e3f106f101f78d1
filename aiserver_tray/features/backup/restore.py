"""Restoring modules: everything is unpacked beside what is there, and takes its place only when it
is whole. A copy of what is there then is the way back, and becomes a backup of its own. With any
other end, everything is as it was, except that Redis databases that were cleared stay empty: they
hold queues and caches."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import (
    AiServerError,
    BackupDamagedError,
    CancelledError,
    RestoreError,
)
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.access.store import replace_authority
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.create import CLONE_RATE, PACK_RATE, Copy, Creation
from aiserver_tray.features.backup.journal import (
    clean,
    is_no_plain_volume,
    refuse_used,
    wind_up,
    without_servers,
)
from aiserver_tray.features.backup.manifest import ManifestAuthority, ManifestEntry
from aiserver_tray.features.backup.move import load, take_over, unload
from aiserver_tray.features.backup.plan import NEW, OLD, beside
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.proof import expected_check
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.model import Changes
from aiserver_tray.settings.unended import BackupJournal, SwappedDatabase, SwappedVolume, Unended
from aiserver_tray.spec.labels import CONFIG_OF
from aiserver_tray.spec.mounts import is_plain
from aiserver_tray.spec.names import volume_name
from aiserver_tray.state.progress import IMAGES
from aiserver_tray.state.views import StepView

if TYPE_CHECKING:
    from aiserver_tray.features.backup.servers import Server
    from aiserver_tray.features.backup.volumes import BackupVolumes
    from aiserver_tray.settings.declared import Declared
    from aiserver_tray.spec.model import VolumeTarget


@dataclass(frozen=True)
class Choice:
    """What is restored from a file, and how."""

    file: BackupFile
    modules: tuple[str, ...]
    entries: tuple[ManifestEntry, ...]
    folders: Mapping[str, str] = field(default_factory=dict)
    """By name of an entry of a folder: the path of the one that gets its files."""
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
    images: ManifestEntry | None = None
    """The images that are loaded."""
    chosen: tuple[str, ...] | None = None
    """From another computer: the modules that *Start all* starts there. None: not chosen."""
    rules: str = field(default="", repr=False)
    """From there: its alert rules. Empty: none come."""
    authority: ManifestAuthority | None = None
    """From there: the authority that devices trust. None: it stays as it is here."""
    new: tuple[str, ...] = ()
    """Those of the modules that have nothing here yet."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The modules of the database servers."""
        return tuple(sorted({one.server for one in self.entries if one.server}))

    @property
    def removed(self) -> list[str]:
        """Those of the modules whose containers are removed before their data is replaced."""
        return without_servers(self.modules, {*self.servers, *self.redis})

    @property
    def first(self) -> Changes:
        """Settings of servers that are created for their databases: they begin with them, such as
        a free port, and keep their password. As the servers, they stay if the restore fails."""
        new = {*self.servers, *self.redis}.intersection(self.new)
        return {a: value for a, value in self.changes.items() if a.partition(".")[0] in new}

    @property
    def volumes(self) -> list[ManifestEntry]:
        return [entry for entry in self.entries if entry.kind == "volume"]

    @property
    def databases(self) -> list[ManifestEntry]:
        return [entry for entry in self.entries if entry.server]


def volumes_of(tools: Tools, module: str) -> "dict[str, VolumeTarget]":
    """The data volumes of *module*, by their names in its file; also those of choices that are not
    used now, since a backup has what is stored of them."""
    found = {}
    for volume in tools.app.preview(module).volumes:
        given = volume.body.get("Labels") or {}
        if not volume.external and CONFIG_OF not in given:
            found[given[_VOLUME]] = volume
    plain = next((one for one in found.values() if is_plain(one.body.get("Labels") or {})), None)
    for key, more in tools.app.catalog.module(module).section("volumes").items():
        if plain and key not in found and not more:  # as the others, but for its name
            body = {**plain.body, "Labels": {**plain.body["Labels"], _VOLUME: key}}
            found[key] = replace(plain, name=volume_name(module, key), body=body)
    return found


_VOLUME: Final = "com.docker.compose.volume"


def note_database(
    journal: BackupJournal, id: str, server: str, database: str, *, existed: bool = True
) -> SwappedDatabase:
    """Note in *journal* that the operation *id* copies or replaces *database* of *server*: from now
    on, it is known what is beside it."""
    with journal.update(id) as entry:
        number = len(entry.databases) + 1
        new, old = (beside(database, what, id, number) for what in (NEW, OLD))
        entry.databases.append(
            SwappedDatabase(server=server, database=database, new=new, old=old, existed=existed)
        )
        return entry.databases[-1]


def note_swap(
    tools: Tools, journal: BackupJournal, id: str, kept: Sequence[SwappedVolume], changes: Changes
) -> "Declared":
    """Note in *journal* that the operation *id* replaces volumes, of which *kept* has copies, and
    settings: from now on, they are put back unless it succeeds. What declares the *changes*."""
    declared = tools.app.declared_with(changes)
    values, secrets = tools.app.settings.formers(declared, changes)
    with journal.update(id) as entry:
        entry.state, entry.volumes = "swapped", [*kept]
        entry.values, entry.secrets = dict(values), dict(secrets)
    return declared


def kept_volumes(tools: Tools, clones: Mapping[str, str | None]) -> list[SwappedVolume]:
    """By name, the volumes that are replaced, with the *clones* of what they have now."""
    there = {name: tools.engine.volumes.find(name) for name in clones}
    return [
        SwappedVolume(volume=name, kept=clones[name], labels=dict(found.labels) if found else {})
        for name, found in there.items()
    ]


def replace_volume(
    tools: Tools, volumes: "BackupVolumes", module: str, key: str, source: str
) -> None:
    """Recreate the volume *key* of *module* with the content of *source*: its labels have the
    fingerprints of the secrets that its data depends on, as they are now, and can't be changed."""
    target = volumes_of(tools, module)[key]
    volumes.remove(target.name)
    volumes.replace(target.name, source, target.body)


@dataclass
class Restoration:
    """The work that restores *choice*."""

    tools: Tools
    journal: BackupJournal
    choice: Choice
    save: Callable[[str], Creation | None]
    """By ID of the operation, the backup of what is there. None: there is nothing, or the user
    does without."""
    unsaved: Text | None = field(default=None, init=False)
    """Why what is there can't be backed up."""
    _saved: Creation | None = field(default=None, init=False)
    _loaded: list[str] = field(default_factory=list, init=False)
    """The IDs of the images that it has loaded."""
    _staged: dict[str, str] = field(default_factory=dict, init=False)
    """By name of an entry: the volume with its content."""

    def run(self, stage: Stage) -> None:
        """Restore it.

        Raises:
            AiServerError: it failed, or was cancelled; everything is as it was.
        """
        engine = self.tools.engine.info().id
        replaced, choice = self._replaced(engine), self.choice
        entry = Unended(kind="restore", modules=[*choice.modules], engine=engine)
        servers = {db.server for one in replaced.values() for db in one.databases}
        with (
            stage.locked(choice.modules, {*choice.requires, *choice.servers, *servers}),
            self.journal.operation(stage.id, entry),
        ):
            clean(self.tools, self.journal)
            try:
                self._restore(stage)
                replaced = self._replaced(engine)
                self.journal.whole(stage.id, replaced)
                stage.want(choice.features)
            except BaseException:
                wind_up(stage, self.tools, self.journal, stage.id)
                unload(self.tools.engine.images, self._loaded)
                raise
            for id in (stage.id, *replaced):
                wind_up(stage, self.tools, self.journal, id)
            try:
                take_over(self.tools, choice.chosen, choice.rules)
                if new := choice.authority:
                    replace_authority(self.tools.app.settings, new.certificate, new.key)
            except AiServerError as error:  # the data is whole
                stage.notice(error.text)

    def _replaced(self, engine: str) -> dict[str, Unended]:
        """The interrupted restores whose data this one replaces as a whole.

        Raises:
            RestoreError: one has also replaced other data: putting that back later would overwrite
                what this one restores.
        """
        choice, found = self.choice, dict[str, Unended]()
        mine = {self._target(one).name for one in choice.volumes}
        mine_on_servers = {(one.server, one.key) for one in choice.databases}
        for id, one in self.journal.interrupted.items():
            if one.is_half(engine, choice.modules):
                if not (
                    {*one.modules} <= {*choice.modules}
                    and {volume.volume for volume in one.volumes} <= mine
                    and {(db.server, db.database) for db in one.databases} <= mine_on_servers
                ):
                    raise _overlaps(one)
                found[id] = one
        return found

    def _target(self, entry: ManifestEntry) -> "VolumeTarget":
        return volumes_of(self.tools, entry.module)[entry.key]

    def _restore(self, stage: Stage) -> None:
        self._expect(stage)
        self._load(stage)
        stage.have_helper()
        if first := self.choice.first:
            app = self.tools.app
            app.settings.adopt(app.declared_with(first), first)
        stage.up(sorted({*self.choice.servers, *self.choice.redis}))
        self._refuse_volumes()
        with self._saving():
            self._saved = saved = self._new_backup(stage)
        self._expect(stage)
        self._unpack(stage)
        with ExitStack() as over:
            copies = self._swap(stage, over)
            for module in self.choice.quiet:
                stage.quiet(module)
            stage.up(self.choice.features)
            if saved:
                with self._saving():
                    saved.write(stage, copies)

    def _load(self, stage: Stage) -> None:
        """Load the images, without which nothing could start where no registry can be reached."""
        if (one := self.choice.images) is None:
            return
        with self._pieces(stage, one) as pieces:
            self._note_images(stage, one.images)
            self._loaded = load(self.tools.engine.images, one.images, pieces, stage.cancelled)
        with self.tools.app.settings.engines.update(self.tools.engine.info().id) as state:
            state.add_images(self._loaded)

    def _note_images(self, stage: Stage, names: Sequence[str]) -> None:
        """Let the journal say how to take back the images *names*, which are loaded next."""
        find = self.tools.engine.images.find
        before = {name: found.id for name in names if (found := find(name))}
        with self.journal.update(stage.id) as entry:
            entry.images, entry.loads = before, [name for name in names if name not in before]

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """Say of errors that what is there can't be backed up."""
        try:
            yield
        except CancelledError:
            raise
        except AiServerError as error:
            self.unsaved = error.text
            text = Text(
                "What {modules} have now can't be backed up: {why} Everything is as it was.",
                modules=Listed(self.choice.modules),
                why=error.text,
            )
            raise RestoreError(text) from error

    def _new_backup(self, stage: Stage) -> Creation | None:
        """The backup of what is there, which is written later. What can't be dumped shows now,
        while the modules run."""
        if saved := self.save(stage.id):
            saved.reserve()
            for part in saved.plan.databases:
                self.tools.server(part.server, stage.cancelled).dump(part.key).close()
        return saved

    def _refuse_volumes(self) -> None:
        """Raises `RestoreError` if a volume can't be replaced by what is unpacked."""
        targets = [self._target(one) for one in self.choice.volumes]
        for one in targets:
            if not is_plain(one.body["Labels"]):
                raise RestoreError(is_no_plain_volume(one.name))
        refuse_used(self.tools, [one.name for one in targets], self.choice.removed)

    def _expect(self, stage: Stage) -> None:
        ran = stage.running(self.choice.removed)
        entries, images = self.choice.entries, self.choice.images
        step = StepView
        stage.show(
            step("unpack", _subject(e), e.module, usual=e.bytes / PACK_RATE + 0.5, total=e.bytes)
            for e in ((images,) if images and not self._loaded else ()) + entries
        )
        stage.expect_stop(ran)
        stage.show(
            step("swap", _subject(e), e.module, usual=e.bytes / CLONE_RATE * 2 + 0.5)
            for e in entries
        )
        stage.expect_start(ran)
        if saved := self._saved:
            saved.expect_packs(stage, (*saved.plan.databases, *saved.plan.volumes))
            stage.show([expected_check(saved.path, saved.plan.file_bytes)])

    # -- beside what is there ----------------------------------------------------------------------

    def _unpack(self, stage: Stage) -> None:
        volumes = self.tools.volumes(stage.id, stage.cancelled)
        is_from_here = self.choice.file.manifest.engine == self.tools.engine.info().id
        for one in (entry for entry in self.choice.entries if not entry.server):
            with self._pieces(stage, one) as pieces:
                self._staged[one.name] = staged = volumes.unpack(pieces)
            # Another engine may write the same files as another tar. `read` has judged what came.
            if is_from_here and volumes.digest(staged) != one.sha256:
                raise self._unequal(one)
        for one in self.choice.databases:
            server = self.tools.server(one.server, stage.cancelled)
            where, existed = (self.journal, stage.id, one.server), server.exists(one.key)
            new = note_database(*where, one.key, existed=existed).new
            with self._pieces(stage, one) as pieces:
                server.load(new, self.choice.owners[one.name], pieces)
            if server.tables(new).keys() != one.tables.keys():
                raise self._unequal(one)

    @contextmanager
    def _pieces(self, stage: Stage, entry: ManifestEntry) -> Iterator[Iterator[bytes]]:
        """The content of *entry*, within its step."""
        with (
            closing(self.choice.file.read(entry)) as plain,
            closing(stage.counted("unpack", _subject(entry), entry.module, plain)) as pieces,
        ):
            yield pieces

    def _unequal(self, entry: ManifestEntry) -> BackupDamagedError:
        text = Text(
            "{file} has {name}, but once it was unpacked, its content was not what the backup "
            "says. Nothing was changed. Use another backup.",
            file=self.choice.file.path,
            name=entry.name,
        )
        return BackupDamagedError(text, module=entry.module)

    # -- in its place ------------------------------------------------------------------------------

    def _swap(self, stage: Stage, over: ExitStack) -> list[Copy]:
        """Replace what is there. From the first change on, the journal says how to put it back.
        Redis is cleared last, but before the modules start: they must not find old jobs there.
        Returns copies of what was there, until *over* ends."""
        choice, tools = self.choice, self.tools
        ran = stage.running(choice.removed)
        with self.journal.update(stage.id) as entry:
            entry.ran = [container.name for container in ran]
        if self._saved:
            self._saved.note(self._saved.plan.modules)
        stage.remove(choice.removed)
        clones = self._cloned(stage)
        names = (self._target(one).name for one in choice.volumes)
        kept = kept_volumes(tools, {name: clones.get(name) for name in names})
        declared = note_swap(tools, self.journal, stage.id, kept, choice.changes)
        swapped = self.journal.all[stage.id].databases
        copies = self._copies(stage, clones, swapped, over)
        tools.app.settings.adopt(declared, choice.changes)
        self._swap_volumes(stage)
        for one, each in zip(choice.databases, swapped, strict=True):
            with stage.step("swap", _subject(one), one.module):
                server = tools.server(one.server, stage.cancelled)
                server.swap(each.database, each.new, each.old)
        for module, databases in choice.redis.items():
            tools.redis(module, stage.cancelled).clear(databases)
        return copies

    def _cloned(self, stage: Stage) -> dict[str, str]:
        """Copies of the volumes that are replaced or saved, as far as there are any."""
        volumes = self.tools.volumes(stage.id, stage.cancelled)
        names = {self._target(one).name: one.module for one in self.choice.volumes}
        if self._saved:
            names |= {part.volume: part.module for part in self._saved.plan.volumes}
        clones = {}
        for name, module in names.items():
            if self.tools.engine.volumes.find(name):
                with stage.step("clone", name, module):
                    clones[name] = volumes.clone(name)
        return clones

    def _copies(
        self,
        stage: Stage,
        clones: Mapping[str, str],
        swapped: Sequence[SwappedDatabase],
        over: ExitStack,
    ) -> list[Copy]:
        """What is to be saved. A database that is replaced is dumped afterwards, beside the new
        one: it can't be renamed while it is dumped."""
        if (saved := self._saved) is None:
            return []
        replaced = {(one.server, one.database): one.old for one in swapped}
        copies = []
        for part in saved.plan.databases:
            if old := replaced.get((part.server, part.key)):
                server = self.tools.server(part.server, stage.cancelled)
                pieces = _dumped(server, old)
                copies.append(Copy(part, pieces, tables=server.tables(part.key)))
                over.callback(pieces.close)
            else:
                copies.append(saved.dumped(stage, part, over))
        volumes = self.tools.volumes(stage.id, stage.cancelled)
        for part in saved.plan.volumes:
            if clone := clones.get(part.volume):
                pieces = volumes.read(clone)
                copies.append(Copy(part, pieces))
                over.callback(pieces.close)
        return copies

    def _swap_volumes(self, stage: Stage) -> None:
        volumes = self.tools.volumes(stage.id, Cancellation())
        for one in self.choice.volumes:
            with stage.step("swap", _subject(one), one.module):
                where = self.tools, volumes, one.module, one.key
                replace_volume(*where, self._staged[one.name])
        for one in self.choice.entries:
            if folder := self.choice.folders.get(one.name):
                with stage.step("swap", _subject(one), one.module):
                    volumes.fill(folder, self._staged[one.name])


def _dumped(server: "Server", database: str) -> Generator[bytes]:
    with closing(server.dump(database)) as dump:
        yield from dump


def _subject(entry: ManifestEntry) -> str:
    """The subject of the steps of *entry*."""
    if entry.images:
        return IMAGES
    return entry.folder or f"{entry.server or entry.module}/{entry.key}"


def _overlaps(entry: Unended) -> RestoreError:
    text = Text(
        "An earlier restore of {modules} was interrupted, and this one would replace only a part "
        "of what it has changed. Restart AI-Server Tray, which puts everything back, or restore "
        "all of it together.",
        modules=Listed(entry.modules),
    )
    return RestoreError(text, modules=entry.modules)
