"""Moving to another computer: one file with everything that there is here. There, it is restored as
a backup of another installation is, with the recovery key."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from aiserver_tray.base.errors import (
    AiServerError,
    BackupDamagedError,
    BackupError,
    BackupKeyError,
    ObjectConflictError,
    ObjectNotFoundError,
    SettingError,
    raise_all,
)
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.create import Copy, Creation, start_again
from aiserver_tray.features.backup.manifest import Manifest
from aiserver_tray.features.backup.plan import BackupPlan, Group, ModulePlan, Part
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.views import MoveOffer, MoveQuestion, MoveRequest
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.unended import BackupJournal
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import MODULE
from aiserver_tray.state.progress import IMAGES

if TYPE_CHECKING:
    from aiserver_tray.engine.cancellation import Cancellation
    from aiserver_tray.engine.images import Images
    from aiserver_tray.features.alerts.files import RuleFiles
    from aiserver_tray.features.backup.archive import BackupWriter
    from aiserver_tray.features.backup.index import Index
    from aiserver_tray.features.backup.keys import Keys
    from aiserver_tray.features.backup.stage import Stage
    from aiserver_tray.model import Actor, Container, OperationKind
    from aiserver_tray.operations.operation import Operation
    from aiserver_tray.state.views import OperationView

    Work = Callable[[Stage], object]


@dataclass(frozen=True)
class SavedImages:
    """Images of the engine that can be saved."""

    names: tuple[str, ...] = ()
    bytes: int = 0
    """At most: layers that several of them have count once for each."""


def images_of(tools: Tools, modules: Collection[str]) -> SavedImages:
    """The images that the engine has for *modules* and for work on volumes, under the names by
    which a start looks for them. One that is named by its digest has to be pulled again."""
    wanted: list[Mapping[str, Mapping[str, str]]] = [HELPER.candidates]
    for module in modules:
        with suppress(AiServerError):  # its file is wrong: it can't start there either
            wanted += (one.image.candidates for one in tools.app.preview(module).services)
    sizes: dict[str, int] = {}
    names: dict[str, None] = {}
    for candidates in wanted:
        for name, labels in candidates.items():
            if "@" not in name and (found := tools.engine.images.find(name, labels)):
                names[name], sizes[found.id] = None, found.size
                break
    return SavedImages(tuple(names), sum(sizes.values()))


@dataclass(kw_only=True)
class Moving(Creation):
    """The work that makes the file that is *asked* for."""

    kind: ClassVar[Literal["backup", "move"]] = "move"
    asked: MoveRequest
    images: SavedImages

    def reserve(self) -> None:
        self.path = Path(self.asked.file)
        if self.path.exists():
            raise BackupError(_is_there(self.path))
        with self.journal.update(self.id) as entry:
            entry.file = str(self.path)

    def _write(self, stage: "Stage") -> None:
        if not self.asked.stop:
            super()._write(stage)
            return
        with self._stopped(stage):
            super()._write(stage)

    @contextmanager
    def _stopped(self, stage: "Stage") -> Iterator[None]:
        """Everything stands still from before the block on, so that nothing is stored which the
        file does not have. It starts again only if the block fails."""
        known = self.tools.app.catalog.modules
        servers = {part.server for part in self.plan.databases}
        try:
            self._hold(stage, [name for name in known if name not in servers])
            yield
            self._hold(stage, sorted(servers))
            stage.want_nothing()
        except BaseException:
            try:
                start_again(stage, self.tools, self.held)
            except AiServerError as error:  # the next start does that; this one says why it failed
                stage.notice(error.text)
            raise

    def _hold(self, stage: "Stage", modules: list[str]) -> None:
        with stage.locked(modules):
            ran: list[Container] = stage.running(modules)
            self.held += ran
            with self.journal.update(self.id) as entry:
                entry.ran = [container.name for container in self.held]
            stage.stop(modules, ran)

    def _announce(self, stage: "Stage") -> None:
        if self.images.names:
            self.expect_packs(stage, [self._part])
        super()._announce(stage)

    def _add_more(self, stage: "Stage", writer: "BackupWriter") -> None:
        if names := self.images.names:
            with closing(self.tools.engine.images.save(names, stage.cancelled)) as pieces:
                self._pack(stage, Copy(self._part, pieces, images=names), writer)

    @property
    def _part(self) -> Part:
        """The images; they belong to no module, and a file has only what belongs to one."""
        return Part(self.plan.modules[0].name, "image", "1", self.images.bytes, IMAGES)

    def _manifest(self) -> Manifest:
        app, engine = self.tools.app, self.tools.engine.info()
        stored = app.settings.stored(APP_SETTINGS)
        secrets = {a: v for a, v in stored.items() if v is not None and APP_SETTINGS[a].is_secret}
        return replace(
            super()._manifest(),
            secrets=secrets,
            wanted=tuple(app.settings.engines.desired(engine.id)),
            chosen=app.settings.chosen,
            rules=_rules(self.tools).read().model_dump_json(),
            platform=engine.platform,
            is_stopped=self.asked.stop,
        )


def _rules(tools: Tools) -> "RuleFiles":
    from aiserver_tray.features.alerts.files import RuleFiles  # noqa: PLC0415 - few need it

    home = tools.app.home.folder
    return RuleFiles(home, home, tools.app.settings.notices)


def take_over(tools: Tools, chosen: Sequence[str] | None, rules: str) -> None:
    """Take over the modules that *Start all* started on another computer, and its alert *rules*.
    What is here stays.

    Raises:
        SettingError: they can't be read or stored.
    """
    from aiserver_tray.features.alerts.files import RulesData, take_over  # noqa: PLC0415 - as above

    if chosen is not None:
        known = [name for name in chosen if name in tools.app.catalog.modules]
        tools.app.settings.choose(dict.fromkeys((*(tools.app.settings.chosen or ()), *known)))
    if rules:
        try:
            moved = RulesData.model_validate_json(rules)
        except ValueError:
            why = Text("those of the other computer can't be read. Set them again here")
            raise SettingError("rules.json", why) from None
        _rules(tools).change(partial(take_over, moved=moved))


def _is_there(path: Path) -> Text:
    return Text("{file} exists already. Choose another name.", file=path)


class Moves:
    """Makes files for another computer, which *keys* open there. *begin* begins an operation of a
    kind on modules, which does some work."""

    def __init__(
        self,
        tools: Tools,
        journal: BackupJournal,
        keys: "Keys",
        index: "Index",
        begin: "Callable[[OperationKind, Sequence[str], Work, Actor], Operation]",
    ) -> None:
        self._tools = tools
        self._journal = journal
        self._keys = keys
        self._index = index
        self._begin = begin

    def offer(self, asked: MoveQuestion) -> MoveOffer:
        """What the file that is *asked* for would have, what it takes, and what prevents it.

        Raises:
            AiServerError: the engine or a server can't be asked.
        """
        plan, images = self._planned(asked)
        file = Path(asked.file or user_home() / f"aiserver-move-{datetime.now():%Y-%m-%d}.zip")
        folders = {folder for module in plan.modules for folder in module.folders}
        return MoveOffer(
            str(file),
            tuple(module.title for module in plan.modules),
            tuple(sorted(folders)),
            len(images.names),
            images.bytes,
            plan.file_bytes,
            self._keys.view().saved_at is not None,
            tuple(self._blockers(plan, file)),
        )

    def begin(self, asked: MoveRequest, actor: "Actor") -> "OperationView":
        """Begin to make the file.

        Raises:
            BackupKeyError: nobody could open it there, because the recovery key is not saved.
            BackupError: it can't be made; says why. Nothing was stopped.
            AiServerError: the engine or a server can't be asked.
        """
        if self._keys.view().saved_at is None:
            text = Text(
                "Nobody could open the file on another computer. First save the recovery key, on "
                "the page Backups or with: aiserver-tray backup key save FILE"
            )
            raise BackupKeyError(text)
        plan, images = self._planned(asked)
        raise_all([*map(BackupError, self._blockers(plan, Path(asked.file)))])
        made = self._tools, self._journal, self._keys, plan
        chosen = images if asked.images else SavedImages()

        def work(stage: "Stage") -> None:
            Moving(*made, "move", stage.id, asked=asked, images=chosen).run(stage)
            size = Path(asked.file).stat().st_size
            self._index.moved(asked, size)

        return self._begin("move", [one.name for one in plan.modules], work, actor).view

    def _planned(self, asked: MoveQuestion) -> tuple[BackupPlan, SavedImages]:
        """Everything: what has data, and what has settings alone."""
        planner, app = self._tools.planner, self._tools.app
        plan = planner.plan(None)
        if asked.folders:
            plan = planner.plan(None, {f for module in plan.modules for f in module.folders})
        known, names = app.catalog.modules, {module.name for module in plan.modules}
        ours = self._tools.engine.containers.summaries(self._tools.owner.installation)
        there = {one.labels.get(MODULE) for one in ours}
        generated = {address for address, setting in app.declared.items() if setting.generate}
        there |= {address.partition(".")[0] for address in app.settings.addresses - generated}
        more = [ModulePlan(n, known[n].title, None) for n in known if n in there - names]
        if plan.groups and more:
            plan = replace(plan, groups=(*plan.groups, Group(tuple(more))))
        images = images_of(self._tools, [module.name for module in plan.modules])
        size = images.bytes if asked.images else 0
        return replace(plan, file_bytes=plan.file_bytes + size), images

    def _blockers(self, plan: BackupPlan, file: Path) -> Iterator[Text]:
        if file.exists():
            yield _is_there(file)
        yield from self._tools.planner.blockers(plan, file.parent)


def load(
    images: "Images", names: Collection[str], pieces: Iterable[bytes], cancelled: "Cancellation"
) -> list[str]:
    """Load the images *names* from the tar *pieces*. Returns the IDs of those that are new here.

    Raises:
        BackupDamagedError: the tar names others.
        AiServerError: it can't be loaded, or was cancelled. All images and names are as they were.
    """
    before, known = _named(images), {one.id for one in images.all()}
    try:
        images.load(pieces, cancelled)
        if any(n not in names and before.get(n) != id for n, id in _named(images).items()):
            text = Text("The file has other images than it says. Use another file.")
            raise BackupDamagedError(text)
    except BaseException:
        with suppress(AiServerError):  # the engine is lost
            now = _named(images)
            for name, id in before.items():
                if now.get(name) != id:
                    images.tag(id, name)
            for name in now.keys() - before.keys():
                images.untag(name)
            unload(images, {one.id for one in images.all()} - known)
        raise
    return [one.id for one in images.all() if one.id not in known]


def _named(images: "Images") -> dict[str, str]:
    return {name: one.id for one in images.all() for name in one.tags}


def unload(images: "Images", ids: Collection[str]) -> None:
    """Remove the images with these *ids*, as far as no container uses them and the engine is
    there."""
    with suppress(AiServerError):
        for one in images.all() if ids else ():
            if one.id in ids:
                with suppress(ObjectConflictError, ObjectNotFoundError):
                    images.remove(one)
