"""The first steps, the installation of Docker, and *Add a module*, in a real browser."""

from dataclasses import replace
from pathlib import PurePosixPath
from threading import Event
from typing import Any

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import RefusedError, TrustError
from aiserver_tray.base.i18n import Text, rendered
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.features.activity.events import ACTIVITY
from aiserver_tray.features.engine.events import ENGINE_INSTALL, OWN_ENGINE_SETUP
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer, refusal
from tests.support import backups, states
from tests.support.consents import consent
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

GIB = 1024**3
NEEDS = {"n8n": 1, "dify": 4, "oneapi": 1, "ragflow": 4, "postgres": 1, "redis": 1}
REQUIRES = {"n8n": ["postgres"], "dify": ["postgres", "redis"]}
PORT = {
    "name": "ports",
    "grade": "problem",
    "message": "Port 18100 is in use by node.",
    "remedies": [
        {"kind": "set", "text": "Use port 18101", "setting": "n8n.N8N_HOST_PORT", "value": "18101"}
    ],
}
FREE = {"name": "ports", "grade": "ok", "message": "No port conflicts for n8n.", "remedies": []}
SETUP: Json = {
    "system": "linux",
    "choices": [],
    "packages": {"packages": ["docker.io"], "possible": True, "command": "sudo …", "user": "ada"},
    "wsl": None,
    "install": None,
    "error": None,
    "own": None,
}
INSTALL: Json = {"status": "running", "phase": "download", "percent": 40.0, "lines": ["Get:1"]}


STEPS = ("look", "wsl", "restart", "distribution", "docker", "answer")


def own_engine(status: str, *states: str, **more: object) -> Json:
    """Windows' own engine, with the *states* of its first steps."""
    step: Json = {"state": "pending", "detail": None, "percent": None, "seconds": None}
    given = dict(zip(STEPS, states, strict=False))
    steps = [step | {"name": name, "state": given.get(name, "pending")} for name in STEPS]
    sizes = {"download": 250_000_000, "disk": 1_200_000_000, "minutes": 5}
    return {"status": status, "steps": steps, "lines": [], "error": None, **sizes, **more}


UBUNTU: Json = {
    "kind": "distribution",
    "name": "Ubuntu",
    "address": "wsl://Ubuntu",
    "state": "unknown",
    "detail": "A distribution of WSL that does not run, so nobody looked inside.",
    "used": False,
}
WSLC: Json = UBUNTU | {
    "kind": "wslc",
    "name": "WSL containers (wslc)",
    "address": "",
    "state": "unusable",
    "detail": "AI-Server Tray can't use them yet: their ports don't reach Windows by themselves.",
}
DESKTOP: Json = UBUNTU | {
    "kind": "program",
    "name": "Docker Desktop",
    "address": "npipe:////./pipe/dockerDesktopLinuxEngine",
    "state": "off",
    "detail": "It is installed, and off at the moment.",
    "used": True,
}


def shown(**engine: Any) -> Json:  # noqa: ANN401
    snapshot: Json = states.snapshot()
    for module in snapshot["modules"]:
        module["requires"] = REQUIRES.get(module["name"], [])
    snapshot["engine"] |= {"memory": 16 * GIB} | engine
    return snapshot | {"chosen": ["n8n"]}


@pytest.fixture
def host(stack: Stack) -> Scripted:
    """That of a new home, with a port that is in use."""
    host = stack.show(shown())
    modules = [
        {"name": name, "download": memory * GIB, "memory": memory * GIB, "disk": memory * GIB}
        for name, memory in NEEDS.items()
    ]
    host.answers |= {
        "ai/app/welcome": answer({"pending": True}),
        "ai/doctor/run": answer({"checks": [PORT]}),
        "ai/modules/needs": answer({"modules": modules}),
        "ai/system/autostart": answer({"enabled": False, "supported": True}),
        "ai/engine/setup": answer(SETUP),
        "ai/app/about": answer({"version": "0.1.0"}),
        "ai/config/get": answer({"entries": []}),
    }
    return host


def first_steps(stack: Stack) -> HomePage:
    page = HomePage(stack._browser, stack.serve().address, stack._pictures)
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    page.wait_for(".wiz")
    return page


def test_a_new_home_is_led_to_the_first_start(stack: Stack, host: Scripted) -> None:
    page = first_steps(stack)
    page.wait_for_text("A port is in use")
    assert violations(page) == []
    host.answers["ai/doctor/run"] = answer({"checks": [FREE]})
    page.button("Use port 18101: Ports").click()
    assert host.wait_for_call("ai/config/set") == {"name": "n8n.N8N_HOST_PORT", "value": "18101"}
    host.publish(ACTIVITY, {"id": "1"})
    page.wait_for_text("Everything is ready")

    page.button("Continue").click()
    page.wait_for_text("about 2 GB", ".sums")  # n8n and postgres
    assert violations(page) == []
    page.until(lambda: page.all(".pk input"), "the choices")
    next(one for one in page.all(".pk input") if "Dify" in one.accessible_name).click()
    page.wait_for_text("about 7 GB", ".sums")  # postgres counts once
    page.wait_for("#at-login").click()
    assert host.wait_for_call("ai/system/autostart") == {}
    assert host.wait_for_call("ai/system/autostart") == {"enabled": True}

    page.button("Download and start").click()
    assert host.wait_for_call("ai/config/choose") == {"modules": ["n8n", "dify"]}
    assert host.wait_for_call("ai/operation/start") == {"kind": "up", "modules": []}
    page.wait_for("main [data-module]")
    while host.wait_for_call("ai/app/welcome") != {"done": True}:
        pass
    assert not page.complaints()


def test_a_new_home_can_begin_with_the_file_of_another_computer(
    stack: Stack, host: Scripted
) -> None:
    moved = replace(backups.CONTENTS, is_from_here=False, is_move=True)
    host.answers["ai/backup/inspect"] = answer(backups.sent(moved))
    host.answers["ai/backup/restore"] = answer({"operationId": "op-1"})
    page = first_steps(stack)
    page.button("Restore from a file…").click()
    page.wait_for("#restore-file").send_keys("/media/stick/everything.zip")
    page.button("Look inside").click()
    page.wait_for_text("made on desk", ".backup-dialog[open]")
    assert violations(page) == []
    page.button("Restore 5 modules").click()
    assert host.wait_for_call("ai/backup/restore")["file"] == "/media/stick/everything.zip"
    page.wait_for("main [data-module]")
    while host.wait_for_call("ai/app/welcome") != {"done": True}:
        pass
    assert not page.complaints()


def test_docker_is_installed_with_its_progress(stack: Stack, host: Scripted) -> None:
    error = {"code": "E_ENGINE_NOT_INSTALLED", "message": "none", "data": {}}
    stack.show(shown(running=False, error=error))
    page = first_steps(stack)
    page.wait_for_text("Docker has to run first.", ".wiz-foot")
    assert page.button("Continue").get_attribute("aria-disabled") == "true"
    page.button("Install Docker").click()
    host.wait_for_call("ai/engine/install")
    host.publish(ENGINE_INSTALL, INSTALL)
    page.wait_for_text("Downloading packages")
    assert page.wait_for("[role=progressbar]").get_attribute("aria-valuenow") == "40"
    page.button("Cancel").click()
    host.wait_for_call("ai/engine/cancelInstall")

    failed = INSTALL | {"status": "failed"}
    why = {"code": "E_ENGINE_NOT_INSTALLED", "message": "no network", "data": {}}
    host.answers["ai/engine/setup"] = answer(SETUP | {"install": failed, "error": why})
    host.publish(ENGINE_INSTALL, failed)
    page.wait_for_text("no network")
    assert violations(page) == []

    stack.show(shown(running=False, error=error | {"data": {"forbidden": True}}))
    page.button("Allow").click()  # it was installed by hand, and this user may not use it
    host.wait_for_call("ai/engine/install")
    stack.show(shown())
    page.until(lambda: not page.all(".engine-setup"), "the page goes on by itself")
    assert page.button("Continue").get_attribute("aria-disabled") is None


def test_windows_own_engine_is_set_up_step_by_step(stack: Stack, host: Scripted) -> None:
    error = {"code": "E_ENGINE_NOT_INSTALLED", "message": "none", "data": {}}
    desktop = {"title": "Docker Desktop", "summary": "s", "cost": "c", "needs": "n", "url": "u"}
    setup = SETUP | {"system": "windows", "packages": None, "choices": [{"id": "d"} | desktop]}
    host.answers["ai/engine/setup"] = answer(setup | {"own": own_engine("none")})
    host.answers["ai/engine/found"] = answer({"engines": [UBUNTU, WSLC]})
    stack.show(shown(running=False, error=error))
    page = first_steps(stack)
    page.wait_for_text("Windows asks for your permission once", ".own-engine")
    page.wait_for_text("their ports don't reach Windows", ".places")
    assert violations(page) == []
    page.button("Use…: Ubuntu").click()
    page.until(lambda: page.all("#question .primary"), "the question").pop().click()
    wanted = {"name": "app.engine", "value": "wsl://Ubuntu"}
    assert host.wait_for_call("ai/config/set") == wanted
    page.wait_for("#engine-elsewhere").send_keys("ssh://ada@server")
    host.answers["ai/doctor/connection"] = answer({"checks": [FREE], "hostKey": None})
    page.button("Check").click()
    assert host.wait_for_call("ai/doctor/connection") == {"address": "ssh://ada@server"}
    page.wait_for_text("No port conflicts", ".places")
    page.button("Set it up").click()
    host.wait_for_call("ai/engine/own/setUp")

    running = own_engine("running", "done", "done", "done", "running", lines=["Downloading"])
    running["steps"][3]["percent"] = 55.0
    host.publish(OWN_ENGINE_SETUP, running)
    page.wait_for_text("step 4 of 6", ".own-engine")
    assert page.wait_for(".own-engine [role=progressbar]").get_attribute("aria-valuenow") == "55"
    assert violations(page) == []
    page.button("Cancel").click()
    host.wait_for_call("ai/engine/own/cancel")

    why = {"code": "E_ENGINE_NOT_INSTALLED", "message": "no network", "data": {}}
    failed = own_engine("failed", "done", "done", "done", "failed", error=why)
    host.publish(OWN_ENGINE_SETUP, failed)
    page.wait_for_text("no network", ".own-engine")
    assert violations(page) == []
    page.button("Try again").click()
    host.wait_for_call("ai/engine/own/setUp")

    host.publish(OWN_ENGINE_SETUP, own_engine("restart", "done", "done", "running"))
    page.button("Restart now").click()
    page.wait_for_text("Save your work first", "#question")
    page.press(Keys.ESCAPE)
    page.button("Restart now").click()
    page.until(lambda: page.all("#question .primary"), "the question").pop().click()
    host.wait_for_call("ai/engine/own/restart")
    host.publish(OWN_ENGINE_SETUP, own_engine("ready"))
    stack.show(shown())
    page.until(lambda: not page.all(".own-engine"), "the page goes on by itself")


def test_a_docker_desktop_that_was_found_wins_unless_the_user_chooses(
    stack: Stack, host: Scripted
) -> None:
    host.answers["ai/engine/setup"] = answer(SETUP | {"own": own_engine("none")})
    host.answers["ai/engine/found"] = answer({"engines": [DESKTOP]})
    down = {"code": "E_ENGINE_DOWN", "message": "off", "data": {}}
    stack.show(shown(running=False, error=down))
    page = first_steps(stack)
    page.wait_for_text("Docker Desktop is used, unless you choose another one.", ".places")
    page.wait_for_text("In use", ".found-list")
    assert not [one for one in page.all(".own-engine") if "Recommended" in one.text]
    assert violations(page) == []
    host.answers["ai/engine/found"] = answer({"engines": [DESKTOP, WSLC]})
    page.button("Look again").click()
    page.wait_for_text("WSL containers", ".found-list")
    page.button("Set it up").click()
    host.wait_for_call("ai/engine/own/setUp")


def test_a_module_is_added_once_nothing_is_wrong_and_taken_back(
    stack: Stack, host: Scripted
) -> None:
    host.answers["ai/app/welcome"] = answer({"pending": False})
    problem = {"file": "/w/compose.yaml", "line": 3, "key": "services", "message": "no services"}
    consents = {"w": rendered(consent("w", Permission("bind", "/srv", ("app",))).as_data())}
    report = {
        "folder": "/w",
        "modules": ["w"],
        "notes": [],
        "permissions": {},
        "consents": consents,
    }
    host.answers["ai/catalog/check"] = answer(report | {"problems": [problem]})
    host.answers["ai/catalog/add"] = answer({"folder": "/w", "modules": ["w"]})
    page = stack.home()
    page.script("location.hash = 'home?add=1'")
    page.wait_for("#add-folder").send_keys("/w")
    page.button("Check").click()
    page.wait_for_text("/w/compose.yaml:3", ".add-module")
    assert violations(page) == []

    host.answers["ai/catalog/check"] = answer(report | {"problems": []})
    page.button("Check").click()
    page.wait_for_text("Can read and change /srv", ".add-module")
    assert violations(page) == []
    by_now = consent("w", Permission("bind", "/srv", ("app",)), Permission("host", "/srv/d"))
    refused = refusal(TrustError(by_now.as_data({("bind", "/srv")})), "en")
    host.answers["ai/module/trust"] = refused
    page.button("Allow this and start").click()
    page.wait_for_text("w asks for something else by now", ".add-module")
    page.wait_for_text("Can read and change any file", ".add-module")
    assert host.wait_for_call("ai/catalog/add") == {"folder": "/w"}
    assert host.wait_for_call("ai/module/trust") == {"name": "w", "hash": consents["w"]["hash"]}
    del host.answers["ai/module/trust"]
    page.button("Allow this and start").click()
    assert host.wait_for_call("ai/module/trust") == {"name": "w", "hash": by_now.hash}
    assert host.wait_for_call("ai/operation/start") == {"kind": "up", "modules": ["w"]}
    page.until(lambda: "add" not in page.address, "the address is Home's again")
    page.button("Undo").click()
    assert host.wait_for_call("ai/catalog/remove") == {"folder": "/w"}


def test_a_browser_walks_through_folders_to_a_module_and_for_a_setting(
    stack: Stack, host: Scripted
) -> None:
    host.answers |= ANSWERS | {"ai/app/welcome": answer({"pending": False})}
    inner = {"/home/me": ["Desktop", "wiki"], "/home/me/wiki": ["site"], "/home": ["me"]}

    def folders(payload: Json, _peer: Peer) -> Envelope:
        folder = payload.get("folder", "/home/me")
        if folder not in inner:
            return refusal(
                RefusedError(Text("Can't read the folder {folder}", folder=folder)), "en"
            )
        found = [{"name": name, "hasFile": name == "wiki"} for name in inner[folder]]
        parent = str(PurePosixPath(folder).parent)
        here = {"folder": folder, "parent": parent, "hasFile": folder.endswith("/wiki")}
        return answer(here | {"folders": found})

    host.handlers["ai/catalog/folders"] = folders
    report: Json = {"modules": [], "problems": [], "notes": [], "consents": {}}
    host.answers["ai/catalog/check"] = answer(report | {"folder": "/home/me/wiki"})
    page = stack.home()
    page.go("home?add=1")
    page.button("Choose…: Folder").click()
    page.wait_for(".folder-list li:nth-child(2) button:focus")
    page.press(Keys.ENTER)
    page.wait_for_text("Can't read the folder /home/me/Desktop", "#add-folder-message")
    page.tab_to("Desktop")
    page.press(Keys.ARROW_DOWN)
    assert page.script("return document.activeElement.innerText").split() == (
        ["wiki", "Compose", "file"]
    )
    page.press(Keys.ENTER)
    page.wait_for_text("This folder has a Compose file", ".add-module")
    assert page.wait_for("#add-folder").get_property("value") == "/home/me/wiki"
    assert violations(page) == []
    page.wait_for(".add-module .primary:focus")
    page.press(Keys.ENTER)  # a folder with a Compose file is checked
    assert host.wait_for_call("ai/catalog/check") == {"folder": "/home/me/wiki"}
    page.wait_for(".add-module .findings")
    page.button("Choose…: Folder").click()
    page.wait_for("[aria-label='Folders in /home/me/wiki']")
    field = page.wait_for("#add-folder")
    field.clear()
    field.send_keys("/home")
    assert not page.all(".folder-list"), "it is of another folder"
    page.button("Choose…: Folder").click()
    page.wait_for_text("me", ".folder-list")

    page.go("modules/n8n/settings")
    page.button("Choose…: Files").click()
    page.wait_for_text("Desktop", ".setting-folder .folder-list")
    page.wait_for(".folder-list li:nth-child(2) button:focus")
    page.press(Keys.ENTER)
    page.wait_for_text("Can't read the folder /home/me/Desktop", "#setting-n8n-files-message")
    page.tab_to("Desktop")
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    page.wait_for_text("Files empty → /home/me/wiki", ".applybar")
    assert violations(page) == []
    page.button("Choose…: Files").click()
    page.until(lambda: not page.all(".folder-list"), "the list is closed")


def test_another_address_closes_the_dialog_and_what_was_asked_there_is_forgotten(
    stack: Stack, host: Scripted
) -> None:
    host.answers |= ANSWERS | {"ai/app/welcome": answer({"pending": False})}
    may_answer = Event()

    def check(payload: Json, _peer: Peer) -> Envelope:
        assert payload["folder"] == "/v" or may_answer.wait(LIMIT)
        name = payload["folder"]
        consents = {name: rendered(consent(name).as_data())}
        report = {"folder": "/w", "modules": [name], "problems": [], "notes": []}
        return answer(report | {"consents": consents})

    host.handlers["ai/catalog/check"] = check
    page = stack.home()
    page.go("home?add=1")
    page.wait_for("#add-folder").send_keys("/late")
    page.button("Check").click()
    host.wait_for_call("ai/catalog/check")
    page.go("settings/modules")
    page.until(lambda: not page.all("dialog[open]"), "the dialog is closed")
    assert page.address.endswith("#settings/modules")

    page.go("home?add=1")
    field = page.wait_for("dialog[open] #add-folder")
    may_answer.set()
    field.send_keys("/v")
    page.button("Check").click()
    page.wait_for_text("/v · from the file compose.yaml", ".findings")


def test_a_folder_that_was_added_is_forgotten_in_the_settings(stack: Stack, host: Scripted) -> None:
    host.answers |= ANSWERS
    page = stack.home()
    page.go("settings/modules")
    page.button("Remove /w/mine").click()
    page.wait_for_text("The files stay in /w/mine", "dialog[open]")
    page.button("Remove").click()
    assert host.wait_for_call("ai/catalog/remove") == {"folder": "/w/mine"}
