"""Upgrades of an installation: what channels, commands and the clock ask of them."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.codec import view_of
from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    EngineDownError,
    UpgradeError,
    UpgradeUnfitError,
    raise_all,
)
from aiserver_tray.base.i18n import Given, Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.channels import BackupFeature
from aiserver_tray.features.backup.create import start_again
from aiserver_tray.features.backup.journal import (
    check_kept,
    forget,
    problem,
    refuse_before_later,
    refuse_used,
    wind_up,
    without_servers,
)
from aiserver_tray.features.backup.keeper import Schedule, next_due
from aiserver_tray.features.upgrade.asking import ModuleData, RehearsalData
from aiserver_tray.features.upgrade.rehearsal import Rehearsal
from aiserver_tray.features.upgrade.upgrade import Upgrade, stores_of
from aiserver_tray.features.upgrade.versions import UpgradeTarget, Versions
from aiserver_tray.features.upgrade.views import (
    How,
    ModuleUpgradeView,
    RehearsalView,
    Rest,
    UndoView,
    UpgradeList,
)
from aiserver_tray.model import Actor, OperationKind
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.unended import Unended
from aiserver_tray.spec.labels import MODULE
from aiserver_tray.system.clock import awake

if TYPE_CHECKING:
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.features.place import Place
    from aiserver_tray.model import Container
    from aiserver_tray.operations.operation import Operation
    from aiserver_tray.state.views import OperationView


_DAY_SECONDS: Final = 24 * 3600.0
_LATE_SECONDS: Final = 2 * 3600.0
"""An upgrade that could not begin so long waits for the same time of the next day."""


class Upgrades:
    """The upgrades of the modules of *place* to *versions*."""

    def __init__(self, place: "Place", versions: Versions) -> None:
        self._place = place
        self.versions = versions
        self._app = place.app
        self._backups = place.feature(BackupFeature).backups
        self._tools, self._journal = self._backups.tools, self._backups.journal

    # -- what there is -----------------------------------------------------------------------------

    def list(self) -> UpgradeList:
        """What modules can be upgraded to, the last rehearsals, and what can be undone.

        Raises:
            SettingError: what is remembered can't be read.
        """
        found, data = self.versions.views(), self.versions.file.read()
        kept = self._journal.kept(self._engine_id)
        names = [one.name for one in found.modules if one.offer]
        seconds = self._seconds(names) if names else {}
        views = (
            replace(
                self._remembered(one, data.modules.get(one.name, ModuleData())),
                undo=self._undo_view(kept[one.name][1]) if one.name in kept else None,
                seconds=seconds.get(one.name),
                blockers=self._blockers(one.name) if one.offer else (),
                shared=self._shared(one.name) if one.offer or one.name in kept else (),
            )
            for one in found.modules
        )
        return replace(
            found, modules=tuple(views), operation=self._running(), unended=problem(self._journal)
        )

    def _remembered(self, view: ModuleUpgradeView, data: ModuleData) -> ModuleUpgradeView:
        rehearsal: RehearsalView | None = None
        last = data.rehearsal
        if last and last.of == self.versions.made_of(view.name, last.version):
            rehearsal = view_of(
                RehearsalView,
                last,
                ended_at=datetime.fromtimestamp(last.ended_at, UTC),
                problem=Given(last.problem) if last.problem else None,
                lines=tuple(last.lines),
                proven=tuple(map(Given, last.proven)),
            )
        at = None if data.at is None else datetime.fromtimestamp(data.at, UTC)
        return replace(view, rehearsal=rehearsal, at=at)

    def _undo_view(self, entry: Unended) -> UndoView:
        names, sizes = {volume.kept for volume in entry.volumes}, list[int]()
        with suppress(AiServerError):  # the engine is away
            sizes = [v.size or 0 for v in self._tools.planner.disk.volumes if v.name in names]
        ended = datetime.fromtimestamp(entry.ended, UTC)
        until = ended + timedelta(days=self._app.settings.app.keep_upgrades_days)
        return UndoView(entry.version, ended, until, sum(sizes) if sizes else None, entry.seconds)

    def _seconds(self, names: Sequence[str]) -> dict[str, float]:
        """For how long each of *names* is expected to stand still."""
        try:
            groups = self._tools.planner.plan(names).groups
        except AiServerError:  # a server does not run
            return {}
        return {name: g.seconds for g in groups for name in g.names if g.seconds is not None}

    def _shared(self, module: str) -> tuple[str, ...]:
        with suppress(AiServerError):  # a server does not run
            return stores_of(self._tools, module).shared
        return ()

    def _blockers(self, module: str) -> tuple[Text, ...]:
        try:
            target = self.versions.target(module, None)
            return (*Rehearsal(self._tools, self._journal, target).blockers(),)
        except AiServerError as error:
            return (error.text,)

    def _running(self) -> str | None:
        operations = self._place.core.store.snapshot.operations
        kinds = ("rehearse", "upgrade")
        return next((o.id for o in operations if o.kind in kinds and not o.is_over), None)

    # -- what the user says ------------------------------------------------------------------------

    def ask(self, modules: Sequence[str] | None) -> None:
        """Ask registries about *modules* in the background; None: about all in use."""
        self.versions.ask(modules)

    def rest(self, module: str, version: str, rest: Rest | None) -> None:
        """Do not offer *version*, or not this week; None: offer it again."""
        self.versions.rest(module, version, rest)

    def tonight(self, module: str, version: str, at: str | None) -> None:
        """Upgrade *module* the next time that it is *at* (``03:00``); None: not any more.

        Raises:
            UpgradeError: it can't be upgraded to *version*.
        """
        if at is not None:
            self.versions.target(module, version)
        with self.versions.file.module(module) as data:
            data.at = None if at is None else _next(at).timestamp()
            data.later = version if at else ""
        self.versions.asking.tell()

    def tick(self, now: float) -> None:
        """Do what is due at *now*, in seconds since 1970: upgrades at a time of choice, which wait
        for other operations, and the end of what is kept."""
        state = self._place.core.store.state
        is_free = state.engine.running and all(one.is_over for one in state.operations)
        for module, data in self.versions.file.read().modules.items():
            if data.at is None or data.at > now:
                continue
            is_late = now - data.at > _LATE_SECONDS
            if is_free or is_late:
                same = f"{datetime.fromtimestamp(data.at):%H:%M}"
                with self.versions.file.module(module) as changed:
                    # The user may work with it by now.
                    changed.at = _next(same).timestamp() if is_late else None
            if is_free and not is_late:
                is_free = False
                with suppress(AiServerError):  # it was upgraded since, or can't be any more
                    self.upgrade(module, data.later, "rehearse", Actor("owner"))
        oldest = now - self._app.settings.app.keep_upgrades_days * _DAY_SECONDS
        for id, entry in self._journal.all.items():
            if entry.state == "kept" and entry.ended < oldest and entry.is_on(self._engine_id):
                with suppress(AiServerError):  # its server does not run
                    forget(self._tools, self._journal, id)
                    self.versions.asking.tell()

    # -- operations --------------------------------------------------------------------------------

    def rehearse(self, module: str, version: str | None, how: How, actor: Actor) -> "OperationView":
        """Begin to rehearse the upgrade of *module* to *version*; None: the newest one offered.

        Raises:
            UpgradeError: it can't be upgraded so, or is being upgraded now.
            AiServerError: there is no such module, or the engine can't be asked.
        """
        target = self._target(module, version)
        return self._begin("rehearse", [module], partial(self._rehearse, target, how), actor).view

    def upgrade(self, module: str, version: str | None, how: How, actor: Actor) -> "OperationView":
        """Begin to upgrade *module*, after a rehearsal unless *how* says that it is direct. Raises
        as `rehearse` does."""
        target = self._target(module, version)
        return self._begin("upgrade", [module], partial(self._upgrade, target, how), actor).view

    def upgrade_all(self, actor: Actor) -> "OperationView":
        """Begin to upgrade all modules to what is offered, one after the other, each after its
        rehearsal. One that fails keeps back no other.

        Raises:
            UpgradeError: nothing is offered.
        """
        offered = [one.name for one in self.versions.views().modules if one.offer]
        # Others may need the new version of what they use.
        names = [m.name for m in self._app.catalog.ordered(offered) if m.name in offered]
        if not names:
            raise UpgradeError(Text("All modules have the newest version that is offered."))
        return self._begin("upgrade", names, partial(self._upgrade_each, names), actor).view

    def _upgrade_each(self, names: Sequence[str], stage: "Stage") -> None:
        errors: list[AiServerError] = []
        for name in names:
            try:
                self._upgrade(self.versions.target(name, None), "rehearse", stage)
            except (CancelledError, EngineDownError):
                raise
            except AiServerError as error:
                error.about(name)
                errors.append(error)
        raise_all(errors)

    def _target(self, module: str, version: str | None) -> UpgradeTarget:
        for one in self._place.core.store.snapshot.operations:
            if one.kind in ("rehearse", "upgrade") and module in one.modules and not one.is_over:
                text = Text("{module} is being rehearsed or upgraded already.", module=module)
                raise UpgradeError(text, module=module)
        return self.versions.target(module, version)

    def _rehearse(self, target: UpgradeTarget, how: How, stage: "Stage") -> None:
        rehearsal, begun = Rehearsal(self._tools, self._journal, target), awake()
        size, unfit, of = 0, None, self.versions.made_of(target.module, target.version)
        try:
            size = rehearsal.run_stopped(stage) if how == "stopped" else rehearsal.run(stage)
        except UpgradeUnfitError as error:
            unfit = error
        with self.versions.file.module(target.module) as data:
            data.rehearsal = RehearsalData(
                version=target.version,
                of=of,
                ended_at=time.time(),
                seconds=awake() - begun,
                bytes=size,
                problem=in_all_languages(unfit) if unfit else None,
                lines=unfit.data["lines"] if unfit else [],
                proven=[*map(in_all_languages, rehearsal.proven)],
            )
        if unfit:
            self.versions.failed(target.module, target.version, unfit.text)
            raise unfit

    def _upgrade(self, target: UpgradeTarget, how: How, stage: "Stage") -> None:
        if how != "direct":
            with stage.earlier_part():
                self._rehearse(target, how, stage)
        try:
            Upgrade(self._tools, self._journal, target).run(stage)
        except UpgradeUnfitError as error:
            self.versions.failed(target.module, target.version, error.text)
            raise
        with self.versions.file.module(target.module) as data:
            data.rehearsal = None

    def undo(self, module: str, actor: Actor) -> "OperationView":
        """Begin to undo the last upgrade of *module*: what it has now is backed up, then its data,
        files and version are as they were before.

        Raises:
            UpgradeError: there is nothing to undo, or what is needed for that is gone.
        """
        id, entry = self._kept(module)
        try:
            self._check_last(id, entry)
            check_kept(self._tools, entry)
        except AiServerError as error:
            why = Text("The upgrade can't be undone: {why}", why=error.text)
            raise UpgradeError(why, module=module) from error
        return self._begin("restore", entry.modules, partial(self._undo, id), actor).view

    def _check_last(self, id: str, entry: Unended) -> None:
        """Raises `AiServerError` if others need what *entry* would replace: a later upgrade with
        the same volumes, or another module that has data in a store of it by now."""
        names = {one.volume for one in entry.volumes}
        later = takewhile(lambda one: one[0] != id, reversed([*self._journal.all.items()]))
        for other in (one for _, one in later if one.state == "kept"):
            if other.is_on(self._engine_id) and names & {one.volume for one in other.volumes}:
                text = Text(
                    "Undo the later upgrade of {module} first, or delete its data from before.",
                    module=other.modules[0],
                )
                raise UpgradeError(text, module=other.modules[0])
        shared = {*stores_of(self._tools, entry.modules[0]).shared} & {*_modules_of(entry)}
        if shared:
            text = Text("Other modules have data in {stores} now.", stores=Listed(sorted(shared)))
            raise UpgradeError(text, module=entry.modules[0])

    def _undo(self, id: str, stage: "Stage") -> None:
        """Undo it. What stores data stands still from before the backup on: nothing is stored that
        neither has."""
        entry = self._journal.all[id]
        module, servers = entry.modules[0], {one.server for one in entry.databases}
        modules = [*dict.fromkeys([module, *stage.users(module), *_modules_of(entry)])]
        ran: list[Container] = []
        try:
            with stage.locked(modules, servers):
                # The databases of a server are dumped while it runs.
                ran += stage.running([m for m in modules if not self._tools.planner.server(m)])
                stage.expect_start(ran)
                with stage.earlier_part():
                    stage.stop(modules, ran)
            self._back_up(module, stage)
            with stage.locked(modules, servers):
                stage.up(sorted(servers))
                self._check_undoable(id, modules)
                self._put_back(id, modules, [*ran, *stage.running(modules)], stage)
        except BaseException:
            self._start_again(id, modules, ran, stage)
            raise

    def _back_up(self, module: str, stage: "Stage") -> None:
        """Back up *module*, and the users of it: their data that is in it goes back, too."""
        known = self._app.catalog.modules.items()
        users = [name for name, one in known if module in one.possible_requires]
        with stage.earlier_part():
            self._backups.back_up(stage, [module, *users], "upgrade")

    def _put_back(
        self, id: str, modules: Sequence[str], ran: "Sequence[Container]", stage: "Stage"
    ) -> None:
        now = Unended(kind="upgrade", modules=[*modules])
        entry = replace(
            self._journal.all[id],
            modules=now.modules,
            state="swapped",
            ran=sorted({container.name for container in ran}),
            pid=now.pid,
            began=now.began,
        )
        with self._journal.operation(id, entry):
            wind_up(stage, self._tools, self._journal, id)

    def _start_again(
        self, id: str, modules: Sequence[str], ran: "Sequence[Container]", stage: "Stage"
    ) -> None:
        """Start what *ran*, if nothing was put back."""
        entry = self._journal.all.get(id)
        if entry and entry.state == "kept":
            try:
                with stage.locked(modules):
                    start_again(stage, self._tools, [*ran])
            except AiServerError as error:  # the reason why it is not undone counts
                stage.notice(error.text)

    def _check_undoable(self, id: str, modules: Sequence[str]) -> None:
        """Raises `AiServerError` if *id* can't be put back as an upgrade of *modules*. Once it
        counts as swapped, nothing else stops it from being put back: not now, and not at the next
        start."""
        entry = self._journal.all[id]
        refuse_before_later(self._journal, id, self._tools.engine.info().id, modules)
        check_kept(self._tools, entry)
        removed = without_servers(modules, (one.server for one in entry.databases))
        refuse_used(self._tools, [one.volume for one in entry.volumes], removed)
        for one in entry.databases:
            if not self._tools.server(one.server, Cancellation()).exists(one.old):
                text = Text(
                    "The upgrade can't be undone: {server} has no copy of the database {database} "
                    "any more.",  # its own upgrade was undone since
                    server=one.server,
                    database=one.database,
                )
                raise UpgradeError(text, module=entry.modules[0])

    def forget(self, module: str) -> None:
        """Remove what the last upgrade of *module* has kept: it can't be undone any more.

        Raises:
            UpgradeError: there is nothing.
            AiServerError: a server with a copy does not run.
        """
        id, _ = self._kept(module)
        forget(self._tools, self._journal, id)
        self.versions.asking.tell()

    def _kept(self, module: str) -> tuple[str, Unended]:
        kept = self._journal.kept(self._engine_id)
        if module not in kept:
            text = Text("No upgrade of {module} can be undone.", module=module)
            raise UpgradeError(text, module=module)
        return kept[module]

    @property
    def _engine_id(self) -> str:
        """Of the engine in use: what is kept on another one is none of it."""
        return self._place.engine_id or ""

    def _begin(
        self,
        kind: OperationKind,
        modules: Sequence[str],
        work: "Callable[[Stage], object]",
        actor: Actor,
    ) -> "Operation":
        def run(stage: "Stage") -> None:
            try:
                work(stage)
            finally:
                self._place.refresh()
                self.versions.asking.tell()

        return self._backups.begin(kind, modules, run, actor)


def _modules_of(entry: Unended) -> list[str]:
    """The modules whose volumes the upgrade *entry* has kept."""
    found = (one.labels.get(MODULE) for one in entry.volumes)
    return [*filter(None, dict.fromkeys(found))]


def _next(at: str) -> datetime:
    """The next time at which it is *at*."""
    if (found := next_due(Schedule("day", clock.fromisoformat(at)), datetime.now(UTC))) is None:
        raise TypeError(at)
    return found
