"""Pulling an image from one source, its progress, and the names of sources."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiserver_tray.base.errors import CancelledError, EngineRequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.stream import SilenceError, Stream
from aiserver_tray.engine.translate import refusal
from aiserver_tray.engine.values import LayerProgress, PullProgress

OnProgress = Callable[[PullProgress], None]

_REPORT_SECONDS = 0.1
"""Seconds between two reports; the engine sends more messages than anybody can read."""
_UNPACK_TIMEOUT_SECONDS = 1800.0
"""Seconds of silence once all is downloaded: the containerd image store of Engine 25 to 27 does
not say a word while it unpacks."""

_NOT_FOUND = re.compile(
    r"manifest unknown|name unknown|repository does not exist|manifest for .* not found"
    r"|: not found$"
)
"""Messages of registries and engines if an image does not exist. A private image looks the same
without permission."""


class SourceError(Exception):
    """A source failed; ``not_found``: it does not have the image."""

    def __init__(self, why: str | Text, *, not_found: bool = False) -> None:
        super().__init__(str(why))
        self.why = why
        self.not_found = not_found


@dataclass(frozen=True)
class Pull:
    """Pulls one source after another. *stall_timeout*: seconds without progress after which a
    source has failed. *login* gives the headers for a repository, and why they are not all."""

    connection: Connection
    platform: str | None
    on_progress: OnProgress
    cancelled: Cancellation
    stall_timeout: float
    login: Callable[[str], tuple[dict[str, str], Text | None]]

    def source(self, name: str) -> None:
        """Pull *name* from the registry that it names.

        Raises:
            SourceError: the pull failed.
            CancelledError, EngineDownError, ResourcesError: no other source would either.
        """
        repository, tag = split(name)
        headers, login_problem = self.login(repository)
        params = {"fromImage": repository, "tag": tag}
        if self.platform:
            params["platform"] = self.platform
        stream = self.connection.stream(
            "POST", "/images/create", params=params, headers=headers, timeout=self.stall_timeout
        )
        try:
            with stream, self.cancelled.closes(stream.close):
                self._follow(stream)
        except SilenceError as error:
            raise _stalled(stream.silence or self.stall_timeout) from error
        except EngineRequestError as error:
            raise _failed(error, login_problem) from error
        if self.cancelled.is_set():
            raise CancelledError

    def _follow(self, stream: Stream) -> None:
        meter = PullMeter(time.monotonic)
        reported_at, allowed = 0.0, self.stall_timeout
        for message in stream.messages():
            if "error" in message:
                raise refusal(0, str(message["error"]))
            meter.feed(message)
            limit = self.stall_timeout
            if meter.is_loaded:
                limit = max(limit, _UNPACK_TIMEOUT_SECONDS)
            if limit != allowed:
                allowed = limit
                stream.allow_silence(limit)
            now = time.monotonic()
            if now - meter.advanced_at > limit:
                raise _stalled(limit)
            if now - reported_at >= _REPORT_SECONDS:
                reported_at = now
                self.on_progress(meter.progress)
        if not stream.is_closed:
            self.on_progress(meter.progress)


def _stalled(seconds: float) -> SourceError:
    return SourceError(Text("no progress for {seconds:.0f} s", seconds=seconds))


def _failed(error: EngineRequestError, login_problem: Text | None) -> SourceError:
    why: str | Text = error.explanation
    if login_problem:
        why = Text("{why} ({problem})", why=why, problem=login_problem)
    not_found = error.status == 404 or bool(_NOT_FOUND.search(error.explanation))
    return SourceError(why, not_found=not_found)


_KNOWN = ("Pulling fs layer", "Waiting")
_LOADED = ("Verifying Checksum", "Download complete", "Extracting")


class PullMeter:
    """Follows the layers of a pull. *clock* gives seconds; ``advanced_at`` is when there was last
    progress: a failed download that waits to begin again is none."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._layers: dict[str, LayerProgress] = {}
        self.advanced_at = clock()

    def feed(self, message: Mapping[str, Any]) -> None:
        """Add a message of the pull."""
        status, name = str(message.get("status", "")), str(message.get("id"))
        before = self._layers.get(name, LayerProgress())
        if status.startswith("Retrying"):
            self._layers[name] = replace(before, state="waiting")
            return
        self.advanced_at = self._clock()
        if (after := _advanced(before, status, message.get("progressDetail") or {})) is not None:
            self._layers[name] = after

    @property
    def is_loaded(self) -> bool:
        """Whether all layers known so far are loaded."""
        over = ("loaded", "unpacked", "present")
        return bool(self._layers) and all(layer.state in over for layer in self._layers.values())

    @property
    def progress(self) -> PullProgress:
        return PullProgress(dict(self._layers))


def _advanced(layer: LayerProgress, status: str, detail: Mapping[str, Any]) -> LayerProgress | None:
    """*layer* after a message; None: the message is about no layer."""
    current = 0 if detail.get("units") else detail.get("current", 0)  # it may count seconds
    # The engine merges messages that nobody reads at once, so there may have been none of the
    # download. It tells the size again when it unpacks.
    total = max(0 if detail.get("units") else detail.get("total", 0), layer.total)
    if status == "Downloading":
        current = current or layer.current
        return LayerProgress(current, max(total, current), state="loading")
    if status in _KNOWN:
        return layer
    if status in _LOADED:
        unpacked = min(current, total) if status == "Extracting" else layer.unpacked
        return LayerProgress(total, total, unpacked, "loaded")
    if status == "Pull complete":
        return LayerProgress(total, total, total, "unpacked")
    if status == "Already exists":
        return LayerProgress(state="present")
    return None


HUB_NAMES = ("docker.io", "index.docker.io")
"""Docker Hub's names in those of images, the usual one first."""


def split(name: str) -> tuple[str, str]:
    """Repository and digest, if *name* has one, else repository and tag; without either, the tag
    ``latest``."""
    repository, _, digest = name.partition("@")
    head, colon, tag = repository.rpartition(":")
    if not colon or "/" in tag:
        head, tag = repository, "latest"
    return head, digest or tag


def digest_of(name: str) -> str | None:
    """The digest that *name* asks for."""
    return name.partition("@")[2] or None


def sources(name: str, mirrors: Sequence[str]) -> tuple[str, ...]:
    """The sources of *name*, in order: each mirror (a registry, or a path on one), then its own
    registry.

    A mirror has Docker Hub's images under their path (``library/…`` for official ones), and those
    of another registry under the registry's name, so that no image is mistaken for another. A
    registry with a port can't be part of a path, so it has no mirrors.
    """
    path = _path(name)
    if ":" in path.partition("/")[0]:
        return (name,)
    prefixes = [re.sub(r"^https?://", "", mirror).strip("/") for mirror in mirrors]
    return (*(f"{prefix}/{path}" for prefix in prefixes if prefix), name)


def _path(name: str) -> str:
    registry, slash, rest = name.partition("/")
    if registry in HUB_NAMES and slash:
        return _path(rest)
    return name if slash else f"library/{name}"
