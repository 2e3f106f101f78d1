"""A second engine, whose disk is small."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place

MEBIBYTE = 1 << 20


@pytest.fixture
def second(lab: Place, tmp_path: Path) -> Iterator[Place]:
    """A lab with the images of *lab*, whose engine has little room."""
    assert lab.images_of
    place = Place(tmp_path / "lab", lab.images_of)
    place.state.mkdir()
    with place.disk.open("wb") as disk:
        disk.truncate(1024 * MEBIBYTE)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(place.disk)], check=True)
    try:
        lifecycle.up(place)
        yield place
    finally:
        lifecycle.stop(place)
        shutil.rmtree(place.state)


def disk_of(place: Place) -> Path:
    """The engine's data folder, as its namespace sees it."""
    return Path(f"/proc/{lab_engine.processes(place)['dockerd']}/root{place.data}")
