"""The package for Debian: what it contains, and its course from installation to the last trace."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from aiserver_tray.cli import COMMANDS
from bundler.inputs import version
from deb.package import APP_ID, ICON_SIZES, deb_package, debian_version
from deb.releases import DEBIAN_12, DEBIAN_13, UBUNTU_24, Release
from developer.cache import PACKAGES, cache_folder
from developer.machine import ROOT
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.packages.bill import parts_of
from tests.support.debian import USER, Debian, debian_for
from tests.support.desktop.desktop import desktop
from tests.support.desktop.tray_item import TrayItem
from tests.support.forwarding import forwarded
from tests.support.installation import IMAGE, idle, write_file
from tests.support.limits import LIMIT
from tests.support.times import ONCE, apart
from tests.support.waiting import eventually

NAME = "aiserver-tray"
BYTES = 54_000_000
"""Of all files below /usr/lib, where the program and its packages are. 16 MB are for certificates
and names in the home network (cryptography, zeroconf), 4 MB for assistants (mcp)."""

NEXT = Release("debian14", "3.14")
"""No users have it yet."""

HOMEPAGE = "https://example.org/aiserver-tray"
COMPLETED = f"""
. /usr/share/bash-completion/completions/{NAME}
COMP_WORDS=({NAME} stat) COMP_CWORD=1
_aiserver_tray_completion {NAME}
echo "${{COMPREPLY[@]}}"
"""
"""What bash offers after ``aiserver-tray stat`` and the Tab key."""

BOOKKEEPING = (
    "var/lib/dpkg",
    "var/lib/apt",
    "var/log",
    "var/cache",
    "proc",
    "tmp",
    "run",
    f"home/{USER}",
)
"""Places of the package manager's and of the user's own files."""

NOT_UNPACKED = re.compile(r"/usr/share/(doc|lintian|man)/")
"""Places that the lab's Debian leaves empty."""


@pytest.fixture(scope="session")
def published() -> Iterator[None]:
    """The variable that the release workflow sets. Packages are compressed lightly, in a tenth of
    the time: what is in them is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AISERVER_HOMEPAGE", HOMEPAGE)
        patch.setattr("deb.package.LEVEL", "0")
        yield


@pytest.fixture(scope="session")
def deb(published: None) -> Path:
    """The package of the files that are here."""
    with apart(ONCE):
        return deb_package(cache_folder(PACKAGES), DEBIAN_13)


@pytest.fixture(scope="module")
def content(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the files of the package."""
    folder = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(folder)], check=True)
    return folder


@pytest.fixture
def debian(deb: Path, tmp_path: Path) -> Iterator[Debian]:
    """A Debian that has what the package depends on."""
    with debian_for(deb, "trixie", cache_folder(PACKAGES), tmp_path) as found:
        yield found


def printed(*command: str) -> str:
    """What *command* prints. Raises ``AssertionError`` with that if it fails."""
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_lintian_has_no_complaint_that_is_not_explained(deb: Path) -> None:
    assert printed("lintian", "--allow-root", "--fail-on", "error,warning", str(deb)) == ""


def test_the_desktop_finds_name_icons_and_description(content: Path) -> None:
    share = content / "usr/share"
    assert printed("desktop-file-validate", str(share / f"applications/{NAME}.desktop")) == ""
    about = str(share / f"metainfo/{APP_ID}.metainfo.xml")
    assert "Validation was successful" in printed(
        "appstreamcli", "validate", "--no-net", "--pedantic", about
    )
    icons = {path.parents[1].name for path in share.glob(f"icons/hicolor/*/apps/{NAME}.*")}
    assert icons == {"scalable", *(f"{size}x{size}" for size in ICON_SIZES)}


def test_the_manual_has_every_command(content: Path) -> None:
    page = content / f"usr/share/man/man1/{NAME}.1.gz"
    text = printed("env", "MANWIDTH=200", "LC_ALL=C.UTF-8", "man", "--warnings", "-l", str(page))
    assert "warning" not in text
    missing = [name for name in COMMANDS if not re.search(rf"^   {name}\b", text, re.MULTILINE)]
    assert missing == []


def test_package_is_small(deb: Path, content: Path) -> None:
    size = sum(path.stat().st_size for path in (content / "usr/lib").rglob("*") if path.is_file())
    print(f"/usr/lib: {size / 1e6:.1f} MB, package: {deb.stat().st_size / 1e6:.1f} MB")  # noqa: T201 - figures
    assert size < BYTES


def test_pystray_may_be_replaced_and_every_licence_is_named(content: Path) -> None:
    (site,) = content.glob("usr/lib/aiserver-tray/lib/*/site-packages")
    notices = (content / f"usr/share/doc/{NAME}/copyright").read_text(encoding="utf-8")
    assert (site / "pystray/_base.py").exists()
    packages = [path.name for path in site.glob("*.dist-info")]
    unnamed = [name for name in packages if f"*/site-packages/{name}*" not in notices]
    assert unnamed == [f"aiserver_tray-{version()}.dist-info"], "ours is that of all other files"
    assert len(parts_of(content / f"usr/share/doc/{NAME}/{NAME}.cdx.json")) >= len(packages)


def test_package_installs_runs_and_leaves_nothing(
    deb: Path, debian: Debian, lab: Place, engine: docker.DockerClient
) -> None:
    before = debian.files(BOOKKEEPING)
    shutil.copy(deb, debian.root / "tmp/new.deb")
    assert "0 upgraded, 1 newly" in debian.run("apt-get", "install", "--yes", "/tmp/new.deb")
    assert debian.run("dpkg", "--audit") == ""
    assert not (debian.root / "etc/xdg/autostart").joinpath(f"{NAME}.desktop").exists()
    have_image(engine, IMAGE)
    with forwarded(lab, "127.0.0.1") as address:
        see_that_it_works(debian, address)
        use(debian, address)
        see_the_window(debian, address)
    altered = debian.run("dpkg", "--verify", NAME).splitlines()
    assert [line for line in altered if not NOT_UNPACKED.search(line)] == []

    debian.run("apt-get", "remove", "--yes", NAME)
    assert debian.files(BOOKKEEPING) == before
    assert NAME not in debian.run("dpkg-query", "--show"), "nothing is left to purge"


@contextmanager
def installed(release: Release, suite: str, folder: Path) -> Iterator[Debian]:
    """The *suite* of Debian in *folder*, with the package for *release*, which leaves nothing."""
    package = deb_package(cache_folder(PACKAGES), release)
    with debian_for(package, suite, cache_folder(PACKAGES), folder) as debian:
        before = debian.files(BOOKKEEPING)
        shutil.copy(package, debian.root / "tmp/new.deb")
        debian.run("apt-get", "install", "--yes", "/tmp/new.deb")
        see_that_it_works(debian, "unix:///nowhere")
        yield debian
        debian.run("apt-get", "remove", "--yes", NAME)
        assert debian.files(BOOKKEEPING) == before


def test_package_for_the_release_before_installs_runs_and_leaves_nothing(
    published: None, tmp_path: Path
) -> None:
    with installed(DEBIAN_12, "bookworm", tmp_path) as debian:
        see_the_window(debian, "unix:///nowhere")


def test_the_icon_runs_with_the_newest_python_that_has_a_debian_desktop(
    published: None, tmp_path: Path
) -> None:
    """Debian has it first in the release that it prepares."""
    with installed(NEXT, "forky", tmp_path) as debian, desktop("watcher") as screen:
        print(debian.run("python3", "--version"))  # noqa: T201 - a figure
        variables = {**screen.variables, "HOME": "/root", "XDG_RUNTIME_DIR": "/run"}
        # As root, whom the bus accepts; and beside the socket's own name, which is not there.
        os.link(screen.bus.partition("path=")[2], debian.root / "tmp/bus")
        variables["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/tmp/bus"
        with debian.start(NAME, "--at-login", **variables) as applet:
            item = TrayItem(screen.bus)
            eventually(lambda: item.is_there, "the icon")
            eventually(lambda: item.entry("Modules", "n8n"), "the modules in its menu")
            item.click("Quit", "Quit and keep everything running")
            assert applet.wait(LIMIT) == 0, applet.communicate()
            item.close()


def test_the_package_for_ubuntu_is_for_its_python_and_a_pre_release_comes_before_its_release(
    published: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = deb_package(cache_folder(PACKAGES), UBUNTU_24)
    assert package.name.startswith(f"{NAME}_{version()}_ubuntu24.04_")
    told = printed("dpkg-deb", "--field", str(package), "Depends", "Homepage", "Version")
    assert "python3 (>= 3.12), python3 (<< 3.13)" in told
    assert f"Homepage: {HOMEPAGE}\nVersion: {version()}\n" in told
    monkeypatch.setattr("deb.package.version", lambda: "0.2.0rc1")
    printed("dpkg", "--compare-versions", debian_version(), "lt", "0.2.0")


def see_that_it_works(debian: Debian, engine: str) -> None:
    """Run commands as a user, and see the dashboard's page."""
    shutil.copy(ROOT / "build/try_program.py", debian.root / "tmp")
    command = ("python3", "/tmp/try_program.py", NAME, "mcp")
    tried = debian.run(*command, user=USER, DOCKER_HOST=engine)
    assert tried.strip() == version()


def use(debian: Debian, engine: str) -> None:
    """Complete a command, and start and stop a module."""

    def cli(*words: str) -> str:
        return debian.run(NAME, *words, user=USER, DOCKER_HOST=engine)

    assert debian.run("bash", "-c", COMPLETED, user=USER).split() == ["stats", "status"]
    home = debian.root / f"home/{USER}/.local/share" / NAME
    cli("config", "set", "app.language", "en")
    write_file(home / "modules", "shop", {"web": idle(stop_signal="SIGKILL")})
    cli("choose", "shop")
    cli("up", "shop", "--trust", "shop")
    (found,) = [
        each for each in json.loads(cli("status", "--json"))["modules"] if each["name"] == "shop"
    ]
    assert found["state"] == "running"
    cli("down", "shop")
    examined = cli("doctor")
    assert f"The Docker engine at {engine} responds" in examined
    assert "You have no login session" in examined


def see_the_window(debian: Debian, engine: str) -> None:
    """Start the applet on a desktop: it finds its libraries, and shows the dashboard."""
    with desktop() as screen:
        variables = {"DISPLAY": screen.environment["DISPLAY"], "DOCKER_HOST": engine}
        begun = time.monotonic()
        with debian.start(NAME, user=USER, **variables) as applet:
            eventually(lambda: screen.windows("AI-Server Tray"), "the dashboard")
            print(f"first window after {time.monotonic() - begun:.1f} s")  # noqa: T201 - a figure
            eventually(lambda: [debian.run(NAME, "quit", user=USER)], "the core, after the window")
            assert applet.wait(LIMIT) == 0, applet.communicate()
