"""The course of an installation, from the installer to the last trace."""

import subprocess
import time
from pathlib import Path

import docker
import pytest

from bundler.inputs import version
from tests.packages.setup import BUILD_SECONDS, INSTALL_SECONDS, LEFT, OLD, Setup
from tests.support.browser import chromium_in
from tests.support.desktop.applet import RUNNING, STOPPED
from tests.support.installation import idle, write_file
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

IN_USE = 3
FOREIGN = "Pröbe-工具"
_OTHERS = ("[HKEY_CURRENT_USER\\Software\\Wine\\", "[HKEY_CURRENT_USER\\Console]", "~nsu")
"""What Wine keeps there, and the uninstaller's copy of itself, which goes at the next restart."""


def test_installer_installs_upgrades_and_leaves_nothing(
    setup: Setup, engine: docker.DockerClient
) -> None:
    before = setup.traces()
    old = setup.old_installer()
    move(setup, old)
    assert (setup.version(), setup.shortcut.exists()) == (OLD, True)
    assert setup.at_login() == rf"{setup.windows_folder}\aiserver-trayw.exe --at-login"

    see_that_a_window_that_fails_ends(setup)
    use(setup)
    upgrade(setup)
    refuse(setup, old)

    setup.begin_uninstall("/DOWN", "/PURGE")
    eventually(lambda: is_clean(setup, before), "end of all traces")
    assert engine.containers.list(all=True) == []


def move(setup: Setup, old: Path) -> None:
    """Install to a folder with a foreign name, then to the usual one: there is one copy."""
    foreign = setup.drive / FOREIGN
    assert setup.install(old, "/AUTOSTART=1", rf"/D=C:\{FOREIGN}") == 0
    assert (foreign / "_internal" / LEFT).exists()
    assert setup.install(old, rf"/D={setup.windows_folder}") == 0
    assert not foreign.exists()


def is_clean(setup: Setup, before: set[str]) -> bool:
    """Whether no file and no key in the registry is new."""
    left = {each for each in setup.traces() - before if not any(one in each for one in _OTHERS)}
    assert left == set(), left
    return True


def see_that_a_window_that_fails_ends(setup: Setup) -> None:
    """A program without a console has an error that nobody catches: its home is a file."""
    words = ["window", "dashboard", "--home", r"C:\windows\win.ini"]
    command = [*setup.machine.wine, str(setup.folder / "aiserver-trayw.exe"), *words]
    done = subprocess.run(
        command,
        env=setup.machine.screen.environment,
        check=False,
        timeout=INSTALL_SECONDS,
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 1
    assert b"SettingError" in done.stderr
    assert "SettingError" in (setup.home / "logs/start.log").read_text(encoding="utf-8")


def use(setup: Setup) -> None:
    """See icon, dashboard and menu; start modules and stop them."""
    about = {"x-aiserver": {"kind": "feature", "title": "Shop"}}
    write_file(setup.home / "modules", "shop", {"web": idle(stop_signal="SIGKILL")}, about)
    setup.cli("choose", "shop")
    setup.cli("config", "set", "app.start_desired", "false")
    begun = time.monotonic()
    setup.start()
    setup.shows(STOPPED)
    print(f"icon after {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure
    eventually(setup.status, "the core")
    begun = time.monotonic()
    setup.start()
    before = len(eventually(setup.machine.opened, "the dashboard, by the second start"))
    print(f"dashboard after {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure
    assert '"AI-Server Tray"' in setup.assistant()
    setup.cli("up", "shop", "--trust", "shop")
    setup.shows(RUNNING)
    setup.cli("open")
    *_, address = eventually(lambda: setup.machine.opened()[before:], "the dashboard, again")
    folder = setup.scratch / "browser"
    folder.mkdir()
    with chromium_in(folder) as browser:
        browser.get(address)
        eventually(lambda: "Shop" in browser.page_source, "the module in the dashboard")
    setup.machine.bar.choose("menu", "Down", "Down", "Down", "Down")  # to "Stop all"
    setup.shows(STOPPED)


def upgrade(setup: Setup) -> None:
    """See that a running applet is replaced, and runs again as it was."""
    assert setup.install(setup.package.installer) == 0
    assert setup.version() == version()
    assert not (setup.folder / "_internal" / LEFT).exists()
    setup.shows(STOPPED)
    assert "false" in setup.cli("config", "get", "app.start_desired")
    assert setup.at_login()


def refuse(setup: Setup, old: Path) -> None:
    """See that nothing is replaced while a program of it runs."""
    command = [*setup.machine.wine, str(setup.folder / "aiserver-tray.exe"), "serve"]
    with setup.machine.screen.start(command, stdout=subprocess.PIPE) as serving:
        try:
            assert serving.stdout
            assert serving.stdout.readline()
            assert setup.install(old) == IN_USE
            assert setup.version() == version()
            setup.shows(STOPPED)
        finally:
            serving.kill()
