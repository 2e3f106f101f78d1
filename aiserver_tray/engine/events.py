"""What happens to our containers, as it happens."""

import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import Event
from aiserver_tray.spec.labels import INSTALLATION

ACTIONS = (
    "create", "start", "pause", "unpause", "die", "oom", "destroy", "rename", "update",
    "health_status",
)  # fmt: skip
"""Those that change what `inspect` tells. The others are filtered out by the engine: the
``exec_*`` of each health check, and what ``die`` and ``start`` tell as well (``kill``, ``stop``,
``restart``; https://docs.docker.com/reference/cli/docker/system/events/#containers)."""


def event_params(installation: str) -> dict[str, str]:
    """The query for the events of *installation*'s containers."""
    filters = {
        "type": ["container"],
        "label": [f"{INSTALLATION}={installation}"],
        "event": list(ACTIONS),
    }
    return {"filters": json.dumps(filters)}


class EventStream:
    """Events from the moment that it was made on. Iterate it in one thread; `close` it from
    any."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        """The events, until it is closed.

        Raises:
            EngineDownError: the engine went away; this is how its end shows at once.
        """
        for message in self._stream.messages():
            yield _event(message)
        if not self._stream.is_closed:
            self._stream.broken()

    def close(self) -> None:
        """End it, from any thread: its iteration ends without an error."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _event(message: dict[str, Any]) -> Event:
    action, _, detail = message["Action"].partition(":")
    actor = message["Actor"]
    return Event(
        kind="container",
        id=actor["ID"],
        action=action,
        detail=detail.strip(),
        attributes=actor["Attributes"],
        time_ns=message["timeNano"],
    )
