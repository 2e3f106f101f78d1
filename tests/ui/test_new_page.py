"""A page is a row, a script and a style sheet: nothing else knows it by its name."""

import shutil
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.strings import is_address, page_of
from aiserver_tray.carriers.http import browser, page
from tests.support import states
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

TABLE = "export const PAGES = {\n"
ROW = """\
  tea: {
    title: mark("Tea"), icon: "zap", keys: "Mod+y", menu: "top",
    load: () => import("./pages/tea.js"),
  },
"""
SCRIPT = """\
import { html } from "../../vendor/lit-html/lit-html.js";

export const view = ({ address }) => html`<h1 class="tea">${address.rest[0] ?? "Tea"}</h1>`;
"""
STYLE = "@layer pages { .tea { letter-spacing: 7px } }\n"


@pytest.fixture
def added(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomePage:
    """Home of a dashboard that has the page Tea, too."""
    folder = tmp_path / "ui"
    shutil.copytree(page.ui_folder(), folder)
    pages = folder / "js/pages.js"
    pages.write_text(pages.read_text("utf-8").replace(TABLE, TABLE + ROW), "utf-8")
    (folder / "js/pages/tea.js").write_text(SCRIPT)
    (folder / "css/pages/tea.css").write_text(STYLE)
    for module in (page, browser):
        monkeypatch.setattr(module, "ui_folder", lambda: folder)
    stack.host.answers |= ANSWERS
    stack.show(states.running())
    return stack.home()


def shown(added: HomePage, text: str = "Tea") -> bool:
    """Whether the page is shown, with its style sheet."""
    added.wait_for_text(text, "main .tea")
    spacing = "return getComputedStyle(document.querySelector('main .tea')).letterSpacing"
    return bool(added.script(spacing) == "7px")


def test_a_row_puts_a_page_into_the_menu_the_palette_and_the_shortcuts(added: HomePage) -> None:
    item = added.wait_for(".side a[href='#tea']")
    assert (item.text, item.get_attribute("title")) == ("Tea", "Tea – Ctrl+Y")
    item.click()
    assert shown(added)
    assert item.get_attribute("aria-current") == "page"
    assert added.script("return document.title") == "Tea – AI-Server Tray"

    added.go("home")
    added.wait_for("main .home")
    added.chord(Keys.CONTROL, "k")
    added.wait_for("#palette[open]")
    added.press("tea")
    added.until(lambda: "Tea" in added.all("#palette .mi")[0].text, "it is found")
    assert "Ctrl+Y" in added.all("#palette .mi")[0].text
    added.press(Keys.ENTER)
    assert shown(added)

    added.go("home")
    added.wait_for("main .home")
    added.chord(Keys.CONTROL, "y")
    assert shown(added)
    added.press("?")
    for told in ("Tea", "Ctrl+Y"):
        added.wait_for_text(told, "#question")


def test_its_address_opens_it(added: HomePage) -> None:
    assert is_address("tea/green?cups=2")
    assert page_of("tea/green?cups=2") in page.page_names()
    added.go("tea/green?cups=2")
    assert shown(added, "green")
    added.reload()
    assert shown(added, "green")
    added.go("coffee")
    added.wait_for("main .home")
