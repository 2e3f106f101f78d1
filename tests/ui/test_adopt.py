"""Bring your own: programs that run already are chosen, copied, and switched over."""

from dataclasses import replace

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import AdoptError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.adopt.events import ADOPTIONS
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.protocol.message import answer
from tests.support import adoptions, states
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

KIT = {"source": "n8n-n8n-1"}
CARD = ".adopt-page .upgrade"


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.answers |= ANSWERS
    begun = ("start", "switch", "back")
    host.answers |= {f"ai/adopt/{name}": answer({"operationId": "op-1"}) for name in begun}
    found = adoptions.KIT, adoptions.SERVER, adoptions.OLD
    host.answers["ai/adopt/list"] = answer(adoptions.sent(*found))
    host.answers["ai/adopt/forget"] = answer({})
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.go("adopt")
    page.wait_for_text("Found on this engine", ".adopt-page")
    return page


def test_a_program_is_chosen_copied_and_switched_over(
    stack: Stack, page: HomePage, host: Scripted
) -> None:
    page.wait_for_text("n8n 2.20.1", ".adopt-row")
    page.wait_for_text("n8n 0.214.0 is too old", ".adopt-row[data-unfit]")
    page.wait_for_text("n8n has data here already", ".will")
    page.wait_for_text("/data/shared", ".will")
    page.wait_for_text("68 GB", ".will")
    page.button("Copy n8n").click()
    assert host.wait_for_call("ai/adopt/start") == KIT
    page.script("document.querySelectorAll('.adopt-row input')[1].click()")
    page.wait_for_text("All databases and roles", ".will")
    page.button("Copy PostgreSQL").click()
    assert host.wait_for_call("ai/adopt/start") == {"source": "pg"}

    steps = [
        states.step("stop", "n8n-n8n-1", "n8n", status="done"),
        states.step("clone", "n8n_storage", "n8n", status="done"),
        states.step("trial", "n8n-n8n-1", "n8n", status="running"),
    ]
    operation = states.operation("adopt", "n8n", text="starting n8n on a copy")
    modules = [states.module(name, "running") for name in ("n8n", "postgres")]
    stack.show(states.snapshot("running", *modules, operations=[operation]))
    host.publish(PROGRESS, {"operation": operation | {"detail": None, "steps": steps}})
    page.wait_for_text("Copying your n8n", CARD)
    page.wait_for_text("Read the copy", f"{CARD} .step[data-step=now]")
    page.wait_for_text("yours runs again", CARD)
    page.button("Cancel").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": operation["id"]}

    host.answers["ai/adopt/list"] = answer(adoptions.sent(adoptions.KIT, adoptions.COPIED))
    stack.show(states.running())
    page.wait_for_text("Your n8n is here", CARD)
    page.wait_for_text("31 active workflows wait", CARD)
    page.wait_for_text("Past executions are not copied.", CARD)
    page.button("Switch over…: n8n-n8n-1").click()
    page.wait_for_text("stop: n8n-n8n-1 and n8n-postgres-1", "#question[open]")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/adopt/switch") == KIT
    copied = replace(adoptions.COPIED, state="switched")
    host.answers["ai/adopt/list"] = answer(adoptions.sent(copied))
    host.publish(ADOPTIONS, {"source": "n8n-n8n-1"})
    page.wait_for_text("n8n has taken over", CARD)
    page.button("Switch back…: n8n-n8n-1").click()
    page.wait_for_text("stays only here", "#question[open]")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/adopt/back") == KIT
    page.button("Dismiss: n8n-n8n-1").click()
    assert host.wait_for_call("ai/adopt/forget") == KIT
    assert page.complaints() == []


def test_what_can_not_be_found_out_or_ended_is_said(page: HomePage, host: Scripted) -> None:
    why = Text("The copy into n8n was interrupted.")
    host.answers["ai/adopt/list"] = answer(adoptions.sent(unended=why))
    page.button("Look again").click()
    page.wait_for_text("The copy into n8n was interrupted", ".adopt-page .notice.bad")
    page.wait_for_text("Nothing found", ".adopt-page")
    host.answers["ai/adopt/list"] = dict(AdoptError(Text("The engine is busy.")).as_json("en"))
    page.button("Look again").click()
    page.wait_for_text("The engine is busy.", ".adopt-page .notice.bad")
    host.answers["ai/adopt/list"] = answer(adoptions.sent(adoptions.KIT))
    page.button("Try again").click()
    page.wait_for_text("n8n 2.20.1", ".adopt-row")
    page.go("home?add=1")
    page.wait_for("#add-module[open] a[href='#adopt'], dialog[open] a[href='#adopt']").click()
    page.wait_for_text("Found on this engine", ".adopt-page")
    assert page.complaints() == []
