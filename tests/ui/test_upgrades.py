"""The upgrade of a module on its page, and what leads to it."""

from dataclasses import replace
from threading import Event

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.features.upgrade.events import UPGRADES
from aiserver_tray.features.upgrade.views import ModuleUpgradeView
from aiserver_tray.protocol.message import Envelope, Json, answer
from tests.support import states, upgrades
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted
from tests.ui import forms
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

CARD = ".upgrade"
NOTICE = ".wide-notice:not(.key-notice)"
"""That of upgrades; backups have one, too."""
N8N = {"module": "n8n", "version": "2.44.0"}


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.answers |= ANSWERS
    begun = ("rehearse", "start", "all", "undo")
    host.answers |= {f"ai/upgrade/{name}": answer({"operationId": "op-1"}) for name in begun}
    host.answers["ai/upgrade/list"] = _answer(upgrades.OFFERED)
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.wait_for_text("1 upgrade is available", ".home")
    page.wait_for(".home .notice a[href='#modules/n8n']").click()
    page.wait_for_text("n8n 2.44.0 is available", CARD)
    return page


def _answer(*modules: ModuleUpgradeView) -> Json:
    return answer(upgrades.sent(upgrades.listed(*modules)))


def found(host: Scripted, *modules: ModuleUpgradeView) -> None:
    """This is known of upgrades from now on."""
    host.answers["ai/upgrade/list"] = _answer(*modules)
    host.publish(UPGRADES, {"asking": False})


def held(host: Scripted, channel: str) -> Event:
    """The calls of *channel* are answered once it is set."""
    event = Event()

    def answered(*_: object) -> Envelope:
        assert event.wait(LIMIT)
        return answer({})

    host.handlers[channel] = answered
    return event


def test_a_version_that_is_offered_is_rehearsed_planned_or_left_out(
    page: HomePage, host: Scripted
) -> None:
    page.wait_for_text("2.44.0 available", ".mh .tag")
    page.wait_for_text("n8n stands still for about 45 s", CARD)
    page.button("Rehearse first").click()
    assert host.wait_for_call("ai/upgrade/rehearse") == N8N | {"how": "rehearse"}
    page.button("Later").click()
    assert host.wait_for_call("ai/upgrade/rest") == N8N | {"rest": "week"}
    page.wait_for(".toast .button").click()  # undo
    assert host.wait_for_call("ai/upgrade/rest") == N8N | {"rest": None}
    answered = held(host, "ai/upgrade/rest")
    page.item(f"{CARD} .split .button:last-child", "Skip this version").click()
    assert host.wait_for_call("ai/upgrade/rest") == N8N | {"rest": "skip"}
    # A menu that is open before the answer follows it.
    direct = page.item(f"{CARD} .split .button:last-child", "Upgrade without a rehearsal…")
    assert direct.get_attribute("aria-disabled") == "true"
    answered.set()
    direct.click()
    page.wait_for_text("n8n stands still for about 45 s", "#question[open]")
    assert not page.all("#question .amber")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/upgrade/start") == N8N | {"how": "direct"}

    why = (Text("Only 1.2 GB of memory is free."),)
    found(host, replace(upgrades.OFFERED, blockers=why, at=upgrades.ago(-60)))
    page.wait_for_text("Only 1.2 GB of memory is free", CARD)
    page.button("Rehearse with n8n stopped…").click()
    page.wait_for_text("n8n stands still until 2.44.0 has shown", "#question[open]")
    page.button("Stop and rehearse").click()
    assert host.wait_for_call("ai/upgrade/rehearse") == N8N | {"how": "stopped"}
    page.button("Don't upgrade then").click()
    assert host.wait_for_call("ai/upgrade/tonight") == N8N | {"at": None}

    again = replace(upgrades.NEWER, version="2.41.3", kind="image")
    found(host, replace(upgrades.OFFERED, offer=again, versions=(again,), shared=("qdrant",)))
    page.wait_for_text("Newer images of n8n are available", CARD)
    page.wait_for_text("2.41.3 was published again", CARD)
    page.item(f"{CARD} .split .button:last-child", "Upgrade without a rehearsal…").click()
    page.wait_for_text("The data of n8n in qdrant is not put back", "#question[open] .amber")
    page.button("Cancel").click()

    version = forms.field("version", "text", value="2.41.3", upgraded=True)
    settings = [version, *forms.FORM["settings"]]
    host.answers["ai/config/form"] = answer(forms.FORM | {"settings": settings})
    page.go("modules/n8n/settings")
    page.wait_for_text("Only an upgrade changes it", "[data-setting='n8n.version']")
    page.wait_for("[data-setting='n8n.version'] a.link").click()
    page.wait_for_text("Newer images of n8n are available", CARD)
    assert page.complaints() == []


def test_what_a_rehearsal_has_shown_is_said_before_the_upgrade(
    page: HomePage, host: Scripted
) -> None:
    found(host, replace(upgrades.fits(), users=("dify",), shared=("qdrant",)))
    page.wait_for_text("2.44.0 fits", CARD)
    page.wait_for_text("The data of n8n in qdrant is not put back", CARD)
    page.wait_for_text("/rest/settings answers", CARD)
    page.wait_for_text("Dify stands still with it", CARD)
    page.button("Tonight at 03:00").click()
    assert host.wait_for_call("ai/upgrade/tonight") == N8N | {"at": "03:00"}
    page.item(f"{CARD} .split .button:last-child", "Another time…").click()
    page.wait_for("#upgrade-time")
    page.script("upgrade = document.getElementById('upgrade-time'); upgrade.value = '04:30'")
    page.script("upgrade.dispatchEvent(new InputEvent('input', {bubbles: true}))")
    page.button("Plan the upgrade").click()
    assert host.wait_for_call("ai/upgrade/tonight") == N8N | {"at": "04:30"}
    page.button("Upgrade now").click()
    assert host.wait_for_call("ai/upgrade/start") == N8N | {"how": "direct"}

    found(host, upgrades.unfit())
    page.wait_for_text("2.44.0 doesn't fit your data yet", ".problem.amber")
    page.wait_for_text("Nothing was changed: n8n stays at 2.41.3", ".problem.amber")
    page.wait_for_text('violates unique constraint "PK_workflow_history"', ".problem.amber .said")
    page.button("Rehearse again").click()
    assert host.wait_for_call("ai/upgrade/rehearse") == N8N | {"how": "rehearse"}
    page.button("Dismiss: 2.44.0").click()
    assert host.wait_for_call("ai/upgrade/rest") == N8N | {"rest": "skip"}
    assert page.complaints() == []


def test_a_rehearsal_and_an_upgrade_under_way_take_the_place_of_the_offer(
    stack: Stack, page: HomePage, host: Scripted
) -> None:
    host.answers["ai/upgrade/list"] = _answer(replace(upgrades.OFFERED, target="2.44.0"))
    shown, operation = upgrades.rehearsing()
    stack.show(shown)
    host.publish(PROGRESS, {"operation": operation})
    page.wait_for_text("Rehearsing 2.44.0 on a copy", CARD)
    page.wait_for_text("n8n keeps running on 2.41.3", CARD)
    states_ = {row: page.wait_for(f"[data-row={row}]") for row in ("get", "trial", "discard")}
    assert [one.get_attribute("data-step") for one in states_.values()] == ["done", "now", "next"]
    page.wait_for_text("Running", ".mh .pill")
    page.wait_for_text("Rehearsing", ".mh .tag")
    assert not page.all(".strip")
    page.button("Cancel: n8n").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}
    page.go("modules/n8n/services")
    page.wait_for(".strip[data-operation=op-1]")

    shown, operation = upgrades.upgrading()
    stack.show(shown)
    host.publish(PROGRESS, {"operation": operation})
    page.go("modules/n8n")
    page.wait_for_text("Upgrading n8n to 2.44.0", CARD)
    page.wait_for_text("The next start goes back to 2.41.3", CARD)
    page.wait_for_text("Upgrading, 53 %", ".pill.overall")
    page.button("Go back to 2.41.3: n8n").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}
    page.go("home")
    page.wait_for_text("Upgrading n8n", ".hero")
    assert page.complaints() == []


def test_an_upgrade_that_is_done_can_be_undone_or_its_copy_deleted(
    page: HomePage, host: Scripted
) -> None:
    found(host, upgrades.done())
    page.wait_for_text("n8n runs on 2.44.0", ".notice")
    page.wait_for_text("It stood still for 44 s", ".notice")
    page.button("Undo this upgrade…").click()
    page.wait_for_text("Go back to n8n 2.41.3?", "#question[open]")
    page.wait_for_text("What n8n stored in the last 2 h 10 min is lost", "#question[open]")
    assert page.script("return document.activeElement.innerText") == "Cancel"
    page.button("Back up and go back").click()
    assert host.wait_for_call("ai/upgrade/undo") == {"module": "n8n"}
    page.button("Dismiss: n8n runs on 2.44.0").click()
    page.until(lambda: not page.all(".wide-notice"), "the notice is gone")
    page.go("modules/n8n/backups")
    page.wait_for_text("You can undo the upgrade to 2.44.0 until", NOTICE)
    page.button("Delete that copy…").click()
    page.button("Delete").click()
    assert host.wait_for_call("ai/upgrade/forget") == {"module": "n8n"}
    assert page.complaints() == []


def test_all_upgrades_are_begun_from_home_and_the_palette(
    stack: Stack, page: HomePage, host: Scripted
) -> None:
    fits, dify, unfit = upgrades.several()
    found(host, fits, dify, unfit)
    why = RequestError(Text("It can't start.")).as_json("en") | {"code": "E_UPGRADE_UNFIT"}
    failed = states.operation("rehearse", "oneapi", status="failed", error=why)
    stack.show(states.snapshot("running", operations=[failed]))
    page.go("home")
    page.wait_for_text("2 upgrades are available", ".home")
    page.wait_for_text("OneAPI 2.44.0 doesn't fit your data yet", NOTICE)
    assert not page.all(".problem")
    page.button("Upgrade all…").click()
    page.wait_for_text("Dify 2.41.3 → 2.44.0", "#question[open]")
    page.button("Upgrade").click()
    assert host.wait_for_call("ai/upgrade/all") == {}
    page.chord(Keys.CONTROL, "k")
    page.wait_for("#palette[open] input").send_keys("newer registry")
    page.wait_for_text("Look for new versions", "#palette[open]")
    page.press(Keys.ENTER)
    assert host.wait_for_call("ai/upgrade/ask") == {}
    assert page.complaints() == []
