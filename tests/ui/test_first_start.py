"""From a new home to a module that runs, by the page of a real owner on the lab's engine."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from selenium.webdriver import Chrome

from aiserver_tray.contract.http.access import Keys as AccessKeys
from aiserver_tray.contract.http.server import Binding, BrowserServer
from aiserver_tray.contract.owner.claim import Claim
from aiserver_tray.contract.owner.owner import Owner
from tests.lab.fixtures import engine, lab
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, idle
from tests.support.surroundings import NoWindows
from tests.ui.home import HomePage, console

__all__ = ["engine", "lab"]


@pytest.fixture
def page(
    lab: Place, engine: docker.DockerClient, chromium: Chrome, tmp_path: Path
) -> Iterator[HomePage]:
    """The page of a new home, in whose catalog is the module ``web``, too."""
    engine.images.pull(IMAGE)
    here = Installation(tmp_path / "home", tmp_path / "catalog", lab.host)
    here.write("web", {"web": idle()}, title="Web")
    app = here.app
    console(chromium)
    chromium.set_window_size(1200, 800)
    with Claim(app) as claim:
        claim.take()
        with (
            Owner(app, NoWindows()) as owner,
            BrowserServer(owner.api, Binding(port=0), "en", AccessKeys()) as server,
        ):
            yield HomePage(chromium, server.address, tmp_path)
            chromium.get("about:blank")


def test_a_new_home_leads_to_a_module_that_runs(page: HomePage) -> None:
    page.wait_for_text("Docker is running", ".cks")
    page.wait_for_text("The chosen modules need about", ".cks")
    page.button("Continue").click()
    page.wait_for(".pk [type=checkbox]")
    for box in page.all(".pk :checked"):
        if "Web" not in box.accessible_name:
            box.click()
    assert [box.accessible_name.split()[0] for box in page.all(".pk :checked")] == ["Web"]
    page.button("Download and start").click()
    page.wait_for_text("Everything you started is running", "main")
    page.script("location.hash = 'welcome'")
    page.wait_for(".wiz")
    page.script("location.hash = 'home'")
    page.reload()
    page.wait_for_text("Everything you started is running", "main")
    assert not page.all(".wiz"), "it does not open by itself again"
