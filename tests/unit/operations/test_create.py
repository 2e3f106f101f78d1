"""Creating a container on an engine that takes one network at a time. Such engines (before 25)
can't be had here: a stand-in refuses what they refuse."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.execute import EngineExecutor
from aiserver_tray.operations.plan import Step
from tests.unit.standin_engine import IMAGE, Asked, needs_unix_sockets, standin

from .planning import targets_of

FILE = """
services: {web: {image: "x:1", networks: [one, two]}}
networks: {one: {}, two: {}}
"""


class _Engine:
    """Notes what is asked; before API 1.44 it refuses a container on two networks."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.asked: list[Sequence[str]] = []

    def answer(self, asked: Asked, body: bytes) -> None:
        path = asked.path.partition("?")[0]
        if path.endswith("/containers/create"):
            names = list(json.loads(body)["NetworkingConfig"]["EndpointsConfig"])
            self.asked.append(("create", *names))
            if len(names) > 1 and self.version == "1.43":
                asked.say({"message": "Container cannot be connected to network endpoints"}, 400)
            else:
                asked.say({"Id": "c1"}, 201)
        elif path.endswith("/connect"):
            self.asked.append(("connect", path.split("/")[-2]))
            asked.say({})
        else:
            asked.say(IMAGE)


@needs_unix_sockets
@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("1.43", [("create", "ai-m-one"), ("connect", "ai-m-two")]),
        ("1.44", [("create", "ai-m-one", "ai-m-two")]),
    ],
)
def test_it_is_created_on_the_networks_that_the_engine_takes(
    version: str, asked: Sequence[Sequence[str]], tmp_path: Path
) -> None:
    (target,) = targets_of(tmp_path, m=FILE)
    fake = _Engine(version)
    step = Step("create", "web", "m", target=target.services[0])
    with standin(tmp_path, fake.answer, version) as address, closing(Engine(address)) as engine:
        executor = EngineExecutor(engine, {"m": target}, ["x:1"], (), Cancellation())
        executor.execute(step)
    assert fake.asked == asked
