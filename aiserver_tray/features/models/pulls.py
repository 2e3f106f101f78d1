"""Downloads of models that go on now, with their progress."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

from aiserver_tray.base.errors import DownloadError, RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.models.events import PullJson
from aiserver_tray.features.models.hub import BrokenOffError, FileFacts, Hub
from aiserver_tray.features.models.shelf import Hashing, Shelf, model_of_part

Phase = Literal["asking", "downloading", "copying", "checking", "loading"]
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 2.0
_RATE_SECONDS: Final = 5.0
_TOLD_SECONDS: Final = 0.25


class Pull:
    """The download of *model*; *told* is called when there is something to show."""

    def __init__(self, model: str, told: Callable[[], None], phase: Phase) -> None:
        self.cancelled = Cancellation()
        self._model = model
        self._told = told
        self._phase = phase
        self._done = self._total = 0
        self._resumed = False
        self._seen: deque[tuple[float, int]] = deque()
        self._last = 0.0

    def begin(self, phase: Phase, done: int = 0, total: int = 0) -> None:
        """It is in *phase* now, with *done* of *total* bytes."""
        self._resumed |= phase == "downloading" and done > 0
        self._phase = phase
        if total:
            self._done, self._total = done, total
        self._seen.clear()
        self._told()

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """*pieces*, each noted before it goes on."""
        for piece in pieces:
            self._done += len(piece)
            now = time.monotonic()
            self._seen.append((now, self._done))
            while now - self._seen[0][0] > _RATE_SECONDS:
                self._seen.popleft()
            if now - self._last > _TOLD_SECONDS:
                self._last = now
                self._told()
            yield piece

    @property
    def _rate(self) -> int:
        seen = tuple(self._seen)  # the thread of the download goes on
        if len(seen) < 2:
            return 0
        (begun, first), (now, last) = seen[0], seen[-1]
        return int((last - first) / (now - begun)) if now > begun else 0

    @property
    def needed(self) -> int:
        """Bytes that it still needs on the disk, as far as that is known."""
        return max(0, self._total - self._done)

    def json(self) -> PullJson:
        """As clients get it."""
        rate = self._rate if self._phase in ("downloading", "copying") else 0
        left = round((self._total - self._done) / rate) if rate else None
        return {
            "model": self._model,
            "phase": self._phase,
            "done": self._done,
            "total": self._total,
            "rate": rate,
            "secondsLeft": left,
            "resumed": self._resumed,
        }


class Pulls:
    """All downloads of this process. *told* is called when there is something to show."""

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._running: dict[str, Pull] = {}
        self._lock = Lock()

    @contextmanager
    def pulling(self, model: str, phase: Phase) -> Iterator[Pull]:
        """The only download of *model*, which begins with *phase*.

        Raises:
            RefusedError: there is one already.
        """
        pull = Pull(model, self._told, phase)
        with self._lock:
            if model in self._running:
                raise RefusedError(Text("{model} is being downloaded already.", model=model))
            self._running[model] = pull
        try:
            self._told()
            yield pull
        finally:
            with self._lock:
                del self._running[model]
            self._told()

    def of(self, model: str) -> Pull | None:
        """The download of *model*, if there is one."""
        return self._running.get(model)

    def needed_beside(self, pull: Pull) -> int:
        """Bytes that the downloads other than *pull* still need."""
        return sum(one.needed for one in self.all() if one is not pull)

    def all(self) -> tuple[Pull, ...]:
        with self._lock:
            return tuple(self._running.values())


@dataclass(frozen=True)
class Download:
    """A file of *hub* on its way to the *part* of *shelf*, as *pull*, one of *pulls*, shows it."""

    hub: Hub
    facts: FileFacts
    shelf: Shelf
    part: str
    pull: Pull
    pulls: Pulls

    def run(self) -> None:
        """Get the file, or what is missing of it, and compare the hash of what came.

        Raises:
            CancelledError: that was asked for. What is there stays.
            DownloadError: it broke off for good, has no room, or is another file.
        """
        digest = self._fetch(self._prepare())
        self.pull.begin("checking")
        if (digest or self.shelf.hash(self.part, self.pull.cancelled)) == self.facts.sha256:
            return
        self.shelf.drop_parts(model_of_part(self.part))
        text = Text(
            "What came is not the file that the hub has announced: its SHA-256 differs. It was "
            "deleted. Pull it again, or choose another hub: aiserver-tray config set "
            "LOCAL_MODELS_HUB"
        )
        raise DownloadError(text)

    def _prepare(self) -> int:
        """How many bytes of the file are there already."""
        look = self.shelf.look()
        begun = look.parts.get(self.part, 0)
        if begun > self.facts.size:
            begun = 0
        if not begun and look.begun(model_of_part(self.part)):
            self.shelf.drop_parts(model_of_part(self.part))  # of another version
        # Shown first: of two that begin at once, each counts the other.
        self.pull.begin("downloading", begun, self.facts.size)
        self.shelf.check_room(look, self.facts.size - begun, self.pulls.needed_beside(self.pull))
        return begun

    def _fetch(self, begun: int) -> str | None:
        """Get the file from *begun* on, and go on where it breaks off. Returns the hash of what
        came, if that is the whole file."""
        hashing, tries = Hashing(begun), _TRIES
        while hashing.count < self.facts.size:
            before = hashing.count
            try:
                self._append(hashing)
            except BrokenOffError as error:
                tries = _TRIES if hashing.count > before else tries - 1
                if not tries or self.pull.cancelled.wait(_PAUSE_SECONDS):
                    raise self._broken_off(error, hashing.count) from None
                self.pull.begin("downloading", hashing.count, self.facts.size)
        return None if begun else hashing.sha256

    def _append(self, hashing: Hashing) -> None:
        failures: list[BrokenOffError] = []

        def until_broken(pieces: Iterator[bytes]) -> Iterator[bytes]:
            # What has come is written to its end: only then is it known where to go on. More than
            # was announced is not taken: it would fill the disk.
            try:
                for piece in pieces:
                    yield piece[: self.facts.size - hashing.count]
                    if hashing.count >= self.facts.size or self.pull.cancelled.is_set():
                        return
            except BrokenOffError as error:
                failures.append(error)

        with self.hub.pieces(self.facts, hashing.count) as pieces:
            counted = self.pull.counted(hashing.through(until_broken(pieces)))
            self.shelf.append(self.part, counted, self.pull.cancelled)
        if failures or hashing.count < self.facts.size:
            raise failures[0] if failures else BrokenOffError("the connection was closed")

    def _broken_off(self, error: Exception, written: int) -> DownloadError:
        return DownloadError(
            Text(
                "The download from {host} broke off after {percent} %: {why}. Pull it again; it "
                "goes on where it stopped.",
                host=self.hub.host,
                percent=written * 100 // self.facts.size,
                why=str(error)[:200],
            )
        )
