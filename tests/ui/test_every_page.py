"""Every page is there for people who use assistive technology, at every size of the window."""

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.i18n import Language
from aiserver_tray.protocol.message import Json, answer
from tests.support import addresses, states, upgrades
from tests.support.kept_lines import KeptLines
from tests.support.pages import pages_beside
from tests.ui.answers import ANSWERS
from tests.ui.barriers import dress, faint, overflowing, tree, unnamed, violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import CLEANUP, DISK, dify, history

PAGES = {
    "home": "[data-module=n8n]",
    "settings": "#section-about",
    "activity": ".gantt",
    "adopt": ".adopt-row",
    "alerts": ".arule",
    "backups": "[data-row=today]",
    "cluster": "[data-deployed=n8n]",
    "models": "[data-server=ollama]",
    "doctor": ".check-row",
    "logs?text=id&range=1h": ".trace.fold",
    "logs?view=errors": ".error-said",
    "monitoring": ".mini",
    "modules/dify": ".four-steps",
    "modules/n8n": ".up-cols",
    "modules/dify/services": "[data-service=worker]",
    "modules/dify/logs?line=000000000390&fields=i": ".fields .s",
    "modules/dify/resources": ".chart",
    "modules/n8n/access": ".phone .qr path",
    "modules/n8n/backups": ".hero-stats.three",
    "modules/n8n/settings": ".fs",
    "modules/unknown": ".empty",
    "welcome": ".ck",
    "welcome/modules": ".pk",
}
PAGES |= dict.fromkeys(pages_beside(PAGES), "h1")
"""Address -> what the page has once it is complete."""
SIZES = ((600, 800, 2), (900, 700, 1), (1200, 800, 1), (2560, 1300, 1), (450, 800, 1))
"""Width and height of the window in the page's own pixels, and its zoom."""


def mixed() -> Json:
    """Modules in most states, of which one has services."""
    oneapi = states.module("oneapi", "error", reason="oneapi: unhealthy for 2 minutes")
    running = (states.module(name, "running") for name in ("n8n", "postgres", "redis"))
    return states.snapshot("error", dify(), oneapi, *running)


FINE = [
    {"name": str(number), "grade": "ok", "message": "The engine has 24 GB memory.", "remedies": []}
    for number in range(20)
]
"""Checks of Doctor without a problem: more than have room, and no button among them."""
HOMES: dict[str, Callable[[], Json]] = {
    "starting": states.starting,
    "failed": states.failed,
    "engine_down": states.engine_down,
}
"""What Home shows besides."""


def ask_for_rule(page: HomePage) -> None:
    page.go("alerts")
    page.wait_for("main:has(.arule) .top .button:last-child").click()


def cleaning(page: HomePage) -> None:
    page.go("monitoring")
    page.wait_for(".storage .button.link").click()


DIALOGS: dict[str, tuple[Callable[[HomePage], None], str]] = {
    "palette": (lambda page: page.chord(Keys.CONTROL, "k"), "#palette[open] .mi"),
    "shortcuts": (lambda page: page.press("?"), "#question[open] kbd"),
    "clean up": (cleaning, "#cleanup-images"),
    "add a module": (lambda page: page.go("home?add=1"), "#add-folder"),
    "new rule": (ask_for_rule, "#question[open] .hit"),
    "restore": (lambda page: page.go("backups?restore=today"), "[data-decision]"),
    "recovery key": (lambda page: page.go("backups?key=1"), "#key-again"),
    "restore from a file": (lambda page: page.go("backups?file=1"), "#restore-file"),
}
"""How each is opened, and what it has once it is complete."""


def shown(stack: Stack, shown: Json, language: Language = "en") -> None:
    """Let the owner of *stack* show this, and answer each page."""
    stack.host.chosen = language
    stack.host.answers |= ANSWERS | addresses.answers(addresses.OPEN)
    stack.host.handlers["ai/stats/history"] = history
    stack.host.answers |= {"ai/stats/disk": answer(DISK), "ai/cleanup/plan": answer(CLEANUP)}
    upgradable = upgrades.sent(upgrades.listed(*upgrades.several()), language)
    stack.host.answers["ai/upgrade/list"] = answer(upgradable)
    stack.show(states.in_chinese(shown) if language == "zh" else shown)


def visited(stack: Stack, language: Language) -> Iterator[tuple[str, HomePage]]:
    """Each page once it is complete."""
    KeptLines(stack.host, 400)
    shown(stack, mixed(), language)
    page = stack.home(language)
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    for address, part in PAGES.items():
        page.go(address)
        page.wait_for(f"main {part}")
        yield address, page
    stack.host.answers["ai/doctor/run"] = answer({"checks": FINE})
    page.go("doctor")
    page.wait_for_text("24 GB", f".check-row:nth-child({len(FINE)})")
    yield "doctor, nothing to press", page
    page.go("home")
    for name, made in HOMES.items():
        shown(stack, made(), language)
        page.wait_for(f".pill.overall[data-state={made()['state']}]")
        yield f"home, {name}", page
    for name, (open_it, part) in DIALOGS.items():
        open_it(page)
        page.wait_for(part)
        yield name, page
        page.press(Keys.ESCAPE)
        page.until(lambda: not page.all("dialog[open]"), "the dialog is closed")


@pytest.mark.parametrize(
    ("language", "narrow", "wide"), [("en", "light", "dark"), ("zh", "dark", "light")]
)
def test_every_page_is_usable_by_everyone(
    stack: Stack, language: Language, narrow: str, wide: str
) -> None:
    """Nothing is cut off or without a name, and axe-core finds nothing wrong (WCAG 2.2 AA), in
    theme *narrow* at 450 px and in *wide* at the usual width."""
    found = {}
    for place, page in visited(stack, language):
        dress(page, narrow)
        for width, height, zoom in SIZES:
            page.resize(width, height, zoom)
            found[f"{place}, {width} px"] = overflowing(page)
        found[f"{place}, {narrow}"] = violations(page)
        page.resize(1200, 800)
        found[f"{place}, {narrow}, hovered"] = faint(page)
        dress(page, wide)
        found[f"{place}, {wide}"] = [*violations(page), *unnamed(tree(page))]
    wrong = [f"{place}: {one}" for place, all_ in found.items() for one in all_]
    assert not wrong, "\n".join(wrong)


def test_checks_of_every_page_find_made_up_faults(stack: Stack) -> None:
    """The gallery of components is clean, until something wrong is added."""
    page = stack.home()
    page.prefer(reduced_motion="reduce")  # a colour on its way to another has any contrast
    page.script("document.querySelector('main .content').style.width = '3000px'")
    assert overflowing(page)
    page.script("location.href = 'gallery.html'")
    page.wait_for(".gallery .notice")
    assert not [*violations(page), *unnamed(tree(page))]
    page.script(
        "document.styleSheets[0].insertRule('.button:hover { color: #777; background: #888 }')"
    )
    assert not violations(page)
    assert faint(page)
    page.script("document.querySelector('main').append(new Image())")
    assert any("image-alt" in wrong for wrong in violations(page))
    page.script("document.querySelector('main').append(document.createElement('button'))")
    assert unnamed(tree(page)) == ["button"]


def test_a_screen_reader_gets_regions_and_the_state_of_each_module(stack: Stack) -> None:
    shown(stack, mixed())
    page = stack.home()
    for address in ("home", "modules/dify"):
        page.go(address)
        page.wait_for(f"main {PAGES[address]}")
        nodes = tree(page)
        assert {"banner", "main", "navigation"} <= {role for role, _ in nodes}
        for named in ("Dify, Running", "OneAPI, Failed", "RAGFlow, Stopped"):
            assert ("link", named) in nodes
