"""A core on the lab's engine, and what is around it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from tests.contract.carriers import Carrier
from tests.contract.host import DirectCaller, Host, write_modules
from tests.contract.tray import CARRIERS, Tray
from tests.lab.fixtures import borrowed, have_image, lab
from tests.lab.place import Place
from tests.support.desktop.desktop import desktop
from tests.support.installation import IMAGE, Installation, gated
from tests.support.surroundings import Recorded

__all__ = ["lab"]


@pytest.fixture(scope="package")
def desk() -> Iterator[dict[str, str]]:
    with desktop() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.variables.items():
            if name != "XDG_CACHE_HOME":  # where the lab keeps its images
                patch.setenv(name, value)
        yield found.variables


@pytest.fixture(scope="package", autouse=True)
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the browser of this process and of the window writes the address that it opens. The
    file manager shows nothing."""
    folder = tmp_path_factory.mktemp("browser")
    browser, opened = folder / "browser", folder / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n')
    manager = folder / "xdg-open"
    manager.write_text("#!/bin/sh\n")
    for program in (browser, manager):
        program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER", f"{browser} %s")
        patch.setenv("PATH", str(folder), prepend=os.pathsep)
        patch.setattr("webbrowser._tryorder", None)
        yield opened


@pytest.fixture(scope="package")
def tray(desk: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tray]:
    with closing(Tray(tmp_path_factory.mktemp("tray"), desk)) as tray:
        yield tray


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest, clients: Mapping[str, Carrier]) -> Carrier:
    """A client over each carrier of the core that the test's module chose as ``clients``."""
    return clients[request.param]


@pytest.fixture(scope="package")
def client(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine's own client; at the end nothing of ours is left there."""
    with borrowed(lab) as client:
        have_image(client, IMAGE)
        yield client


@pytest.fixture(scope="package")
def host(
    lab: Place,
    client: docker.DockerClient,
    desk: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("contract")
    here = Installation(folder / "home", folder / "catalog", lab.host)
    write_modules(here)
    with _owned(here) as host:
        yield host


@contextmanager
def _owned(here: Installation) -> Iterator[Host]:
    app, around = here.app, Recorded()
    with Claim(app) as claim:
        claim.take()
        with Owner(app, around) as owner:
            host = Host(app, owner, around)
            host.until(lambda snapshot: snapshot.engine.running)
            yield host


@pytest.fixture
def leaving(lab: Place, client: docker.DockerClient, tmp_path: Path) -> Iterator[Host]:
    """One that may give up its core, with the module ``lone``, which is never ready."""
    here = Installation(tmp_path / "home", tmp_path / "catalog", lab.host)
    here.write("lone", {"lone": gated()})
    with _owned(here) as host:
        yield host
    here.cli.run("down").succeeded()


@pytest.fixture(scope="package")
def core(host: Host) -> DirectCaller:
    """The core, called without a carrier."""
    return host.caller()
