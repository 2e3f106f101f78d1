"""The images of an operation: pull, build, and find the name for a container."""

from collections.abc import Callable, Iterable

from aiserver_tray.base.errors import ImageBuildError, ImagePullError, ObjectNotFoundError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.images import PullProgress
from aiserver_tray.engine.values import Image
from aiserver_tray.spec.model import ImageTarget


class OperationImages:
    """Gets images; *there* are the names of those that the engine has. ``new`` gathers the ids of
    those that it did not have under their name before. Every method raises what
    `engine.images.Images` does."""

    def __init__(
        self,
        engine: Engine,
        there: Iterable[str],
        mirrors: tuple[str, ...],
        cancelled: Cancellation,
    ) -> None:
        self.new: list[str] = []
        self._images = engine.images
        self._there = set(there)
        self._substitutes: dict[str, str] = {}
        self._found: dict[str, Image] = {}
        self._mirrors = mirrors
        self._cancelled = cancelled

    def pull(self, image: ImageTarget, on_progress: Callable[[PullProgress], None]) -> None:
        """Pull *image*, or build it if it can't be pulled."""
        name = image.name or image.local
        before = self._images.find(name)
        try:
            found = self._images.pull(
                name,
                mirrors=self._mirrors,
                platform=image.platform,
                on_progress=on_progress,
                cancelled=self._cancelled,
            )
        except ImagePullError as error:
            if not (image.build and error.not_found):
                raise
            if image.build.is_remote:
                raise ImageBuildError.from_url(image.build.module, name, error.text) from error
            self.build(image)
        else:
            self._note(name, found, before)

    def build(self, image: ImageTarget) -> None:
        """Build *image* under its local name."""
        if image.build is None:
            raise TypeError(image.local)
        if image.build.is_remote:
            raise ImageBuildError.from_url(image.build.module, image.name or image.local)
        before = self._images.find(image.local)
        found = self._images.build(image.build, image.local, cancelled=self._cancelled)
        self._note(image.local, found, before)
        self._substitutes[image.name or image.local] = image.local

    def get(self, image: ImageTarget) -> Image:
        """*image* as the engine has it.

        Raises:
            ObjectNotFoundError: it was removed meanwhile.
        """
        name = self._name_of(image)
        if name not in self._found:
            found = self._images.find(name)
            if found is None:
                raise ObjectNotFoundError(404, f"No such image: {name}")
            self._found[name] = found
        return self._found[name]

    def _name_of(self, image: ImageTarget) -> str:
        """The name of *image* on the engine. A local build comes first, even one of another service
        with the same name that could not be pulled."""
        if image.local in self._there:
            return image.local
        name = image.name or image.local
        return name if name in self._there else self._substitutes[name]

    def _note(self, name: str, found: Image, before: Image | None) -> None:
        if before is None or before.id != found.id:
            self.new.append(found.id)
        self._there.add(name)
        self._found[name] = found
