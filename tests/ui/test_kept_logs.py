"""The section of kept logs on the page of settings."""

import pytest

from aiserver_tray.protocol.message import answer
from tests.support import states
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.kept_logs import KEPT
from tests.ui.modules import DETAILS


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.answers |= ANSWERS
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.go("settings/logs")
    page.wait_for("#section-logs [data-module=n8n]")
    return page


def test_modules_are_switched_and_their_logs_deleted(page: HomePage, host: Scripted) -> None:
    modules = page.all("#section-logs [data-module]")
    assert [m.get_attribute("data-module") for m in modules][-2:] == ["AI-Server", "gone"]
    assert "1,234,567 lines, 45 MB, since " in modules[-1].text
    page.wait_for("[data-module=redis] [role=switch][aria-checked=false]").click()
    changed = {"name": "app.logs_not_kept", "value": "ragflow"}
    assert host.wait_for_call("ai/config/set") == changed
    page.wait_for("[data-module=gone] .button").click()
    host.answers["ai/logs/kept"] = answer(KEPT | {"modules": KEPT["modules"][:1]})
    page.wait_for("[role=alertdialog] .danger, [role=dialog] .danger, dialog .danger").click()
    assert host.wait_for_call("ai/logs/delete") == {"module": "gone"}
    page.until(lambda: not page.all("[data-module=gone]"), "the module leaves the list")


def test_logs_that_cannot_be_kept_show_the_reason(stack: Stack, host: Scripted) -> None:
    host.answers["ai/logs/kept"] = answer(
        KEPT | {"problem": "The disk is full.", "unreadable": [{"module": "web", "service": "app"}]}
    )
    page = stack.home()
    page.go("settings/logs")
    section = page.wait_for("#section-logs [data-setting=kept-logs]")
    assert page.wait_for("#section-logs [role=alert]").text == "The disk is full."
    assert "web/app" in section.text


def test_logs_of_a_removed_module_are_deleted_only_if_asked_and_at_its_end(
    stack: Stack, host: Scripted
) -> None:
    host.answers |= {
        "ai/module/details": answer(DETAILS),
        "ai/operation/start": answer({"operationId": "7", "operation": None}),
        "ai/operation/wait": answer({"operation": {"status": "succeeded"}}),
    }
    page = stack.home()
    page.go("modules/n8n")
    page.wait_for("[aria-label='More about n8n'], [title='More about n8n']")
    page.button("More about n8n").click()
    page.button("Remove…").click()
    page.wait_for_text("Also delete its kept logs (23,456 lines)", "dialog[open]")
    page.wait_for("dialog[open] .removal input").click()
    page.wait_for("dialog[open] .primary").click()
    assert host.wait_for_call("ai/operation/wait") == {"id": "7"}
    assert host.wait_for_call("ai/logs/delete") == {"module": "n8n"}
