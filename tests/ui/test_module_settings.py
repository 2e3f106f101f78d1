"""The settings of a module on a real engine: previewed, saved for later, applied, undone."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from selenium.webdriver import Chrome, Keys

from aiserver_tray.carriers.http.access import Keys as AccessKeys
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from tests.lab.fixtures import engine, have_image, lab
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, idle
from tests.support.page import console
from tests.support.ports import free_port
from tests.support.surroundings import NoWindows
from tests.ui.home import HomePage

__all__ = ["engine", "lab"]

PORT, MEMORY = "#setting-web-WEB_PORT", "#setting-web-WEB_MEMORY"


@pytest.fixture
def ports() -> tuple[int, int]:
    """The port of the module, and another free one."""
    return free_port(), free_port()


@pytest.fixture
def page(
    lab: Place,
    engine: docker.DockerClient,
    chromium: Chrome,
    ports: tuple[int, int],
    tmp_path: Path,
) -> Iterator[HomePage]:
    """The settings of the module ``web``, which runs with the service ``side``."""
    have_image(engine, IMAGE)
    here = Installation(tmp_path / "home", tmp_path / "catalog", lab.host)
    web = idle(ports=["${WEB_PORT}:80"], mem_limit="${WEB_MEMORY}", environment=["WEB_KEY"])
    settings = {
        "WEB_PORT": {"type": "port", "default": ports[0], "title": "Port"},
        "WEB_MEMORY": {"type": "size", "default": "64m", "title": "Memory limit"},
        "WEB_KEY": {"type": "secret", "generate": "hex32", "title": "Key"},
    }
    here.write("web", {"web": web, "side": idle()}, settings=settings, title="Web")
    app = here.app
    console(chromium)
    chromium.set_window_size(1200, 800)
    with Claim(app) as claim:
        claim.take()
        here.cli.run("up", "web").succeeded()
        with (
            Owner(app, NoWindows()) as owner,
            BrowserServer(owner.api, Binding(port=0), "en", AccessKeys()) as server,
        ):
            shown = HomePage(chromium, f"{server.address}#modules/web/settings", tmp_path)
            shown.wait_for(PORT)
            yield shown
            chromium.get("about:blank")


def write(page: HomePage, selector: str, text: str) -> None:
    page.wait_for(selector).send_keys(Keys.CONTROL, "a", Keys.NULL, text)


def type_variable(page: HomePage, name: str, value: str) -> None:
    """Fill in the row for a new variable of the first service."""
    write(page, "#variable-name", name)
    write(page, "#variable-value", value)


def running(engine: docker.DockerClient) -> tuple[str, int]:
    """The host port and the memory limit of the container of ``web``."""
    attributes = engine.containers.get("ai-web").attrs["HostConfig"]
    return attributes["PortBindings"]["80/tcp"][0]["HostPort"], attributes["Memory"] >> 20


def test_changes_are_previewed_saved_for_later_applied_together_and_undone(
    page: HomePage, engine: docker.DockerClient, ports: tuple[int, int]
) -> None:
    before, after = ports
    write(page, PORT, "99999")
    page.wait_for_text("Expected a port from 1 to 65535", f"{PORT}-message")
    assert page.button("Apply now").get_attribute("aria-disabled")
    write(page, PORT, str(after))
    page.wait_for_text(f"Free · was {before}", f"{PORT}-message")
    write(page, MEMORY, "96")
    page.wait_for_text(f"publishes port {after} and memory limit 96 MB", ".will")
    page.wait_for_text("1 other service keeps running", ".will")
    page.wait_for_text(f"Port {before} → {after} and Memory limit 64 MB → 96 MB", ".applybar")

    type_variable(page, "WEB_KEY", "x")
    page.button("Add").click()
    page.wait_for_text("The module itself sets WEB_KEY of web", ".variables .msg")
    page.button("Undo WEB_KEY (web)").click()
    type_variable(page, "DEBUG", f"on{Keys.ENTER}")
    type_variable(page, "LEVEL", "2")  # it counts before it is added
    page.wait_for_text("environment: DEBUG, LEVEL", ".will")
    page.wait_for_text("4 changes", ".applybar")

    page.button("Save, apply later").click()
    page.wait_for_text("Changes are waiting to be applied", ".setform .notice")
    page.reload()
    page.wait_for_text("Changes are waiting to be applied", ".setform .notice")
    assert running(engine) == (str(before), 64)

    page.button("Apply now").click()
    page.until(lambda: not page.all(".setform .notice"), "applied")
    page.until(lambda: _is(engine, (str(after), 96)), "recreated")
    assert {"DEBUG=on", "LEVEL=2"} <= {*engine.containers.get("ai-web").attrs["Config"]["Env"]}

    page.wait_for_text(f"Port {before} → {after}", ".last-change")
    page.wait_for(".last-change button").click()
    page.until(lambda: toasts(page) == ["The previous settings are back"], "only the undoing")
    page.until(lambda: _is(engine, (str(before), 64)), "undone")
    assert "DEBUG=on" not in engine.containers.get("ai-web").attrs["Config"]["Env"]
    assert page.complaints() == []


def toasts(page: HomePage) -> list[str]:
    return [toast.text for toast in page.all(".toast .grow")]


def _is(engine: docker.DockerClient, expected: tuple[str, int]) -> bool:
    try:
        return running(engine) == expected
    except docker.errors.NotFound:  # it is being recreated
        return False


def test_a_secret_is_shown_on_request_and_a_draft_stays(page: HomePage) -> None:
    output = page.wait_for("#setting-web-WEB_KEY")
    assert set(output.text) == {"•"}
    page.button("Show Key").click()
    page.until(lambda: len(output.text) == 64, "the secret")
    page.button("Hide Key").click()
    page.until(lambda: set(output.text) == {"•"}, "hidden")

    page.button("Regenerate Key").click()
    page.wait_for_text("Regenerate Key?", "#question")
    page.button("Regenerate").click()
    page.wait_for_text("environment: WEB_KEY", ".will")
    type_variable(page, "TOKEN", "hunter2")
    page.wait_for("#variable-secret").click()
    page.script("location.hash = 'home'")
    page.wait_for("[data-module=web]")
    page.script("location.hash = 'modules/web/settings'")
    page.wait_for_text("Key: new value and TOKEN (web): new value", ".applybar")
    assert page.wait_for("#variable-name").get_property("value") == ""
    assert page.wait_for("#variable-value").get_property("value") == ""
    page.button("Discard").click()
    page.until(lambda: not page.all(".applybar"), "discarded")
    page.wait_for("details.fs summary").click()
    page.wait_for("details.fs .choice:nth-child(2)").click()
    page.wait_for_text("uses another proxy", ".will")
