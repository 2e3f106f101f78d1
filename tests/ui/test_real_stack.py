"""The dashboard of an owner whose modules run on a real engine, from the first run on."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from selenium.webdriver import Keys
from selenium.webdriver.remote.webelement import WebElement

from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.view import TrayView
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.installation import (
    IMAGE,
    Installation,
    checked,
    gated,
    idle,
    last_words,
    script,
    write_file,
)
from tests.support.observed import open_gate
from tests.support.owning import PEER, Modules
from tests.support.ports import free_port
from tests.support.waiting import eventually
from tests.ui.dashboard import Dashboard, dashboard
from tests.ui.home import HomePage

__all__ = ["dashboard"]

SITE = "mkdir -p /www && echo '<title>The wiki</title>' > /www/index.html && httpd -f -p 80 -h /www"
ANSWERS = checked("wget -q -O /dev/null http://127.0.0.1")["healthcheck"]
"""Who opens the page of a module that runs gets it."""
COMPLAINS = (
    "echo ERROR out of beans; until [ -e /dev/shm/tasted ]; do sleep .1; done; "
    "echo ERROR out of beans; sleep 86400"
)
FAILS = last_words("touch /data/seen; echo ERROR no key", 3)
FAILS_ONCE = f"test -e /data/seen || {{ {FAILS}; }}; sleep 86400"


def test_the_keyboard_leads_from_the_first_run_to_an_open_module(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    """And a page that is loaded in the middle of the start, in the same tab or another, shows
    that start, and does something itself."""
    here.write("store", {"store": gated()}, kind="basic", title="Store")
    port = free_port()
    wiki = script(SITE, ports=[f"127.0.0.1:{port}:80"], healthcheck=ANSWERS)
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
    choose(page, "Wiki")
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


def choose(page: HomePage, title: str) -> None:
    """Only this feature, by the keyboard."""
    for choice in page.all(".pk input"):
        page.tab_to(choice.accessible_name)
        if choice.is_selected() != (choice.accessible_name == title):
            page.press(Keys.SPACE)


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
    page.until(lambda: clicked(page, f"{card} a[href^='#logs/']"), "the way to its logs")
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


def clicked(page: HomePage, selector: str) -> bool:
    """Click a part that the page may be drawing again."""
    page.wait_for(selector).click()
    return True


class Clicks:
    """A user with a mouse on *page*. ``count``: of clicks in the present journey."""

    def __init__(self, page: HomePage) -> None:
        self.page = page
        self.count = 0

    @contextmanager
    def at_most(self, most: int) -> Iterator[None]:
        """A journey, which takes no more clicks."""
        self.count = 0
        yield
        assert 0 < self.count <= most

    def button(self, name: str) -> None:
        self._click(lambda: self.page.button(name))

    def on(self, selector: str) -> None:
        self._click(lambda: self.page.wait_for(selector))

    def _click(self, target: Callable[[], WebElement]) -> None:
        """Presses the button of the mouse over the middle of what can be seen there."""

        def can_be_hit() -> WebElement | None:
            element = target()
            is_usable = element.is_displayed() and element.is_enabled()
            is_hit = self.page.script(IS_HIT, element)
            return element if is_usable and is_hit else None

        element: WebElement = self.page.until(can_be_hit, "it can be clicked")
        element.click()
        self.count += 1


IS_HIT = """
const [element] = arguments;
element.scrollIntoView({ block: "nearest" });
const { left, right, top, bottom } = element.getBoundingClientRect();
const found = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
return element.contains(found) && element.getAttribute("aria-disabled") !== "true";
"""
"""Whether the element is what the pointer meets at its centre, and does something."""


def a_site(port: int) -> dict[str, Any]:
    """A module with a page, whose port is a setting."""
    return {
        "settings": {"SITE_PORT": {"type": "port", "default": port, "title": "Port"}},
        "open": "http://localhost:${SITE_PORT}",
    }


def test_the_commonest_journeys_take_few_clicks(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    web = script(f"echo ERROR no key; {SITE}", healthcheck=ANSWERS, **SITE_SERVICE)
    port = free_port()
    here.write("store", {"store": checked("true", stop_signal="SIGKILL")}, kind="basic")
    here.write("web", {"web": web}, title="Web", requires=["store"], **a_site(port))
    board: Dashboard = request.getfixturevalue("dashboard")
    user = Clicks(board.page())
    starts_and_opens(user, board)
    changes_a_port(user, engine, port)
    reads_its_errors(user)
    restarts_a_dead_database(user, board.modules, engine)
    frees_a_taken_port(user, board.modules, engine, here)
    with user.at_most(1):
        user.button("Stop: Web")
        board.modules.wait_for(web="stopped")


SITE_SERVICE = {"stop_signal": "SIGKILL", "ports": ["${SITE_PORT}:80"]}


def starts_and_opens(user: Clicks, board: Dashboard) -> None:
    page = user.page
    with user.at_most(4):
        user.button("Continue")
        page.wait_for(".pk")
        choose(page, "Web")
        user.button("Download and start")
        board.modules.wait_for(web="running", store="running")
    page.go("home")
    with user.at_most(1):
        user.button("Open: Web")
        page.until(lambda: len(board.browser.window_handles) == 2, "a tab for its page")
    with board.at_tab(1):
        page.until(lambda: board.browser.title == "The wiki", "it is there")


def changes_a_port(user: Clicks, engine: docker.DockerClient, before: int) -> None:
    """And takes that back, and restarts the module, as it is on that page."""
    page, other = user.page, free_port()
    with user.at_most(4):
        user.on("[data-module=web] h3 a")
        user.on("a[href='#modules/web/settings']")
        user.on("#setting-web-SITE_PORT")
        page.chord(Keys.CONTROL, "a")
        page.press(str(other))
        user.button("Apply now")
        page.until(lambda: published(engine, "ai-web") == other, "it has the other port")
    with user.at_most(1):
        user.button("Undo")
        page.until(lambda: published(engine, "ai-web") == before, "it has its port again")
    start = started(engine, "ai-web")
    with user.at_most(1):
        user.button("Restart")
        page.until(lambda: started(engine, "ai-web") != start, "it was started again")


def reads_its_errors(user: Clicks) -> None:
    user.page.go("home")
    with user.at_most(2):
        user.on("[data-module=web] a[href^='#logs/']")
        user.on("main button:has(b.bad)")  # those that are counted
        user.page.wait_for_text("no key", ".errors")


def restarts_a_dead_database(user: Clicks, modules: Modules, engine: docker.DockerClient) -> None:
    user.page.go("home")
    engine.containers.get("ai-store").kill()
    with user.at_most(1):
        user.on(".problem[data-of=store] .button.primary")
        modules.wait_for(store="running", web="running")


def frees_a_taken_port(
    user: Clicks, modules: Modules, engine: docker.DockerClient, here: Installation
) -> None:
    """A card says who has the port, and has another one."""
    port = free_port()
    thief = engine.containers.run(
        IMAGE, "sleep 600", detach=True, name="thief", ports={"80/tcp": ("127.0.0.1", port)}
    )
    here.write("late", {"late": idle(**SITE_SERVICE)}, title="Late", **a_site(port))
    user.button("Start: Late")
    user.page.wait_for_text("the container thief is using it", ".problem")
    with user.at_most(1):
        user.on(".problem .button.primary")
        modules.wait_for(late="running")
    assert published(engine, "ai-late") != port
    user.page.until(lambda: not user.page.all(".problem"), "nothing is wrong any more")
    thief.remove(force=True)


def published(engine: docker.DockerClient, container: str) -> int:
    """The port of this machine that *container* has; 0: it does not run now."""
    with suppress(docker.errors.NotFound):
        bound = engine.containers.get(container).ports.get("80/tcp")
        return int(bound[0]["HostPort"]) if bound else 0
    return 0


def started(engine: docker.DockerClient, container: str) -> str:
    return str(engine.containers.get(container).attrs["State"]["StartedAt"])


def test_a_plain_file_leads_to_its_page_in_four_clicks(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The file says nothing of a page: its port tells. And no click meets a failure: the yes to
    what the module does also starts it."""
    more = {"ports": ["127.0.0.1::80"], "volumes": ["./notes:/notes"]}
    site = script(SITE, healthcheck=ANSWERS, **more)
    folder = write_file(tmp_path / "elsewhere", "wiki", {"db": idle(ports=["5432"]), "wiki": site})
    here.app.settings.welcome()
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    user = Clicks(page)
    with user.at_most(4):
        user.on("a.add-tile")
        page.wait_for("dialog[open] #add-folder").send_keys(str(folder))
        user.button("Check")
        page.wait_for_text(f"Can read and change {folder}/notes", ".beyond")
        user.button("Allow this and start")
        page.wait_for("[data-module=wiki][data-state=running]")
        assert page.all(".card.problem") == []
        user.button("Open: wiki")
        page.until(lambda: len(board.browser.window_handles) == 2, "a tab for its page")
    with board.at_tab(1):
        page.until(lambda: board.browser.title == "The wiki", "it is there")
    port = published(engine, "ai-wiki")
    assert page.wait_for("[data-module=wiki] .sub a").text == f"localhost:{port}"

    page.go("home?add=1")
    page.wait_for("#add-folder").send_keys(str(folder.parent))
    page.button("Choose…: Folder").click()
    page.wait_for_text("Compose file", ".folder-list")
    page.wait_for(".folder-list button:focus")
    page.press(Keys.ENTER)
    page.wait_for_text("This folder has a Compose file", ".add-module")
    assert page.wait_for("#add-folder").get_property("value") == str(folder)


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
