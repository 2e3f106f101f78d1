"""The wheel, installed as users do, in an environment of its own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bundler.inputs import version, wheel
from bundler.packages import exported
from developer.machine import ROOT
from tests.packages.bill import parts_of
from tests.support.limits import LIMIT

HOMEPAGE = "https://example.org/aiserver-tray"
EXTRAS = ("--extra", "desktop", "--extra", "mcp")
TRY_PROGRAM = str(ROOT / "build/try_program.py")
AWAY = ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH", "VIRTUAL_ENV")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the files that are here, as it is published."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AISERVER_HOMEPAGE", HOMEPAGE)
        return wheel(tmp_path_factory.mktemp("dist"))


def test_a_package_index_shows_addresses_and_pictures(archive: Path) -> None:
    with zipfile.ZipFile(archive) as files:
        (name,) = [each for each in files.namelist() if each.endswith("dist-info/METADATA")]
        text = files.read(name).decode()
    head, _, readme = text.partition("\n\n")
    assert f"Project-URL: Homepage, {HOMEPAGE}" in head
    assert "Author: The AI-Server Tray authors" in head
    assert f"]({HOMEPAGE}/raw/v{version()}/docs/pictures/home.png)" in readme
    assert f"]({HOMEPAGE}/blob/v{version()}/docs/guide/README.md#words)" in readme
    assert "](docs/" not in readme


def test_the_list_of_parts_has_the_packages_and_the_scripts_of_the_page(tmp_path: Path) -> None:
    bill = tmp_path / "wheel.cdx.json"
    subprocess.run([sys.executable, str(ROOT / "build/bundler/sbom.py"), str(bill)], check=True)
    names = {part["name"] for part in parts_of(bill)}
    assert {"pydantic", "pystray", "lit-html"} <= names


class Environment:
    """A new virtual environment in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "environment/bin"
        self._locked = folder / "locked.txt"
        self._locked.write_text(exported(["--no-dev", *EXTRAS, "--no-hashes"]))
        self._uv("venv", "--python", sys.executable, str(self.programs.parent))

    def install(self, requirement: str) -> None:
        """Install *requirement* and all that it needs, in the locked versions."""
        python = str(self.programs / "python")
        words = ["--python", python, "--constraint", str(self._locked)]
        self._uv("pip", "install", *words, requirement)

    def runs(self, *command: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """The result of *command*."""
        env = {name: value for name, value in os.environ.items() if name not in AWAY}
        return subprocess.run(
            command,
            env={**env, "AISERVER_HOME": str(home), **variables},
            check=False,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    @staticmethod
    def _uv(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "uv", "--quiet", *words], check=True)


def test_commands_need_no_desktop_and_the_extra_adds_icon_and_windows(
    archive: Path, tmp_path: Path
) -> None:
    environment = Environment(tmp_path)
    environment.install(str(archive))
    home = tmp_path / "home"
    program = str(environment.programs / "aiserver-tray")
    done = environment.runs(sys.executable, TRY_PROGRAM, program, home=home)
    assert done.stdout.strip() == version(), done.stderr
    done = environment.runs(program, home=home, DISPLAY=":987")
    assert (done.returncode, "aiserver-tray[desktop]" in done.stderr) == (1, True), done.stderr

    environment.install(f"aiserver-tray[desktop,mcp] @ {archive.as_uri()}")
    done = environment.runs(sys.executable, TRY_PROGRAM, program, "mcp", home=home)
    assert done.stdout.strip() == version(), done.stderr
    done = environment.runs(program, home=home, DISPLAY=":987")
    assert (done.returncode, "aiserver-tray[desktop]" in done.stderr) == (1, False), done.stderr
