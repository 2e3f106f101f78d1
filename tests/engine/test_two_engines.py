"""Two engines with the same module, of which one is used at a time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.system.paths import Home
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.stack import IMAGE, service, write
from tests.support.waiting import eventually


@pytest.fixture
def second(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """Another engine on this machine, with an own registry of the same images."""
    shutil.copytree(lab.registry, tmp_path / "lab/registry", copy_function=os.link)
    place = Place(tmp_path / "lab")
    lifecycle.up(place)
    yield place
    lifecycle.purge(place)


def asked(cli: CommandLine, channel: str, **payload: object) -> Any:  # noqa: ANN401 - JSON
    """The owner's answer; None: there is none now."""
    with suppress(AiServerError), Client.connect(Home(cli.home, "home"), "command") as client:
        return client.request(channel, payload)
    return None


def use(cli: CommandLine, name: str) -> None:
    """Switch to the engine, and wait until the owner shows it."""
    cli.run("engine", "use", name).succeeded()

    def shown() -> bool:
        engine = (asked(cli, "ai/snapshot/get") or {"engine": {}})["engine"]
        return bool(engine.get("running") and engine["name"] == name)

    eventually(shown, f"the engine {name}")


def seen(cli: CommandLine) -> tuple[set[str], int, int]:
    """What the owner has of the engine in use: the lines of web, its operations on charts, and its
    alerts."""
    written = cli.run("logs", "web").succeeded().output.splitlines()
    lines = {line.split()[-1] for line in written if "I am" in line}
    marks = asked(cli, "ai/stats/history")["marks"]
    operations = [mark for mark in marks if mark["kind"] == "operation"]
    alerts = [one for one in asked(cli, "ai/rules/list")["alerts"] if one["module"] == "web"]
    return lines, len(operations), len(alerts)


def has(cli: CommandLine, container: str) -> bool:
    """Whether the owner has the line of *container* and the operation that started it."""
    return seen(cli)[:2] == ({container}, 1)


def test_logs_charts_and_alerts_of_two_engines_stay_apart(
    lab: Place, engine: docker.DockerClient, second: Place, tmp_path: Path
) -> None:
    script = "echo I am $$(hostname); touch /tmp/ready; sleep 6000"
    own = service() | {"command": ["sh", "-c", script], "restart": "no"}
    write(tmp_path / "catalog", "web", {"web": own}, kind="feature")
    cli = CommandLine(tmp_path / "home", tmp_path / "catalog", "")
    cli.run("engine", "add", "one", lab.host).succeeded()
    cli.run("engine", "add", "two", second.host).succeeded()
    cli.run("engine", "use", "one").succeeded()
    cli.run("config", "set", "app.start_desired", "false")  # no operation at a switch
    with closing(lab_engine.client(second)) as other, cli.started("serve"):
        use(cli, "one")
        ids = {}
        for name, client in {"one": engine, "two": other}.items():
            use(cli, name)
            have_image(client, IMAGE)
            assert seen(cli) == (set(), 0, 0)
            cli.run("up", "web").succeeded()
            ids[name] = (client.containers.get("ai-web").id or "")[:12]
            eventually(partial(has, cli, ids[name]), "its line and its operation")
        other.containers.get("ai-web").kill()
        eventually(lambda: seen(cli)[2] == 1, "an alert")
        use(cli, "one")
        assert seen(cli) == ({ids["one"]}, 1, 0)
        engine.containers.get("ai-web").remove(force=True)
        eventually(
            lambda: asked(cli, "ai/snapshot/get")["modules"][0]["state"] != "running", "its end"
        )
        assert seen(cli)[:2] == ({ids["one"]}, 1)  # kept: the engine has it no longer
        export = asked(cli, "ai/stats/csv")["name"]
        assert export.endswith("-one.csv")
        use(cli, "two")
        assert seen(cli) == ({ids["two"]}, 1, 1)
