"""Activity and Doctor in a real browser."""

from typing import Any

import pytest

from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.protocol.message import Envelope, Json, answer
from tests.support import states
from tests.ui.activities import CHANGED, CHECKS, FAILED, entry, operation, start_all, step
from tests.ui.conftest import Stack
from tests.ui.home import HomePage


class Journal:
    """What the owner has in its journal."""

    def __init__(self, *entries: Json) -> None:
        self.entries = list(entries)
        self.asked = 0

    def answer(self, asked: Json, _peer: object) -> Envelope:
        self.asked += 1
        found = [one for one in self.entries if asked.get("id") in (None, one["id"])]
        return answer({"activities": [one if asked.get("steps") else _short(one) for one in found]})


def _short(entry: Json) -> Json:
    whole = entry["operation"]
    return entry | {"operation": whole and whole | {"steps": []}}


@pytest.fixture
def journal(stack: Stack) -> Journal:
    journal = Journal(start_all(), FAILED, CHANGED)
    stack.host.handlers["ai/activity/list"] = journal.answer
    stack.show(states.running())
    return journal


def at(stack: Stack, address: str) -> HomePage:
    page = stack.home()
    page.script(f"location.hash = {address!r}")
    return page


def titles(page: HomePage) -> list[str]:
    return [title.text for title in page.all(".op b")]


@pytest.mark.usefixtures("journal")
def test_filters_are_in_the_address_and_an_entry_has_its_own(stack: Stack) -> None:
    page = at(stack, "activity")
    page.wait_for(".op")
    assert titles(page) == ["Start all", "Start n8n", "Set n8n.N8N_HOST_PORT to 18101"]
    page.wait_for_text("command line", ".oplist")
    page.wait_for("#find").send_keys("port")
    page.until(lambda: "find=port" in page.address, "it is in the address")
    page.until(lambda: len(titles(page)) == 2, "the error's message is searched, too")
    page.wait_for_text("2 of 3", ".oplist")
    page.wait_for("#filter-result [value=failed]").click()
    page.until(lambda: titles(page) == ["Start n8n"], "both filters count")
    page.wait_for(".op").click()
    page.wait_for_text("Port 18100 is already in use.", ".detail")
    assert "activity/failed?find=port&result=failed" in page.address
    page.reload()
    page.wait_for_text("E_PORT_CONFLICT", ".detail")
    page.button("Clear filters").click()
    page.until(lambda: len(titles(page)) == 3, "all are there again")


@pytest.mark.usefixtures("journal")
def test_the_waterfall_outlines_what_decided_the_duration(stack: Stack) -> None:
    page = at(stack, "activity/all")
    page.wait_for(".gantt .crit")
    path = page.until(
        lambda: [bar.get_attribute("title") for bar in page.all(".gantt .crit")], "the path"
    )
    assert sorted(path, key=str) == [
        "Create ai-dify: 1 s", "Create ai-postgres: 1 s", "Download postgres:1: 30 s",
        "Wait until healthy ai-dify: 3 min 11 s", "Wait until healthy ai-postgres: 29 s",
    ]  # fmt: skip
    rows = [label.text for label in page.all(".gr:not(.head) .lab")]
    assert rows == ["PostgreSQL", "Redis", "Dify"]
    page.wait_for_text("usually 20 s", ".crit-list")
    page.wait_for_text("as usual", ".crit-list")
    assert not [told for told in page.complaints() if "Content Security Policy" in told]


@pytest.mark.usefixtures("journal")
def test_an_operation_is_run_again_as_it_was_asked_for(stack: Stack) -> None:
    stack.host.answers["ai/operation/start"] = answer({"operationId": "new"})
    page = at(stack, "activity/failed")
    page.button("Run again").click()
    asked = stack.host.wait_for_call("ai/operation/start")
    assert asked == {
        "kind": "up", "modules": ["n8n"], "services": [], "all": False, "cascade": False,
        "recreate": False,
    }  # fmt: skip
    page.until(lambda: "activity/new" in page.address, "the new one is shown")


def test_a_running_operation_is_live_and_nothing_polls(stack: Stack, journal: Journal) -> None:
    page = at(stack, "activity")
    page.wait_for(".op")
    page.wait_for(".gantt")
    before = journal.asked
    journal.entries.insert(0, entry("now", 0.1, operation=operation("up", "n8n", status="running")))
    stack.host.publish(ACTIVITY, {"id": "now"})
    page.until(lambda: titles(page)[0] == "Start n8n", "the new one is the first")
    page.wait_for_text("Running", ".op[aria-current]")
    steps: list[Any] = [step("pull", "n8n", 0.1, None), step("start", "n8n", None, None)]
    more = {"detail": None, "current": 1, "rate": 1.0}
    view = {
        "id": "now",
        "kind": "up",
        "modules": ["n8n"],
        "status": "running",
        "detail": None,
        "steps": [one | more for one in steps],
    }
    stack.host.publish(PROGRESS, {"operation": view})
    page.wait_for(".gantt i.running")
    page.wait_for_text("so far", ".gantt")
    assert journal.asked <= before + 2  # the new entry, and its details


def test_the_doctor_fixes_after_a_question_and_checks_again(stack: Stack) -> None:
    stack.host.answers["ai/doctor/run"] = answer({"checks": CHECKS})
    stack.host.answers["ai/support/bundle"] = answer(
        {"file": "/home/x/support/b.zip", "size": 1234, "canOpen": True}
    )
    stack.show(states.running())
    page = at(stack, "home")
    bottom = page.until(lambda: page.all(".nav-scroll + .nav a"), "the end of the side menu")
    assert [item.text for item in bottom] == ["Doctor", "Settings"]
    bottom[0].click()
    stack.host.wait_for_call("ai/doctor/run")
    page.wait_for_text("2 problems need your attention")
    page.wait_for_text("1 check passed", ".doctor-head")
    ticks = page.all(".check-row .icon.ok ~ .grow h3")
    assert [name.text for name in ticks] == ["Memory"]
    page.button("Use port 18101: Ports").click()
    assert stack.host.wait_for_call("ai/config/set") == {"name": "n8n.PORT", "value": "18101"}
    stack.host.publish(ACTIVITY, {"id": "changed"})
    stack.host.wait_for_call("ai/doctor/run")
    page.button("Allow it: Resources").click()
    page.wait_for_text("May AI-Server Tray set vm.max_map_count?", "#question")
    page.button("Allow it").click()
    assert stack.host.wait_for_call("ai/config/set")["name"] == "app.kernel_settings"
    page.button("Support bundle").click()
    page.wait_for_text("/home/x/support/b.zip")
    page.button("Open folder").click()
    stack.host.wait_for_call("ai/support/open")
