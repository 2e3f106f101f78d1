"""Images: those that are there, pulling and building others."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import (
    EngineRequestError,
    ImageBuildError,
    ImagePullError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine import parse
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.pull import OnProgress, Pull, SourceError, digest_of, sources, split
from aiserver_tray.engine.translate import refusal
from aiserver_tray.engine.values import Image, ImageDetails

if TYPE_CHECKING:
    from aiserver_tray.spec.model import BuildTarget


_EMPTY_ARCHIVE = bytes(10240)
"""A tar archive's end, without files before it."""


class Images:
    """Every method raises `EngineDownError` if the engine is lost, and `EngineRequestError` or a
    subclass if it rejects the request. *stall_timeout*: seconds without progress after which a
    source of an image is given up."""

    def __init__(self, connection: Connection, stall_timeout: float) -> None:
        self._connection = connection
        self._stall_timeout = stall_timeout

    def find(self, name: str, labels: Mapping[str, str] = MappingProxyType({})) -> Image | None:
        """The image of this name (``repository:tag``, ``…@digest``) or ID, unless it lacks one of
        *labels*. A digest is found under any name, because it identifies the content."""
        try:
            found = parse.image(self._connection.get("/images/{}/json", name), name)
            return found if labels.items() <= found.labels.items() else None
        except ObjectNotFoundError:
            if not (digest := digest_of(name)):
                return None
        for answer in self._connection.get("/images/json"):
            if any(known.endswith(f"@{digest}") for known in answer.get("RepoDigests") or ()):
                return self.find(answer["Id"], labels)
        return None

    def named(self, pattern: str) -> list[Image]:
        """The images with a name that *pattern* matches (``team/*``)."""
        params = {"filters": json.dumps({"reference": [pattern]})}
        answers = self._connection.get("/images/json", params=params)
        return [parse.image(answer, answer["Id"]) for answer in answers]

    def all(self) -> list[Image]:
        """All images, without those that only others consist of."""
        answers = self._connection.get("/images/json")
        return [parse.image(answer, answer["Id"]) for answer in answers]

    def details(self, id: str) -> ImageDetails:
        """More about the image than `all` returns.

        Raises:
            ObjectNotFoundError: there is none.
        """
        found = self._connection.get("/images/{}/json", id)
        return parse.image_details(found, self._connection.get("/images/{}/history", id))

    def remove(self, image: Image) -> None:
        """Remove *image* with all names that it has here, unless a container uses it.

        Raises:
            ObjectNotFoundError: there is none.
            ObjectConflictError: a container uses it, another image is made from it, or it has got
                more names since.
        """
        # By its ID, it is removed only if all of its names are of one repository.
        for name in image.tags[1:]:
            if (found := self.find(name)) and found.id == image.id:
                self._connection.call("DELETE", "/images/{}", name)
        self._connection.call("DELETE", "/images/{}", image.id)

    def pull(
        self,
        name: str,
        *,
        mirrors: Sequence[str] = (),
        platform: str | None = None,
        on_progress: OnProgress = lambda _progress: None,
        cancelled: Cancellation,
    ) -> Image:
        """Pull *name* from the first of *mirrors* that has it, else from its own registry. What
        comes from a mirror gets its own name (a digest excepted: see `Image.reference`).

        Raises:
            ImagePullError: no source gave it.
            CancelledError: *cancelled* was set.
            ResourcesError: the engine's disk is full.
        """
        from aiserver_tray.engine.registry import pull_auth  # noqa: PLC0415 - imports the SDK

        connection, limit = self._connection, self._stall_timeout
        pull = Pull(connection, platform, on_progress, cancelled, limit, pull_auth)
        failures: list[tuple[str, SourceError]] = []
        for source in sources(name, mirrors):
            try:
                return self._pull_from(source, name, pull)
            except SourceError as error:
                failures.append((source, error))
            except EngineRequestError as error:  # a mirror's name that is none, for instance
                failures.append((source, SourceError(error.explanation)))
        raise _pull_error(name, failures)

    def _pull_from(self, source: str, name: str, pull: Pull) -> Image:
        had = source == name or self.find(source) is not None
        pull.source(source)
        if source != name and not digest_of(name):
            self.tag(source, name)
            if not had:
                self.untag(source)
        if (found := self.find(name)) is None:
            raise SourceError(Text("the engine pulled it, but it does not exist"))
        return found

    def tag(self, image: str, name: str) -> None:
        """Give the image with the ID *image* the *name* (``repository:tag``), which another one may
        have now.

        Raises:
            ObjectNotFoundError: there is no such image.
        """
        repository, tag = split(name)
        self._connection.post("/images/{}/tag", image, params={"repo": repository, "tag": tag})

    def untag(self, name: str) -> None:
        """Take *name* from its image. Without any other name, the image is removed.

        Raises:
            ObjectNotFoundError: no image has it.
        """
        self._connection.call("DELETE", "/images/{}", name, params={"noprune": "1"})

    def save(self, names: Sequence[str], cancelled: Cancellation) -> Generator[bytes]:
        """The tar of the images with these *names*, each layer once.

        Raises:
            CancelledError: *cancelled* was set.
            ObjectNotFoundError: there is no such image.
        """
        params = {"names": [*names]}
        yield from self._connection.stream("GET", "/images/get", params=params).until(cancelled)

    def load(self, pieces: Iterable[bytes], cancelled: Cancellation) -> None:
        """Add the images in the tar *pieces*, with their names. What *pieces* raises ends that.

        Raises:
            CancelledError: *cancelled* was set.
            ResourcesError: the engine's disk is full.
        """
        answer = self._connection.upload(
            "POST",
            "/images/load",
            params={"quiet": "1"},
            pieces=pieces,
            cancelled=cancelled,
        )
        for line in answer.splitlines():
            if line.strip() and (why := json.loads(line).get("error")):
                raise refusal(500, str(why))

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The ID of an image without any files, for a container that is never started. It needs no
        registry."""
        answer = self._connection.call(
            "POST", "/images/create", params={"fromSrc": "-"}, data=_EMPTY_ARCHIVE
        )
        image = json.loads(answer.splitlines()[-1])["status"]
        try:
            yield image
        finally:
            self._connection.call("DELETE", "/images/{}", image, params={"force": "1"})

    def build(
        self,
        target: "BuildTarget",
        *,
        on_line: Callable[[str], None] = lambda _line: None,
        cancelled: Cancellation,
    ) -> Image:
        """Build *target* under its tag. *on_line* receives each line of the output.

        Raises:
            ImageBuildError: it could not be built, with the last lines.
            CancelledError: *cancelled* was set.
            ResourcesError: the engine's disk is full.
        """
        from aiserver_tray.engine.build import build  # noqa: PLC0415 - imports the SDK

        build(self._connection, target, on_line, cancelled)
        if (found := self.find(target.tag)) is None:
            why = Text("the engine built it, but it does not exist")
            raise ImageBuildError(target.module, target.tag, why)
        return found


def _pull_error(name: str, failures: Sequence[tuple[str, SourceError]]) -> ImagePullError:
    """Only the image's own registry decides whether it exists; if that fails in another way, all
    mirrors together do."""
    *mirrors, own = [error.not_found for _, error in failures]
    tried = [(source, error.why) for source, error in failures]
    return ImagePullError(name, tried, not_found=own or (bool(mirrors) and all(mirrors)))
