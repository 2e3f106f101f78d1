"""The dashboard of an owner whose modules run on a real engine, from the first run on."""

from contextlib import closing
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from selenium.webdriver import Keys

from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.view import TrayView
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, checked, gated, idle, script
from tests.support.observed import open_gate
from tests.support.owning import PEER
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.ui.dashboard import Dashboard, dashboard

__all__ = ["dashboard"]

SITE = "mkdir /www && echo '<title>The wiki</title>' > /www/index.html && httpd -f -p 80 -h /www"
COMPLAINS = (
    "echo ERROR out of beans; until [ -e /dev/shm/tasted ]; do sleep .1; done; "
    "echo ERROR out of beans; sleep 86400"
)
FAILS_ONCE = "test -e /data/seen || { touch /data/seen; echo ERROR no key; exit 3; }; sleep 86400"


def test_the_keyboard_leads_from_the_first_run_to_an_open_module(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    """And a page that is loaded in the middle of the start, in the same tab or another, shows
    that start, and does something itself."""
    here.write("store", {"store": gated()}, kind="basic", title="Store")
    port = free_port()
    wiki = script(SITE, ports=[f"127.0.0.1:{port}:80"])
    address = f"http://127.0.0.1:{port}"
    here.write("wiki", {"wiki": wiki}, requires=["store"], title="Wiki", open=address)
    here.write("side", {"side": idle()}, title="Side")
    engine.images.remove(IMAGE, force=True)  # it is downloaded again
    board: Dashboard = request.getfixturevalue("dashboard")

    page = board.page()
    page.wait_for(".wiz")
    page.wait_for_text("Docker is running", ".cks")
    page.wait_for_text("The chosen modules need about", ".cks")
    page.tab_to("Continue")
    page.press(Keys.ENTER)
    page.wait_for(".pk")
    for choice in page.all(".pk input"):
        page.tab_to(choice.accessible_name)
        if choice.is_selected() != (choice.accessible_name == "Wiki"):
            page.press(Keys.SPACE)
    page.tab_to("Download and start")
    page.press(Keys.ENTER)

    page.wait_for("[data-starting=wiki]")
    page.wait_for_text("Waiting until healthy", "[data-starting=store]")
    page.wait_for_text("Everything is here", ".phases")  # the image
    operation = page.wait_for(".operation").get_attribute("data-operation")
    page.reload()
    page.wait_for(f".operation[data-operation='{operation}']")
    other = board.in_another_tab()
    other.wait_for(f".operation[data-operation='{operation}']")
    other.button("Start: Side").click()
    board.modules.wait_for(side="running")
    with board.at_tab(0):
        page.wait_for("[data-module=side][data-state=running]")
        page.wait_for(f".operation[data-operation='{operation}']")

    open_gate(engine, "ai-store")
    other.wait_for("[data-module=wiki][data-state=running]")
    with board.at_tab(0):
        page.wait_for("[data-module=wiki][data-state=running]")
        page.wait_for_text("Everything you started is running", ".overview")
        assert not page.complaints()
        page.tab_to("Open: Wiki")
        page.press(Keys.ENTER)
    page.until(lambda: len(board.browser.window_handles) == 3, "the module's own page")
    with board.at_tab(2):
        page.until(lambda: board.browser.title == "The wiki", "it is there")


def test_failure_is_fixed_from_its_card_and_a_lost_engine_returns(
    here: Installation, lab: Place, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    """Language and theme change meanwhile, in the same page."""
    quick = {"stop_signal": "SIGKILL"}
    falling_ill = checked("test ! -e /dev/shm/ill", **quick)
    falling_ill["healthcheck"] |= {"interval": "1s", "retries": 1}
    here.write("web", {"web": falling_ill}, title="Web")
    failing = script(FAILS_ONCE, volumes=["seen:/data"], restart="no", **quick)
    here.write("notes", {"notes": failing}, top={"volumes": {"seen": None}}, title="Notes")
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    page.wait_for(".wiz")
    page.button("Skip for now").click()

    page.button("Start: Web").click()
    # Its network cuts the requests of a browser that are under way.
    page.wait_for("[data-module=web][data-state=running]")
    page.button("Start: Notes").click()
    web, card = ".problem[data-of=web]", ".problem[data-of=notes]"
    page.wait_for_text("xited with code 3", card)  # it may count as started before it exits
    page.wait_for(f"{card} a[href^='#logs/']").click()
    page.wait_for_text("ERROR no key", ".ll")
    assert "#logs/notes?service=notes&at=20" in page.address, "at the time it happened"
    page.script("history.back()")
    page.wait_for(card)
    title = page.wait_for(f"{card} h2").text
    page.button(f"Restart Notes: {title}").click()
    page.until(lambda: not page.all(card), "the card goes")
    engine.containers.get("ai-web").exec_run(["touch", "/dev/shm/ill"])
    page.wait_for_text("unhealthy", web)
    page.button("Restart Web: Web is unhealthy").click()
    page.until(lambda: not page.all(web), "the card goes")
    board.modules.wait_for(notes="running", web="running")

    page.go("settings")
    language = page.wait_for("[id='app.language']")
    page.script("window.isOld = true")
    language.send_keys("中文")
    page.wait_for("html[lang=zh]")
    page.wait_for(".theme:has([value=dark])").click()
    page.wait_for("html[data-theme=dark]")
    assert page.script("return window.isOld"), "it is the same page all the time"

    page.go("home")
    lab_engine.kill(lab)
    page.wait_for_text("Docker", ".big")
    lifecycle.up(lab)
    for module in ("web", "notes"):
        page.wait_for(f"[data-module={module}][data-state=running]")
    page.until(lambda: not page.all(".problem, .big"), "nothing is wrong any more")


def test_four_clicks_lead_from_a_folder_to_its_open_page(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """And none of them meets a failure: the yes to what the module does also starts it."""
    port = free_port()
    site = script(SITE, ports=[f"127.0.0.1:{port}:80"], volumes=["./notes:/notes"])
    elsewhere = Installation(tmp_path / "home", tmp_path / "elsewhere", here.host)
    extension = {"kind": "feature", "title": "Wiki", "open": f"http://127.0.0.1:{port}"}
    folder = elsewhere.write_plain("wiki", {"wiki": site}, {"x-aiserver": extension})
    here.app.settings.distrust("wiki")
    here.app.settings.welcome()
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    page.wait_for("a.add-tile").click()
    page.wait_for("#add-folder").send_keys(str(folder))
    page.button("Check").click()
    page.wait_for_text(f"Publishes port {port}, on this computer only", ".does")
    page.wait_for_text(f"Can read and change {folder}/notes", ".beyond")
    page.button("Allow this and start").click()
    page.wait_for("[data-module=wiki][data-state=running]")
    assert page.all(".card.problem") == []
    page.button("Open: Wiki").click()
    page.until(lambda: len(board.browser.window_handles) == 2, "a tab for its page")


class MenuOf:
    """The icon of a tray, which keeps its menu."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, view: TrayView) -> None:
        self.lines = [entry.text for entry in view.menu]


def test_a_rule_made_of_a_log_line_tells_on_its_page_on_home_and_in_the_tray(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    here.write("shop", {"shop": script(COMPLAINS, stop_signal="SIGKILL")}, title="Shop")
    here.app.settings.welcome()
    board: Dashboard = request.getfixturevalue("dashboard")
    owner, menu = board.owner, MenuOf()
    tray = IconUpdater(here.app, owner.core.store, owner.api, PEER, cast(Any, menu), lambda: None)
    with closing(tray):
        tray.start()
        page = board.page()
        page.button("Start: Shop").click()
        page.wait_for("[data-module=shop][data-state=running]")
        page.go("logs/shop")
        page.wait_for(".ll.error").click()
        page.button("Notify me of this…").click()
        page.wait_for_text("1 line matches. You would have been notified 1 time.", ".told")
        assert page.wait_for("#rule-pattern").get_attribute("value") == "out of beans"
        page.button("Add the rule").click()
        page.wait_for_text("The rule watches from now on", ".toasts")

        page.go("alerts")
        page.wait_for(".quiet-card")
        engine.containers.get("ai-shop").exec_run(["touch", "/dev/shm/tasted"])
        page.wait_for_text("Log match in Shop", ".alert")
        eventually(lambda: "Alert: Log match in Shop" in menu.lines, "it is in the tray's menu")
        page.go("home")
        page.wait_for_text("ERROR out of beans", ".home .alert")
        page.button("Show the lines: Log match in Shop").click()
        page.wait_for_text("ERROR out of beans", ".ll")
        assert page.complaints() == []


def test_a_database_lets_a_client_in_with_the_address_on_its_page(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    here.set("postgres.POSTGRES_HOST_PORT", str(free_port()))
    here.set("postgres.POSTGRES_PASSWORD", "p@ss/w:rd?#[]%&' +ü!\"$*()")
    here.done("up", "postgres")
    server = engine.containers.get("ai-postgres")
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    page.go("modules/postgres")
    page.button("From another module: Show the password").click()
    page.wait_for(".connect [aria-label$='Hide the password']")
    page.wait_for_text("1 volume, ", ".facts")
    shown, others = (row.text for row in page.all(".connect .item p"))

    query = ["-tAc", "SELECT current_user"]
    assert server.exec_run(["psql", others, *query]) == (0, b"postgres\n")
    refused = server.exec_run(["psql", others.replace("p%40ss", "pass"), *query])
    assert b"password authentication failed" in refused.output
    client = engine.containers.run(
        server.image, ["psql", shown, *query], network_mode="host", remove=True
    )
    assert client == b"postgres\n"
    assert not page.complaints()
