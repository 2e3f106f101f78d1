"""The disk is full: a small one with the engine's data, in a lab of its own, or with kept logs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import docker
import pytest

from tests.engine.backups import leftovers
from tests.engine.faults import full_home, full_home_restore, full_store
from tests.engine.faults.objects import ours
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.stack import service, write

MEBIBYTE = 2**20
SIZE = 96 * MEBIBYTE


@pytest.fixture
def small(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """A second lab whose engine has little room. It is mounted in the engine's own namespace, so
    that it goes with the engine, however that ends."""
    shutil.copytree(lab.registry, tmp_path / "lab/registry", copy_function=_link)
    place = Place(tmp_path / "lab")
    with place.disk.open("wb") as disk:
        disk.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(place.disk)], check=True)
    try:
        lifecycle.up(place)
        yield place
    finally:
        lifecycle.purge(place)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@pytest.fixture
def small_client(small: Place) -> Iterator[docker.DockerClient]:
    client = lab_engine.client(small)
    yield client
    client.close()


@pytest.fixture
def small_cli(small: Place, tmp_path: Path) -> CommandLine:
    catalog = tmp_path / "catalog"
    services = {"db": service(volume="data"), "web": service("db", volume="more")}
    write(catalog, "web", services)
    return CommandLine(tmp_path / "home", catalog, small.host)


def data(place: Place) -> Path:
    """The engine's data folder, as its namespace sees it."""
    return Path(f"/proc/{lab_engine.processes(place)['dockerd']}/root{place.data}")


def fill(place: Place) -> Path:
    """A file that takes all the room there is."""
    filler = data(place) / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MEBIBYTE, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_on_a_full_disk_pull_and_up_say_so_and_down_works(
    small: Place, small_client: docker.DockerClient, small_cli: CommandLine
) -> None:
    filler = fill(small)
    small_cli.run("up", "web").failed("E_RESOURCES", "disk")
    assert not small_client.images.list(), "it was to pull"
    filler.unlink()
    small_cli.run("up", "web").succeeded()
    assert small_cli.module("web")["state"] == "running"

    small_cli.run("down", "web", "--volumes", "--yes").succeeded()
    filler = fill(small)
    small_cli.run("up", "web").failed("E_RESOURCES", "disk")
    filler.unlink()
    small_cli.run("up", "web").succeeded()
    assert small_cli.module("web")["state"] == "running"

    made = _made(small)
    filler = fill(small)
    small_cli.run("down", "web").succeeded()
    assert not ours(small_client, "web")
    filler.unlink()
    small_cli.run("up", "web").succeeded()
    assert _made(small) == made


def _made(place: Place) -> str:
    return (data(place) / "volumes/ai-web-data/_data/made-once").read_text(encoding="ascii")


def test_kept_logs_can_be_deleted_on_a_full_disk(tmp_path: Path) -> None:
    on_own_disk(full_store, str(tmp_path))


def test_modules_are_stopped_while_the_disk_of_the_home_is_full(
    client: docker.DockerClient, lab: Place, tmp_path: Path
) -> None:
    on_own_disk(full_home, str(tmp_path), lab.host)
    assert not ours(client, "two")


def test_while_the_disk_of_the_home_is_full_nothing_is_stopped_or_replaced_for_good(
    client: docker.DockerClient, lab: Place, tmp_path: Path
) -> None:
    on_own_disk(full_home_restore, str(tmp_path), lab.host)
    assert not leftovers(client)


def on_own_disk(module: ModuleType, *words: str) -> None:
    """Run *module* where it can mount a disk."""
    command = ["unshare", "--mount", sys.executable, "-m", module.__name__, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
