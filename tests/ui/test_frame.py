"""What is around every page: addresses, tabs, side menu, palette, shortcuts; and that every page is
there for people who use assistive technology."""

import json
from typing import Any

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import answer
from tests.support import states
from tests.ui import activities, forms
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage


def settings(*entries: dict[str, Any]) -> dict[str, Any]:
    base = {"type": "text", "origin": "default", "keep": False, "choices": {}, "help": ""}
    return answer({"entries": [base | entry for entry in entries]})


@pytest.fixture
def page(stack: Stack) -> HomePage:
    """Home of a stack that runs; the owner answers what the page asks."""
    stack.host.answers |= {
        "ai/config/get": settings(
            {"address": "app.mirrors", "title": "Registry mirrors", "value": "a.example b.example"},
            {"address": "n8n.N8N_HOST_PORT", "title": "Port", "value": "5678", "type": "port"},
        ),
        "ai/app/about": answer(
            {
                "version": "1",
                "home": "/home",
                "engine": "unix://x",
                "engineSetting": "",
                "catalogs": [],
            }
        ),
        "ai/system/autostart": answer({"enabled": False, "supported": True}),
        "ai/activity/list": answer({"activities": [activities.start_all()]}),
        "ai/config/form": answer(forms.FORM),
        "ai/doctor/run": answer({"checks": activities.CHECKS}),
    }
    stack.show(states.running())
    return stack.home()


def go(page: HomePage, address: str) -> None:
    page.script(f"location.hash = {json.dumps(address)}")


def current(page: HomePage) -> str:
    return str(
        page.script("return document.querySelector('[aria-current=page]')?.innerText.trim()")
    )


def test_an_address_leads_to_its_page_and_back(page: HomePage) -> None:
    page.until(lambda: current(page) == "Home", "Home is shown")
    go(page, "settings/mirrors")
    page.wait_for("[data-setting='app.mirrors']")
    assert current(page) == "Settings"
    page.reload()
    page.wait_for("[data-setting='app.mirrors']")
    page.script("history.back()")
    page.until(lambda: current(page) == "Home", "Home is shown again")


def test_a_tab_has_the_state_of_its_module(page: HomePage) -> None:
    names = [tab.accessible_name for tab in page.all(".tabnav [data-tab]")]
    assert "n8n, Running" in names
    assert "OneAPI, Stopped" in names


def test_tabs_without_room_are_in_more(page: HomePage) -> None:
    page.resize(470, 700)
    page.until(lambda: page.all(".tab.more:not([hidden])"), "More is there")
    seen = {tab.text for tab in page.all("[data-tab]") if tab.is_displayed()}
    page.wait_for(".tab.more").click()
    page.wait_for("#menu:popover-open")
    more = {item.text for item in page.all("#menu .mi")}
    assert more
    assert not more & seen
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    page.until(lambda: "modules/" in page.address, "a module is shown")


def test_the_palette_runs_what_is_found_by_some_letters(stack: Stack, page: HomePage) -> None:
    page.chord(Keys.CONTROL, "k")
    page.wait_for("#palette[open]")
    page.press("restart n8")
    page.until(lambda: page.all("#palette .mi")[0].text == "Restart n8n", "it is found")
    page.press(Keys.ENTER)
    assert stack.host.wait_for_call("ai/module/restart")["name"] == "n8n"
    page.chord(Keys.CONTROL, "k")
    page.press("host_port")
    page.until(lambda: len(page.all("#palette .mi")) == 1, "the setting is found")
    page.press(Keys.ENTER)
    page.until(lambda: "modules/n8n/settings?find=" in page.address, "its place is shown")


def test_shortcuts_lead_to_pages_and_are_listed(page: HomePage) -> None:
    page.chord(Keys.CONTROL, ",")
    page.until(lambda: current(page) == "Settings", "Settings are shown")
    page.press("?")
    page.wait_for_text("Next region of the page", "#question")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all("#question[open]"), "the sheet is closed")
    page.chord(Keys.CONTROL, "2")
    page.until(lambda: "modules/" in page.address, "the first module is shown")


def test_a_setting_is_changed_at_once_and_a_refused_value_says_why(
    stack: Stack, page: HomePage
) -> None:
    go(page, "settings")
    page.button("Move down: a.example").click()
    assert stack.host.wait_for_call("ai/config/set")["value"] == "b.example a.example"
    stack.host.answers["ai/config/set"] = {
        "success": False, "code": "E_SETTING", "message": "expected registries", "data": {},
    }  # fmt: skip
    page.wait_for("[name=mirror]").send_keys("no/one" + Keys.ENTER)
    page.wait_for_text("expected registries", "[data-setting='app.mirrors']")


PAGES = {
    "home": "h2",
    "settings": "h2",
    "activity": ".gantt",
    "doctor": ".check-row",
    "modules/n8n/settings": ".fs",
}
"""Address -> what the page has once it is complete."""


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
def test_every_page_is_clean_for_assistive_technology(
    stack: Stack, page: HomePage, theme: str, language: Language
) -> None:
    """axe-core finds nothing wrong, at WCAG 2.2 AA."""
    stack.host.chosen = language
    stack.show(states.running() | {"theme": theme})
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    found = {}
    for address, part in PAGES.items():
        go(page, address)
        page.wait_for(f"main {part}")
        found[address] = violations(page)
    assert not {address: wrong for address, wrong in found.items() if wrong}
    page.script(f"location.href = 'gallery.html?theme={theme}'")
    page.wait_for(".gallery .notice")
    assert violations(page) == []
    page.script("document.querySelector('main').append(new Image())")
    assert any("image-alt" in wrong for wrong in violations(page))  # it does look
