"""Backups of an installation: what channels, commands and the schedule ask of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from threading import Lock, Thread
from typing import TYPE_CHECKING
from uuid import uuid4

from aiserver_tray.base.bugs import bug_error
from aiserver_tray.base.errors import (
    AiServerError,
    BackupError,
    CancelledError,
    RestoreError,
    SettingError,
    TrustError,
    raise_all,
    refuse_unknown,
)
from aiserver_tray.base.i18n import Given, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.create import Creation
from aiserver_tray.features.backup.events import BACKUPS
from aiserver_tray.features.backup.index import Index, folder_of, folder_problem
from aiserver_tray.features.backup.journal import clean, problem, recover
from aiserver_tray.features.backup.keeper import Keeper, schedule_view
from aiserver_tray.features.backup.keys import Keys, identity_in
from aiserver_tray.features.backup.manifest import ManifestModule
from aiserver_tray.features.backup.move import Moves
from aiserver_tray.features.backup.offer import WITHOUT_BACKUP, Restorable, without_backup
from aiserver_tray.features.backup.plan import BackupPlan, ModulePlan
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.proof import databases_of, prove
from aiserver_tray.features.backup.restore import Choice, Restoration
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.backup.views import (
    BackupList,
    BackupOffer,
    BackupSource,
    PlannedModule,
    Reason,
    RestoreOffer,
    RestoreQuestion,
    RestoreRequest,
)
from aiserver_tray.features.stack.channels import StackFeature
from aiserver_tray.model import TASKS, Actor, OperationKind
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.names import SECRETS
from aiserver_tray.settings.unended import BackupJournal
from aiserver_tray.system.chosen_folder import existing
from aiserver_tray.system.files import write_private
from aiserver_tray.system.resources import free_disk

if TYPE_CHECKING:
    from aiserver_tray.features.place import Place
    from aiserver_tray.operations.operation import Operation
    from aiserver_tray.state.views import OperationView


_CLOSE_SECONDS = 10.0
"""Until a check that is ended has removed its server."""


class Backups:
    """The backups of the installation of *place*."""

    def __init__(self, place: "Place") -> None:
        self._place = place
        self._app = place.app
        self._settings = place.app.settings
        self._tools = Tools(place.app, place.core.engine)
        self._journal = self._settings.unended
        self.index = Index(self._settings, lambda path: self._opened(path).manifest)
        self._keys = Keys(self._settings, self.index)
        self._lock = Lock()
        self._to_check: list[str] = []
        self._checker: Thread | None = None
        self._closing = Cancellation()
        self.moves = Moves(self._tools, self._journal, self._keys, self.index, self.begin)
        self.keeper = Keeper(self, self._settings, self.index, place.core.store)

    def close(self) -> None:
        """Keep no schedule, and end the check that goes on."""
        self.keeper.close()
        self._closing.set()
        if (checker := self._checker) and checker.is_alive():
            checker.join(_CLOSE_SECONDS)

    @property
    def tools(self) -> Tools:
        """What backups work with."""
        return self._tools

    @property
    def journal(self) -> BackupJournal:
        """The operations on data that have not ended; there is only one in a process."""
        return self._journal

    @property
    def checking(self) -> str | None:
        """The ID of the backup that is checked now, or will be."""
        with self._lock:
            return next(iter(self._to_check), None)

    # -- what there is -----------------------------------------------------------------------------

    def list(self) -> BackupList:
        """All backups, with their folder, schedule and key."""
        folder = folder_of(self._settings)
        operations = self._place.core.store.snapshot.operations
        running = (one.id for one in operations if one.kind in TASKS and not one.is_over)
        views, key = self.index.views(self.checking), self._keys.view()
        is_here_only = key.saved_at is None
        return BackupList(
            tuple(replace(v, is_here_only=is_here_only and bool(v.file)) for v in views),
            str(folder),
            folder_problem(self._settings),
            free_disk(str(existing(folder))),
            schedule_view(self._settings.app, self.index, views),
            key,
            next(running, None),
            self.checking,
            problem(self._journal) or (lost.text if (lost := self._keys.trouble) else None),
            self.index.last_moved(),
        )

    def offer(self, modules: Sequence[str] | None, folders: Collection[str] = ()) -> BackupOffer:
        """What a backup of *modules* with these *folders* of this computer would do; None: of
        everything.

        Raises:
            AiServerError: the engine or a server can't be asked, or there is no such module.
        """
        plan = self._tools.planner.plan(modules, folders)
        blockers = self._tools.planner.blockers(plan)
        planned = (
            self._planned(module, number, group.seconds)
            for number, group in enumerate(plan.groups)
            for module in group.modules
        )
        return BackupOffer(tuple(planned), plan.engine_bytes, plan.file_bytes, tuple(blockers))

    def _planned(self, module: ModulePlan, group: int, seconds: float | None) -> PlannedModule:
        sizes = [part.bytes for part in (*module.volumes, *module.databases)]
        declared = self._app.declared_by(module.name)
        stored = self._settings.secrets.names()
        return PlannedModule(
            module.name,
            module.title,
            group,
            seconds,
            None if None in sizes else sum(size or 0 for size in sizes),
            tuple(f"{part.key} ({part.server})" for part in module.databases),
            tuple(part.key for part in module.volumes if part.kind == "volume"),
            module.folders,
            module.omitted,
            any(setting.is_secret and a in stored for a, setting in declared.items()),
        )

    # -- making, checking, deleting ----------------------------------------------------------------

    def create(
        self,
        modules: Sequence[str] | None,
        reason: Reason,
        actor: Actor,
        folders: Collection[str] = (),
    ) -> "OperationView":
        """Begin to back up *modules* with these *folders* of this computer; None: everything.

        Raises:
            BackupError: it can't be made; says why. Nothing was stopped.
            AiServerError: the engine or a server can't be asked, or there is no such module.
        """
        plan = self._tools.planner.plan(modules, folders)
        refuse_unknown(folders, {folder for module in plan.modules for folder in module.folders})
        self._check_plan(plan)

        def work(stage: Stage) -> None:
            try:
                creation = self._creation(plan, reason, stage.id)
                creation.run(stage)
                self._is_noted([one.name for one in plan.modules], None)
                if not plan.databases:
                    self.index.checked(creation.path.stem, None)
                elif reason == "hand":  # the keeper checks those of the schedule
                    self.check([creation.path.stem])
            except AiServerError as error:
                if not isinstance(error, CancelledError):
                    with suppress(SettingError):  # a full disk: *error* says more
                        self.index.failed(plan, reason, error)
                raise
            finally:
                self._tell()

        return self.begin("backup", [one.name for one in plan.modules], work, actor).view

    def _check_plan(self, plan: BackupPlan) -> None:
        """Raises `BackupError` if *plan* can't be carried out now."""
        raise_all([*map(BackupError, self._tools.planner.blockers(plan))])

    def _creation(self, plan: BackupPlan, reason: Reason, id: str) -> Creation:
        return Creation(self._tools, self._journal, self._keys, plan, reason, id)

    def check(self, ids: Sequence[str]) -> None:
        """Check the backups *ids* in the background, one after the other.

        Raises:
            UnknownNameError: there is no such backup.
        """
        for id in ids:
            self.index.path_of(id)
        with self._lock:
            is_idle = not self._to_check
            self._to_check += [id for id in ids if id not in self._to_check]
        if is_idle and ids:
            self._checker = Thread(target=self._check_all, name="backup-check", daemon=True)
            self._checker.start()

    def _check_all(self) -> None:
        while not self._closing.is_set():
            self._tell()
            with suppress(AiServerError):  # deleted meanwhile
                self._check_one(self._to_check[0])
            with self._lock:
                del self._to_check[0]
                if not self._to_check:
                    break
        self._tell()

    def _check_one(self, id: str) -> None:
        found: AiServerError | None = None
        try:
            file = self._opened(self.index.path_of(id))
            whole = sum(one.bytes for one in file.manifest.entries)
            whole += sum(one.bytes for one in databases_of(file))
            prove(self._tools, self._journal, file, self._advance(whole), self._closing)
        except CancelledError:
            return
        except AiServerError as error:
            found = error
        except Exception as bug:  # noqa: BLE001 - a thread's last words
            found = bug_error(bug)
        self.index.checked(id, found)

    def _advance(self, whole: int) -> Callable[[int], None]:
        done = told = 0

        def advance(count: int) -> None:
            nonlocal done, told
            done += count
            if whole and done * 100 // whole > told:
                told = done * 100 // whole
                self._tell(done / whole)
            if self._closing.is_set():
                raise CancelledError

        return advance

    def delete(self, ids: Sequence[str]) -> None:
        """Delete the backups *ids* with their files.

        Raises:
            UnknownNameError: there is none.
            BackupError: a file can't be deleted.
        """
        for id in ids:
            self.index.delete(id)
        self._tell()

    def opened(self, id: str) -> BackupFile:
        """The file of the backup *id*.

        Raises:
            BackupError: it can't be read.
            UnknownNameError: there is no such backup.
        """
        return self._opened(self.index.path_of(id))

    # -- restoring ---------------------------------------------------------------------------------

    def inspect(self, asked: RestoreQuestion) -> RestoreOffer:
        """What a backup can restore here, and what a restore of the chosen modules needs to know.

        Raises:
            BackupError: it can't be read.
            UnknownNameError: it has no such module, or there is no such backup.
        """
        file, modules = self._file(asked), asked.modules or ()
        view = next((one for one in self.index.views() if one.file == str(file.path)), None)
        restorable = self._restorable(file)
        offer = restorable.offer(file.path.stem, view, modules)
        if why := self._why_unsaved(restorable.with_stores(modules)):
            return replace(offer, decisions=(*offer.decisions, without_backup(why)))
        return offer

    def restore(self, asked: RestoreRequest, actor: Actor) -> "OperationView":
        """Begin to restore modules, as it is *asked*.

        Raises:
            BackupError: it can't be read.
            RestoreError: it must not be restored so.
            AiServerError: as for `inspect`.
        """
        file = self._file(asked)
        restorable = self._restorable(file)
        self._check_secrets()
        restorable.check(asked.modules, asked.decisions)
        choice = self._installed(file, restorable, asked.modules, asked.decisions)
        is_unsaved = asked.decisions.get(WITHOUT_BACKUP) == "true" and self._why_unsaved(
            choice.modules
        )
        save = (lambda _: None) if is_unsaved else partial(self._saving, choice.modules)
        work = Restoration(self._tools, self._journal, choice, save)

        def run(stage: Stage) -> None:
            try:
                work.run(stage)
            except RestoreError as error:
                if work.unsaved is None or not self._is_noted(choice.modules, work.unsaved):
                    raise
                text = Text(
                    "{why} To restore without that backup, begin again: now this can be chosen.",
                    why=error.text,
                )
                raise RestoreError(text) from error
            else:
                self._is_noted(choice.modules, None)
            finally:
                self._place.refresh()
                self._tell()

        return self.begin("restore", choice.modules, run, actor).view

    def _check_secrets(self) -> None:
        """Raises `RestoreError` if no secret could be stored beside those that can't be read."""
        if lost := self._keys.trouble:
            secrets = self._settings.folder / SECRETS
            text = Text(
                "The restored secrets can't be stored, because those of this installation can't be "
                "read ({why}). Quit AI-Server Tray, move {secrets} and {secrets}.good to another "
                "place, start it, and restore again with the recovery file.",
                why=lost.why,
                secrets=secrets,
            )
            raise RestoreError(text)

    def _saving(self, modules: Collection[str], id: str) -> Creation | None:
        """The backup of what *modules* have now, as part of the operation *id*. None: they have
        nothing.

        Raises:
            AiServerError: it can't be made.
        """
        plan = self._tools.planner.plan(modules).only(modules)
        if not plan.has_data:
            return None
        self._check_plan(plan)
        return self._creation(plan, "restore", id)

    def _is_noted(self, modules: Collection[str], why: Text | None) -> bool:
        """Note *why* what *modules* have can't be backed up before a restore; None: it can.
        Returns whether it is noted: the next restore of them offers to do without."""
        known = self.index.data().unsaved
        if why is None and known.keys().isdisjoint(modules):
            return True
        try:
            with self.index.update() as data:
                kept = {name: one for name, one in data.unsaved.items() if name not in modules}
                new = dict.fromkeys(modules, in_all_languages(why)) if why else {}
                data.unsaved = kept | new
        except SettingError:  # a full disk: the error of the restore says more
            return False
        return True

    def back_up(self, stage: Stage, modules: Sequence[str], reason: Reason) -> None:
        """Back up what *modules* have, as a part of *stage*. No effect if they have nothing.

        Raises:
            AiServerError: it can't be backed up.
        """
        plan = self._tools.planner.plan(modules)
        if plan.has_data:
            self._check_plan(plan)
            self._creation(plan, reason, uuid4().hex).run(stage)

    def _why_unsaved(self, modules: Collection[str]) -> Text | None:
        """Why what *modules* have now can't be backed up before a restore. None: it can, as far as
        is known."""
        there = [name for name in modules if name in self._app.catalog.modules]
        known = self.index.data().unsaved
        if failed := [known[name] for name in there if name in known]:
            return Given(failed[0])
        try:
            self._saving(there, "")
        except AiServerError as error:
            return error.text
        return None

    def _installed(
        self,
        file: BackupFile,
        restorable: Restorable,
        modules: Sequence[str],
        decisions: Mapping[str, str],
    ) -> Choice:
        """The choice of *modules* once those are added that this catalog lacks.

        Raises:
            TrustError: they may not start yet: what they ask for is shown before it is allowed.
            AiServerError: it is refused; nothing is added.
        """
        names = restorable.with_stores(modules)
        new = [m for name, m in restorable.uninstalled.items() if name in names]
        for module in new:
            self._add_module(module)
        if new:
            self._refresh_catalog()
        try:
            choice = self._restorable(file).choice(modules, decisions)
            for module in new:
                self._app.preview(module.name)
            for name in {*choice.modules} - self._app.catalog.built_in:
                self._app.targets.check_trust(name)
        except TrustError:
            raise
        except AiServerError:
            for module in new:
                rmtree(self._folder_of(module), ignore_errors=True)
            if new:
                self._refresh_catalog()
            raise
        return choice

    def _add_module(self, module: ManifestModule) -> None:
        if (folder := self._folder_of(module)).exists():
            text = Text("{folder} exists already. Move it to another place first.", folder=folder)
            raise RestoreError(text, module=module.name)
        for name, content in module.folder.items():
            target = self._folder_of(module).joinpath(*name.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            write_private(target, content.encode())

    def _folder_of(self, module: ManifestModule) -> Path:
        return self._app.home.folder / "modules" / module.name

    def _refresh_catalog(self) -> None:
        self._app.refresh_catalog()
        self._place.refresh()

    def _restorable(self, file: BackupFile) -> Restorable:
        return Restorable(self._tools, self._place.core.operations, file)

    def _file(self, source: BackupSource) -> BackupFile:
        path = self.index.path_of(source.id) if source.id else Path(source.file or "")
        identities = [*self._identities()]
        if source.recovery:
            identities.append(identity_in(source.recovery, source.passphrase or ""))
        return BackupFile(path, identities)

    def _opened(self, path: Path) -> BackupFile:
        return BackupFile(path, self._identities())

    def _identities(self) -> Sequence[str]:
        """The own keys; none if they are lost, so that a recovery file can be asked for."""
        return [] if self._keys.trouble else self._keys.identities()

    # -- the recovery key --------------------------------------------------------------------------

    def save_key(self, passphrase: str, file: str | None) -> str:
        """Save the recovery key, encrypted with *passphrase*, in *file*. Without it, returns the
        text.

        Raises:
            BackupKeyError: the passphrase is too short.
            BackupError: the file can't be written.
        """
        text = self._keys.save(passphrase)
        if file:
            try:
                write_private(Path(file), text.encode())
            except OSError as error:
                why = Text(
                    "{file} can't be written ({reason}). Choose another place.",
                    file=file,
                    reason=error.strerror or error,
                )
                raise BackupError(why) from error
        self._keys.note_saved()
        self._tell()
        return "" if file else text

    def later(self) -> None:
        """Ask for the recovery key again in a week."""
        self._keys.later()
        self._tell()

    # -- interrupted ones --------------------------------------------------------------------------

    def recover(self, actor: Actor) -> None:
        """End what was interrupted, one after the other, before anything else starts. What has to
        end on another engine fails as an operation only once; `list` goes on to tell a restore."""
        engine = self._tools.engine.info().id
        for id, entry in self._journal.interrupted.items():
            if entry.problem and not entry.is_on(engine):
                continue
            if entry.modules:
                work = recover(self._tools, self._journal, id)
                self.begin(entry.kind, entry.modules, work, actor).wait()
            else:
                self._journal.end(id)  # a check, which leaves only what is removed now
        with suppress(AiServerError):
            clean(self._tools, self._journal)

    def begin(
        self,
        kind: OperationKind,
        modules: Sequence[str],
        work: Callable[[Stage], object],
        actor: Actor,
    ) -> "Operation":
        """Begin an operation of *kind* on the data of *modules*, which does *work*."""
        request = Request(kind, tuple(modules))
        return self._place.feature(StackFeature).begin(request, actor, partial(Stage, work))

    def _tell(self, share: float = 0.0) -> None:
        self._place.publish(BACKUPS.message({"checking": self.checking, "share": share}))
