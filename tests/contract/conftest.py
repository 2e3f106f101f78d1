"""One host of the core on the lab's engine, and a client of it over each carrier."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import docker
import pytest

from aiserver_tray.api.front import Front
from aiserver_tray.control.server import Server
from aiserver_tray.hosting.link import Link
from aiserver_tray.i18n import Language
from tests.contract.carriers import Carrier, ControlChannel, Http, JsBridge, Make
from tests.contract.host import Host, write_modules
from tests.lab.fixtures import borrowed, lab
from tests.lab.place import Place
from tests.support.desktop.desktop import desktop
from tests.support.installation import IMAGE, Installation
from tests.support.surroundings import Recorded

__all__ = ["lab"]


@pytest.fixture(scope="package")
def desk() -> Iterator[dict[str, str]]:
    with desktop() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.variables.items():
            patch.setenv(name, value)
        yield found.variables


@pytest.fixture(scope="package", autouse=True)
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the browser of this process and of the windows' writes what it is to open."""
    folder = tmp_path_factory.mktemp("browser")
    browser, opened = folder / "browser", folder / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER", f"{browser} %s")
        patch.setattr("webbrowser._tryorder", None)
        yield opened


@pytest.fixture(scope="package")
def client(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine's own client; at the end nothing of ours is left there."""
    with borrowed(lab) as client:
        client.images.pull(IMAGE)
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
    app, around = here.app, Recorded()
    with ExitStack() as stack:
        stack.enter_context(closing(link := Link(app, lambda core: Front(app, core, around))))
        link.start()
        front = Front(app, link, around)
        stack.enter_context(closing(server := Server(app.settings.home, "tray", front)))
        server.start()
        host = Host(app, front, around)
        host.wait_for_engine()
        yield host


@pytest.fixture(scope="package", params=["control channel", "HTTP", "JS bridge"])
def make(
    request: pytest.FixtureRequest,
    host: Host,
    desk: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Make:
    home, folder, numbers = host.app.settings.home, tmp_path_factory.mktemp("probes"), count()

    def made(language: Language) -> Carrier:
        if request.param == "control channel":
            return ControlChannel(home, language)
        if request.param == "HTTP":
            return Http(host.front, language)
        return JsBridge(desk, home, language, folder / str(next(numbers)))

    return made


@pytest.fixture(scope="package")
def carrier(make: Make) -> Iterator[Carrier]:
    with closing(make("en")) as carrier:
        yield carrier
