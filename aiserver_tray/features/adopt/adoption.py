"""The work of an adoption. Until all of it is compared, nothing of ours is replaced; with any other
end than success, everything is as it was, and the source runs as before."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import AdoptError, AdoptKeyError, AiServerError
from aiserver_tray.base.i18n import Listed, Plural, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.adopt.copying import Copying, SourceServer
from aiserver_tray.features.adopt.n8n import (
    DATABASE,
    TABLES,
    N8n,
    active,
    find_key,
    settings_of,
    silence,
)
from aiserver_tray.features.adopt.record import Record
from aiserver_tray.features.adopt.sources import find_sources
from aiserver_tray.features.backup.create import CLONE_RATE
from aiserver_tray.features.backup.journal import clean, refuse_used, wind_up
from aiserver_tray.features.backup.restore import (
    kept_volumes,
    note_database,
    note_swap,
    replace_volume,
    volumes_of,
)
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import images_of, plan_images
from aiserver_tray.operations.scope import Scope
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.unended import SwappedDatabase, Unended
from aiserver_tray.state.views import StepView
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.features.adopt.sources import Source
    from aiserver_tray.features.backup.planning import Tools
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.settings.unended import BackupJournal
    from aiserver_tray.spec.model import ModuleTarget

POSTGRES: Final = "postgres"
_DECRYPT: Final = """file=/dev/shm/adopt-$$
n8n export:credentials --all --decrypted --output="$file" >/dev/null 2>&1
count='console.log("adopt:" + JSON.parse(require("fs").readFileSync(process.argv[1])).length)'
node -e "$count" "$file"
rm -f "$file\""""
"""Counts the credentials that n8n decrypts, which are in memory only."""
_DECRYPT_SECONDS: Final = 300.0
_DIFY_TENANTS: Final = "SELECT coalesce(json_agg(id), '[]') FROM public.tenants"


@dataclass(frozen=True)
class _Moved:
    """A database of the source, which gets into ours."""

    theirs: str
    ours: str
    role: str


@dataclass
class Adoption:
    """The work that copies *source* into *module*. *save* backs up what that has, if it has
    something."""

    tools: "Tools"
    journal: "BackupJournal"
    source: "Source"
    module: str
    save: Callable[["Stage"], None]
    store: Callable[[Record], None]
    """Remembers how it has ended, before it is whole."""
    id: str = field(default_factory=lambda: uuid4().hex)
    """In the journal."""
    proven: list[Text] = field(default_factory=list, init=False)
    notices: list[Text] = field(default_factory=list, init=False)
    waiting: dict[str, str | None] = field(default_factory=dict, init=False)
    """The workflows whose triggers are off, with their published version."""
    _databases: list[_Moved] = field(default_factory=list, init=False)
    _logins: dict[str, str | None] = field(default_factory=dict, init=False)
    _credentials: int = field(default=0, init=False)
    _changes: dict[str, str | None] = field(default_factory=dict, init=False)

    def run(self, stage: "Stage") -> None:
        """Copy it.

        Raises:
            AdoptKeyError: its key does not open its data.
            AiServerError: it failed, or was cancelled. Everything is as it was.
        """
        begun, key = awake(), self._key()
        stage.have_helper()
        self._pull(stage)
        engine = self.tools.engine.info().id
        required = {one.name for one in with_requires([self.module], self.tools.app.target)}
        locks = [self.module], required - {self.module}
        entry = Unended(kind="adopt", modules=[self.module], engine=engine)
        with self.journal.operation(self.id, entry):
            try:
                with stage.locked(*locks):
                    self._hold(stage)
                self.save(stage)
                with stage.locked(*locks):
                    clean(self.tools, self.journal)
                    self._expect(stage)
                    copying = self._copying(stage)
                    self._adopt(stage, copying, key)
                    self.store(self._record(begun, copying.still))
                    self.journal.whole(self.id, ())
                    stage.want([self.module])
            finally:
                with stage.locked(*locks):
                    wind_up(stage, self.tools, self.journal, self.id)

    def _hold(self, stage: "Stage") -> None:
        """Stop ours: what it stored after its backup would be lost."""
        if self.module != POSTGRES:
            ran = stage.running([self.module])
            with self.journal.update(self.id) as entry:
                entry.ran = [container.name for container in ran]
            with stage.earlier_part():
                stage.stop([self.module], ran)

    @cached_property
    def _target(self) -> "ModuleTarget":
        return self.tools.app.preview(self.module)

    def _key(self) -> str:
        """The encryption key of the source."""
        if self.source.kind == "n8n":
            return find_key(self.tools.engine, self.source)
        if self.source.kind == "dify":
            if key := self.source.main.environment.get("SECRET_KEY"):
                return key
            text = Text("{container} has no SECRET_KEY.", container=self.source.name)
            raise AdoptKeyError(text, module=self.module)
        return ""

    def _pull(self, stage: "Stage") -> None:
        """Have the images of ours first: nothing stands still for a download."""
        targets = with_requires([self.module], self.tools.app.preview)
        find = self.tools.engine.images.find
        there = {i.display_name: f.id for i in images_of(targets) if (f := find(i.display_name))}
        plan = Plan.of(s for s in plan_images(targets, "pull") if s.subject not in there)
        stage.carry_out(plan, Scope((), (), {one.name: one for one in targets}), there)

    def _copying(self, stage: "Stage") -> Copying:
        volumes = self.tools.volumes(self.id, stage.cancelled)
        what = self.tools, self.journal, stage, self.source, self.module, self.id, volumes
        return Copying(*what)

    def _expect(self, stage: "Stage") -> None:
        step, ran = StepView, [one.name for one in self.source.members if one.running]
        sizes = {v.name: v.size or 0 for v in self.tools.planner.disk.volumes}
        stage.show(step("stop", name, self.module, usual=5.0) for name in ran)
        for kind in ("clone", "proof"):
            stage.show(
                step(kind, one, self.module, usual=sizes.get(one, 0) / CLONE_RATE + 1.0)
                for one in self.source.sources
            )
        trial = self.source.main.name
        stage.show(
            [
                step("trial", trial, self.module, usual=20.0),
                step("dump", self.module, self.module, usual=5.0),
            ]
        )
        stage.show([step("swap", self.module, self.module, usual=2.0)])

    def _record(self, begun: float, still: float) -> Record:
        source = self.source
        return Record(
            source=source.name,
            containers=[one.id for one in source.members],
            kind=source.kind,
            module=self.module,
            version=source.version,
            engine=self.tools.engine.info().id,
            ended_at=time.time(),
            seconds=awake() - begun,
            still=still,
            proven=[*map(in_all_languages, self.proven)],
            notices=[*map(in_all_languages, (*self.notices, *source.lost))],
            waiting=self.waiting,
        )

    # -- from the source to beside what is there ---------------------------------------------------

    def _adopt(self, stage: "Stage", copying: Copying, key: str) -> None:
        stage.up([POSTGRES])
        ours = self.tools.server(POSTGRES, stage.cancelled).seen_as(SourceServer)
        self.source = copying.source = self._again()
        copying.take()
        self.proven.append(Text("The source is unchanged: the copy has the same hash"))
        with ExitStack() as servers:
            with stage.step("trial", self.source.main.name, self.module):
                theirs = self._read(copying, key, ours, servers)
            with stage.step("dump", self.module, self.module):
                moved = [self._load(stage, theirs, ours, one) for one in self._databases]
        stage.check_cancelled()
        self._swap(stage, copying, ours, moved)
        stage.up([self.module])
        self._prove_here(stage)
        stage.check_cancelled()

    def _again(self) -> "Source":
        """The source as it is now: its owner may have changed it since it was shown."""
        found = {one.main.id: one for one in find_sources(self.tools.engine)}
        now = found.get(self.source.main.id)
        if now is None or now.problem or now.data != self.source.data:
            text = Text(
                "{container} was changed or removed meanwhile. Nothing was changed here. Look "
                "again at what there is, then copy it.",
                container=self.source.name,
            )
            raise AdoptError(text, module=self.module)
        return now

    def _read(
        self, copying: Copying, key: str, ours: SourceServer, servers: ExitStack
    ) -> SourceServer:
        """A server with the databases of the source, within *servers*. What has to be known of them
        is known then."""
        if self.source.database:
            server = servers.enter_context(copying.server())
        else:
            server = servers.enter_context(copying.empty_server())
        match self.source.kind:
            case "n8n":
                self._read_n8n(copying, key, server)
            case "dify":
                self._read_dify(copying, key, server)
            case "postgres":
                self._read_databases(server, ours)
        return server

    def _read_databases(self, server: SourceServer, ours: SourceServer) -> None:
        for name in server.databases():
            self._databases.append(_Moved(name, name, server.owner(name) or name))
        self._logins = server.logins()
        self._refuse_taken({*ours.databases()}, ours.roles())
        if server.tables("postgres"):
            self.notices.append(Text("The tables in the database postgres itself are not copied."))
        self.notices.append(Text(
            "Each database belongs to its owner here, too. Privileges that other roles had in it "
            "are not copied."
        ))  # fmt: skip

    def _refuse_taken(self, databases: set[str], roles: list[str]) -> None:
        declared = self.tools.planner.names_on(POSTGRES)  # A module would take them for its own.
        named = {one.ours for one in self._databases} & (databases | declared)
        mine = {one.role for one in self._databases} | self._logins.keys()
        if taken := sorted(named | (mine & (declared | {*roles}))):
            text = Text(
                "PostgreSQL here has databases or roles of these names already, or keeps them for "
                "its modules: {names}. Nothing was changed. Rename them there, or remove them here "
                "if no module uses them.",
                names=Listed(taken),
            )
            raise AdoptError(text, module=self.module)
        if not self._databases:
            raise AdoptError(Text("It has no database of its own."), module=self.module)

    def _read_n8n(self, copying: Copying, key: str, server: SourceServer) -> None:
        n8n, environment = N8n(copying, key), self.source.main.environment
        database = environment.get("DB_POSTGRESDB_DATABASE", DATABASE)
        if self.source.database:
            census = n8n.census(server, database)
        else:
            census, database = n8n.census(), DATABASE
            n8n.carry_over(server)
            if server.count(database, "data_table"):
                self.notices.append(Text(
                    "n8n carries over data tables without their rows. Export them there as CSV, "
                    "and import them here."
                ))  # fmt: skip
            self.notices.append(Text("Past executions are not copied."))
        found = {what: server.count(database, table) for what, table in TABLES.items()}
        counts = {
            "workflows": Plural("{count} workflow", "{count} workflows", count=found["workflows"]),
            "credentials": Plural(
                "{count} credential", "{count} credentials", count=found["credentials"]
            ),
        }
        if found != vars(census):
            text = Text(
                "n8n copied only a part of its data: {workflows} and {credentials}. Nothing was "
                "changed.",
                **counts,
            )
            raise AdoptError(text, module=self.module)
        if "data" in copying.clones:
            n8n.tidy()
        self.proven.append(Text("{workflows} and {credentials}, as many as there", **counts))
        self._credentials = census.credentials
        self.waiting = active(server, database)
        self._databases = [_Moved(database, DATABASE, DATABASE)]
        self._changes = self._accepted({"N8N_ENCRYPTION_KEY": key} | settings_of(environment))

    def _read_dify(self, copying: Copying, key: str, server: SourceServer) -> None:
        main = self.source.main.environment.get("DB_DATABASE", "dify")
        there = server.databases()
        if main not in there:
            raise AdoptError(Text("It has no database {name}.", name=main), module=self.module)
        self._databases = [_Moved(main, "dify", "dify")]
        if "dify_plugin" in there:
            self._databases.append(_Moved("dify_plugin", "dify_plugin", "dify"))
        tenants = server.values(main, _DIFY_TENANTS) if server.count(main, "tenants") else []
        if tenants:
            keys = [f"privkeys/{one}/private.pem" for one in tenants]
            if missing := copying.volumes.missing(copying.clones["app_storage"], keys):
                text = Text(
                    "The private keys of {workspaces} are not in the folder of files, so their "
                    "model providers could not be used. Nothing was changed.",
                    workspaces=Plural(
                        "{count} workspace", "{count} workspaces", count=len(missing)
                    ),
                )
                raise AdoptKeyError(text, module=self.module)
            self.proven.append(Text("The private key of each workspace is there"))
        self.notices.append(Text("Schedules of Dify run in both until you switch over."))
        self._changes = self._accepted({"DIFY_SECRET_KEY": key})

    def _accepted(self, values: Mapping[str, str]) -> dict[str, str | None]:
        """By address, those of the settings *values* that ours takes."""
        app, found = self.tools.app, dict[str, str | None]()
        declared = app.declared
        for name, value in values.items():
            address = f"{self.module}.{name}"
            try:
                app.settings.parsed(declared, {address: value})
            except AiServerError:
                if declared[address].is_secret:
                    raise
                text = Text(
                    "The setting {name} is not copied: ours does not take its value.", name=name
                )
                self.notices.append(text)
            else:
                found[address] = value
        return found

    def _load(
        self, stage: "Stage", theirs: SourceServer, ours: SourceServer, one: _Moved
    ) -> SwappedDatabase:
        """A copy of a database beside those of ours, compared."""
        new_roles = {one.role, *self._logins} - {*ours.roles()}
        with self.journal.update(self.id) as entry:
            entry.roles = sorted({*entry.roles, *new_roles})
        existed = ours.exists(one.ours)
        copy = note_database(self.journal, self.id, POSTGRES, one.ours, existed=existed)
        stage.check_cancelled()
        with closing(theirs.dump(one.theirs)) as dump:
            ours.load(copy.new, one.role, dump)
        before, after = theirs.rows(one.theirs), ours.rows(copy.new)
        if before != after:
            differ = sorted(
                t for t in before.keys() | after.keys() if before.get(t) != after.get(t)
            )
            text = Text(
                "The copy of the database {name} differs: {tables}",
                name=one.theirs,
                tables=Listed(differ[:5]),
            )
            raise AdoptError(text, module=self.module)
        self.proven.append(Text(
            "The database {name}: {tables}, {rows} rows, all as there",
            name=one.theirs,
            tables=Plural("{count} table", "{count} tables", count=len(after)),
            rows=sum(after.values()),
        ))  # fmt: skip
        if self.source.kind == "n8n":
            silence(ours, copy.new)
        return copy

    # -- in its place ------------------------------------------------------------------------------

    def _swap(
        self, stage: "Stage", copying: Copying, ours: SourceServer, moved: list[SwappedDatabase]
    ) -> None:
        """Replace what is there. From the first change on, the journal says how to put it back."""
        tools = self.tools
        if self.module != POSTGRES:
            stage.remove([self.module])
        copies = {what: one for what, one in copying.clones.items() if what != "database"}
        targets, find = volumes_of(tools, self.module), tools.engine.volumes.find
        # Others keep their files, but not their labels, which have the secrets of before.
        others = () if self.module == POSTGRES else targets.keys() - copies.keys()
        there = [what for what in (*copies, *others) if find(targets[what].name)]
        clones = {what: copying.volumes.clone(targets[what].name) for what in there}
        content = clones | copies
        kept = kept_volumes(tools, {targets[what].name: clones.get(what) for what in content})
        refuse_used(tools, [one.volume for one in kept], [self.module])
        stage.check_cancelled()
        declared = note_swap(tools, self.journal, self.id, kept, self._changes)
        with stage.step("swap", self.module, self.module):
            tools.app.settings.adopt(declared, self._changes)
            volumes = tools.volumes(self.id, Cancellation())
            for what, source in content.items():
                replace_volume(tools, volumes, self.module, what, source)
            for one in moved:
                ours.swap(one.database, one.new, one.old)
            if self._logins:
                ours.give_logins(self._logins)

    def _prove_here(self, stage: "Stage") -> None:
        """See that ours decrypts what it has."""
        if self.source.kind != "n8n" or not self._credentials:
            return
        container = next(s.container for s in self._target.services if s.service == "n8n")
        with stage.step("probe", container, self.module):
            body = {"Cmd": ["sh", "-c", _DECRYPT], "AttachStdout": True, "AttachStderr": True}
            run = self.tools.engine.containers.run
            _, lines = run(container, body, seconds=_DECRYPT_SECONDS, cancelled=stage.cancelled)
        if f"adopt:{self._credentials}" not in lines:
            text = Text(
                "n8n does not decrypt the credentials here: {why}", why=" ".join(lines[-3:]) or "-"
            )
            raise AdoptKeyError(text, module=self.module)
        self.proven.append(Text("n8n decrypts the credentials here"))
