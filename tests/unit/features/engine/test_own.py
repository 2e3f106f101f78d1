"""The set-up of Windows' own engine, step by step, and what it takes, against a stand-in of
``wsl.exe``: there is no Windows here. ``tests/wine`` runs it with Windows' own parts."""

from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from aiserver_tray.base.errors import AiServerError, EngineDownError, RefusedError, SettingError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.engine import own, own_room
from aiserver_tray.features.engine.events import OwnEngine
from aiserver_tray.features.engine.own import HOST, Surroundings
from aiserver_tray.system import autostart, wsl
from aiserver_tray.system.wsl import processor_limit, with_limits
from tests.support.waiting import eventually
from tests.support.wsl_machine import OURS, Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(wsl, "config_file", lambda: tmp_path / ".wslconfig")
    monkeypatch.setattr(wsl, "folder_of", lambda _name: tmp_path / "disk")
    monkeypatch.setattr(autostart, "keeps_engine", lambda: True)
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """It has our engine."""
    machine.has(distributions={**OURS, "Ubuntu": {}})
    return machine


def states(view: OwnEngine) -> str:
    """The state of each step, as a letter."""
    return "".join(step.state[0] for step in view.steps)


INSTALL, IN = "--install Debian", "-d aiserver -u root --exec /bin/sh"
MARK = "-d aiserver -u root --exec sh -ec printf"


def failing(command: str, words: str) -> dict[str, Any]:
    return {"fail": {command: words}}


def test_from_nothing_to_an_engine_that_answers(machine: Machine) -> None:
    machine.has(wsl=None)
    asked = iter([None, "28.4.0", "28.4.0"])

    def answer() -> str:
        if (found := next(asked)) is None:
            raise EngineDownError(HOST, "not yet")
        return found

    machine.answer = answer
    near = "http://127.0.0.1:7890"
    proxies = {"http": "http://proxy:3128\nrm -rf /", "https": near, "no": "localhost"}
    view = machine.set_up(Surroundings("-----BEGIN CERTIFICATE-----\nx\n", proxies))
    assert (view.status, states(view)) == ("ready", "dddddd"), view.error
    assert machine.state["distributions"] == {"aiserver": {"mark": True, "docker": True}}
    assert machine.state["terminated"], "systemd runs from the next start on"
    made = next(given for line, given in machine.calls if "update-ca-certificates" in line)
    assert 'Acquire::http::Proxy "http://proxy:3128rm-rf/";' in made
    assert near not in made, "WSL can't reach it"
    assert "-----BEGIN CERTIFICATE-----" in made
    assert machine.noted
    percents = {one.percent for seen in machine.seen for one in seen.steps}
    assert {10.0, 55.0, 100.0, 50.0} <= percents
    assert "Setting up docker.io docker-cli ca-certificates" in view.lines
    again = machine.set_up()
    assert states(again) == "dddddd"
    assert [str(one.detail) for one in again.steps][3:5] == 2 * ["It is there already."]


def test_it_goes_on_after_windows_has_restarted(machine: Machine) -> None:
    machine.has(wsl=None, restart=True)
    view = machine.set_up()
    assert (view.status, states(view)) == ("restart", "ddrppp")
    assert machine.set_up().status == "restart", "nobody has restarted it"
    machine.has(wsl="2.6.1.0")
    machine.boot = 9e9
    assert machine.set_up().status == "ready"
    assert own.state_file(machine.folder, []).read().restart_since is None


@pytest.mark.parametrize(
    ("state", "letters", "mend"),
    [
        (failing(INSTALL, "Fehler: Wsl/WININET_E_NAME_NOT_RESOLVED"), "dddfpp", "internet"),
        (failing(INSTALL, "磁盘空间不足。\r\n错误代码: Wsl/0x80070070"), "dddfpp", "Make room"),
        (failing(INSTALL, "Wsl/HCS/HCS_E_HYPERV_NOT_INSTALLED"), "dddfpp", "virtualisation"),
        (failing(MARK, "Wsl/Service/E_ACCESSDENIED"), "dddfpp", "administrator"),
        (failing("--terminate", "Wsl/Service/0x8007000e"), "dddfpp", "Fix the cause"),
        ({"wsl": "2.0.9.0", **failing("--update", "Wsl/WININET_E_TIMEOUT")}, "dfpppp", "internet"),
        (failing(IN, "E: Failed to fetch http://deb.debian.org"), "ddddfp", "internet connection"),
        (failing(IN, "E: Write error - No space left"), "ddddfp", "Make room"),
        (failing(IN, "E: Unable to fetch, 0x80072ee7"), "ddddfp", "internet"),
    ],
)
def test_a_step_that_fails_says_the_mend_and_can_be_repeated_alone(
    machine: Machine, state: dict[str, Any], letters: str, mend: str
) -> None:
    machine.has(**state)
    view = machine.set_up()
    assert (view.status, states(view)) == ("failed", letters)
    ((_, words),) = state["fail"].items()
    assert words.splitlines()[-1] in str(view.error)
    assert mend in str(view.error)
    assert not machine.noted, "what is half done is no engine"
    left = machine.state["distributions"]
    assert bool(left) == (letters == "ddddfp"), "the distribution without Docker"
    machine.has(distributions=left)
    assert machine.set_up().status == "ready", "tried again"
    installed = [line for line, _ in machine.calls if line.startswith(INSTALL)]
    assert len(installed) == 1 or not left


def test_a_refusal_changes_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has(wsl=None)

    def refused(*_: object) -> int:
        raise PermissionError(1223, "cancelled")

    monkeypatch.setattr(wsl, "run_as_administrator", refused)
    view = machine.set_up()
    assert states(view) == "dfpppp"
    assert "answer Windows' question with yes" in str(view.error)


def cancelled(machine: Machine, step: int) -> str:
    """The states of the steps once it was cancelled in that one."""
    setup = machine.setup()
    thread = Thread(target=setup.run)
    thread.start()
    eventually(lambda: setup.view.steps[step].percent == 10.0, "it is under way")
    assert setup.cancel()
    thread.join()
    assert setup.view.status == "cancelled"
    return states(setup.view)


def test_cancelled_at_any_step_leaves_nothing(machine: Machine) -> None:
    machine.has(wait="--install Debian")
    assert cancelled(machine, 3) == "dddppp"
    assert not machine.state["distributions"]
    machine.has(fail={"-d aiserver -u root --exec /bin/sh": "E: no route"})
    assert states(machine.set_up()) == "ddddfp"
    assert not machine.noted
    ours = {"aiserver": {"mark": True}}
    machine.has(wait="-d aiserver -u root --exec sh -ec cat", distributions=ours)
    cancelled(machine, 4)
    assert not machine.state["distributions"]


def test_an_engine_without_an_answer(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> str:
        raise EngineDownError(HOST, "no answer", Text("It does not answer."))

    machine.answer = down
    monkeypatch.setattr(own, "_ANSWER_SECONDS", 0.0)
    view = machine.set_up()
    assert states(view) == "dddddf"
    assert "restart Windows" in str(view.error)


def test_only_ours_is_removed_with_its_data(machine: Machine) -> None:
    machine.has(distributions={"aiserver": {}})
    assert "that AI-Server Tray has not made" in str(machine.set_up().error)
    assert machine.state["distributions"] == {"aiserver": {}}
    machine.has(wsl="2.0.9.0")
    assert machine.set_up().status == "ready"
    assert ("--update --web-download", "") in machine.calls, "an old WSL is updated first"
    machine.has(distributions=OURS)
    own.remove()
    own.remove()
    assert not machine.state["distributions"]


def test_what_runs_in_a_distribution_goes_on_without_us(machine: Machine) -> None:
    machine.has(distributions=OURS)
    wsl.keep_running("unix:///var/run/docker.sock")
    wsl.keep_running(HOST)
    calls = eventually(lambda: machine.calls, "a keeper")
    words = {p: p.as_dict(["cmdline"])["cmdline"] for p in psutil.Process().children()}
    # One that has ended, of another test, has none.
    (keeper,) = (p for p, its in words.items() if its and str(machine.program) in its)
    keeper.kill()
    assert calls[0][0].startswith("-d aiserver -u root --exec flock -n ")


@pytest.mark.parametrize(("code", "status"), [(3010, "restart"), (1, "failed")])
def test_the_code_of_windows_decides_about_the_restart(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, code: int, status: str
) -> None:
    machine.has(wsl=None)
    monkeypatch.setattr(wsl, "run_as_administrator", lambda *_: code)
    view = machine.set_up()
    assert view.status == status
    assert (view.error is None) == (status == "restart")


GIB = 1024**3
CONFIG = "# mine\n[experimental]\nsparseVhd=true\n[wsl2]\nMemory = 4GB\nswap=0\n"


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


def test_limits_are_written_with_a_copy_of_the_old_file(ready: Machine) -> None:
    file = ready.folder / ".wslconfig"
    own_room.limit(8, 1)
    assert [one.name for one in ready.folder.glob(".wslconfig*")] == [".wslconfig"]
    file.write_text(CONFIG)
    own_room.limit(2, None)
    (copy,) = (one for one in ready.folder.glob(".wslconfig-*"))
    assert copy.read_text() == CONFIG
    assert "swap=0" in file.read_text()
    assert ready.state["shut down"]
    room = own_room.own_room()
    assert (room.memory, room.others) == (2 * GIB, ("Ubuntu",))
    assert "processors" not in file.read_text(), "it is as it was"


def test_a_file_of_no_use_stops_nothing(ready: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (ready.folder / ".wslconfig").mkdir()
    with pytest.raises(SettingError, match=r"\.wslconfig"):
        own_room.limit(2, 1)
    assert "shut down" not in ready.state
    monkeypatch.setattr(wsl, "wsl_program", lambda: ready.folder / "none")
    with pytest.raises(AiServerError, match="can't be changed"):
        own_room.move(Path("D:/AI"))


def test_the_disk_is_moved_while_the_engine_is_stopped(ready: Machine) -> None:
    folder = ready.folder / "disk"
    folder.mkdir()
    (folder / "ext4.vhdx").write_bytes(b"12345")
    own_room.move(Path("D:/AI"))
    assert [line for line, _ in ready.calls] == [
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
def test_a_move_that_fails_says_why(ready: Machine, words: str, mend: str, attempts: int) -> None:
    ready.has(distributions=OURS, fail={"--manage": words})
    with pytest.raises(RefusedError, match=mend):
        own_room.move(Path("D:/AI"))
    assert len([line for line, _ in ready.calls if line.startswith("--manage")]) == attempts


def test_the_disk_is_resized_while_the_engine_is_stopped(ready: Machine) -> None:
    ready.has(
        distributions=OURS,
        warns="wsl: A localhost proxy configuration was detected but not mirrored into WSL.",
    )
    own_room.resize(64)
    assert "warns" not in ready.state, "it was said"
    asked = [line for line, _ in ready.calls if not line.startswith("-") or "--exec" not in line]
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
def test_a_refused_size_says_the_mend(ready: Machine, state: dict[str, Any], mend: str) -> None:
    ready.has(**{"distributions": OURS, **state})
    with pytest.raises(RefusedError, match=mend):
        own_room.resize(64)
    assert ready.state.get("terminated", False) == ("fail" in state), "else, it runs on"
