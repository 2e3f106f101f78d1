"""The page of a module and the page of all logs, in a real browser."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import InUseError
from aiserver_tray.base.i18n import Language
from aiserver_tray.contract.contract import Envelope, Peer, answer
from aiserver_tray.contract.events import LOG, STATS
from aiserver_tray.contract.message import Json
from tests.support import states
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

BEGIN = datetime.fromisoformat("2026-01-01T10:00:00.000001+00:00")
LINES_KEPT = 5000
LEVELS = ("info", "debug", "warn", "error")


def service(name: str, **more: Any) -> Json:  # noqa: ANN401
    """A healthy service; *more* are fields that differ."""
    return {
        "name": name,
        "container": f"ai-dify-{name}",
        "state": "running",
        "health": "healthy",
        "image": f"langgenius/dify-{name}:1.17.1",
        "job": False,
        "exitCode": None,
        "startedAt": states.STARTED,
        "restarts": 0,
        "memoryLimit": None,
        "reason": None,
    } | more


def dify(state: str = "running", **more: Any) -> Json:  # noqa: ANN401
    services = [service("api"), service("worker", health="unhealthy", reason="unhealthy")]
    return states.module("dify", state, services=services) | more


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


class Writer:
    """Answers who attaches to a stream with its first lines, and writes more."""

    def __init__(self, stack: Stack, first: int) -> None:
        self._first = first
        self._written = 0
        stack.host.handlers["ai/module/logsAttach"] = self._attach

    def _attach(self, asked: Json, peer: Peer) -> Envelope:
        self._stream, self._peer = asked["streamId"], peer
        self._written = 0
        self.write(self._first)
        return answer({})

    def write(self, count: int) -> None:
        for number in range(self._written, self._written + count):
            line = {
                "streamId": self._stream,
                "event": "stdout",
                "chunk": f"\x1b[31mline <b>{number}\x1b[0m id={number % 10}",
                "timestamp": (BEGIN + timedelta(milliseconds=number)).isoformat(),
                "module": "dify",
                "service": ("api", "worker")[number % 2],
                "level": LEVELS[number % 4],
            }
            self._peer.send(LOG.message(line))  # type: ignore[arg-type]
        self._written += count


def test_thousands_of_lines_are_kept_and_few_are_drawn(stack: Stack) -> None:
    stack.show(states.snapshot("running", dify()))
    writer = Writer(stack, 6000)
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
    Writer(stack, 400)
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


def test_a_stream_that_broke_goes_on_without_repeating_lines(stack: Stack) -> None:
    stack.show(states.snapshot("running", dify()))
    Writer(stack, 100)
    page = at(stack, "logs")
    page.wait_for_text("100 lines", ".status")
    first = stack.host.wait_for_call("ai/module/logsAttach")
    stack.break_streams()
    again = stack.host.wait_for_call("ai/module/logsAttach")
    assert again["streamId"] != first["streamId"]
    page.wait_for_text("Following", ".status")
    page.wait_for_text("100 lines", ".status")


def history(asked: Json, _peer: Peer) -> Envelope:
    """Two samples of two modules, or of one with its services."""
    gib = 2**30
    dify = {"module": "dify", "cpu": [None, 160.0], "memory": [None, 3 * gib]}
    redis = {"module": "redis", "cpu": [8.0, 8.0], "memory": [gib // 4, gib // 4]}
    worker = dify | {"service": "worker"}
    total = {"cpu": [8.0, 168.0], "memory": [gib // 4, 3 * gib + gib // 4]}
    found = {"interval": 15, "times": [1767261600, 1767261615], "total": total}
    if asked.get("module") == "dify":
        return answer(found | {"modules": [dify], "services": [worker]})
    return answer(found | {"modules": [dify, redis], "services": []})


def test_usage_is_shown_by_module_and_follows(stack: Stack) -> None:
    stack.host.handlers["ai/stats/history"] = history
    stack.show(states.snapshot("running", dify(), states.module("redis", "running")))
    page = at(stack, "monitoring")

    page.wait_for_text("21 %\nof 8 cores", ".usage")
    rows = [row.text.split("\n") for row in page.all(".mini tbody tr")]
    assert [row[0] for row in rows] == ["Dify", "Redis"], "who uses most memory is first"
    load: Json = {"cpu": 80.0, "memory": 2**30}
    stack.host.publish(
        STATS,
        {
            "time": 1767261630,
            "total": load,
            "modules": [load | {"module": "dify"}],
            "services": [load | {"module": "dify", "service": "worker"}],
        },
    )
    page.wait_for_text("10 %\nof 8 cores", ".usage")
    page.button("Table").click()
    page.wait_for_text("10 %", ".table tbody tr:first-child")
    page.script("location.hash = 'modules/dify/services'")
    page.wait_for_text("3 GB", "[data-service=worker]")
    assert page.complaints() == []


SEEN = {
    "modules/dify": ".graph",
    "modules/dify/services": "[data-service=worker]",
    "modules/dify/resources": ".chart",
    "logs/dify?text=id": ".ll mark",
    "monitoring": ".mini",
}
"""Address -> what is there once the page is."""


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "zh")])
def test_every_tab_is_clean_for_assistive_technology(
    stack: Stack, theme: str, language: Language
) -> None:
    account = {"title": "Administrator", "user": "root", "setting": "dify.PASSWORD", "note": ""}
    details = {"accounts": [account], "volumes": ["ai-dify-data"]}
    stack.host.answers["ai/module/details"] = answer(details)
    stack.host.handlers["ai/stats/history"] = history
    stack.host.chosen = language
    Writer(stack, 40)
    shown = states.snapshot("running", dify(), states.module("redis", "running"), theme=theme)
    stack.show(shown)
    page = stack.home()
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    found = {}
    for address, selector in SEEN.items():
        page.script(f"location.hash = '{address}'")
        page.wait_for(selector)
        found[address] = violations(page)
    assert not {address: wrong for address, wrong in found.items() if wrong}
