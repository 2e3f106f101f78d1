"""Events of our containers."""

import json
from collections.abc import Iterator
from typing import Any

from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import Event
from aiserver_tray.spec.labels import INSTALLATION

ACTIONS = (
    "create", "start", "pause", "unpause", "die", "oom", "destroy", "rename", "update",
    "health_status",
)  # fmt: skip
"""Events that change the result of `inspect`. The engine filters out the others: the ``exec_*`` of
each health check, and those that ``die`` and ``start`` cover as well (``kill``, ``stop``,
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
    """Events since this object was created. Iterate it in one thread; `close` it from any."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Event]:
        """The events, until the stream is closed.

        Raises:
            EngineDownError: the engine went away; this is how its end shows at once.
        """
        for message in self._stream.messages():
            yield _event(message)
        if not self._stream.is_closed:
            self._stream.broken()

    def close(self) -> None:
        """Close the stream, from any thread. Its iteration ends without an error."""
        self._stream.close()


def _event(message: dict[str, Any]) -> Event:
    action, _, detail = message["Action"].partition(":")
    actor = message["Actor"]
    return Event(
        id=actor["ID"],
        action=action,
        detail=detail.strip(),
        attributes=actor["Attributes"],
        time_ns=message["timeNano"],
    )
