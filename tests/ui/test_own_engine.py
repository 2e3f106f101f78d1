"""What Windows' own engine takes, in the settings of a scripted owner: there is no Windows here."""

from typing import Any

from selenium.webdriver import Keys

from aiserver_tray.protocol.message import answer
from tests.support import states
from tests.support.wsl_machine import ROOM
from tests.ui.answers import ANSWERS
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

OWN: dict[str, Any] = {"status": "ready", "steps": [], "lines": [], "error": None}
SIZES = {"download": 250_000_000, "disk": 1_200_000_000, "minutes": 5}
FOUND = {
    "kind": "own",
    "name": "AI-Server Tray (WSL)",
    "address": "wsl://aiserver",
    "state": "running",
    "detail": "Set up by AI-Server Tray. It starts by itself when it is used.",
    "used": True,
}


def settings(stack: Stack) -> HomePage:
    setup: dict[str, Any] = {
        "system": "windows",
        "choices": [],
        "packages": None,
        "wsl": None,
        "install": None,
    }
    stack.host.answers |= ANSWERS
    stack.host.answers |= {
        "ai/engine/setup": answer(setup | {"error": None, "own": OWN | SIZES}),
        "ai/engine/found": answer({"engines": [FOUND]}),
        "ai/engine/own/room": answer(ROOM),
        "ai/engine/own/change": answer(ROOM),
    }
    stack.show(states.running())
    page = stack.home()
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    page.go("settings/docker")
    page.wait_for("[data-setting=own-limits]")
    return page


def test_limits_place_and_keeper_are_changed_after_saying_what_they_concern(stack: Stack) -> None:
    page = settings(stack)
    host = stack.host
    page.wait_for_text("16 GB of 32 GB, 8 of 8 processors", "[data-setting=own-limits]")
    page.wait_for_text("14 GB of data", "[data-setting=own-disk]")
    page.wait_for_text("412 GB free", "[data-setting=own-disk]")
    page.picture("own-engine")
    memory = page.wait_for("#own-memory")
    memory.clear()
    memory.send_keys("20")
    page.button("Apply…: Memory and processors").click()
    page.wait_for_text("Ubuntu and docker-desktop", "#question[open]")
    page.wait_for_text(r"C:\Users\Ada\.wslconfig", "#question[open]")
    assert not violations(page)
    page.wait_for("#question[open] .primary").click()
    assert host.wait_for_call("ai/engine/own/change") == {"memory": 20, "processors": 8}
    page.until(lambda: not page.all("#question[open]"), "the answer")

    size = page.wait_for("#own-size")
    assert size.get_property("value") == "1024"
    size.clear()
    size.send_keys("64")
    page.button("Apply…: Disk").click()
    page.wait_for_text("doesn't go back to Windows", "#question[open]")
    assert not violations(page)
    page.wait_for("#question[open] .primary").click()
    assert host.wait_for_call("ai/engine/own/change") == {"disk": 64}
    page.until(lambda: not page.all("#question[open]"), "the answer")

    page.button("Start the engine at login").click()
    assert host.wait_for_call("ai/engine/own/change") == {"keep": True}
    page.button("Move…").click()
    folder = page.wait_for("#own-folder")
    folder.clear()
    folder.send_keys("E:/ai")
    page.wait_for("#question[open] .primary").click()
    assert host.wait_for_call("ai/engine/own/change") == {"folder": "E:/ai"}
    page.until(lambda: not page.all("#question[open]"), "the answer")
    page.button("Take over").click()
    host.wait_for_call("ai/engine/own/setUp")


def test_a_removal_lists_what_goes_and_offers_a_backup_first(stack: Stack) -> None:
    page = settings(stack)
    page.button("Remove…").click()
    page.wait_for_text("ai-postgres-data", "#question[open]")
    page.wait_for_text("21 GB", "#question[open]")
    page.picture("own-engine-remove")
    assert not violations(page)
    page.wait_for("#question[open] a[href='#backups']").click()
    page.until(lambda: page.address.endswith("#backups"), "the page of backups")
    page.go("settings/docker")
    page.button("Remove…").click()
    page.wait_for("#question[open] input").send_keys("aiserver")
    page.wait_for("#question[open] .danger").click()
    stack.host.wait_for_call("ai/engine/own/remove")
    page.press(Keys.ESCAPE)
