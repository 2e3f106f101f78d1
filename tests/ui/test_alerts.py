"""The page of alerts, the dialog for rules from everywhere, and what is said on every page."""

import time
from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.select import Select

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.features.alerts.files import Alert, Mute
from aiserver_tray.features.alerts.rules import KINDS, Parameter, Rule, number
from aiserver_tray.protocol.message import Json, answer, refusal
from tests.support import states
from tests.support.kept_lines import KeptLines
from tests.support.scripted import Scripted
from tests.ui.alerts import ACTIVE, COUNTED, DATA, LINE, listed
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import DISK, history

FULL = Alert(
    id="1", rule="home", kind="home", name={}, text={"en": "Free."}, page="doctor", begun=1e6
)


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.handlers["ai/stats/history"] = history
    host.answers["ai/stats/disk"] = answer(DISK)
    host.answers |= ANSWERS | dict.fromkeys(
        ("ai/rules/set", "ai/rules/add", "ai/rules/mute", "ai/rules/remove"), answer(listed())
    )
    KeptLines(host, 400)
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.wait_for(".nav-item[href='#alerts']").click()
    page.wait_for("[data-rule=ended]")
    return page


def choose(page: HomePage, rule: str, item: str) -> None:
    """The *item* of the menu of *rule*."""
    page.item(f"[data-rule={rule}] .button[aria-label$=More]", item).click()


def begin(host: Scripted, *alerts: Alert) -> None:
    """These alerts are there now, and no others."""
    host.answers["ai/rules/list"] = answer(listed(*alerts))
    host.publish(RULES, {"alert": None, "change": None})


def write(page: HomePage, selector: str, text: str) -> None:
    """*text* instead of what the field has."""
    field = page.wait_for(selector)
    field.clear()
    field.send_keys(text)


def test_home_says_once_that_its_disk_is_full(stack: Stack, host: Scripted) -> None:
    host.answers["ai/rules/list"] = answer(listed(FULL))
    page = stack.home()
    page.wait_for_text("The disk of AI-Server Tray's data is full", "[role=alert]")
    page.wait_for_text("No logs have been kept since Jan 12, ", "[role=alert]")
    assert not page.all(".alert")
    begin(host, FULL.model_copy(update={"ended": 1.0}))
    page.until(lambda: not page.all("[role=alert]"), "the end")
    assert page.complaints() == []


def test_active_alerts_are_rows_with_a_way_to_each_and_can_be_muted(
    page: HomePage, host: Scripted
) -> None:
    row = page.wait_for("[data-alert=alert-1]")
    assert "Dify keeps crashing\napi: restarted 4 times in 10 min · since" in row.text
    assert row.find_element("css selector", "a.button").text == "Logs"
    page.wait_for_text("1", ".nav-item[href='#alerts'] .badge-n")
    page.button("Mute for 1 hour: Dify keeps crashing").click()
    assert host.wait_for_call("ai/rules/mute") == {"alert": "alert-1", "span": "hour"}
    page.item("[data-alert=alert-1] .button[aria-label^=More]", "Mute for good").click()
    assert host.wait_for_call("ai/rules/mute") == {"alert": "alert-1", "span": "forever"}
    host.answers["ai/rules/mute"] = answer(listed(data=DATA.model_copy(update={"mutes": [Mute()]})))
    page.button("Mute all for 1 hour").click()
    assert host.wait_for_call("ai/rules/mute") == {"span": "hour"}
    page.wait_for_text("Nobody is notified of any alert", ".notice")
    page.button("Unmute").click()
    assert host.wait_for_call("ai/rules/mute") == {"span": "off"}
    page.wait_for("[data-alert=alert-1] a.button").click()
    assert "#modules/dify/logs?service=api" in page.address
    assert page.complaints() == []


def test_the_button_of_an_alert_is_the_next_step_of_its_module(
    stack: Stack, page: HomePage, host: Scripted
) -> None:
    text = "Raise to 3 GB and restart"
    more = {"kind": "set", "text": text, "setting": "dify.MEMORY", "value": "3g"}
    stack.show(states.snapshot("error", states.module("dify", "error", remedy=more)))
    page.button("Raise to 3 GB and restart: Dify").click()
    assert host.wait_for_call("ai/config/set") == {"name": "dify.MEMORY", "value": "3g"}
    assert host.wait_for_call("ai/operation/start")["kind"] == "up"
    stack.show(states.snapshot("error", states.module("dify", "error")))
    page.button("Restart: Dify").click()
    asked = {"kind": "restart", "modules": ["dify"]}
    assert host.wait_for_call("ai/operation/start") == asked


def test_without_alerts_the_page_says_so_and_keeps_rules_and_history(
    page: HomePage, host: Scripted
) -> None:
    now = time.time()
    over = [
        ACTIVE.model_copy(update={"id": f"{i}", "begun": now - 22 - i, "ended": now - i})
        for i in range(10)
    ]
    begin(host, *over)
    page.wait_for_text("11 rules watch · the last alert ended", ".quiet-card")
    page.wait_for_text("All modules · last", "[data-rule=restarts]")
    assert page.wait_for(".hist").text.startswith("Dify keeps crashing\napi: restarted")
    page.wait_for_text("lasted 22 s", ".hist")
    assert page.wait_for("[data-rule=disk] p").text.startswith("212 GB now"), "it is of no module"
    assert len(page.all(".hist")) == 8
    page.button("Show all 10").click()
    page.until(lambda: len(page.all(".hist")) == 10, "all of them")


def test_home_shows_alerts_that_no_card_says(stack: Stack, host: Scripted) -> None:
    page = stack.home()
    page.wait_for_text("Dify keeps crashing", ".alert")
    page.wait_for_text("1 thing needs your attention", "#overall")
    down = states.module("oneapi", "error")
    stack.show(
        states.snapshot(
            "degraded", *(states.module(name, "running") for name in ("dify", "n8n")), down
        )
    )
    page.wait_for_text("n8n works as usual", ".overview")
    trouble = {"kind": "exited", "reason": "exited", "service": "api", "remedies": []}
    dify = states.module("dify", "error", trouble=trouble)
    stack.show(states.snapshot("error", dify))
    page.wait_for(".problem[data-of=dify]")
    assert not page.all(".alert")


def test_rules_are_switched_changed_muted_and_deleted(page: HomePage, host: Scripted) -> None:
    muted = {"mutes": [*DATA.mutes, Mute(rule="line-1", until=2e9)]}
    lists = ("ai/rules/set", "ai/rules/mute")
    host.answers |= dict.fromkeys(lists, answer(listed(data=DATA.model_copy(update=muted))))
    again = {"own": [LINE.model_copy(update={"id": "line-2"})]}
    host.answers["ai/rules/add"] = answer(listed(data=DATA.model_copy(update=again)))
    page.wait_for("[data-rule=ended] .switch").click()
    assert host.wait_for_call("ai/rules/set") == {"id": "ended", "on": False}
    choose(page, "memory", "Change…")
    write(page, "#rule-percent", "75")
    page.button("Apply").click()
    changed = {"id": "memory", "percent": 75, "minutes": 5, "cooldown": 60}
    assert host.wait_for_call("ai/rules/set") == changed
    choose(page, "disk", "Mute until tomorrow")
    assert host.wait_for_call("ai/rules/mute") == {"rule": "disk", "span": "tomorrow"}
    choose(page, "unhealthy", "Unmute")
    assert host.wait_for_call("ai/rules/mute") == {"rule": "unhealthy", "span": "off"}
    places = [one.accessible_name for one in page.all("[data-rule=disk] [role=img]")]
    assert places == ["Home and tray", "Desktop notification", "Webhook"]
    assert len(page.all("[data-rule=unhealthy] [role=img]")) == 1, "it is muted"
    choose(page, "line-1", "Delete")
    assert host.wait_for_call("ai/rules/remove") == {"id": "line-1"}
    page.button("Undo").click()
    added = host.wait_for_call("ai/rules/add")
    assert (added["kind"], added["pattern"]) == ("line", "connection refused")
    assert added["cooldown"] == LINE.cooldown
    mute = {"rule": "line-2", "span": "forever", "until": 2e9}
    assert host.wait_for_call("ai/rules/mute") == mute
    page.button("Mute a module…").click()
    Select(page.wait_for("#mute-span")).select_by_visible_text("For good")
    page.button("Mute").click()
    asked = host.wait_for_call("ai/rules/mute")
    assert (set(asked), asked["span"]) == ({"module", "span"}, "forever")
    page.button("Unmute: n8n").click()
    assert host.wait_for_call("ai/rules/mute") == {"module": "n8n", "span": "off"}


def test_a_rule_for_lines_tells_before_it_is_added_what_it_would_have_told(
    page: HomePage, host: Scripted
) -> None:
    page.press("n")
    Select(page.wait_for("#rule-module")).select_by_visible_text("Dify")
    write(page, "#rule-pattern", "timed? out")
    write(page, "#rule-lines", "5")
    rule: Json = {"kind": "line", "module": "dify", "level": "error", "pattern": "timed? out"}
    rule |= {"lines": 5, "within": 10, "cooldown": 10}
    asked = page.until(lambda: host.wait_for_call("ai/rules/preview") == rule, "it is counted")
    assert asked
    page.wait_for_text("63 lines match. You would have been notified 3 times. Counted", ".told")
    page.wait_for_text("Not all lines are kept", ".told")
    all_of_none = {"alerts": 0, "since": COUNTED["begin"], "isComplete": True}
    host.answers["ai/rules/preview"] = answer(COUNTED | all_of_none)
    write(page, "#rule-within", "1")
    page.wait_for_text("63 lines match. You would not have been notified.", ".told")
    assert len(page.all(".told p")) == 1
    host.answers["ai/rules/add"] = refusal(RequestError(Text("too many"), ["lines"]), "en")
    page.button("Add the rule").click()
    page.wait_for_text("too many", "#question [role=alert]")
    [wrong] = page.all("#question [aria-invalid]")
    assert wrong.get_attribute("id") == "rule-lines"
    red = page.wait_for("#question [role=alert]").value_of_css_property("color")
    assert red != page.wait_for("#question .tells").value_of_css_property("color")
    host.answers["ai/rules/add"] = answer(listed())
    page.button("Add the rule").click()
    assert host.wait_for_call("ai/rules/add") == rule | {"within": 1}
    page.wait_for_text("The rule watches from now on", ".toasts")


def test_a_rule_begins_with_a_line_of_a_log_or_a_measure(page: HomePage, host: Scripted) -> None:
    page.go("modules/dify/logs?line=000000000390&text=traceback")
    page.button("Notify me of this…").click()
    page.wait_for_text("Traceback (most recent call last):", ".watched")
    page.until(lambda: [m.text for m in page.all(".watched mark")] == ["Traceback"], "it is marked")
    page.button("Add the rule").click()
    added = host.wait_for_call("ai/rules/add")
    assert (added["module"], added["level"], added["pattern"]) == ("dify", "error", "Traceback")
    page.go("monitoring/dify")
    page.button("New rule: Memory").click()
    page.wait_for("#rule-percent")
    assert not page.all(".told"), "nothing of it is in the logs"
    page.button("Add the rule").click()
    added = host.wait_for_call("ai/rules/add")
    assert (added["kind"], added["module"], added["percent"]) == ("memory", "dify", 80)
    assert page.complaints() == []


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
    begin(host)
    page.button("New rule").click()
    page.wait_for_text("Tea", "#question")
    Select(page.wait_for("#rule-kind")).select_by_visible_text("Tea")
    assert page.wait_for("#rule-cups").get_attribute("value") == "3"
    assert page.wait_for("#question .unit").text == "cups"
    write(page, "#rule-cups", "4")
    Select(page.wait_for("#rule-sort")).select_by_visible_text("Every sort")
    page.button("Add the rule").click()
    added = {"kind": "tea", "module": None, "cups": 4, "sort": None, "cooldown": 10}
    assert host.wait_for_call("ai/rules/add") == added


def test_a_test_of_the_webhook_shows_its_answer(page: HomePage, host: Scripted) -> None:
    host.answers["ai/rules/test"] = answer({"ok": False, "status": 403, "text": "no such topic"})
    page.button("Webhook…").click()
    page.button("Test").click()
    page.wait_for_text("The test was refused: 403 · no such topic", "#question")
    page.press(Keys.ESCAPE)
    choose(page, "disk", "Send a test")
    page.wait_for_text("The test was refused: 403 · no such topic", ".toasts")


def test_an_alert_is_said_on_every_page_and_listed_once_it_began(
    page: HomePage, host: Scripted
) -> None:
    page.go("activity")
    new = ACTIVE.model_copy(update={"id": "new", "name": {"en": "RAGFlow"}})
    host.answers["ai/rules/list"] = answer(listed(new))
    host.publish(RULES, {"alert": "new", "change": "raised"})
    page.wait_for_text("RAGFlow keeps crashing: api: restarted 4 times in 10 min", ".toasts")
    host.publish(RULES, {"alert": "new", "change": "recovered"})
    page.wait_for_text("Resolved: RAGFlow keeps crashing", ".toasts")
    page.go("alerts")
    page.wait_for_text("RAGFlow keeps crashing", ".alert")
