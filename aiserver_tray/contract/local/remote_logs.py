"""The kept logs of the owner, for commands."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Condition
from typing import Any, Final, cast

from aiserver_tray.base.errors import NotRunningError
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.message import Message
from aiserver_tray.core.logs.forms import KeptLogsJson, LogBounds, LogLineJson
from aiserver_tray.features.logs.events import FOLLOWED, FollowedLines

_PAGE_LINES: Final = 1000

_WAIT_SECONDS: Final = 0.5
"""Seconds between two waits. On Windows, Ctrl-C does not interrupt a wait."""

_MAX_WAITING: Final = 10_000
"""Lines that wait for a slow reader. If more come, the newest are dropped, and asked for later."""

_SETTLE_SECONDS: Final = 1.0
"""Seconds without a line until the lines of containers that have ended are complete: the owner
keeps them a moment after they were written."""

Filter = Mapping[str, Any]
"""A `LogFilterForm`."""


class RemoteLogs:
    """Reads the kept logs of the owner that *client* is connected to.

    Every method raises `NotRunningError` if the owner is gone, and `RemoteError` if the filter is
    wrong.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def bounds(self) -> LogBounds:
        """The times of the kept lines, and which new lines are not kept."""
        return cast("LogBounds", self._request("bounds"))

    def kept(self) -> KeptLogsJson:
        """The modules with kept lines, and problems."""
        return cast("KeptLogsJson", self._request("kept"))

    def tails(
        self, wanted: Filter, services: Sequence[str], number: int, **more: str
    ) -> list[list[LogLineJson]]:
        """The last *number* lines of each of *services* (``module/service``), oldest first.
        *more*: further fields of `ai/logs/lines`."""
        # One page has the last lines of most services.
        limit = min(_PAGE_LINES, 2 * number * len(services))
        if not limit:
            return []
        page = self._request("lines", filter=wanted, limit=limit, **more)
        tails: dict[str, list[LogLineJson]] = {service: [] for service in services}
        for line in page["lines"]:
            tails.setdefault(f"{line['module']}/{line['service']}", []).append(line)
        for service in () if page["isEnd"] else services:
            if (missing := number - len(tails[service])) > 0:
                of_it = {**wanted, "modules": [], "services": [service]}
                older = self._newest(of_it, missing, **more, before=page["reached"])
                tails[service] += older
        return [lines[:number][::-1] for lines in tails.values()]

    def _newest(self, wanted: Filter, number: int, **more: str) -> list[LogLineJson]:
        """At most *number* lines, newest first."""
        found: list[LogLineJson] = []
        while len(found) < number:
            limit = min(number - len(found), _PAGE_LINES)
            page = self._request("lines", filter=wanted, limit=limit, **more)
            found += page["lines"]
            if page["isEnd"]:
                break
            more["before"] = page["reached"]
        return found

    def oldest(self, wanted: Filter, **more: str) -> Iterator[LogLineJson]:
        """All lines, oldest first. *more*: further fields of `ai/logs/lines`."""
        after = ""
        while True:
            page = self._request("lines", filter=wanted, after=after, limit=_PAGE_LINES, **more)
            yield from page["lines"]
            if page["isEnd"]:
                return
            after = page["reached"]

    def follow(
        self,
        wanted: Filter,
        history: Callable[[str], Iterable[LogLineJson]],
        is_live: Callable[[], bool],
    ) -> Iterator[LogLineJson]:
        """The lines of *history*, which gets the cursor up to which it has to read, then each that
        is kept later, as long as *is_live*. A slow reader gets all of them, too."""
        stream = _Stream(self._client, wanted)
        kept = stream.begin()
        yield from history(kept)
        quiet_since = time.monotonic()
        while True:
            if lines := stream.take():
                yield from lines
                kept, quiet_since = lines[-1]["cursor"], time.monotonic()
            elif stream.has_missed:
                before, kept = kept, stream.begin()
                yield from self.oldest(wanted, keptAfter=before, keptUntil=kept)
            elif is_live():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= _SETTLE_SECONDS:
                return

    def _request(self, channel: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        return self._client.request(f"ai/logs/{channel}", asked)


class _Stream:
    """The lines that *wanted* accepts, as they are kept. A reader that is too slow misses some, and
    has to ask for them."""

    def __init__(self, client: Client, wanted: Filter) -> None:
        self._client = client
        self._wanted = wanted
        self._id = 0
        self._changed = Condition()
        self._lines: list[LogLineJson] = []
        self._is_lost = False
        self.has_missed = False
        """Whether `take` returns no more lines before the next `begin`."""
        client.subscribe((FOLLOWED.name,), self._put, self._lose)

    def begin(self) -> str:
        """Begin, or begin again. Returns the cursor of the last line that was kept before."""
        with self._changed:
            self._id += 1
            self._lines, self.has_missed = [], False
        asked = {"streamId": f"logs-{self._id}", "filter": self._wanted}
        until = self._client.request("ai/logs/follow", asked)["keptUntil"]
        if self._id > 1:
            self._client.request("ai/logs/unfollow", {"streamId": f"logs-{self._id - 1}"})
        return str(until)

    def take(self) -> list[LogLineJson]:
        """The next lines in the order in which they were kept; none if none comes soon.

        Raises:
            NotRunningError: the owner is gone.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._is_lost, _WAIT_SECONDS)
            if self._is_lost and not self._lines:
                raise NotRunningError
            lines, self._lines = self._lines, []
            return lines

    # -- in the reader's thread -----------------------------------------------------------------

    def _put(self, message: Message) -> None:
        event = cast("FollowedLines", json.loads(message.payload))
        with self._changed:
            if event["streamId"] != f"logs-{self._id}":
                return
            is_full = len(self._lines) + len(event["lines"]) > _MAX_WAITING
            self.has_missed = self.has_missed or is_full or event["dropped"] > 0
            if not self.has_missed:
                self._lines += event["lines"]
                self._changed.notify()

    def _lose(self) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify()
