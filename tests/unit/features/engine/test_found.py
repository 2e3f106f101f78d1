"""Which engines are found, against a stand-in of ``wsl.exe`` and places of Windows' programs: there
is no Windows here."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.features.engine import found
from aiserver_tray.features.engine.found import find_engines
from aiserver_tray.system import engine_install
from aiserver_tray.system.engine_place import EnginePlace
from tests.support.wsl_machine import OURS, Machine

PIPE = "npipe:////./pipe/"
DESKTOP = EnginePlace(f"{PIPE}dockerDesktopLinuxEngine", ["/"], ["/"], "Docker Desktop")
OTHER_PIPE = EnginePlace(f"{PIPE}docker_engine", ["/"], ["/"], "Docker Desktop")
PODMAN = EnginePlace(f"{PIPE}podman-machine-default", ["/no/podman"], [], "Podman")
OWN = EnginePlace("wsl://aiserver", ["/"], [], "AI-Server Tray (WSL)")
DISTRIBUTIONS: dict[str, Any] = {
    **OURS,
    "Ubuntu": {"docker": True, "running": True},
    "Fedora": {"running": True},
    "Alpine": {"docker": True},
    "docker-desktop": {"running": True},
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, monkeypatch)
    machine.has(distributions=DISTRIBUTIONS)
    monkeypatch.setattr(engine_install, "SYSTEM", "windows")
    monkeypatch.setattr(found, "places", lambda: [DESKTOP, PODMAN, OTHER_PIPE, OWN])
    monkeypatch.setattr(found, "answers", lambda _place: False)
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    return machine


def write_context(folder: Path, name: str, host: str) -> None:
    key = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "contexts/meta" / key / "meta.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_all_that_is_there_is_told_and_nothing_is_started(machine: Machine) -> None:
    docker = machine.folder / "docker"
    write_context(docker, "server", "ssh://ada@server")
    write_context(docker, "desktop-linux", DESKTOP.host)
    wslc = machine.folder / "WSL/wslc.exe"
    wslc.parent.mkdir()
    wslc.touch()
    all_ = find_engines("wsl://aiserver", {"DOCKER_CONFIG": str(docker)})
    assert [(one.kind, one.name, one.address, one.state) for one in all_] == [
        ("program", "Docker Desktop", DESKTOP.host, "off"),
        ("own", "AI-Server Tray (WSL)", "wsl://aiserver", "off"),
        ("distribution", "Ubuntu", "wsl://Ubuntu", "running"),
        ("distribution", "Alpine", "wsl://Alpine", "unknown"),
        ("context", "server", "ssh://ada@server", "unknown"),
        ("wslc", "WSL containers (wslc)", "", "unusable"),
    ]
    assert [one.name for one in all_ if one.is_used] == ["AI-Server Tray (WSL)"]
    assert {line.split()[1] for line, _ in machine.calls if line.startswith("-d")} == {
        "Ubuntu",
        "Fedora",
    }, "a distribution that does not run stays so"


def test_what_is_of_no_use_hides_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has(fail={"--list": "Wsl/Service/E_UNEXPECTED"}, distributions=DISTRIBUTIONS)
    monkeypatch.setattr(found, "answers", lambda place: place is DESKTOP)
    all_ = find_engines(DESKTOP.host, {"DOCKER_CONFIG": str(machine.folder)})
    assert [(one.name, one.state, one.is_used) for one in all_[:1]] == [
        ("Docker Desktop", "running", True)
    ]
    assert [(one.name, one.state) for one in all_ if one.kind == "distribution"] == [
        (name, "unknown") for name in ("Ubuntu", "Fedora", "Alpine")
    ]
    docker = machine.folder / "docker"
    write_context(docker, "secure", "tcp://server:2376")
    (key,) = (docker / "contexts/meta").iterdir()
    (docker / "contexts/tls" / key.name / "docker").mkdir(parents=True)
    (one,) = (e for e in find_engines("", {"DOCKER_CONFIG": str(docker)}) if e.kind == "context")
    assert (one.address, one.state) == ("", "unusable")
    assert "DOCKER_CONTEXT" in str(one.detail)
