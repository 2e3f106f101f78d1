"""Our engine package on the lab's engine. Import what a test needs; ``core`` is a fixture."""

from collections.abc import Iterator
from contextlib import closing

import docker
import pytest

from aiserver_tray.engine.engine import Engine
from tests.lab.fixtures import have_image
from tests.lab.place import Place

BUSYBOX = "busybox:1.37.0"
BODY = {"Image": BUSYBOX, "Cmd": ["sleep", "600"], "StopSignal": "SIGKILL"}
SECOND = 10**9
"""The engine's unit is the nanosecond."""


@pytest.fixture
def core(lab: Place, engine: docker.DockerClient) -> Iterator[Engine]:
    have_image(engine, BUSYBOX)
    with closing(Engine(lab.host)) as core:
        yield core


def run(core: Engine, name: str, command: str | None = None, **body: object) -> str:
    """Create and start a container; *command* is for a shell. Its id."""
    words = {"Cmd": ["sh", "-c", command]} if command else {}
    created = core.containers.create(name, {**BODY, **words, **body})
    core.containers.start(created)
    return created
