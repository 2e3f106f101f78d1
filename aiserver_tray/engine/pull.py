"""Pulling an image from one source."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiserver_tray.base.errors import CancelledError, EngineRequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.progress import PullMeter
from aiserver_tray.engine.reference import split
from aiserver_tray.engine.stream import SilenceError, Stream
from aiserver_tray.engine.translate import refusal
from aiserver_tray.engine.values import PullProgress

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
    source has failed."""

    connection: Connection
    platform: str | None
    on_progress: OnProgress
    cancelled: Cancellation
    stall_timeout: float

    def source(self, name: str) -> None:
        """Pull *name* from the registry that it names.

        Raises:
            SourceError: that did not work.
            CancelledError, EngineDownError, ResourcesError: no other source would either.
        """
        from aiserver_tray.engine.auth import pull_auth  # noqa: PLC0415 - imports the SDK

        repository, tag = split(name)
        headers, login_problem = pull_auth(repository)
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
            limit = (
                max(self.stall_timeout, _UNPACK_TIMEOUT_SECONDS)
                if meter.is_loaded
                else self.stall_timeout
            )
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
