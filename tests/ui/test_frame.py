"""What is around every page: addresses, tabs, side menu, palette, shortcuts."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.mcp.events import PROPOSALS
from aiserver_tray.protocol.message import answer, refusal
from tests.support import states
from tests.ui.answers import ANSWERS
from tests.ui.barriers import tree, violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

HOST_KEY = "ssh-ed25519 SHA256:gCOnZtbMvcFzCHyk3vYcUgPPvb6IuPQMYBIFCCM3TUo"
STEPS = [
    {"name": "connection", "grade": "ok", "message": "An ssh server answers.", "remedies": []},
    {
        "name": "connection",
        "grade": "problem",
        "message": f"The host key of server is unknown: {HOST_KEY}",
        "remedies": [],
    },
]


@pytest.fixture
def page(stack: Stack) -> HomePage:
    """Home of a stack that runs; the owner answers what the page asks."""
    stack.host.answers |= ANSWERS
    stack.show(states.running())
    return stack.home()


def current(page: HomePage) -> str:
    return str(
        page.script("return document.querySelector('[aria-current=page]')?.innerText.trim()")
    )


def test_an_address_leads_to_its_page_and_back(page: HomePage) -> None:
    page.until(lambda: current(page) == "Home", "Home is shown")
    page.go("settings/mirrors")
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
    page.resize(990, 700)
    page.until(lambda: page.all(".topbar[data-fit='1']"), "a width with as many digits was seen")
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
    assert stack.host.wait_for_call("ai/operation/start")["modules"] == ["n8n"]
    page.chord(Keys.CONTROL, "k")
    page.press("host_port")
    page.until(lambda: len(page.all("#palette .mi")) == 2, "the setting is found, and the logs")
    page.press(Keys.ENTER)
    page.until(lambda: "modules/n8n/settings?at=" in page.address, "its place is shown")


def test_letters_apart_are_found_only_if_nothing_has_the_text_itself(page: HomePage) -> None:
    page.resize(450, 700)
    page.chord(Keys.CONTROL, "k")
    page.wait_for("#palette[open] .mi")
    height = "return document.querySelector('#palette .nav-title').offsetHeight"
    assert page.script(height) > 20, "titles of groups are read, also where the side menu has lines"
    for asked, titles in (
        ("port", ["Port n8n", "Search the logs for “port”"]),
        ("rstn8", ["Restart n8n", "Search the logs for “rstn8”"]),
    ):
        page.press(asked)
        page.until(lambda: [one.text for one in page.all("#palette .mi")] == titles, str(titles))  # noqa: B023
        page.chord(Keys.CONTROL, "a")


def test_shortcuts_lead_to_pages_and_are_listed(page: HomePage) -> None:
    page.chord(Keys.CONTROL, ",")
    page.until(lambda: current(page) == "Settings", "Settings are shown")
    page.press("?")
    page.wait_for_text("Next region of the page", "#question")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all("#question[open]"), "the sheet is closed")
    page.chord(Keys.CONTROL, "2")
    page.until(lambda: "modules/" in page.address, "the first module is shown")
    page.chord(Keys.CONTROL, "b")
    page.until(lambda: page.all("html[data-narrow]"), "the side menu has only icons")
    page.chord(Keys.CONTROL, "b")
    page.until(lambda: not page.all("html[data-narrow]"), "the side menu is whole")


def test_a_setting_is_changed_at_once_and_a_refused_value_says_why(
    stack: Stack, page: HomePage
) -> None:
    page.go("settings")
    page.button("Move down: a.example").click()
    assert stack.host.wait_for_call("ai/config/set")["value"] == "b.example a.example"
    stack.host.answers["ai/config/set"] = {
        "success": False, "code": "E_SETTING", "message": "expected registries", "data": {},
    }  # fmt: skip
    page.wait_for("[name=mirror]").send_keys("no/one" + Keys.ENTER)
    page.wait_for_text("expected registries", "[data-setting='app.mirrors']")


def test_an_unknown_host_key_is_trusted_only_after_a_question_with_its_fingerprint(
    stack: Stack, page: HomePage
) -> None:
    page.go("settings/docker")
    field = page.wait_for("[name=address]")
    field.send_keys(" ssh://server ")
    host, address = stack.host, {"address": "ssh://server"}
    host.answers["ai/doctor/connection"] = refusal(RefusedError(Text("not here")), "en")
    page.script("return arguments[0].form.querySelector('button')", field).click()
    page.wait_for_text("not here", ".connection")
    host.answers["ai/doctor/connection"] = answer({"checks": STEPS, "hostKey": HOST_KEY})
    page.script("return arguments[0].form.querySelector('button')", field).click()
    page.wait_for_text("is unknown", ".connection")
    assert "not here" not in page.wait_for(".connection").text
    page.button("Trust this host key…").click()
    page.wait_for_text(HOST_KEY, "#question[open]")
    assert not violations(page)
    page.press(Keys.ENTER)  # the focus is on Cancel
    page.until(lambda: not page.all("#question[open]"), "nothing is trusted")
    assert "ai/doctor/trustHostKey" not in [channel for channel, _ in host.calls]
    page.button("Trust this host key…").click()
    host.answers["ai/doctor/connection"] = answer({"checks": STEPS[:1], "hostKey": None})
    page.wait_for("#question[open] .primary").click()
    assert host.wait_for_call("ai/doctor/trustHostKey") == {"hostKey": HOST_KEY}
    page.until(lambda: "is unknown" not in page.wait_for(".connection").text, "it is known")
    assert [p for c, p in host.calls if c == "ai/doctor/connection"] == [address] * 3


def test_engines_are_added_renamed_removed_and_used_after_a_question(
    stack: Stack, page: HomePage
) -> None:
    page.go("settings/docker")
    page.wait_for("[name=name]").send_keys("wsl")
    page.wait_for("[name=address]").send_keys("wsl://Ubuntu" + Keys.ENTER)
    changed = stack.host.wait_for_call("ai/config/set")
    both = "server=ssh://ada@server wsl=wsl://Ubuntu"
    assert changed == {"name": "app.engines", "value": both}
    page.button("Rename…: server").click()
    page.wait_for("#engine-name").send_keys("2")
    page.wait_for("#question[open] .primary").click()
    page.until(lambda: not page.all("#question[open]"), "the answer")
    page.button("Remove: server").click()
    page.button("Use…: server").click()
    page.wait_for_text("keep running", "#question[open]")
    assert not violations(page)
    page.wait_for("#question[open] .primary").click()
    given = [
        (asked["name"], asked["value"])
        for channel, asked in stack.host.calls
        if channel == "ai/config/set"
    ]
    assert given == [
        ("app.engines", "server2=ssh://ada@server"),
        ("app.engines", ""),
        ("app.engine", "ssh://ada@server"),
    ]


def test_the_keyboard_skips_what_is_around_the_page_and_the_side_menu_names_its_parts(
    page: HomePage,
) -> None:
    page.tab_to("Skip to the page")
    page.press(Keys.ENTER)
    page.until(lambda: page.script("return document.activeElement.id") == "main", "the page")
    assert page.address.endswith("#home") or "#" not in page.address
    nodes = tree(page)
    assert {("heading", "Basic services"), ("list", "Basic services")} <= {*nodes}
    page.tab_to("Docker engine: running. Open Doctor")
    page.press(Keys.ENTER)
    page.until(lambda: page.address.endswith("#doctor"), "Doctor is shown")


def test_the_list_of_sections_follows_the_scroll(page: HomePage) -> None:
    page.go("settings")
    page.wait_for("#section-about")

    def chosen() -> list[str]:
        return [link.text for link in page.all(".toc [aria-current]")]

    page.script("document.querySelector('.scroll').scrollTo(0, 1e6)")
    page.until(lambda: chosen() == ["About"], "the last one")
    page.script("document.querySelector('#section-logs').scrollIntoView()")
    page.until(lambda: chosen() == ["Kept logs"], "the one at the upper edge")
    page.wait_for(".toc [href='#settings/modules']").click()  # no room below to get it there
    page.until(lambda: chosen() == ["Modules"], "the one that was asked for")
    page.script("document.querySelector('.scroll').scrollTo(0, 0)")
    page.until(lambda: chosen() == ["General"], "the first one")


def test_a_change_that_an_assistant_asks_for_waits_on_every_page_for_a_yes_or_no(
    stack: Stack, page: HomePage
) -> None:
    host = stack.host
    host.answers["ai/assistant/answer"] = answer({})
    proposal = {"client": "Claude", "kind": "stop", "subject": "n8n", "value": None}
    waiting = [{**proposal, "id": "change-1"}, {**proposal, "id": "change-2", "kind": "start"}]
    host.publish(PROPOSALS, {"waiting": waiting})
    page.wait_for_text("“Claude” wants to stop n8n", ".proposal")
    page.wait_for(".nav-item[href='#doctor']").click()
    page.wait_for_text("“Claude” wants to stop n8n", ".proposal")
    assert violations(page) == []
    page.script("performance.now = () => 1e7")  # it was seen for long
    page.button("Refuse").click()
    assert host.wait_for_call("ai/assistant/answer") == {"id": "change-1", "allow": False}
    host.publish(PROPOSALS, {"waiting": waiting[1:]})
    page.wait_for_text("“Claude” wants to start n8n", ".proposal")
    page.button("Allow").click()  # as the second half of a double click
    page.script("performance.now = () => 1e7 + 1001")
    page.button("Refuse").click()
    page.until(
        lambda: host.wait_for_call("ai/assistant/answer") == {"id": "change-2", "allow": False},
        "it is refused, and was not allowed before",
    )
    host.publish(PROPOSALS, {"waiting": []})
    page.until(lambda: not page.all(".proposal"), "nothing waits")
