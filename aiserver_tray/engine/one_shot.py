"""Containers that run one command, and are gone then."""

from typing import TYPE_CHECKING
from uuid import uuid4

from aiserver_tray.engine.containers import Containers
from aiserver_tray.spec.labels import ONE_SHOT

if TYPE_CHECKING:
    from aiserver_tray.spec.model import Body

_PREFIX = "ai.one-shot."
"""A module's containers have no dot in their names."""

_LOG_LINES = 100


def run_once(containers: Containers, body: "Body") -> tuple[int, list[str]]:
    """Run a container of *body* until it exits, and remove it. Returns exit code and output. First
    removes the leftover of a killed process. Only one call per installation may run at a time.

    Raises:
        EngineDownError, EngineRequestError: as the methods of *containers* do.
    """
    _sweep(containers, body["Labels"][ONE_SHOT])
    container = containers.create(f"{_PREFIX}{uuid4().hex[:12]}", body)
    try:
        containers.start(container)
        return containers.wait(container), containers.tail(container, _LOG_LINES)
    finally:
        containers.remove(container)


def _sweep(containers: Containers, installation: str) -> None:
    for found in containers.summaries():
        if found.labels.get(ONE_SHOT) == installation:
            containers.remove(found.id)
