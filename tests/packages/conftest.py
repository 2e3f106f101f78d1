"""Tests here build the packages for users, and install and run them as users do."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import pytest

from bundler.windows import Package, windows_package
from developer.cache import PACKAGES, WINE, cache_folder
from tests.lab.fixtures import engine, have_image, lab
from tests.lab.place import Place
from tests.packages.setup import Setup
from tests.support.forwarding import forwarded
from tests.support.installation import IMAGE
from tests.support.times import ONCE, apart
from tests.support.wine.windows import fresh_windows

__all__ = ["engine", "lab"]


@pytest.fixture(scope="session")
def package() -> Package:
    """The packages for Windows of the files that are here."""
    with apart(ONCE):
        return windows_package(cache_folder(PACKAGES), cache_folder(WINE))


@pytest.fixture
def setup(package: Package, lab: Place, engine: docker.DockerClient) -> Iterator[Setup]:
    """A Windows that nobody has used, whose programs find the lab's engine. Its folder has a short
    name, because Chromium's sockets are there."""
    have_image(engine, IMAGE)
    with TemporaryDirectory(prefix="ai-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        shots = Path(os.environ.get("AISERVER_SHOTS") or scratch)
        with (
            forwarded(lab, "127.0.0.1") as address,
            fresh_windows(scratch / "prefix", shots) as machine,
        ):
            machine.screen.environment["DOCKER_HOST"] = address
            yield Setup(machine, package, scratch)
