"""Alert rules on the page of settings, and what is said of alerts on every page."""

from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from selenium.webdriver.support.select import Select

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.features.alerts.files import Alert
from aiserver_tray.features.alerts.rules import KINDS, Parameter, Rule, number
from aiserver_tray.protocol.message import answer
from tests.support import states
from tests.support.scripted import Scripted
from tests.ui.alerts import ACTIVE, listed
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import DISK, history

SECTION = "#section-alerts"


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.handlers["ai/stats/history"] = history
    host.answers["ai/stats/disk"] = answer(DISK)
    host.answers |= ANSWERS | dict.fromkeys(
        ("ai/rules/set", "ai/rules/add", "ai/rules/mute"), answer(listed())
    )
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.go("settings/alerts")
    page.wait_for(f"{SECTION} [data-setting=ended]")
    return page


def choose(page: HomePage, rule: str, item: str) -> None:
    """The *item* of the menu of *rule*."""
    page.item(f"[data-setting={rule}] .button[aria-label$=More]", item).click()


def test_home_says_that_its_disk_is_full(stack: Stack, host: Scripted) -> None:
    full = Alert(
        id="1", rule="home", kind="home", name={}, text={"en": "Free."}, page="doctor", begun=1e6
    )
    host.answers["ai/rules/list"] = answer(listed(full))
    page = stack.home()
    page.wait_for_text("The disk of AI-Server Tray's data is full", "[role=alert]")
    page.wait_for_text("No logs have been kept since Jan 12, ", "[role=alert]")
    host.answers["ai/rules/list"] = answer(listed(full.model_copy(update={"ended": 1.0})))
    host.publish(RULES, {"alert": "1", "change": "recovered"})
    page.until(lambda: not page.all("[role=alert]"), "the end")
    assert page.complaints() == []


def test_rules_are_switched_changed_and_muted(page: HomePage, host: Scripted) -> None:
    page.wait_for("[data-setting=ended] .switch").click()
    assert host.wait_for_call("ai/rules/set") == {"id": "ended", "on": False}
    choose(page, "memory", "Change")
    percent = page.wait_for("[data-setting=memory] [name=percent]")
    percent.clear()
    percent.send_keys("75")
    page.wait_for("[data-setting=memory] .primary").click()
    changed = {"id": "memory", "percent": 75, "minutes": 5, "cooldown": 60}
    assert host.wait_for_call("ai/rules/set") == changed
    choose(page, "disk", "Mute until tomorrow")
    assert host.wait_for_call("ai/rules/mute") == {"rule": "disk", "span": "tomorrow"}
    choose(page, "unhealthy", "Unmute")
    assert host.wait_for_call("ai/rules/mute") == {"rule": "unhealthy", "span": "off"}


def test_a_rule_for_lines_is_added(page: HomePage, host: Scripted) -> None:
    form = "[data-setting=add-rule]"
    Select(page.wait_for(f"{form} [name=module]")).select_by_visible_text("Dify")
    page.wait_for(f"{form} [name=pattern]").send_keys("timed? out")
    page.wait_for(f"{form} .buttons .button").click()
    assert host.wait_for_call("ai/rules/add") == {
        "kind": "line",
        "module": "dify",
        "level": "error",
        "pattern": "timed? out",
        "cooldown": 10,
    }


@pytest.fixture
def tea() -> Iterator[None]:
    class TooMuchTea(Rule):
        """Somebody drinks too much tea."""

        kind: Literal["tea"] = "tea"
        cups: Annotated[int, number(Text("More than"), "cups", 9, "of tea")] = 3
        sort: Annotated[
            Literal["mint"] | None,
            Parameter(
                type="choice",
                label=Text("Of"),
                meaning="of this sort",
                choices={"mint": Text("Mint"), "": Text("Every sort")},
                suggested="mint",
            ),
        ] = None
        label = Text("Tea")

    yield
    del KINDS["tea"]


@pytest.mark.usefixtures("tea")
def test_a_rule_of_a_kind_that_the_page_does_not_know_is_added(
    page: HomePage, host: Scripted
) -> None:
    host.answers["ai/rules/list"] = answer(listed())
    host.publish(RULES, {"alert": None, "change": None})
    form = "[data-setting=add-rule]"
    page.wait_for_text("Tea", form)
    Select(page.wait_for(f"{form} .select")).select_by_visible_text("Tea")
    cups = page.wait_for(f"{form} [name=cups]")
    limits = [cups.get_attribute(name) for name in ("min", "max", "step", "value")]
    assert limits == ["0", "9", "1", "3"]
    assert page.wait_for(f"{form} .unit").text == "cups"
    cups.clear()
    cups.send_keys("4")
    Select(page.wait_for(f"{form} [name=sort]")).select_by_visible_text("Every sort")
    page.wait_for(f"{form} .buttons .button").click()
    added = {"kind": "tea", "module": None, "cups": 4, "sort": None, "cooldown": 10}
    assert host.wait_for_call("ai/rules/add") == added


def test_a_test_of_the_webhook_shows_its_answer(page: HomePage, host: Scripted) -> None:
    host.answers["ai/rules/test"] = answer({"ok": False, "status": 403, "text": "no such topic"})
    page.button("Test").click()
    page.wait_for_text("The test was refused: 403 · no such topic", SECTION)


def test_the_card_of_alerts_leads_to_each_and_mutes_it(page: HomePage, host: Scripted) -> None:
    page.go("monitoring")
    alert = page.wait_for(".alerts-card .alert a")
    assert alert.text == "Dify keeps crashing api: restarted 4 times in 10 min"
    assert alert.get_attribute("href").endswith("#modules/dify/logs?service=api")  # type: ignore[union-attr]
    assert "Less than 10 GB or 5 % of disk space free\n212 GB" in page.wait_for(".alerts").text
    page.button("Mute: Dify keeps crashing").click()
    page.until(lambda: page.all("#menu .mi"), "the menu")[0].click()
    assert host.wait_for_call("ai/rules/mute") == {"alert": "alert-1", "span": "hour"}


def test_an_alert_is_said_on_every_page_and_listed_once_it_began(
    page: HomePage, host: Scripted
) -> None:
    page.go("home")
    new = ACTIVE.model_copy(update={"id": "new", "name": {"en": "RAGFlow"}})
    host.answers["ai/rules/list"] = answer(listed(new))
    host.publish(RULES, {"alert": "new", "change": "raised"})
    page.wait_for_text("RAGFlow keeps crashing: api: restarted 4 times in 10 min", ".toasts")
    host.publish(RULES, {"alert": "new", "change": "recovered"})
    page.wait_for_text("Resolved: RAGFlow keeps crashing", ".toasts")
    page.go("settings/alerts")
    page.wait_for_text("RAGFlow keeps crashing", "[data-setting=last-alerts]")
