"""Looks for what can be removed, and removes it."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AiServerError, ObjectConflictError, ObjectNotFoundError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.cleanup.plan import (
    CleanupPlan,
    Found,
    FoundImage,
    Removable,
    image_id,
    plan_of,
)
from aiserver_tray.operations.locks import CLEANUP, Work, module_locks, one_shot_lock
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import INSTALLATION, MODULE, ONE_SHOT

if TYPE_CHECKING:
    from aiserver_tray.core.app import App
    from aiserver_tray.core.core import Core
    from aiserver_tray.engine.values import ContainerSummary
    from aiserver_tray.spec.model import ImageTarget

_EXPORT_AGE_SECONDS: Final = 24 * 3600
_ENDED: Final = ("exited", "dead")
_NOT_UNUSED: Final = Text("it is in use now, or already gone")


@dataclass(frozen=True)
class Outcome:
    """What became of a thing that was to be removed."""

    id: str
    names: tuple[str, ...] = ()
    problem: Text | None = None
    """why it was not removed; `null`: it was"""


class Removal:
    """The things that the clean-up of an installation can remove."""

    def __init__(self, app: "App", core: "Core") -> None:
        self._app = app
        self._core = core
        self._exports = app.home.folder / "exports"

    def plan(self) -> CleanupPlan:
        """What can be removed now. Changes nothing.

        Raises:
            EngineDownError, EngineRequestError: the engine can't be asked.
            SettingError: the installation's files can't be read.
        """
        plan, _ = self._look()
        return plan

    def run(
        self, ids: Collection[str], on_done: Callable[[int], object]
    ) -> tuple[list[Outcome], int]:
        """Remove the things with *ids* that can be removed now. Returns what became of each, and
        the bytes that are free now. *on_done* is called with the number of things that are done.

        Raises:
            BusyError: an operation is under way, which may need an image that nothing uses yet.
            EngineDownError, EngineRequestError, SettingError: as for `plan`.
        """
        with self._locked():
            plan, images = self._look()
            known = {thing.id for thing in plan.things}
            done = [Outcome(id, problem=_NOT_UNUSED) for id in ids if id not in known]
            for thing in plan.things:
                if thing.id in ids:
                    done.append(Outcome(thing.id, thing.names, self._problem(thing, images)))
                    on_done(len(done))
        return done, plan.freed({one.id for one in done if one.problem is None})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Within this, no operation works on a module of ours, nor a container for one command."""
        engine_id, settings = self._core.engine.info().id, self._app.settings
        work = Work(f"aiserver-tray {CLEANUP}", settings.installation_id, str(settings.folder))
        summaries = self._core.engine.containers.summaries(settings.installation_id)
        modules = {*self._app.names, *(one.labels.get(MODULE) for one in summaries)}
        with module_locks(engine_id, filter(None, modules), work), one_shot_lock(engine_id):
            yield

    # -- looking ---------------------------------------------------------------------------------

    def _look(self) -> tuple[CleanupPlan, dict[str, FoundImage]]:
        engine, settings = self._core.engine, self._app.settings
        containers = engine.containers.summaries()
        images, ours = [*self._images()], settings.engines.state(engine.info().id).images
        found = Found(
            images,
            {one.image_id for one in containers},
            ours,
            self._needed(ours),
            (*self._containers(containers), *self._files()),
        )
        return plan_of(found), {image_id(one.image.id): one for one in images}

    def _images(self) -> Iterator[FoundImage]:
        images = self._core.engine.images
        for image in images.all():
            with suppress(ObjectNotFoundError):  # it has just gone
                yield FoundImage(image, images.details(image.id))

    def _needed(self, ours: Collection[str]) -> dict[str, str | None]:
        """The images that modules need; all of *ours*, if some module can't be asked now."""
        targets: list[tuple[ImageTarget, str | None]] = [(HELPER, None)]
        is_sure = self._app.has_whole_catalog
        for module in self._app.names:
            try:
                targets += [(image, module) for image in self._app.targets.images(module)]
            except AiServerError:
                is_sure = False
        wanted = {
            name: (labels, module)
            for target, module in targets
            for name, labels in target.candidates.items()
        }
        find = self._core.engine.images.find
        found = ((find(name, labels), module) for name, (labels, module) in wanted.items())
        needed = {image.id: module for image, module in found if image}
        return needed if is_sure else dict.fromkeys(ours) | needed

    def _containers(self, containers: "Collection[ContainerSummary]") -> Iterator[Removable]:
        """The containers of ours that have ended and belong to nothing any more."""
        known, own = {*self._app.names}, self._app.settings.installation_id
        is_sure = self._app.has_whole_catalog
        for one in containers:
            module = one.labels.get(MODULE) if one.labels.get(INSTALLATION) == own else None
            is_gone = is_sure and module and module not in known
            if (is_gone or one.labels.get(ONE_SHOT) == own) and one.status in _ENDED:
                with suppress(ObjectNotFoundError):
                    size = self._core.engine.containers.written(one.id)
                    id = f"container {one.id}"
                    yield Removable(id, "containers", (one.name,), size, module=module)

    def _files(self) -> Iterator[Removable]:
        for file in sorted(self._exports.glob("logs-*")):
            with suppress(OSError):  # it has just gone
                facts = file.stat()
                if time.time() - facts.st_mtime > _EXPORT_AGE_SECONDS:
                    id, size = f"export {file.name}", facts.st_size
                    yield Removable(id, "exports", (file.name,), size, facts.st_mtime)

    # -- removing --------------------------------------------------------------------------------

    def _problem(self, thing: Removable, images: dict[str, FoundImage]) -> Text | None:
        """Remove *thing*. Returns why that failed."""
        _, _, name = thing.id.partition(" ")
        try:
            if image := images.get(thing.id):
                self._core.engine.images.remove(image.image)
            elif thing.group == "containers":
                self._core.before_removal(name)
                self._core.engine.containers.remove_stopped(name)
            else:
                (self._exports / Path(name).name).unlink()
        except (ObjectNotFoundError, FileNotFoundError):
            return _NOT_UNUSED
        except ObjectConflictError as error:
            return Text("it is in use by now ({reason})", reason=error.explanation)
        except AiServerError as error:
            return error.text
        except OSError as error:
            return Text("can't remove it ({reason})", reason=error.strerror or error)
        return None
