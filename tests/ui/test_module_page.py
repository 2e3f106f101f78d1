"""The page of a module and the page of all logs, in a real browser."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import InUseError
from aiserver_tray.contract.contract import answer
from tests.support import states
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import BEGIN, FailingWriter, Writer, dify


def at(stack: Stack, address: str) -> HomePage:
    page = stack.home()
    page.script(f"location.hash = '{address}'")
    return page


def test_a_module_shows_its_connections_and_its_accounts_on_request(stack: Stack) -> None:
    account = {"title": "Administrator", "user": "root", "setting": "dify.PASSWORD", "note": ""}
    details = {"accounts": [account], "volumes": ["ai-dify-data"]}
    stack.host.answers["ai/module/details"] = answer(details)
    stack.host.answers["ai/config/reveal"] = answer({"value": "a secret <b>"})
    stack.show(states.snapshot("running", dify(), states.module("redis", "error")))
    page = at(stack, "modules/dify")

    page.wait_for_text("Administrator", ".accounts")
    links = {link.accessible_name for link in page.all(".graph a")}
    assert links == {"PostgreSQL: Stopped", "Redis: Failed"}
    assert "a secret" not in page.text
    page.button("Show the secret of Administrator").click()
    page.wait_for_text("a secret <b>", ".accounts")
    assert stack.host.wait_for_call("ai/config/reveal") == {"name": "dify.PASSWORD"}

    page.all(".graph a")[0].click()
    page.wait_for("[data-module=postgres]")
    assert page.address.endswith("#modules/postgres")
    assert page.complaints() == []


def test_one_service_is_inspected_and_restarted_alone(stack: Stack) -> None:
    check = {"endedAt": BEGIN.isoformat(), "exitCode": 7, "output": "curl: <i>refused</i>"}
    details = {
        "id": "1" * 64, "imageId": "sha256:2", "lastCheck": check, "exitCode": 0,
        "outOfMemory": False, "error": "", "createdAt": None, "startedAt": None,
        "finishedAt": None, "mounts": [], "environment": ["DB_PASSWORD"],
    }  # fmt: skip
    stack.host.answers["ai/service/inspect"] = answer(details)
    stack.show(states.snapshot("degraded", dify()))
    page = at(stack, "modules/dify/services")

    page.wait_for_text("Unhealthy", "[data-service=worker]")
    page.button("Details of worker").click()
    page.wait_for_text("curl: <i>refused</i>", ".inspected")
    page.wait_for_text("DB_PASSWORD", ".inspected")
    asked = {"module": "dify", "service": "worker"}
    assert stack.host.wait_for_call("ai/service/inspect") == asked
    page.button("Restart worker").click()
    request = {"kind": "restart", "modules": ["dify"], "services": ["worker"]}
    assert stack.host.wait_for_call("ai/operation/start") == request
    refusal = InUseError("dify", ["n8n"]).as_json("en")
    stack.host.answers["ai/operation/start"] = {"success": False, **refusal}
    page.button("Stop worker").click()
    page.wait_for("[data-problem=E_IN_USE]")
    assert page.complaints() == []


def test_data_is_removed_only_with_the_typed_name(stack: Stack) -> None:
    details = {"accounts": [], "volumes": ["ai-dify-data"]}
    stack.host.answers["ai/module/details"] = answer(details)
    stack.show(states.snapshot("running", dify()))
    page = at(stack, "modules/dify")

    page.button("More about Dify").click()
    page.button("Remove…").click()
    page.wait_for("dialog[open] .removal input").click()
    page.wait_for_text("ai-dify-data", "dialog[open]")
    assert page.button("Remove with data").get_attribute("aria-disabled"), "nothing is typed yet"
    page.wait_for("dialog[open] .typed input").send_keys("Dify")
    page.button("Remove with data").click()
    request = {"kind": "down", "modules": ["dify"], "volumes": ["ai-dify-data"]}
    assert stack.host.wait_for_call("ai/operation/start") == request


def test_thousands_of_lines_are_kept_and_few_are_drawn(stack: Stack) -> None:
    stack.show(states.snapshot("running", dify()))
    writer = Writer(stack.host, 6000)
    page = at(stack, "logs")

    page.wait_for_text("5,000 lines", ".status")
    page.wait_for_text("line <b>5999", ".ll:last-of-type")
    assert len(page.all(".ll")) < 100
    page.press(" ")
    page.wait_for_text("Paused", ".status")
    writer.write(37)
    page.wait_for_text("37 new lines", ".resume")
    assert "line <b>5999" in page.all(".ll")[-1].text
    page.press(Keys.END)
    page.wait_for_text("line <b>6036", ".ll:last-of-type")
    assert page.complaints() == []


@pytest.mark.parametrize("address", ["logs/dify", "modules/dify/logs"])
def test_filters_are_in_the_address(stack: Stack, address: str) -> None:
    stack.show(states.snapshot("running", dify()))
    Writer(stack.host, 400)
    page = at(stack, f"{address}?level=error&text=ID%3D3")

    page.wait_for_text("20 of 400 lines", ".status")
    marked = "".join(mark.text for mark in page.all(".ll:last-of-type mark"))
    assert marked == "id=3"
    assert page.wait_for("#log-text").get_property("value") == "ID=3"
    page.press("i")
    page.until(lambda: "level=error%2Cinfo" in page.address, "both levels")
    page.script(f"location.hash = '{address}?service=api'")
    page.wait_for_text("200 of 400 lines", ".status")
    asked = stack.host.wait_for_call("ai/module/logsAttach")
    assert asked["name"] == "dify"
    assert page.complaints() == []


def test_a_trace_is_one_error_and_lines_without_a_level_have_no_tag(stack: Stack) -> None:
    stack.show(states.snapshot("running", dify()))
    FailingWriter(stack.host, 30)
    page = at(stack, "logs")

    page.wait_for_text("30 lines", ".status")
    counts = [chip.text.split("\n")[-1] for chip in page.all(".levels .chip")]
    assert counts == ["10", "0", "0", "0", "10"]
    assert len(page.all(".ll .lv.error")) == len(page.all(".ll .lv")) == 10
    page.press("e")
    page.wait_for_text("10 of 30 lines", ".status")
    page.press("e", "u")
    page.wait_for_text("20 of 30 lines", ".status")
    assert page.complaints() == []


def test_a_stream_that_broke_goes_on_without_repeating_lines(stack: Stack) -> None:
    stack.show(states.snapshot("running", dify()))
    Writer(stack.host, 100)
    page = at(stack, "logs")
    page.wait_for_text("100 lines", ".status")
    first = stack.host.wait_for_call("ai/module/logsAttach")
    stack.break_streams()
    again = stack.host.wait_for_call("ai/module/logsAttach")
    assert again["streamId"] != first["streamId"]
    page.wait_for_text("Following", ".status")
    page.wait_for_text("100 lines", ".status")
