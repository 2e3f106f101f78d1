"""Start at login, in the formats of all three systems."""

import os
import plistlib
import sys
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.system import autostart
from aiserver_tray.system.login_items import AutostartFolder, LaunchAgents, RunKey, autostart_folder
from aiserver_tray.system.paths import Home, default_home
from aiserver_tray.system.process import bundled_program
from aiserver_tray.system.registry import Hive, Registry

NASTY = "a b\\c\"d$e`f%g%%h;i'j&k(l)#m=n~o*p?q<r>s|t\\"
linux = pytest.mark.skipif(not Path("/proc").exists(), reason="files and programs of Linux")
COMMAND = ["/opt/our tray/python", "-m", "aiserver_tray", "--home", f"/home/{NASTY}"]


class FakeRegistry(Registry):
    """A fake: there is no registry on the systems that the tests run on."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], object] = {}

    def get(self, hive: Hive, key: str, name: str) -> object:
        assert hive == "user"
        return self.values.get((key.rpartition("CurrentVersion\\")[2], name))

    def put(self, key: str, name: str, value: str) -> None:
        self.values[key.rpartition("CurrentVersion\\")[2], name] = value

    def remove(self, key: str, name: str) -> None:
        self.values.pop((key.rpartition("CurrentVersion\\")[2], name), None)


@pytest.fixture
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config/autostart"


# -- what is started -------------------------------------------------------------------------------


def test_only_a_home_that_was_named_is_named_at_login(tmp_path: Path) -> None:
    program, *words = autostart.command_line(default_home())
    assert program == sys.executable.replace("python.exe", "pythonw.exe")  # without a console
    assert words == ["-P", "-m", "aiserver_tray", "--at-login"]
    assert autostart.command_line(Home(tmp_path, "home"))[-2:] == ["--home", str(tmp_path)]


def test_a_bundle_starts_itself_and_on_windows_the_program_without_a_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for a bundle."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert autostart.command_line(default_home()) == [sys.executable, "--at-login"]
    console, windowless = tmp_path / "aiserver-tray.exe", tmp_path / "aiserver-trayw.exe"
    windowless.touch()
    monkeypatch.setattr(sys, "platform", "win32")
    for own in (console, windowless):
        monkeypatch.setattr(sys, "executable", str(own))
        assert bundled_program() == str(windowless)
        assert autostart.command_line(default_home())[0] == str(windowless)


@linux
def test_each_home_has_an_entry_of_its_own_that_goes_again(
    own_config: Path, tmp_path: Path
) -> None:
    one, other = Home(tmp_path / "one", "home"), default_home()
    options = ["--catalog", "/my modules"]
    autostart.enable(one, options)
    assert (autostart.is_enabled(one, options), autostart.is_enabled(one)) == (True, False)
    autostart.enable(one)
    assert (autostart.is_enabled(one), autostart.is_enabled(other)) == (True, False)
    autostart.enable(other)
    autostart.disable(one)
    assert (autostart.is_enabled(one), autostart.is_enabled(other)) == (False, True)
    autostart.disable(other)
    autostart.disable(other)
    assert list(own_config.iterdir()) == []
    own_config.rmdir()
    own_config.touch()
    with pytest.raises(SettingError, match="can't turn on"):
        autostart.enable(other)


# -- Windows ---------------------------------------------------------------------------------------


def test_windows_gets_one_quoted_line_that_is_not_too_long() -> None:
    registry = FakeRegistry()
    command = [r"C:\Program Files\AI\tray.exe", "--home", "D:\\my home\\"]
    RunKey(registry).put("x", command)
    line = r'"C:\Program Files\AI\tray.exe" --home "D:\my home\\"'
    assert registry.values == {("Run", "x"): line}
    assert RunKey(registry).starts("x", command)
    assert not RunKey(registry).starts("x", [r"C:\old\tray.exe"])
    with pytest.raises(OSError, match="260"):
        RunKey(registry).put("x", ["tray.exe", "--home", "x" * 260])


def test_start_at_login_turned_off_in_the_task_manager_is_off() -> None:
    registry, approved = FakeRegistry(), (r"Explorer\StartupApproved\Run", "x")
    items = RunKey(registry)
    items.put("x", ["tray.exe"])
    registry.values[approved] = bytes([3, *range(11)])
    assert not items.starts("x", ["tray.exe"])
    registry.values[approved] = bytes([2, *bytes(11)])
    assert items.starts("x", ["tray.exe"])
    registry.values[approved] = bytes([3, *range(11)])
    items.put("x", ["tray.exe"])
    assert items.starts("x", ["tray.exe"])
    items.remove("x")
    assert registry.values == {}


# -- Linux -----------------------------------------------------------------------------------------


def test_the_folder_is_where_the_specification_says(tmp_path: Path) -> None:
    assert autostart_folder({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "autostart"
    usual = Path.home() / ".config/autostart"
    assert autostart_folder({}) == autostart_folder({"XDG_CONFIG_HOME": "relative"}) == usual


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"X-GNOME-Autostart-enabled=true", b"X-GNOME-Autostart-enabled=false"),
        (b"Terminal=false", b"Hidden=true"),
        (b"Exec=", b"Exec=other "),
        (b"Terminal=false", b"\xff\xfe"),
    ],
)
def test_an_entry_that_is_off_starts_something_else_or_is_no_text_is_not_on(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    items, file = AutostartFolder(tmp_path), tmp_path / "x.desktop"
    items.put("x", COMMAND)
    assert items.starts("x", COMMAND)
    content = file.read_bytes()
    file.write_bytes(content.replace(b"\n" + old, b"\n" + new))
    assert file.read_bytes() != content
    assert not items.starts("x", COMMAND)


# -- macOS -----------------------------------------------------------------------------------------


@pytest.fixture
def launchctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake of launchctl, which says what stands in the file that this is, and notes in `log`
    how it was called: there is none on the systems that the tests run on."""
    said, program = tmp_path / "said", tmp_path / "bin/launchctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/log"\ncat "{said}"\n')
    program.chmod(0o700)
    said.touch()
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return said


@linux
def test_macos_gets_an_agent_that_the_user_can_switch_off(tmp_path: Path, launchctl: Path) -> None:
    items, file = LaunchAgents(tmp_path / "agents"), tmp_path / "agents/x.plist"
    items.put("x", COMMAND)
    assert items.starts("x", COMMAND)
    assert not items.starts("x", ["/other"])
    agent = plistlib.loads(file.read_bytes())
    assert (agent["Label"], agent["ProgramArguments"], agent["RunAtLoad"]) == ("x", COMMAND, True)
    assert f"enable gui/{os.getuid()}/x" in (tmp_path / "log").read_text()
    lines = {'"x" => disabled': False, '"x" => true': False, '"x" => enabled': True}
    for line, is_on in {**lines, '"xy" => disabled': True}.items():
        launchctl.write_text(f"disabled services = {{\n\t\t{line}\n}}\n")
        assert items.starts("x", COMMAND) is is_on, line
    file.write_text("<plist")
    assert not items.starts("x", COMMAND)
    items.remove("x")
    assert list((tmp_path / "agents").iterdir()) == []
