"""Creating a container on an engine that takes one network at a time. Such engines (before 25)
can't be had here: a stand-in refuses what they refuse."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.plan.plan import Step
from aiserver_tray.operations.run.execute import EngineExecutor
from tests.support.standin_engine import IMAGE, Asked, needs_unix_sockets, standin

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


PROXIES = {"httpProxy": "http://u:s3cret-pw@proxy:3128", "noProxy": "corp.example"}
TWO = """
x-aiserver: {kind: feature, requires: [base]}
services:
  web: {image: "x:1", environment: {A: "1"}, extra_hosts: ["printer:host-gateway"]}
  own: {image: "x:1", environment: {http_proxy: "http://mine:1"}}
  kept: {image: "x:1", logging: {driver: local, options: {max-size: 10m}}}
"""
BASE = """
x-aiserver: {kind: basic}
services: {db: {image: "x:1", networks: {ai-net: {aliases: [database]}, default: }}}
networks: {ai-net: {external: true}}
"""


def _created(
    folder: Path, service: str, proxies: object, own: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The body by which an engine is asked for the container of *service*, whose module has its
    *own* proxies."""
    bodies: list[dict[str, Any]] = []

    def answer(asked: Asked, body: bytes) -> None:
        if "/containers/create" in asked.path:
            bodies.append(json.loads(body))
        asked.say({**IMAGE, "Id": "c1"}, 201)

    (folder / "config.json").write_text(json.dumps({"proxies": proxies}), encoding="utf-8")
    targets = {target.name: target for target in targets_of(folder, base=BASE, m=TWO)}
    (target,) = (found for found in targets["m"].services if found.service == service)
    with standin(folder, answer) as address, closing(Engine(address)) as engine:
        executor = EngineExecutor(engine, targets, ["x:1"], (), Cancellation())
        executor.execute(Step("create", service, "m", target=replace(target, proxies=own)))
    (body,) = bodies
    assert target.config_hash in body["Labels"].values(), "it would count as changed"
    return body


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


ITS = "http://its:1"
NEIGHBOURS = (
    "localhost,127.0.0.1,::1,host.docker.internal,gateway.docker.internal,database,db,kept,own,"
    "printer,web"
)


def _proxied(proxy: str, direct: str) -> list[str]:
    own = [f"HTTP_PROXY={proxy}", f"NO_PROXY={direct}"]
    return [*own, f"http_proxy={proxy}", f"no_proxy={direct}", "A=1"]


@needs_unix_sockets
@pytest.mark.parametrize(
    ("service", "engine", "own", "env"),
    [
        ("web", "default", None, _proxied(PROXIES["httpProxy"], f"corp.example,{NEIGHBOURS}")),
        ("web", "default", {"HTTP_PROXY": ITS, "NO_PROXY": ""}, _proxied(ITS, NEIGHBOURS)),
        ("web", "default", {}, ["A=1"]),
        ("web", "tcp://elsewhere:2375", None, ["A=1"]),
        ("own", "default", {"HTTP_PROXY": ITS}, ["http_proxy=http://mine:1"]),
    ],
    ids=["Docker's", "its module's", "its module has none", "of another engine", "its file's"],
)
def test_it_has_the_proxies_that_are_for_it(
    tmp_path: Path, service: str, engine: str, own: Mapping[str, str] | None, env: list[str]
) -> None:
    assert _created(tmp_path, service, {engine: PROXIES}, own)["Env"] == env


@needs_unix_sockets
def test_an_engine_without_the_log_driver_local_writes_files_of_its_own(tmp_path: Path) -> None:
    logging = _created(tmp_path, "kept", {})["HostConfig"]["LogConfig"]
    assert logging == {"Type": "json-file", "Config": {"max-size": "10m"}}
