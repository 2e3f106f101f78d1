"""Starting the engine: what is run, and how long it is waited for.

``systemctl`` is a fake, a script on the PATH, since no systemd runs where the tests do.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CancelledError, EngineDownError
from aiserver_tray.system import engine_place
from aiserver_tray.system.engine_start import can_start, start_engine
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="sockets and paths of Linux")

Script = Callable[[str], None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of this machine, with a rootless engine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(engine_place, "_SYSTEM_SOCKET", tmp_path / "system.sock")
    unit = tmp_path / ".config/systemd/user/docker.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.fixture
def systemctl(machine: Path) -> Script:
    """Makes the fake: the unit docker of the user is loaded, and starting it runs *script*."""

    def make(script: str) -> None:
        program = machine / "bin/systemctl"
        program.write_text(
            "#!/bin/sh\n"
            'case "$*" in\n'
            '"--user show --property=LoadState --value docker") echo loaded;;\n'
            f'"--user start docker") {script};;\n'
            "*) echo not-found;;\n"
            "esac\n"
        )
        program.chmod(0o700)

    return make


@pytest.fixture
def host(machine: Path) -> str:
    return f"unix://{machine}/run/docker.sock"


def pinging(file: Path) -> Callable[[], None]:
    """An engine that answers once *file* is there."""

    def ping() -> None:
        if not file.exists():
            raise EngineDownError("unix:///x", "no answer yet")

    return ping


def test_only_an_engine_with_a_systemd_unit_can_be_started(
    systemctl: Script, host: str, machine: Path
) -> None:
    systemctl("true")
    assert can_start(host)
    assert not can_start(f"unix://{machine}/system.sock")  # dockerd may be here, the unit is not
    assert not can_start("unix:///elsewhere.sock")
    assert not can_start("tcp://10.0.0.1:2375")
    with pytest.raises(EngineDownError, match="can't be started from here"):
        start_engine("tcp://10.0.0.1:2375", pinging(Path("/none")), threading.Event())
    (machine / "bin/systemctl").chmod(0o600)
    assert not can_start(host)


def test_it_is_started_until_the_engine_answers(
    systemctl: Script, host: str, machine: Path
) -> None:
    systemctl(f"echo began >> {machine}/log; (sleep 0.3; touch {machine}/up) &")
    for _ in range(2):  # then one that answers, which is not started
        start_engine(host, pinging(machine / "up"), threading.Event())
        assert (machine / "up").exists()
        assert (machine / "log").read_text() == "began\n"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo Unit docker.service is masked. >&2; exit 1", r"is masked\. Start it yourself"),
        ("true", r"does not respond after 0 s.*no answer yet"),
    ],
)
def test_why_it_does_not_come_is_reported(
    systemctl: Script, host: str, machine: Path, script: str, why: str
) -> None:
    systemctl(script)
    with pytest.raises(EngineDownError, match=why):
        start_engine(host, pinging(machine / "up"), threading.Event(), within=0.3)


def test_waiting_can_be_cancelled_and_no_question_stays(
    systemctl: Script, host: str, machine: Path
) -> None:
    systemctl(
        f"trap 'touch {machine}/ended; kill $!; exit 1' TERM; touch {machine}/asks; sleep 60 & wait"
    )
    cancelled = threading.Event()

    def ping() -> None:
        if (machine / "asks").exists():
            cancelled.set()
        raise EngineDownError(host, "no answer yet")

    with pytest.raises(CancelledError):
        start_engine(host, ping, cancelled)
    eventually((machine / "ended").exists, "the end of the command")
