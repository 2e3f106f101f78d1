"""The rehearsal of an upgrade: the new version is started with copies of a module's data, beside
what runs, and thrown away."""

from collections.abc import Collection, Iterator, Mapping, Set
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import AiServerError, UpgradeError, UpgradeUnfitError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import binary_size
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.features.backup.create import start_again
from aiserver_tray.features.backup.journal import clean, ended
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.upgrade.trial import Content, Trial, place_of, probe
from aiserver_tray.features.upgrade.versions import UpgradeTarget
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.operations.plan.decide import in_order
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import images_of, plan_images
from aiserver_tray.operations.scope import Scope
from aiserver_tray.settings.unended import BackupJournal, Unended
from aiserver_tray.spec.names import volume_name
from aiserver_tray.state.views import StepView
from aiserver_tray.system.resources import available_memory, free_disk

if TYPE_CHECKING:
    from aiserver_tray.features.backup.plan import ModulePlan
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.features.backup.volumes import BackupVolumes
    from aiserver_tray.spec.model import ModuleTarget

_LEAST_TABLES: Final = 0.5
"""Of the tables of a database. A version may drop some; one that drops more has lost data."""


@dataclass
class Rehearsal:
    """The rehearsal of the upgrade to *target*."""

    tools: Tools
    journal: BackupJournal
    target: UpgradeTarget
    id: str = field(default_factory=lambda: uuid4().hex)
    """In the journal."""
    proven: list[Text] = field(default_factory=list, init=False)
    """What it has shown besides that all became ready."""

    @property
    def module(self) -> str:
        return self.target.module

    def blockers(self) -> Iterator[Text]:
        """Why it is not possible beside what runs now."""
        yield from self._obstacles()
        memory = available_memory() if self.tools.engine.info().shares_kernel else None
        needed = sum(parse_size(one.module.needs.memory or "0") for one in self._modules)
        if memory is not None and memory < needed:
            yield Text(
                "A rehearsal beside what runs needs {needed} of memory, but only {free} is free. "
                "It is possible while {module} is stopped.",
                needed=binary_size(needed),
                free=binary_size(memory),
                module=self.module,
            )

    def _obstacles(self) -> Iterator[Text]:
        """Why it is not possible at all."""
        yield from self._lacking_servers()
        copied = {one.name for one in self._modules if self._content_of(one) == "copy"}
        yield from lacks_space(self.tools, self.target, {self.module, *copied}, self._plan)

    def _lacking_servers(self) -> Iterator[Text]:
        ours = self.tools.engine.containers.summaries(self.tools.owner.installation)
        running = {one.name for one in ours if one.status == "running"}
        parts = self._plan.databases if self._plan else ()
        for name in sorted({self.module, *(part.server for part in parts)}):
            place = self.tools.planner.server(name)
            if place and place.container not in running:
                yield Text(
                    "{server} does not run, so its databases can't be copied. Start it first.",
                    server=name,
                )

    @property
    def _modules(self) -> "list[ModuleTarget]":
        """The modules that it needs, required ones first."""
        own, app = self.target.preview, self.tools.app
        return with_requires([own.name], lambda n: own if n == own.name else app.target(n))

    @cached_property
    def _plan(self) -> "ModulePlan | None":
        """The data of the module."""
        found = self.tools.planner.plan([self.module]).modules
        return next((one for one in found if one.name == self.module), None)

    # -- beside what runs --------------------------------------------------------------------------

    def run(self, stage: "Stage") -> int:
        """Rehearse it while the module runs. Returns the bytes on the engine's disk that it needed.

        Raises:
            UpgradeUnfitError: the version does not fit; says why, with the last lines.
            UpgradeError: it is not possible now.
            AiServerError: it could not be found out.
        """
        for why in self.blockers():
            raise UpgradeError(why, module=self.module)
        with self._journaled():
            return self._try(stage, pulled(stage, self.target))

    def run_stopped(self, stage: "Stage") -> int:
        """As `run`, with the module and those that need it stopped meanwhile. A database server
        runs on, because its databases are dumped.

        Raises:
            AiServerError: as for `run`.
        """
        for why in self._obstacles():
            raise UpgradeError(why, module=self.module)
        images = pulled(stage, self.target)
        own = [] if self.tools.planner.server(self.module) else [self.module]
        modules = [*own, *stage.users(self.module)]
        with stage.locked({self.module, *modules}), self._journaled():
            ran = stage.running(modules)
            with self.journal.update(self.id) as entry:
                entry.ran = [container.name for container in ran]
            stage.expect_stop(ran)
            try:
                stage.stop(modules, ran)
                return self._try(stage, images)
            finally:
                start_again(stage, self.tools, ran)

    @contextmanager
    def _journaled(self) -> Iterator[None]:
        engine = self.tools.engine.info().id
        entry = Unended(kind="rehearse", modules=[self.module], engine=engine)
        with self.journal.operation(self.id, entry):
            clean(self.tools, self.journal)
            try:
                yield
            finally:
                ended(self.tools, self.journal, self.id)

    def _try(self, stage: "Stage", images: Mapping[str, str]) -> int:
        stage.have_helper()
        self._expect(stage)
        volumes = self.tools.volumes(self.id, stage.cancelled)
        # Also while the module is stopped: the modules that it requires run on.
        copy = volumes.clone_used
        with Trial(self.tools, stage, self.target, volumes, self.id, copy) as trial:
            self._start(stage, trial, images)
            probe(stage, volumes, self.target, trial.containers)
            if asked := self.target.update.probe:
                self.proven.append(Text("{path} answered", path=asked.http))
            self._check_data(stage, trial, volumes)
            size = self._taken(trial)
            with stage.step("discard", self.module, self.module):
                trial.close()
        return size

    def _expect(self, stage: "Stage") -> None:
        """Show all steps before the first one: those of an upgrade come after them."""
        step, parts = StepView, self._plan.databases if self._plan else ()
        for one in self._modules:
            if self._content_of(one) == "copy":
                stage.show(step("clone", name, one.name) for name in self._copied(one))
            stage.show(step("trial", s.container, one.name, s.service) for s in in_order(one))
            is_whole = one.name == self.module and self.tools.planner.server(one.name)
            own = ["*"] if is_whole else [part.key for part in parts if part.server == one.name]
            stage.show(step("dump", f"{one.name}/{key}", self.module) for key in own)
        if asked := self.target.update.probe:
            service, _ = place_of(self.target.preview, asked)
            stage.show([step("probe", service.container, self.module)])
        stage.show([step("discard", self.module, self.module)])

    def _copied(self, module: "ModuleTarget") -> Iterator[str]:
        """The volumes of *module* that are copied."""
        skipped = {volume_name(module.name, key) for key in module.module.backup.skip}
        data = (v for one in module.services for v in one.volumes if v not in skipped)
        return (name for name in dict.fromkeys(data) if self.tools.engine.volumes.find(name))

    def _content_of(self, module: "ModuleTarget") -> Content:
        """What the volumes of *module* have: databases are loaded, and caches stay empty."""
        is_cache = module.module.store == "redis" and module.name != self.module
        return "empty" if is_cache or self.tools.planner.server(module.name) else "copy"

    def _start(self, stage: "Stage", trial: Trial, images: Mapping[str, str]) -> None:
        """Start the module on copies, and before it what it requires."""
        for one in self._modules:
            own = images if one.name == self.module else {}
            trial.start(one, own, self._content_of(one))
            if self.tools.planner.server(one.name):
                self._load(stage, trial, one.name)

    def _load(self, stage: "Stage", trial: Trial, server: str) -> None:
        """Load copies of the databases into the server that is tried: all of them, if the server is
        what is upgraded."""
        new = trial.server(server)
        old = self.tools.server(server, stage.cancelled)
        if server == self.module:
            with stage.step("dump", f"{server}/*", server):
                old.copy_all(new)
            return
        for part in self._plan.databases if self._plan else ():
            role = self.tools.planner.role(part.module, server, part.key)
            if part.server == server and role and old.exists(part.key):
                step = stage.step("dump", f"{server}/{part.key}", part.module)
                with step, closing(old.dump(part.key)) as dump:
                    new.load(part.key, role, dump)

    def _check_data(self, stage: "Stage", trial: Trial, volumes: "BackupVolumes") -> None:
        """Raises `UpgradeUnfitError` if the new version has lost data."""
        for why in emptied(volumes, {name: (name, trial.copies[name]) for name in trial.cloned}):
            self._refuse(why)
        parts = self._plan.databases if self._plan else ()
        for part in parts:
            old = self.tools.server(part.server, stage.cancelled)
            new = trial.server(part.server)
            before = old.tables(part.key).keys() if old.exists(part.key) else set()
            after = new.tables(part.key).keys() if new.exists(part.key) else set()
            for why in dropped(part.key, before, after):
                self._refuse(why)
            self.proven.append(Text("The tables of {database} are there", database=part.key))

    def _refuse(self, why: Text) -> None:
        raise UpgradeUnfitError(self.module, self.target.version, why)

    def _taken(self, trial: Trial) -> int:
        """The bytes that the copies take."""
        with suppress(AiServerError):
            copies = {*trial.copies.values()}
            found = self.tools.engine.volumes.use()
            return sum(one.size or 0 for one in found if one.name in copies)
        return 0


def emptied(volumes: "BackupVolumes", pairs: Mapping[str, tuple[str, str]]) -> Iterator[Text]:
    """Why a new version has lost files: by name, the volumes *pairs* before and after it."""
    for name, (before, after) in pairs.items():
        if volumes.is_empty(after) and not volumes.is_empty(before):
            yield Text("It empties the volume {volume}.", volume=name)


def dropped(database: str, before: Set[str], after: Set[str]) -> Iterator[Text]:
    """Why a new version has lost a *database*, whose tables were those *before*."""
    if len(before & after) < len(before) * _LEAST_TABLES:
        yield Text("It drops the tables of {database}.", database=database)


def lacks_space(
    tools: Tools, target: UpgradeTarget, modules: Collection[str], plan: "ModulePlan | None"
) -> Iterator[Text]:
    """Why the engine's disk has no space for the missing images of *target*, and for copies of the
    volumes of *modules* and of the databases of *plan*, as far as their sizes are known."""
    needed = tools.planner.kept_bytes(modules)
    needed += sum(part.bytes or 0 for part in plan.databases) if plan else 0
    names = [service.image.display_name for service in target.preview.services]
    if "image" in target.kinds or not all(map(tools.engine.images.find, names)):
        needed += parse_size(target.preview.module.needs.download or 0)
    info = tools.engine.info()
    free = free_disk(info.data_root) if info.shares_kernel else None
    if free is not None and free < needed:
        yield Text(
            "The new images and the copies of the data need {needed} of disk space in {folder}, "
            "but only {free} is free.",
            needed=binary_size(needed),
            folder=info.data_root,
            free=binary_size(free),
        )


def pulled(stage: "Stage", target: UpgradeTarget) -> dict[str, str]:
    """The IDs of the images of *target*, by name. They are pulled as far as they are missing, or
    if the registry has others by now. Then the former ones keep their names: else the next start of
    the module would use the new ones."""
    engine, wanted = stage.engine, images_of([target.preview])
    find = engine.images.find
    before = {one.display_name: found.id for one in wanted if (found := find(one.display_name))}
    moved = {*target.update.tagged(before)} if "image" in target.kinds else set()
    steps = plan_images([target.preview], "pull")
    plan = Plan.of(s for s in steps if s.subject not in before or s.subject in moved)
    ids = {}
    try:
        stage.carry_out(plan, Scope((), (), {target.module: target.preview}), before)
        for one in wanted:
            if (found := find(stage.image(one))) is None:
                raise TypeError(one)
            ids[one.display_name] = found.id
    finally:  # one may have been pulled before another one failed
        for name in moved:
            engine.images.tag(before[name], name)
    return ids
