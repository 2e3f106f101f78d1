"""Windows' own engine, from nothing to a module that runs and back, with a stand-in of ``wsl.exe``
that leads to the lab's engine."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from bundler.wine import windows_path
from tests.lab.place import Place
from tests.support.installation import Installation, idle
from tests.support.waiting import eventually
from tests.support.wine.windows import Windows
from tests.support.wine.wsl import Wsl, installed


@pytest.fixture
def wsl(machine: Windows, lab: Place, tmp_path: Path) -> Iterator[Wsl]:
    with installed(machine, lab, tmp_path) as found:
        yield found


def test_from_nothing_to_a_module_and_back(
    machine: Windows, wsl: Wsl, here: Installation, engine: docker.DockerClient
) -> None:
    here.write("shop", {"web": idle(stop_signal="SIGKILL")}, title={"en": "Shop"})

    def run(*words: str) -> str:
        options = ("--home", windows_path(here.home), "--catalog", windows_path(here.catalog))
        return machine.screen.run(*machine.users, *options, *words, timeout=400).decode()

    assert "There is no" not in run("engine", "find")
    run("engine", "install", "--yes")
    assert "AI-Server Tray (WSL) *" in run("engine", "find")
    assert wsl.state["distributions"] == {"aiserver": {"mark": True, "docker": True}}
    words = ("--memory", "4", "--processors", "2", "--disk", "64", "--folder", r"D:\AI", "--yes")
    room = json.loads(run("engine", "settings", *words, "--json"))
    assert (room["processors"], room["limit"], room["folder"]) == (2, 64 * 1024**3, r"D:\AI")
    run("engine", "keep")
    eventually(lambda: wsl.clients("flock"), "it is kept running")
    wsl.drop("flock")
    run("up", "--trust", "shop", "shop")
    web = engine.containers.get("ai-shop-web")
    eventually(lambda: wsl.clients("flock"), "it is kept running without us")
    stops, wsl.idle = wsl.stops, 0.5
    assert web.status == "running"
    wsl.drop("flock")
    eventually(lambda: wsl.stops > stops, "without a client, it ends")
    wsl.idle = math.inf
    run("up", "shop")
    web.reload()
    assert web.status == "running", "it is back"
    run("down", "shop")
    run("engine", "uninstall", "--yes")
    assert not wsl.state["distributions"]
