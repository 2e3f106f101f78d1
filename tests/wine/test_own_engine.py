"""Windows' own engine, from nothing to a module that runs and back, with a stand-in of ``wsl.exe``
that leads to the lab's engine."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import requests
from selenium.webdriver import Chrome

from bundler.wine import windows_path
from tests.lab.place import Place
from tests.support.browser import chromium_in
from tests.support.desktop.applet import Applet
from tests.support.installation import Installation, checked, idle, script
from tests.support.limits import LIMIT
from tests.support.page import Page
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.support.wine.windows import Windows
from tests.support.wine.wsl import Wsl, installed

SITE = "mkdir -p /www && echo '<title>The wiki</title>' > /www/index.html && httpd -f -p 80 -h /www"


@pytest.fixture
def wsl(machine: Windows, lab: Place, tmp_path: Path) -> Iterator[Wsl]:
    with installed(machine, lab, tmp_path) as found:
        yield found


def test_from_nothing_to_a_module_and_back(
    machine: Windows, wsl: Wsl, here: Installation, engine: docker.DockerClient
) -> None:
    here.write("shop", {"web": idle(stop_signal="SIGKILL")}, title={"en": "Shop"})

    def run(*words: str) -> str:
        options = ("--home", windows_path(here.home), "--catalog", windows_path(here.catalog))
        return machine.screen.run(*machine.users, *options, *words, timeout=400).decode()

    assert "There is no" not in run("engine", "find")
    run("engine", "install", "--yes")
    assert "AI-Server Tray (WSL) *" in run("engine", "find")
    assert wsl.state["distributions"] == {"aiserver": {"mark": True, "docker": True}}
    words = ("--memory", "4", "--processors", "2", "--disk", "64", "--folder", r"D:\AI", "--yes")
    room = json.loads(run("engine", "settings", *words, "--json"))
    assert (room["processors"], room["limit"], room["folder"]) == (2, 64 * 1024**3, r"D:\AI")
    run("engine", "keep")
    eventually(lambda: wsl.clients("flock"), "it is kept running")
    wsl.drop("flock")
    run("up", "--trust", "shop", "shop")
    web = engine.containers.get("ai-shop-web")
    eventually(lambda: wsl.clients("flock"), "it is kept running without us")
    stops, wsl.idle = wsl.stops, 0.5
    assert web.status == "running"
    wsl.drop("flock")
    eventually(lambda: wsl.stops > stops, "without a client, it ends")
    wsl.idle = math.inf
    run("up", "shop")
    web.reload()
    assert web.status == "running", "it is back"
    run("down", "shop")
    run("engine", "uninstall", "--yes")
    assert not wsl.state["distributions"]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    folder = tmp_path / "browser"
    folder.mkdir()
    with chromium_in(folder) as found:
        yield found


@pytest.fixture
def tray(machine: Windows, here: Installation) -> Iterator[Applet]:
    """One that has to find its engine, with a module that has a page."""
    port = free_port()
    check = checked("wget -q -O /dev/null http://127.0.0.1")["healthcheck"]
    wiki = script(SITE, init=True, ports=[f"127.0.0.1:{port}:80"], healthcheck=check)
    here.write("wiki", {"wiki": wiki}, title="Wiki", open=f"http://127.0.0.1:{port}")
    machine.trusts(here, "wiki")
    here.set("app.start_desired", "false")  # a removal is refused while that brings modules up
    found = Applet(machine.screen, dataclasses.replace(here, host=""), machine.users)
    yield found
    found.close()


@pytest.fixture
def dashboard(machine: Windows, browser: Chrome, tmp_path: Path) -> Callable[[], Page]:
    """Waits for the dashboard that the applet opens next, and shows it."""
    seen: list[str] = []

    def show() -> Page:
        new = eventually(lambda: machine.opened()[len(seen) :], "the dashboard")
        seen.extend(new)
        return Page(browser, new[-1], tmp_path)

    return show


@pytest.mark.timeout(1200)  # on a busy machine, each program of Windows takes seconds to start
def test_from_nothing_to_a_page_and_back_through_the_pages(
    machine: Windows,
    wsl: Wsl,
    tray: Applet,
    dashboard: Callable[[], Page],
    engine: docker.DockerClient,
) -> None:
    wsl.has(wsl=None, fail={"--install Debian": "Wsl/WININET_E_NAME_NOT_RESOLVED"})
    before = tray.launch()
    page = dashboard()
    page.button("Set it up").click()
    page.wait_for_text("Check the internet connection", ".own-engine")
    assert not wsl.state["distributions"], "nothing half-done is left"
    wsl.has(wsl="2.6.1.0")
    page.button("Try again").click()

    page.wait_for_text("Docker is running", ".cks")
    page.button("Continue").click()
    page.wait_for(".pk input")
    for choice in page.all(".pk input"):
        if choice.is_selected() != (choice.accessible_name == "Wiki"):
            choice.click()
    page.button("Download and start").click()
    is_running = "[data-module=wiki][data-state=running]"
    page.wait_for(is_running)
    address = page.wait_for("[data-module=wiki] .sub a").get_attribute("href")
    assert "The wiki" in requests.get(str(address), timeout=LIMIT).text

    started = engine.containers.get("ai-wiki").attrs["State"]["StartedAt"]
    machine.bar.choose("quit", "Up", "Right")  # the last, and in its submenu the first: to keep it
    eventually(lambda: wsl.clients("flock") and wsl.clients() == 1, "it is kept running")
    assert before.wait(LIMIT) == 0
    tray.launch()
    machine.asks(tray.installation.home, "ai/app/about")  # Wine loses clicks on an icon before
    eventually(machine.bar.icon, "the icon")
    machine.bar.click_icon()
    page = dashboard()
    page.wait_for(is_running)
    assert engine.containers.get("ai-wiki").attrs["State"]["StartedAt"] == started

    page.go("settings/docker")
    page.button("Remove…").click()
    page.wait_for("#question[open] input").send_keys("aiserver")
    page.wait_for("#question[open] .danger").click()
    page.button("Set it up")
    assert not wsl.state["distributions"]
