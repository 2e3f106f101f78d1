"""Upgrades of modules. With any other end than success, everything is as it was before; after
success, that is kept for a while."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import (
    AiServerError,
    ExitedError,
    HealthTimeoutError,
    JobFailedError,
    PostStartTimeoutError,
    UpgradeError,
    UpgradeUnfitError,
)
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.create import CLONE_RATE
from aiserver_tray.features.backup.journal import clean, refuse_used, wind_up
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.restore import note_database, note_swap
from aiserver_tray.features.upgrade.rehearsal import dropped, emptied, lacks_space, pulled
from aiserver_tray.features.upgrade.trial import Trial, probe, why_unfit
from aiserver_tray.features.upgrade.versions import UpgradeTarget
from aiserver_tray.operations.survey import survey
from aiserver_tray.settings.unended import BackupJournal, SwappedVolume, Unended
from aiserver_tray.spec.labels import CONFIG_OF
from aiserver_tray.spec.mounts import is_plain
from aiserver_tray.spec.names import volume_name
from aiserver_tray.state.views import StepView
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.features.backup.plan import ModulePlan, Part
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.model import Container

_FAILURES: Final = (ExitedError, HealthTimeoutError, JobFailedError, PostStartTimeoutError)
"""What the start of a version ends with that does not fit."""


@dataclass(frozen=True)
class Stores:
    """The modules that have data of another one in their volumes, such as its files or an index."""

    own: "tuple[ModulePlan, ...]"
    """Nobody else has data there, so an upgrade keeps the volumes, and puts them back."""
    shared: tuple[str, ...]
    """Others have data there, too, so it stays as it is."""


def stores_of(tools: Tools, module: str) -> Stores:
    """The stores of *module*, without database servers and caches.

    Raises:
        AiServerError: the engine or a server can't be asked.
    """
    own: list[ModulePlan] = []
    shared: list[str] = []
    catalog, required = tools.app.catalog, tools.app.model(module).requires
    groups = tools.planner.plan([module]).groups
    for group in (one for one in groups if module in one.names):
        others = [catalog.module(name).possible_requires for name in group.names if name != module]
        for store in group.modules:
            if store.is_store and store.volumes and store.name in required:
                if any(store.name in names for names in others):
                    shared.append(store.name)
                else:
                    own.append(store)
    return Stores((*own,), (*shared,))


@dataclass
class Upgrade:
    """The work that upgrades a module to *target*."""

    tools: Tools
    journal: BackupJournal
    target: UpgradeTarget
    id: str = field(default_factory=lambda: uuid4().hex)
    """In the journal."""

    @property
    def module(self) -> str:
        return self.target.module

    def run(self, stage: "Stage") -> None:
        """Upgrade it.

        Raises:
            UpgradeUnfitError: the new version does not start or answer. Everything is as it was.
            AiServerError: it failed, or was cancelled. Everything is as it was.
        """
        stage.have_helper()
        stores = stores_of(self.tools, self.module)
        stored = [one.name for one in stores.own]
        for why in lacks_space(self.tools, self.target, [self.module, *stored], self._plan()):
            raise UpgradeError(why, module=self.module)
        images = pulled(stage, self.target)
        self._tell_not_kept(stage, stores)
        users, engine = stage.users(self.module), self.tools.engine.info().id
        modules = [self.module, *users, *stored]
        entry = Unended(kind="upgrade", modules=modules, engine=engine, version=self.target.now)
        with (
            stage.locked(modules, self.target.preview.requires),
            self.journal.operation(self.id, entry),
        ):
            clean(self.tools, self.journal)
            try:
                self._upgrade(stage, users, stores.own, images)
            except BaseException as error:
                wind_up(stage, self.tools, self.journal, self.id)
                if isinstance(error, _FAILURES):
                    raise self._unfit(error) from error
                raise
            self.journal.whole(self.id, ())
            wind_up(stage, self.tools, self.journal, self.id)

    def _unfit(self, error: AiServerError) -> UpgradeUnfitError:
        lines = error.data.get("lines", ())
        return UpgradeUnfitError(self.module, self.target.version, why_unfit(error), lines)

    def _tell_not_kept(self, stage: "Stage", stores: Stores) -> None:
        if stores.shared:
            text = Text(
                "Other modules have data in {stores}, too. For that reason, the data of {module} "
                "there is not put back if the upgrade fails or is undone. To have it back, restore "
                "a backup.",
                stores=Listed(stores.shared),
                module=self.module,
            )
            stage.notice(text)

    def _upgrade(
        self,
        stage: "Stage",
        users: list[str],
        stores: "Sequence[ModulePlan]",
        images: Mapping[str, str],
    ) -> None:
        stored = [one.name for one in stores]
        modules = [self.module, *users, *stored]
        ran, begun = stage.running(modules), awake()
        with self.journal.update(self.id) as entry:
            entry.ran = [container.name for container in ran]
        plan = self._plan()
        self._expect(stage, plan, stores, ran)
        stage.up(sorted({one.server for one in self._databases(plan)}))
        stage.stop(users, ran)
        staged = self._migrated(stage, images)
        stage.remove([self.module])
        stage.stop(stored, ran)
        self._copy_databases(stage, plan)
        kept = [*self._kept(stage, stored)]
        refuse_used(self.tools, [one.volume for one in kept], modules)
        self._swap(stage, kept, images)
        volumes = self.tools.volumes(self.id, Cancellation())
        for volume, source in staged.items():
            with stage.step("swap", volume, self.module):
                body = next(v.body for v in self.target.preview.volumes if v.name == volume)
                volumes.remove(volume)
                volumes.replace(volume, source, body)
                volumes.remove(source)
        stage.up([self.module])
        probe(stage, volumes, self.target, {})
        self._check_data(stage)
        stage.check_cancelled()
        with self.journal.update(self.id) as entry:
            entry.ended, entry.seconds = time.time(), awake() - begun
        if not any(container.module == self.module for container in ran):
            stage.stop([self.module], stage.running([self.module]))

    def _check_data(self, stage: "Stage") -> None:
        """Raises `UpgradeUnfitError` if the new version has lost data: compared with the copies."""
        entry = self.journal.all[self.id]
        pairs = {one.volume: (one.kept, one.volume) for one in entry.volumes if one.kept}
        reasons = [*emptied(self.tools.volumes(self.id, stage.cancelled), pairs)]
        for copy in entry.databases:
            server = self.tools.server(copy.server, stage.cancelled)
            name = copy.database
            after = server.tables(name).keys() if server.exists(name) else set()
            reasons += dropped(name, server.tables(copy.old).keys(), after)
        if reasons:
            raise UpgradeUnfitError(self.module, self.target.version, reasons[0])

    def _plan(self) -> "ModulePlan | None":
        found = self.tools.planner.plan([self.module]).modules
        return next((one for one in found if one.name == self.module), None)

    def _expect(
        self,
        stage: "Stage",
        plan: "ModulePlan | None",
        stores: "Sequence[ModulePlan]",
        ran: "list[Container]",
    ) -> None:
        stage.expect_stop(ran)
        step, databases = StepView, self._databases(plan)
        stage.show(step("dump", f"{d.server}/{d.key}", d.module) for d in databases)
        for part in (v for one in (plan, *stores) if one for v in one.volumes):
            seconds = (part.bytes or 0) / CLONE_RATE + 0.5
            stage.show([step("clone", part.volume, self.module, usual=seconds)])
        stage.expect_start(ran)

    def _databases(self, plan: "ModulePlan | None") -> "list[Part]":
        """The databases that the module has on the servers of others."""
        return [one for one in plan.databases if one.server != self.module] if plan else []

    # -- the way back ------------------------------------------------------------------------------

    def _kept(self, stage: "Stage", stores: Sequence[str]) -> Iterator[SwappedVolume]:
        """Copies of the volumes of the module and its *stores*. Those that only the new version has
        are removed on the way back; folders and shares stay as they are."""
        volumes = self.tools.volumes(self.id, stage.cancelled)
        found = survey(self.tools.engine, self.tools.owner.installation)
        skipped = {volume_name(self.module, key) for key in self.target.preview.module.backup.skip}
        for one in found.our_volumes:
            is_ours = one.module in (self.module, *stores)
            is_data = is_ours and not one.is_config and one.name not in skipped
            if is_data and is_plain(one.labels):
                with stage.step("clone", one.name, self.module):
                    clone = volumes.clone(one.name)
                yield SwappedVolume(volume=one.name, kept=clone, labels=dict(one.labels))
        for volume in self.target.preview.volumes:
            is_config = CONFIG_OF in (volume.body.get("Labels") or {})
            if not (volume.external or is_config or volume.name in found.volumes):
                yield SwappedVolume(volume=volume.name, kept=None)

    def _copy_databases(self, stage: "Stage", plan: "ModulePlan | None") -> None:
        """Copies of the `_databases`, beside them."""
        planner = self.tools.planner
        for part in self._databases(plan):
            role = planner.role(self.module, part.server, part.key)
            server = self.tools.server(part.server, stage.cancelled)
            if role is None or not server.exists(part.key):
                continue
            old = note_database(self.journal, self.id, part.server, part.key).old
            step = stage.step("dump", f"{part.server}/{part.key}", self.module)
            with step, closing(server.dump(part.key)) as dump:
                server.load(old, role, dump)

    def _migrated(self, stage: "Stage", images: Mapping[str, str]) -> dict[str, str]:
        """By volume, its content for a server that can't read what the former one has: loaded into
        it beside, from a dump. Nothing else uses the former one meanwhile."""
        if not self.target.update.is_major(self.target.now, self.target.version):
            return {}
        stage.up([self.module])
        volumes = self.tools.volumes(self.id, stage.cancelled)
        with Trial(self.tools, stage, self.target, volumes, self.id, volumes.clone) as trial:
            trial.start(self.target.preview, images, "empty")
            with stage.step("dump", f"{self.module}/*", self.module):
                self.tools.server(self.module, stage.cancelled).copy_all(trial.server(self.module))
            for container in trial.containers.values():
                self.tools.engine.containers.stop(container)
        data = {one for service in self.target.preview.services for one in service.volumes}
        for name in trial.copies.keys() - data:
            volumes.remove(trial.copies[name])
        return {name: copy for name, copy in trial.copies.items() if name in data}

    # -- the new version ---------------------------------------------------------------------------

    def _swap(self, stage: "Stage", kept: list[SwappedVolume], images: Mapping[str, str]) -> None:
        """Replace files, settings and images. From now on, the journal says how to put them
        back."""
        app, engine, target = self.tools.app, self.tools.engine, self.target
        stage.check_cancelled()
        there = {name: found.id for name in images if (found := engine.images.find(name))}
        note_swap(self.tools, self.journal, self.id, kept, target.changes)
        with self.journal.update(self.id) as entry:
            entry.images = {name: id for name, id in there.items() if id != images[name]}
        if target.folder:
            app.applied.swap(self.module, target.folder, self.id)
            app.refresh_catalog()
        app.settings.adopt(app.declared_with(target.changes), target.changes)
        for name in entry.images:
            engine.images.tag(images[name], name)
