"""A second engine: one whose disk is small, and one that reaches no registry."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place

MEBIBYTE = 1 << 20


@pytest.fixture
def second(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """A lab with the images of *lab*, whose engine has little room."""
    place = another(lab, tmp_path)
    with place.disk.open("wb") as disk:
        disk.truncate(1024 * MEBIBYTE)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(place.disk)], check=True)
    with running(place):
        yield place


@pytest.fixture
def cut_off(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """A lab whose engine has no images and reaches no registry."""
    place = another(lab, tmp_path)
    with running(place):
        os.kill(lab_engine.processes(place)["docker-registry"], signal.SIGKILL)
        yield place


def another(lab: Place, folder: Path) -> Place:
    """A further lab in *folder*, with the images of *lab*."""
    assert lab.images_of
    place = Place(folder / "lab", lab.images_of)
    place.state.mkdir()
    return place


@contextmanager
def running(place: Place) -> Iterator[None]:
    """Within the block, the lab *place* runs; then nothing of it is left."""
    try:
        lifecycle.up(place)
        yield
    finally:
        lifecycle.stop(place)
        shutil.rmtree(place.state)


def disk_of(place: Place) -> Path:
    """The engine's data folder, as its namespace sees it."""
    return Path(f"/proc/{lab_engine.processes(place)['dockerd']}/root{place.data}")
