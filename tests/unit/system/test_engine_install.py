"""Installing Docker: the progress, a cancellation and the reason of a failure. ``apt-get`` is a
fake, a script on the PATH; tests/engine has the real one."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CancelledError, EngineNotInstalledError
from aiserver_tray.system import engine_install
from aiserver_tray.system.engine_install import EngineInstallation, Progress
from tests.support.waiting import eventually, see_waiting_for_lock

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="packages of Debian")

Script = Callable[[str], None]


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes the fake: *script*, in which ``$phase`` is the phase."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(engine_install, "group_member", str)

    def make(script: str) -> None:
        program = tmp_path / "apt-get"
        program.write_text(
            '#!/bin/sh\ncase "$*" in\n'
            '*" update") phase=update;;\n*--download-only*) phase=download;;\n'
            f"*) phase=install;;\nesac\n{script}\n"
        )
        program.chmod(0o700)

    return make


def test_phases_percentages_and_output_are_reported(apt: Script) -> None:
    apt('echo "does $phase"; echo "dlstatus:1:62.5:Retrieving" >&4; echo "E: no" >&2')
    seen: list[Progress] = []
    EngineInstallation((), seen.append).run()
    assert list(dict.fromkeys(one.phase for one in seen)) == ["update", "download", "install"]
    assert {one.percent for one in seen} == {None, 62.5}
    assert sorted(seen[-1].lines) == sorted(
        line for phase in ("update", "download", "install") for line in (f"does {phase}", "E: no")
    )


def test_the_lists_are_updated_once_no_other_program_does_that(
    apt: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt(f"touch {tmp_path}/ran")
    lock = tmp_path / "lock"
    script = engine_install.SCRIPT.replace(engine_install._LISTS_LOCK, str(lock))
    monkeypatch.setattr(engine_install, "SCRIPT", script)
    see_waiting_for_lock(lock, EngineInstallation((), lambda _: None).run, tmp_path / "ran")


def test_a_failure_says_what_apt_says_which_runs_only_for_packages(apt: Script) -> None:
    apt('[ $phase != download ] || { echo "E: Unable to fetch some archives." >&2; exit 100; }')
    with pytest.raises(EngineNotInstalledError, match="installed: Unable to fetch some archives"):
        EngineInstallation((), lambda _: None).run()
    EngineInstallation((), lambda _: None, packages=()).run()


def test_a_download_can_be_cancelled(apt: Script, tmp_path: Path) -> None:
    apt(f"[ $phase != download ] || {{ echo $$ > {tmp_path}/pid; exec sleep 100; }}")
    begun = threading.Event()

    def on_progress(progress: Progress) -> None:
        if progress.phase == "download":
            begun.set()

    installation = EngineInstallation((), on_progress)

    def cancel() -> None:
        begun.wait()
        eventually((tmp_path / "pid").exists, "the download")
        assert installation.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(CancelledError):
        installation.run()
    thread.join()
    assert installation.progress.phase == "download"


def test_an_installation_of_packages_can_not_be_cancelled(apt: Script, tmp_path: Path) -> None:
    apt(f"[ $phase != install ] || while [ ! -e {tmp_path}/go ]; do sleep 0.01; done")
    answers: list[bool] = []

    def on_progress(progress: Progress) -> None:
        if progress.phase == "install":
            threading.Thread(target=cancel).start()

    def cancel() -> None:
        answers.append(installation.cancel())
        (tmp_path / "go").touch()

    installation = EngineInstallation((), on_progress)
    installation.run()
    assert answers == [False]


@pytest.mark.parametrize(
    ("program", "script", "why"),
    [
        (
            "sudo",
            "echo ada is not in the sudoers file. >&2; exit 1",
            r"Ask its administrator to run: apt-get",
        ),
        ("pkexec", "exit 126", "you did not allow it"),
        ("pkexec", "exit 127", "you did not allow it"),
    ],
)
def test_a_user_who_may_not_install_it_is_told_so(
    tmp_path: Path, apt: Script, program: str, script: str, why: str
) -> None:
    apt("exit 0")
    (tmp_path / program).write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / program).chmod(0o700)
    with pytest.raises(EngineNotInstalledError, match=why):
        EngineInstallation([program], lambda _: None).run()
