"""Adoptions of an installation: what channels and commands ask of them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import AdoptError, SettingError, raise_all
from aiserver_tray.base.i18n import Given, Plural, Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.extension import version_key
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.adopt.adoption import POSTGRES, Adoption
from aiserver_tray.features.adopt.copying import SourceServer, stop
from aiserver_tray.features.adopt.events import ADOPTIONS
from aiserver_tray.features.adopt.n8n import DATABASE, active, publish, silence
from aiserver_tray.features.adopt.record import Record, Records
from aiserver_tray.features.adopt.sources import (
    Foreign,
    Source,
    find_sources,
    pg_version,
    stopped_by_switch,
)
from aiserver_tray.features.adopt.views import AdoptionView, AdoptList, SourceView
from aiserver_tray.features.backup.channels import BackupFeature
from aiserver_tray.features.backup.journal import problem, start_foreign, wind_up
from aiserver_tray.features.backup.planning import size_of_folder
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.unended import Unended

if TYPE_CHECKING:
    from aiserver_tray.features.backup.planning import Tools
    from aiserver_tray.features.place import Place
    from aiserver_tray.model import Actor
    from aiserver_tray.settings.unended import BackupJournal
    from aiserver_tray.state.views import OperationView

_TITLES: Final = {"n8n": "n8n", "dify": "Dify", "postgres": "PostgreSQL"}
_COPIES: Final = 3
"""Of the data, at most, at one time: the copy, what is beside, and what it replaces."""


class Adoptions:
    """The adoptions of *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place
        self._app = place.app
        self._backups = place.feature(BackupFeature).backups
        self._tools, self._journal = self._backups.tools, self._backups.journal
        self._records = Records(self._tools, self._journal)

    # -- what there is -----------------------------------------------------------------------------

    def listed(self) -> AdoptList:
        """What can be copied, and what was.

        Raises:
            AiServerError: the engine can't be asked.
        """
        operations = self._place.core.store.snapshot.operations
        running = next((o.id for o in operations if o.kind == "adopt" and not o.is_over), None)
        found = find_sources(self._tools.engine)
        sources = map(self._source_view, found)
        adoptions = (self._view(record, found) for _, record in self._all_records())
        return AdoptList((*sources,), (*adoptions,), running, problem(self._journal))

    def _all_records(self) -> list[tuple[str, Record]]:
        return [*self._records.all(self._place.engine_id or "")]

    def _source_view(self, source: Source) -> SourceView:
        module, size, free = source.kind, self._size(source), self._tools.engine.machine().free_disk
        target = self._app.preview(module)
        has_data = module != POSTGRES and any(
            one.name == module for one in self._tools.planner.plan([module]).modules
        )
        needed = None if size is None else size * _COPIES
        return SourceView(
            source.name,
            source.kind,
            module,
            _TITLES[source.kind],
            source.version,
            source.main.running,
            _database(source),
            source.main.ports,
            size,
            tuple(one.name for one in source.members if one.running),
            self._problem(source, needed, free),
            source.lost,
            self._version_here(module),
            target.open or "",
            has_data,
            needed,
            free,
        )

    def _size(self, source: Source) -> int | None:
        """The bytes of its data. None: not known."""
        known = {one.name: one.size for one in self._tools.planner.disk.volumes}
        is_here, sizes = self._tools.engine.info().shares_kernel, list[int | None]()
        for mount in source.data.values():
            if mount.kind == "bind":
                sizes.append(
                    size_of_folder(mount.source)
                    if is_here and Path(mount.source).is_dir()
                    else None
                )
            else:
                sizes.append(known.get(mount.source))
        return None if None in sizes else sum(one or 0 for one in sizes)

    def _version_here(self, module: str) -> str:
        found = self._app.catalog.module(module)
        update, address = found.updates[0], f"{module}.{found.updates[0].setting}"
        return self._app.settings.masked(self._app.declared_by(module)).get(address) or update.range

    def _problem(self, source: Source, needed: int | None, free: int | None) -> Text | None:
        """Why *source* can't be copied."""
        if source.problem:
            return source.problem
        if why := self._wrong_version(source):
            return why
        if needed is not None and free is not None and free < needed:
            return Text(
                "The copies need up to {needed} of disk space in Docker, but only {free} is free. "
                "Free some on the page Monitoring.",
                needed=binary_size(needed),
                free=binary_size(free),
            )
        return None

    def _wrong_version(self, source: Source) -> Text | None:
        said = {"name": _TITLES[source.kind], "version": source.version}
        if not source.version:
            return Text("Its version is not known.")
        server = source.database
        if server and _major(pg_version(server)) > (here := _major(self._version_here(POSTGRES))):
            return Text(
                "Its PostgreSQL {version} is newer than {here} here, which can't read its data.",
                version=pg_version(server),
                here=here,
            )
        return None if source.kind == POSTGRES else self._unreadable(source, said)

    def _unreadable(self, source: Source, said: dict[str, str]) -> Text | None:
        """Why ours can't read the data of the version of *source*."""
        update, here_now = (
            self._app.catalog.module(source.kind).updates[0],
            self._version_here(source.kind),
        )
        if version_key(source.version) > version_key(here_now):
            if update.fits(source.version):
                return Text(
                    "{name} {version} is newer than {here} here. Upgrade it here first: "
                    "aiserver-tray upgrade {module} --to {version}, or before its first start: "
                    "aiserver-tray config set {address} {version}",
                    here=here_now,
                    module=source.kind,
                    address=f"{source.kind}.{update.setting}",
                    **said,
                )
            return Text(
                "{name} {version} is newer than what AI-Server Tray can run ({range}). Upgrade "
                "AI-Server Tray first.",
                range=update.range,
                **said,
            )
        if not update.can_read(source.version):
            return Text(
                "{name} {version} is too old: {here} can't read its data. Bring it to a version of "
                "{range} there first.",
                here=here_now,
                range=update.reads or update.range,
                **said,
            )
        return None

    def _view(self, record: Record, sources: Sequence[Source]) -> AdoptionView:
        found, target = _again(record, sources), self._app.preview(record.module)
        port = next(iter(found.main.ports), None) if found else None
        return AdoptionView(
            record.source,
            record.kind,
            record.module,
            _TITLES[record.kind],
            record.version,
            self._version_here(record.module),
            datetime.fromtimestamp(record.ended_at, UTC),
            record.seconds,
            record.still,
            record.state,
            tuple(map(Given, record.proven)),
            len(record.waiting),
            tuple(map(Given, record.notices)),
            f"http://localhost:{port}" if port and target.open else "",
            found is not None,
            tuple(one.name for one in self._switched(record, found)) if found else (),
        )

    def _source_of(self, record: Record) -> Source:
        """What was copied, as it is now.

        Raises:
            AdoptError: it is another one, or can't be stopped.
        """
        found = _again(record, find_sources(self._tools.engine))
        if found is None:
            text = Text(
                "{name} was removed, or created again since it was copied. Nothing was changed. To "
                "copy what is there now, run: aiserver-tray adopt {name}",
                name=record.source,
            )
            raise AdoptError(text, module=record.module)
        if found.problem and any(one.is_paused for one in found.members):
            raise AdoptError(found.problem, module=record.module)
        return found

    def _switched(self, record: Record, source: Source) -> list[Foreign]:
        """The containers of *source* that the next switch stops or starts, in their order."""
        if record.state == "beside":
            return stopped_by_switch(self._tools.engine, source)
        known = {one.id: one for one in source.members}
        return [known[id] for id in reversed(record.stopped) if id in known]

    # -- what the user says ------------------------------------------------------------------------

    def start(self, name: str, actor: "Actor") -> "OperationView":
        """Begin to copy the program whose main container has this *name*.

        Raises:
            AdoptError: there is none, or it can't be copied; says why. Nothing was stopped.
            AiServerError: the engine can't be asked.
        """
        self._refuse_busy()
        known = {one.name: one for one in find_sources(self._tools.engine)}
        if (source := known.get(name)) is None:
            text = Text(
                "There is no n8n, Dify or PostgreSQL with the container {name} on this engine. To "
                "see what there is, run: aiserver-tray adopt --list",
                name=name,
            )
            raise AdoptError(text)
        if why := self._source_view(source).problem:
            text = Text("{name} can't be copied: {why}", name=name, why=why)
            raise AdoptError(text, module=source.kind)
        return self._begin(source.kind, partial(self._adopt, source), name, actor)

    def _adopt(self, source: Source, stage: Stage) -> None:
        id = uuid4().hex

        def save(stage: Stage) -> None:
            if source.kind != POSTGRES:
                with stage.earlier_part():
                    self._backups.back_up(stage, [source.kind], "adopt")

        store = partial(self._store, id)
        Adoption(self._tools, self._journal, source, source.kind, save, store, id).run(stage)

    def _store(self, id: str, record: Record) -> None:
        try:
            self._records.store(id, record)
        except OSError as error:
            why = Text("{why}", why=error.strerror or error)
            raise SettingError(str(self._app.settings.folder), why) from error

    def switch(self, name: str, actor: "Actor") -> "OperationView":
        """Begin to switch over to ours: the source stops, and the triggers of ours are turned on.

        Raises:
            AdoptError: it was not copied, or is switched over already.
        """
        id, record = self._record(name, "beside")
        return self._begin(record.module, partial(self._switch, id, record), name, actor)

    def back(self, name: str, actor: "Actor") -> "OperationView":
        """Begin to undo `switch`. Raises as that does."""
        id, record = self._record(name, "switched")
        return self._begin(record.module, partial(self._back, id, record), name, actor)

    def forget(self, name: str) -> None:
        """Do not tell of the adoption of *name* any more. Both go on as they are.

        Raises:
            AdoptError: it was not copied.
        """
        self._records.drop(self._record(name, None)[0])
        self._tell(name)

    def _record(self, name: str, state: str | None) -> tuple[str, Record]:
        self._refuse_busy()
        for id, record in self._all_records():
            if record.source == name and state in (None, record.state):
                return id, record
        known = {record.source for _, record in self._all_records()}
        text = Text("{name} is switched over already, or was never switched over.", name=name)
        none = Text("{name} was not copied here. Run: aiserver-tray adopt {name}", name=name)
        raise AdoptError(text if name in known else none)

    def _refuse_busy(self) -> None:
        for one in self._place.core.store.snapshot.operations:
            if one.kind == "adopt" and not one.is_over:
                raise AdoptError(
                    Text("Another program is being copied. Wait until that has ended.")
                )

    # -- switching ---------------------------------------------------------------------------------

    def _switch(self, id: str, record: Record, stage: Stage) -> None:
        ran = self._switched(record, self._source_of(record))
        with self._alone(stage, record) as (entry_id, server):
            with self._journal.update(entry_id) as entry:
                entry.foreign = [one.id for one in reversed(ran)]
            record = record.model_copy(
                update={"stopped": [one.id for one in ran] or record.stopped}
            )
            self._store(id, record)
            for one in ran:
                with stage.step("stop", one.name, record.module):
                    stop(self._tools.engine, one)
            with self._journal.update(entry_id) as entry:
                entry.state = "swapped"  # From here on, putting it back turns the triggers off.
            on = publish(server, DATABASE, record.waiting) if server else 0
            with self._journal.update(entry_id) as entry:
                entry.state, entry.foreign, entry.quiet = "whole", [], []
            self._store(id, record.model_copy(update={"state": "switched"}))
            if left := len(record.waiting) - on if server else 0:
                stage.notice(Text(
                    "{workflows} could not be turned on, because of a change or removal since the "
                    "copy. Open n8n to see what is on.",
                    workflows=Plural("{count} workflow", "{count} workflows", count=left),
                ))  # fmt: skip
            if always := [one.name for one in ran if one.restart == "always"]:
                stage.notice(Text(
                    "{name} has the restart policy `always`, so it starts again with Docker. To "
                    "prevent that, run: docker update --restart unless-stopped {name}",
                    name=" ".join(always),
                ))  # fmt: skip

    def _back(self, id: str, record: Record, stage: Stage) -> None:
        stopped = self._switched(record, self._source_of(record))
        with self._alone(stage, record) as (entry_id, server):
            # None is active if an earlier attempt was interrupted.
            waiting = (active(server, DATABASE) if server else {}) or record.waiting
            with self._journal.update(entry_id) as entry:  # From here on, it is ended.
                entry.state, entry.foreign = "whole", [one.id for one in stopped]
            if server:
                silence(server, DATABASE)
            changed = {"state": "beside", "waiting": waiting}
            self._store(id, record.model_copy(update=changed))
            with self._journal.update(entry_id) as entry:
                entry.quiet = []
            with stage.step("start", record.source, record.module):
                raise_all(start_foreign(self._tools, self._journal, entry_id))

    def _alone(self, stage: Stage, record: Record) -> "_Alone":
        return _Alone(self._tools, self._journal, stage, record)

    # -- operations --------------------------------------------------------------------------------

    def _begin(
        self, module: str, work: Callable[[Stage], object], name: str, actor: "Actor"
    ) -> "OperationView":
        def run(stage: Stage) -> None:
            try:
                work(stage)
            finally:
                self._place.refresh()
                self._tell(name)

        request = Request("adopt", (module,))
        return self._place.feature(StackFeature).begin(request, actor, partial(Stage, run)).view

    def _tell(self, name: str) -> None:
        self._place.publish(ADOPTIONS.message({"source": name}))


@dataclass
class _Alone:
    """Within the block, ours of *record* does not run, and afterwards it runs again. Its server is
    known if it is an n8n, whose triggers are in there. With an error, nothing is changed."""

    tools: "Tools"
    journal: "BackupJournal"
    stage: Stage
    record: Record
    _over: ExitStack = field(default_factory=ExitStack, init=False)
    _id: str = field(default_factory=lambda: uuid4().hex, init=False)

    def __enter__(self) -> tuple[str, SourceServer | None]:
        module, engine = self.record.module, self.tools.engine.info().id
        required = {one.name for one in with_requires([module], self.tools.app.target)}
        stage, over = self.stage, self._over
        over.enter_context(stage.locked([module], required - {module}))
        over.enter_context(self.journal.operation(self._id, self._entry(module, engine)))
        if self.record.kind != "n8n":
            return self._id, None
        ran = stage.running([module])
        stage.expect_stop(ran)
        stage.up([POSTGRES])
        stage.stop([module], ran)
        # Only seconds remain, in which it can't be cancelled.
        return self._id, self.tools.server(POSTGRES, Cancellation()).seen_as(SourceServer)

    def _entry(self, module: str, engine: str) -> Unended:
        ran = [one.name for one in self.stage.running([module])]
        return Unended(kind="adopt", modules=[module], engine=engine, ran=ran, quiet=[module])

    def __exit__(self, *_: object) -> None:
        is_done = self.journal.all[self._id].state == "whole"
        with self._over:
            try:
                wind_up(self.stage, self.tools, self.journal, self._id)
            finally:  # also if one of theirs does not start
                if is_done:
                    self.stage.up([self.record.module])


def _again(record: Record, sources: Iterable[Source]) -> Source | None:
    """The one of *sources* that *record* is about. None: its main container is another one now."""
    return next((one for one in sources if one.main.id == record.containers[0]), None)


def _database(source: Source) -> str:
    if source.database is None:
        return "SQLite"
    return f"PostgreSQL {_major(pg_version(source.database)) or ''}".strip()


def _major(version: str) -> int:
    return int(found) if (found := version.partition(".")[0]).isdecimal() else 0
