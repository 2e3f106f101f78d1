"""Every test here has foreign objects beside it, and ends with a look at whether they changed."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.faults.objects import foreign, make_foreign, started
from tests.lab import engine as lab_engine
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.stack import IMAGE, service, write
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def foreigners(lab: Place) -> Iterator[None]:
    """Foreign objects, which no test may touch."""
    with borrowed(lab) as client:
        have_image(client, IMAGE)
        make_foreign(client)
        yield


@pytest.fixture
def client(
    lab: Place, foreigners: None, engine: docker.DockerClient
) -> Iterator[docker.DockerClient]:
    """The engine with foreign objects on it, which are looked at before and after."""
    pid, before, starts = lab_engine.processes(lab)["dockerd"], foreign(engine), started(engine)
    yield engine
    # Where the engine was killed, they come back in their own time.
    eventually(lambda: foreign(engine) == before, "the foreign objects as they were")
    assert lab_engine.processes(lab)["dockerd"] != pid or started(engine) == starts


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A folder with the module `web`: one with a volume, one on it, one on that."""
    folder = tmp_path / "catalog"
    services = {"db": service(volume="data"), "api": service("db"), "web": service("api")}
    write(folder, "web", services)
    return folder


@pytest.fixture
def cli(lab: Place, client: docker.DockerClient, catalog: Path, tmp_path: Path) -> CommandLine:
    """A new installation with that catalog."""
    return CommandLine(tmp_path / "home", catalog, lab.host)
