"""The set-up of Windows' own engine, step by step, against a stand-in of ``wsl.exe``: there is no
Windows here. ``tests/wine`` runs it with Windows' own parts."""

from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.engine import own
from aiserver_tray.features.engine.events import OwnEngine
from aiserver_tray.features.engine.own import HOST, Surroundings
from aiserver_tray.system import wsl
from tests.support.waiting import eventually
from tests.support.wsl_machine import OURS, Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def states(view: OwnEngine) -> str:
    """The state of each step, as a letter."""
    return "".join(step.state[0] for step in view.steps)


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


def test_an_old_wsl_is_updated_first(machine: Machine) -> None:
    machine.has(wsl="2.0.9.0")
    assert machine.set_up().status == "ready"
    assert ("--update --web-download", "") in machine.calls


@pytest.mark.parametrize(
    ("command", "words", "mend"),
    [
        ("--install Debian", "Fehler: Wsl/InstallDistro/WININET_E_NAME_NOT_RESOLVED", "internet"),
        ("--install Debian", "磁盘空间不足。\r\n错误代码: Wsl/0x80070070", "Make room"),
        ("--install Debian", "Wsl/Service/HCS/HCS_E_HYPERV_NOT_INSTALLED", "virtualisation"),
        ("-d aiserver -u root --exec sh -ec printf", "Wsl/Service/E_ACCESSDENIED", "administrator"),
    ],
)  # fmt: skip
def test_a_step_that_fails_says_the_mend_and_leaves_nothing(
    machine: Machine, command: str, words: str, mend: str
) -> None:
    machine.has(fail={command: words})
    view = machine.set_up()
    assert (view.status, states(view)) == ("failed", "dddfpp")
    said = str(view.error)
    assert words.splitlines()[-1] in said
    assert mend in said
    assert not machine.state["distributions"]
    machine.has()
    assert machine.set_up().status == "ready", "tried again"


def test_a_failed_installation_of_docker_is_repeated_alone(machine: Machine) -> None:
    why = "E: Failed to fetch http://deb.debian.org/docker.io.deb"
    machine.has(fail={"-d aiserver -u root --exec /bin/sh": why})
    view = machine.set_up()
    assert states(view) == "ddddfp"
    assert "Check the internet connection" in str(view.error)
    machine.has(distributions=machine.state["distributions"])
    assert machine.set_up().status == "ready"
    assert len([line for line, _ in machine.calls if line.startswith("--install Debian")]) == 1


def test_a_distribution_that_is_not_ours_stays(machine: Machine) -> None:
    machine.has(distributions={"aiserver": {}})
    view = machine.set_up()
    assert "that AI-Server Tray has not made" in str(view.error)
    assert machine.state["distributions"] == {"aiserver": {}}


def test_a_permission_that_is_not_given_changes_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(wsl=None)

    def refused(*_: object) -> int:
        raise PermissionError(1223, "cancelled")

    monkeypatch.setattr(wsl, "run_as_administrator", refused)
    view = machine.set_up()
    assert states(view) == "dfpppp"
    assert "answer Windows' question with yes" in str(view.error)


def test_cancelled_while_it_downloads_leaves_nothing(machine: Machine) -> None:
    machine.has(wait="--install Debian")
    setup = machine.setup()
    thread = Thread(target=setup.run)
    thread.start()
    eventually(lambda: setup.view.steps[3].percent == 10.0, "it downloads")
    assert setup.cancel()
    thread.join()
    assert (setup.view.status, states(setup.view)) == ("cancelled", "dddppp")
    assert not machine.state["distributions"]


def test_cancelled_after_a_failure_removes_what_that_left(machine: Machine) -> None:
    machine.has(fail={"-d aiserver -u root --exec /bin/sh": "E: no route"})
    assert states(machine.set_up()) == "ddddfp"
    assert not machine.noted
    machine.has(
        wait="-d aiserver -u root --exec sh -ec cat", distributions={"aiserver": {"mark": True}}
    )
    setup = machine.setup()
    thread = Thread(target=setup.run)
    thread.start()
    eventually(lambda: setup.view.steps[4].percent == 10.0, "it is under way")
    assert setup.cancel()
    thread.join()
    assert setup.view.status == "cancelled"
    assert not machine.state["distributions"]


def test_an_engine_that_never_answers_is_given_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> str:
        raise EngineDownError(HOST, "no answer", Text("It does not answer."))

    machine.answer = down
    monkeypatch.setattr(own, "_ANSWER_SECONDS", 0.0)
    view = machine.set_up()
    assert states(view) == "dddddf"
    assert "restart Windows" in str(view.error)


def test_it_is_removed_with_its_data(machine: Machine) -> None:
    machine.has(distributions=OURS)
    own.remove()
    own.remove()
    assert not machine.state["distributions"]


def test_what_runs_in_a_distribution_goes_on_without_us(machine: Machine) -> None:
    machine.has(distributions=OURS)
    wsl.keep_running("unix:///var/run/docker.sock")
    wsl.keep_running(HOST)
    calls = eventually(lambda: machine.calls, "a keeper")
    (keeper,) = (p for p in psutil.Process().children() if str(machine.program) in p.cmdline())
    keeper.kill()
    assert calls[0][0].startswith("-d aiserver -u root --exec flock -n ")


@pytest.mark.parametrize(
    ("state", "letters", "mend"),
    [
        ({"wsl": "2.0.9.0", "fail": {"--update": "Wsl/WININET_E_TIMEOUT"}}, "dfpppp", "internet"),
        ({"fail": {"--terminate": "Wsl/Service/0x8007000e"}}, "dddfpp", "Fix the cause"),
        (
            {"fail": {"-d aiserver -u root --exec /bin/sh": "E: Write error - No space left"}},
            "ddddfp",
            "Make room",
        ),
        (
            {"fail": {"-d aiserver -u root --exec /bin/sh": "E: Unable to fetch, 0x80072ee7"}},
            "ddddfp",
            "internet",
        ),
    ],
)
def test_each_other_failure_has_its_mend_and_can_be_repeated(
    machine: Machine, state: dict[str, Any], letters: str, mend: str
) -> None:
    machine.has(**state)
    view = machine.set_up()
    assert (view.status, states(view)) == ("failed", letters)
    assert mend in str(view.error)
    assert not machine.noted, "what is half done is no engine"
    machine.has(distributions=machine.state["distributions"])
    assert machine.set_up().status == "ready"


@pytest.mark.parametrize(("code", "status"), [(3010, "restart"), (1, "failed")])
def test_the_code_of_windows_decides_about_the_restart(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, code: int, status: str
) -> None:
    machine.has(wsl=None)
    monkeypatch.setattr(wsl, "run_as_administrator", lambda *_: code)
    view = machine.set_up()
    assert view.status == status
    assert (view.error is None) == (status == "restart")
