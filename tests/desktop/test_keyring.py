"""The master key in a real credential store: GNOME Keyring on a D-Bus session of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aiserver_tray.catalog.setting import Setting
from aiserver_tray.settings.declared import Declared
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from tests.support.limits import LIMIT
from tests.support.systems import has_mode

PROGRAM = Path(__file__).with_name("keyring_session.py")
STORE = "keyring.backends.SecretService.Keyring"
SECRET: Declared = {"m.SECRET": Setting(type="secret", generate="hex32")}


class Person:
    """Someone whose log-in keyring and home of ours are under *folder*."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.keyrings = folder / "data" / "keyrings"
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        gone = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"}
        self._env = {name: value for name, value in os.environ.items() if name not in gone} | {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(runtime),
        }

    def at_the_desktop(self, session: str = "unlocked") -> dict[str, str]:
        """Use the secret in a desktop session."""
        return self._use(["dbus-run-session", "--"], session)

    def over_ssh(self) -> dict[str, str]:
        """Use the secret where there is no session bus."""
        return self._use([], "locked")

    def files(self) -> dict[str, bytes]:
        """What the home holds. A lock file is made by the first reader too."""
        return {p.name: p.read_bytes() for p in self.home.iterdir() if p.suffix != ".lock"}

    def _use(self, session: list[str], name: str) -> dict[str, str]:
        done = subprocess.run(
            [*session, sys.executable, str(PROGRAM), str(self.home), name],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        result: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return result


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_the_key_is_in_the_store_and_serves_every_session(person: Person) -> None:
    first = person.at_the_desktop()
    assert (first["store"], first["backend"], first["told"]) == ("keyring", STORE, "")
    assert person.at_the_desktop() == first
    assert "secrets.key" not in person.files()
    assert any(person.keyrings.iterdir())


def test_unreachable_or_locked_store_is_reported_and_nothing_changes(person: Person) -> None:
    made = person.at_the_desktop()
    before = person.files()
    for refused in (person.over_ssh(), person.at_the_desktop("locked")):
        assert "secrets.json: its key is in the credential store" in refused["error"]
        assert STORE in refused["error"]
        assert "Log in to your desktop" in refused["error"]
    assert person.files() == before
    assert person.at_the_desktop() == made


def test_an_entry_that_is_gone_is_reported_and_never_recreated(person: Person) -> None:
    person.at_the_desktop()
    before = person.files()
    shutil.rmtree(person.keyrings)
    refused = person.at_the_desktop()
    installation = json.loads(before["installation.json"])["id"]
    assert f"the entry {installation}" in refused["error"]
    assert "is missing" in refused["error"]
    assert person.files() == before
    assert "is missing" in person.at_the_desktop()["error"]


def test_without_a_store_the_key_is_in_a_user_only_file_and_stays_there(person: Person) -> None:
    made = person.over_ssh()
    assert (made["store"], made["told"]) == ("file", "")
    assert has_mode(person.home / "secrets.key", 0o600)
    assert person.at_the_desktop() == made


def test_key_in_a_file_because_of_a_locked_store_is_reported_once(person: Person) -> None:
    made = person.at_the_desktop("locked")
    assert made["store"] == "file"
    assert "The credential store can't be used now" in made["told"]
    assert f"a key file, {person.home / 'secrets.key'}." in made["told"]
    assert person.at_the_desktop("locked") == person.at_the_desktop() == {**made, "told": ""}


def test_a_named_home_keeps_its_key_although_there_is_a_store(person: Person) -> None:
    named = Settings(Home(person.home, "home"))
    named.values(SECRET)
    record = named.secrets.key_record
    assert record
    assert record.store == "file"
    assert person.at_the_desktop()["store"] == "file"
