"""Tests here run what is Windows' own under Wine, against the lab's real Docker Engine."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import pytest

from tests.lab.fixtures import engine, have_image, lab
from tests.lab.place import Place
from tests.support.desktop.applet import Applet
from tests.support.forwarding import forwarded
from tests.support.installation import IMAGE, Installation, idle
from tests.support.wine.windows import Windows, windows

__all__ = ["engine", "lab"]


@pytest.fixture(scope="session")
def windows_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """The Windows of all tests of this process."""
    shots = os.environ.get("AISERVER_SHOTS") or tmp_path_factory.mktemp("shots")
    with windows(Path(shots)) as found:
        yield found


@pytest.fixture
def machine(windows_machine: Windows) -> Windows:
    """A Windows as it is after a start."""
    windows_machine.forget()
    return windows_machine


@pytest.fixture
def here(lab: Place, engine: docker.DockerClient) -> Iterator[Installation]:
    """As for the engine's tests, in a folder with a short name: Windows starts commands of at most
    260 characters at login."""
    have_image(engine, IMAGE)
    with TemporaryDirectory(prefix="ai-") as name:
        Path(name, "catalog").mkdir()
        yield Installation(Path(name, "home"), Path(name, "catalog"), lab.host)


@pytest.fixture
def applet(machine: Windows, lab: Place, here: Installation) -> Iterator[Applet]:
    """The applet with one chosen module, not yet started; whatever became of it, it is ended."""
    here.write("shop", {"web": idle(stop_signal="SIGKILL")}, title={"en": "Shop"})
    here.app.settings.choose(["shop"])
    machine.trusts(here, "shop")
    with forwarded(lab, "127.0.0.1") as address:
        shop = dataclasses.replace(here, host=address)
        found = Applet(machine.screen, shop, machine.users)
        yield found
        found.item.close()
        for process in found.processes():
            process.kill()
