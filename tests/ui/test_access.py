"""The tab from where a module can be used, and what Home says of it; with a scripted owner."""

from dataclasses import replace
from typing import Final

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.codec import to_json
from aiserver_tray.features.access.events import ACCESS
from aiserver_tray.features.access.views import AccessPlan, ModuleAccessView
from aiserver_tray.protocol.message import answer
from tests.support import addresses, states
from tests.support.addresses import (
    CHECKED,
    CLOSED,
    FINE,
    FIREWALL,
    GUIDE,
    NO_NAME,
    OPEN,
    PLAN,
    PUBLIC,
    PUBLIC_URL,
    URL,
)
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

PAGE: Final = ".access-page"


def told(host: Scripted, one: ModuleAccessView) -> None:
    """This is known from now on."""
    host.answers["ai/access/list"] = addresses.listed(one)
    host.publish(ACCESS, addresses.told(one))


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.answers |= ANSWERS | addresses.answers(CLOSED)
    host.answers["ai/access/check"] = addresses.listed(OPEN)
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.go("modules/n8n/access")
    page.wait_for_text("Only programs here", PAGE)
    return page


def test_a_module_is_opened_after_the_person_has_seen_what_that_does(
    page: HomePage, host: Scripted
) -> None:
    told(host, replace(CLOSED, bound=True))
    page.wait_for_text("Address, once it is open", PAGE)
    assert page.wait_for("input[value='here']").is_selected()
    page.wait_for("input[value='network']").click()
    page.wait_for_text("Recreated with the new address: n8n", "#question[open]")
    page.wait_for_text("n8n stands still for about 17 s", "#question[open]")
    page.wait_for_text(f"Its address is {URL}", "#question[open]")
    page.wait_for_text("n8n is used only at that address while it is open", "#question[open]")
    assert host.wait_for_call("ai/access/plan") == {"module": "n8n", "address": "192.168.1.20"}
    page.script("document.getElementById('access-network').value = '10.0.0.4'")
    page.script("document.getElementById('access-network').dispatchEvent(new Event('change'))")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/access/open") == {
        "module": "n8n", "address": "10.0.0.4", "lock": False, "unchecked": False,
    }  # fmt: skip
    assert page.complaints() == []


def test_an_open_module_has_its_address_its_code_and_the_way_to_close_it(
    page: HomePage, host: Scripted
) -> None:
    told(host, OPEN)
    page.wait_for_text("Open for 3 h", PAGE)
    page.wait_for_text(URL, f"{PAGE} .access-url")
    page.wait_for_text("n8n-kitchen.local is 192.168.1.20", "[data-link='name']")
    page.wait_for(".phone .qr path")
    page.wait_for_text("Open to your network", ".mh .tag")
    page.wait_for_text(FIREWALL, f"{PAGE} .card-foot .mono")
    page.button("Check now").click()
    assert host.wait_for_call("ai/access/check") == {"modules": ["n8n"]}
    page.button("Install it on a device").click()
    page.wait_for_text(GUIDE, "#question[open]")
    page.wait_for_text("4F:", "#question[open]")
    page.button("Forget this certificate…").click()
    page.wait_for_text("All devices have to trust a new certificate", "#question[open]")
    page.button("Forget").click()
    assert host.wait_for_call("ai/access/forget") == {}
    page.wait_for_text("4F:", ".phone")
    page.go("modules/n8n")
    page.wait_for_text("n8n-kitchen.local:18441", ".facts")
    page.go("home")
    page.wait_for_text("n8n is open to your network", ".open-to")
    opens = page.wait_for("[data-module='n8n'] a.button.tonal").get_attribute("href")
    assert str(opens).rstrip("/") == URL
    page.button("Close now: n8n").click()
    assert host.wait_for_call("ai/access/close") == {"module": "n8n"}
    told(host, CLOSED)
    page.until(lambda: not page.all(".open-to"), "nothing is open")
    assert page.complaints() == []


def test_a_module_is_opened_to_the_internet_after_its_domain_was_checked(
    page: HomePage, host: Scripted
) -> None:
    plan = replace(PLAN, url=PUBLIC_URL, address="", checks=CHECKED)
    host.answers["ai/access/plan"] = answer(to_json(plan, "en", AccessPlan))
    page.wait_for("input[value='internet']").click()
    page.wait_for("#access-domain").send_keys("n8n.example.com")
    page.wait_for("#access-lock").click()
    page.button("Check the domain").click()
    page.wait_for_text("(100.64.3.7) among customers", "#question[open] .amber")
    page.wait_for_text("Port 443 must lead to 192.168.1.20, port 18449", "#question[open]")
    asked: dict[str, object] = {"module": "n8n", "way": "internet", "domain": "n8n.example.com"}
    asked |= {"lock": True, "unchecked": False}
    assert host.wait_for_call("ai/access/plan") == asked
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/access/open") == asked
    told(host, PUBLIC)
    page.wait_for_text(PUBLIC_URL, f"{PAGE} .access-url")
    page.wait_for_text("Open to the internet", ".mh .tag")
    page.wait_for_text("Name on the internet", "[data-link='name']")
    assert page.wait_for("input[value='internet']").is_selected()
    assert page.all(".phone .qr") == [], "its code has the key"
    page.button("Show the code").click()
    assert host.wait_for_call("ai/access/link") == {"module": "n8n"}
    page.wait_for(".phone .qr path")
    assert host.wait_for_call("ai/access/code") == {"text": f"{PUBLIC_URL}/?key=k"}
    page.button("New key").click()
    page.wait_for_text("Make a new key?", "#question[open]")
    page.button("Make a new key").click()
    assert host.wait_for_call("ai/access/lock") == {"module": "n8n", "state": "new"}
    page.button("Turn off").click()
    assert host.wait_for_call("ai/access/lock") == {"module": "n8n", "state": "off"}
    page.go("home")
    page.wait_for_text("n8n is open to the internet", ".open-to")
    assert page.complaints() == []


def test_a_module_that_nobody_checked_opens_only_with_the_lock_and_a_yes(
    page: HomePage, host: Scripted
) -> None:
    told(host, replace(CLOSED, checked=False))
    plan = replace(PLAN, recreated=())
    host.answers["ai/access/plan"] = answer(to_json(plan, "en", AccessPlan))
    page.wait_for("input[value='network']").click()
    page.wait_for_text("Nobody has checked the accounts of n8n", "#question[open] .amber")
    assert page.all("#access-lock") == []
    page.chord(Keys.CONTROL, Keys.ENTER)
    asked = host.wait_for_call("ai/access/open")
    assert (asked["lock"], asked["unchecked"]) == (True, True)
    assert page.complaints() == []


def test_the_page_says_what_a_module_waits_for_and_what_is_broken(
    page: HomePage, host: Scripted
) -> None:
    told(host, replace(CLOSED, state="waiting", account="missing"))
    page.wait_for_text("n8n stays closed until its first account exists", PAGE)
    page.wait_for_text("n8n has no owner yet", PAGE)
    page.button("Keep it on this computer").click()
    assert host.wait_for_call("ai/access/close") == {"module": "n8n"}
    told(host, replace(OPEN, state="broken", links=(NO_NAME, *FINE[1:])))
    page.wait_for_text("192.168.1.7, another device", "[data-link='name'].amber")
    page.go("home")
    page.wait_for_text("192.168.1.7, another device", ".open-to .amber")
    told(host, replace(OPEN, state="paused"))
    page.wait_for_text("n8n is closed, because this is another network", ".open-to")
    page.go("modules/n8n/access")
    page.wait_for_text("This is another network", PAGE)
    assert page.complaints() == []


def test_home_shows_the_ports_that_the_network_reaches_without_the_gateway(
    page: HomePage, host: Scripted
) -> None:
    page.go("home")
    page.wait_for_text("n8n", ".features, main")
    assert page.all(".open-to") == []
    shown = states.running()
    for module in shown["modules"]:
        for port in module["ports"]:
            port["address"] = "0.0.0.0" if module["name"] in ("n8n", "redis") else "127.0.0.1"
    host.show(shown)
    page.wait_for_text("These ports are open to your network", ".open-to")
    text = page.wait_for("[data-access='ports'] p").text
    assert "n8n 5678" in text
    assert "Redis" in text
    assert "PostgreSQL" not in text
    link = page.wait_for("[data-access='ports'] a.button").get_attribute("href")
    assert str(link).endswith("#settings/advanced")
    assert page.complaints() == []


@pytest.mark.parametrize("one", [OPEN, PUBLIC], ids=["network", "internet"])
def test_the_tab_fits_a_narrow_dark_window(
    page: HomePage, host: Scripted, one: ModuleAccessView
) -> None:
    told(host, one)
    page.resize(450, 900)
    page.prefer(color_scheme="dark")
    if one.locked:
        page.button("Show the code").click()
    page.wait_for(".phone .qr path")
    page.until(
        lambda: page.script("return document.documentElement.scrollWidth <= innerWidth"), "it fits"
    )
    assert page.complaints() == []
