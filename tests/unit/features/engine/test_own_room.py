"""What Windows' own engine takes, against a stand-in of ``wsl.exe``: there is no Windows here."""

from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.base.errors import AiServerError, RefusedError, SettingError
from aiserver_tray.features.engine import own_room
from aiserver_tray.system import autostart, wsl
from aiserver_tray.system.wsl import processor_limit, with_limits
from tests.support.wsl_machine import OURS, Machine

GIB = 1024**3
CONFIG = "# mine\n[experimental]\nsparseVhd=true\n[wsl2]\nMemory = 4GB\nswap=0\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, monkeypatch)
    machine.has(distributions={**OURS, "Ubuntu": {}})
    monkeypatch.setattr(wsl, "config_file", lambda: tmp_path / ".wslconfig")
    monkeypatch.setattr(wsl, "folder_of", lambda _name: tmp_path / "disk")
    monkeypatch.setattr(autostart, "keeps_engine", lambda: True)
    return machine


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", "[wsl2]\nmemory=8GB\nprocessors=3\n"),
        ("[wsl2]\n", "[wsl2]\nmemory=8GB\nprocessors=3\n"),
        (CONFIG, CONFIG.replace("Memory = 4GB\n", "memory=8GB\nprocessors=3\n")),
        ("[wsl2]\nswap=0\n[other]\nmemory=1GB", "[wsl2]\nmemory=8GB\nprocessors=3\nswap=0\n"
         "[other]\nmemory=1GB\n"),
    ],
)  # fmt: skip
def test_limits_change_nothing_else_of_the_file(config: str, expected: str) -> None:
    assert with_limits(config, {"memory": "8GB", "processors": "3"}) == expected
    assert (wsl.memory_limit(expected), processor_limit(expected)) == (8 * GIB, 3)


def test_limits_are_written_with_a_copy_of_the_old_file(machine: Machine) -> None:
    file = machine.folder / ".wslconfig"
    own_room.limit(8, 1)
    assert [one.name for one in machine.folder.glob(".wslconfig*")] == [".wslconfig"]
    file.write_text(CONFIG)
    own_room.limit(2, None)
    (copy,) = (one for one in machine.folder.glob(".wslconfig-*"))
    assert copy.read_text() == CONFIG
    assert "swap=0" in file.read_text()
    assert machine.state["shut down"]
    room = own_room.own_room()
    assert (room.memory, room.others) == (2 * GIB, ("Ubuntu",))
    assert "processors" not in file.read_text(), "it is as it was"


def test_a_file_that_cannot_be_written_stops_nothing(machine: Machine) -> None:
    (machine.folder / ".wslconfig").mkdir()
    with pytest.raises(SettingError, match=r"\.wslconfig"):
        own_room.limit(2, 1)
    assert "shut down" not in machine.state


def test_the_disk_is_moved_while_the_engine_is_stopped(machine: Machine) -> None:
    folder = machine.folder / "disk"
    folder.mkdir()
    (folder / "ext4.vhdx").write_bytes(b"12345")
    own_room.move(Path("D:/AI"))
    assert [line for line, _ in machine.calls] == [
        "--terminate aiserver",
        "--manage aiserver --move D:/AI",
    ]
    room = own_room.own_room()
    assert (room.folder, room.disk, room.is_kept) == (str(folder), 5, True)
    assert room.free
    assert room.volumes is None, "the engine does not answer"


@pytest.mark.parametrize(
    ("words", "mend", "attempts"),
    [
        ("Wsl/Service/MoveDistro/WSL_E_DISTRO_NOT_STOPPED", "Fix the cause", 3),
        ("磁盘空间不足。\r\n错误代码: Wsl/0x80070070", "Make room", 1),
    ],
)
def test_a_move_that_fails_says_why(machine: Machine, words: str, mend: str, attempts: int) -> None:
    machine.has(distributions=OURS, fail={"--manage": words})
    with pytest.raises(RefusedError, match=mend):
        own_room.move(Path("D:/AI"))
    assert len([line for line, _ in machine.calls if line.startswith("--manage")]) == attempts


def test_the_disk_is_resized_while_the_engine_is_stopped(machine: Machine) -> None:
    machine.has(
        distributions=OURS,
        warns="wsl: A localhost proxy configuration was detected but not mirrored into WSL.",
    )
    own_room.resize(64)
    assert "warns" not in machine.state, "it was said"
    asked = [line for line, _ in machine.calls if not line.startswith("-") or "--exec" not in line]
    assert asked == ["--version", "--terminate aiserver", "--manage aiserver --resize 64GB"]
    room = own_room.own_room()
    assert (room.limit, room.used) == (64 * GIB, 5 * GIB)


@pytest.mark.parametrize(
    ("state", "mend"),
    [
        ({"wsl": "2.4.13.0"}, "wsl --update"),
        ({"wsl": None}, "wsl --update"),
        ({"distributions": {"aiserver": {"used": 61 * GIB}}}, "Choose at least 66 GB"),
        ({"distributions": {}}, "does not answer"),
        ({"fail": {"--manage": "Fehler: Wsl/Service/0xc03a001a"}}, "--set-sparse false"),
        ({"fail": {"--manage": "磁盘空间不足。\r\n错误代码: Wsl/0x80070070"}}, "Make room"),
    ],
)
def test_a_size_that_cannot_be_had_says_the_mend(
    machine: Machine, state: dict[str, Any], mend: str
) -> None:
    machine.has(**{"distributions": OURS, **state})
    with pytest.raises(RefusedError, match=mend):
        own_room.resize(64)
    assert machine.state.get("terminated", False) == ("fail" in state), "else, it runs on"


def test_a_wsl_that_cannot_be_run_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsl, "wsl_program", lambda: machine.folder / "none")
    with pytest.raises(AiServerError, match="can't be changed"):
        own_room.move(Path("D:/AI"))
