"""The page of backups, the tab of each module, and what restores them and saves their key."""

from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import RequestError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.backup.events import BACKUPS
from aiserver_tray.features.backup.views import BackupList, Decision
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.protocol.message import answer, refusal
from tests.support import backups, states
from tests.support.consents import refused
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

PASSPHRASE = "correct horse battery staple moon"


@pytest.fixture
def host(stack: Stack) -> Scripted:
    names = ("n8n", "dify", "oneapi", "postgres", "redis")
    host = stack.show(states.snapshot("running", *(states.module(n, "running") for n in names)))
    host.answers |= ANSWERS
    begun = ("ai/backup/create", "ai/backup/restore")
    host.answers |= dict.fromkeys(begun, answer({"operationId": "op-1"}))
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.wait_for(".nav-item[href='#backups']").click()
    page.wait_for("[data-row=today]")
    page.wait_for_text("Each module stops for 12 s to 38 s")
    return page


def found(page: HomePage, host: Scripted, listed: BackupList) -> None:
    """The owner has these backups from now on."""
    host.answers["ai/backup/list"] = answer(backups.sent(listed))
    host.publish(BACKUPS, {"checking": listed.checking, "share": 0.0})


def rows(page: HomePage) -> list[str]:
    return [row.text for row in page.all("tr[data-row]")]


def focused(page: HomePage) -> str:
    return str(page.script("return document.activeElement.getAttribute('aria-label') ?? ''"))


def test_the_page_says_what_can_be_restored_and_how_good_each_backup_is(
    page: HomePage, host: Scripted
) -> None:
    page.wait_for_text("Last good backup: today 03:00", "#backup-title")
    page.wait_for_text("All 3 modules · 1.9 GB · verified at 03:06", ".hero")
    facts = [fact.text for fact in page.all(".hero-stats > div")]
    assert [fact.split("\n")[1] for fact in facts] == [
        "Tomorrow 03:00",
        "14 backups",
        backups.FOLDER,
        "Not saved yet",
    ]
    words = ["Verified", "Verified", "Verified", "Not checked", "Failed", "Damaged"]
    assert all(word in row for word, row in zip(words, rows(page), strict=True))
    assert "n8n\nDify" in rows(page)[3]

    checking = replace(backups.LISTED, checking="today")
    first, *others = backups.BACKUPS
    found(page, host, replace(checking, backups=(replace(first, check="checking"), *others)))
    page.wait_for_text("Last good backup: yesterday 03:00", "#backup-title")
    host.publish(BACKUPS, {"checking": "today", "share": 0.46})
    page.wait_for_text("Checking, 46 %", "[data-row=today]")

    page.all("[data-row=failed] .button")[0].click()
    page.wait_for_text("it needs 1.9 GB, and 0.4 GB are free", "#question[open]")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all("dialog[open]"), "the dialog is closed")
    page.item("[data-row=hand] .button[aria-label$=More]", "Delete…").click()
    page.wait_for_text("3 other backups stay", "#question[open]")
    page.button("Delete").click()
    assert host.wait_for_call("ai/backup/delete") == {"ids": ["hand"]}
    page.button("Check all again").click()
    asked = host.wait_for_call("ai/backup/check")["ids"]
    assert asked == ["today", "upgrade", "yesterday", "hand", "damaged"]
    assert page.complaints() == []


def test_everything_or_some_modules_are_backed_up(page: HomePage, host: Scripted) -> None:
    page.press("b")
    assert host.wait_for_call("ai/backup/create") == {}
    page.item(".split .button[aria-label='Choose what to back up']", "Choose modules…").click()
    for name in ("dify", "n8n", "oneapi"):
        page.wait_for(f"#backup-{name}").click()
    page.wait_for("#question .primary[aria-disabled=true]")
    for name in ("n8n", "oneapi"):
        page.wait_for(f"#backup-{name}").click()
    page.wait_for("[id='backup-/srv/files']").click()
    page.button("Back up").click()
    chosen = {"modules": ["n8n", "oneapi"], "folders": ["/srv/files"]}
    assert host.wait_for_call("ai/backup/create") == chosen
    no_room = replace(backups.OFFER, blockers=(Text("There is too little space."),))
    host.answers["ai/backup/offer"] = answer(backups.sent(no_room))
    page.go("modules/n8n/backups")
    page.wait_for_text("There is too little space", ".notice")
    page.wait_for(".hero .button.primary[aria-disabled=true]")
    page.press("b")
    assert not [name for name, _ in host.calls if name == "ai/backup/create"]
    assert page.complaints() == []


def test_a_restore_says_what_happens_and_asks_what_it_needs_to_know(
    page: HomePage, host: Scripted
) -> None:
    host.answers["ai/backup/inspect"] = answer(backups.sent(backups.CONTENTS))
    page.press("j", "j", "j", "j")
    assert focused(page).startswith("Restore…: ")  # and not the link to a module
    page.press("k", "k", "k")
    assert focused(page) == "Restore…: Today 03:00"
    page.press(Keys.ENTER)
    assert host.wait_for_call("ai/backup/inspect") == {"id": "today"}
    page.wait_for_text("Verified at 03:06 · 1.5 GB · made on this computer", "dialog[open]")
    assert page.script("return document.activeElement.innerText") == "Cancel"
    page.chord(Keys.CONTROL, Keys.ENTER)  # nothing is chosen
    assert not page.all("dialog[open] .item[data-decision]")

    page.button("Show all").click()
    page.wait_for("#restore-oneapi").click()
    asked = {"id": "today", "modules": ["oneapi", "ragflow"]}
    assert host.wait_for_call("ai/backup/inspect") == asked
    page.wait_for_text("Restore 2 modules", "dialog[open] .primary")
    page.wait_for("#restore-oneapi").click()
    host.wait_for_call("ai/backup/inspect")
    host.answers["ai/backup/inspect"] = answer(backups.sent(backups.ASKED))
    page.wait_for("#restore-n8n").click()
    port = page.wait_for("[id='decision-n8n.N8N_HOST_PORT']")
    port.clear()
    port.send_keys("18102")
    page.wait_for("[id='decision-n8n.triggers']").click()
    page.wait_for_text("n8n stands still for about 12 s. What was done since today 03:00")
    begun = host.answers["ai/backup/restore"]
    host.answers["ai/backup/restore"] = refusal(refused("notes"), "en")
    page.chord(Keys.CONTROL, Keys.ENTER)
    decided = {
        "id": "today",
        "modules": ["n8n"],
        "decisions": {"n8n.N8N_HOST_PORT": "18102", "n8n.triggers": "on"},
    }
    assert host.wait_for_call("ai/backup/restore") == decided
    page.wait_for_text("Allow notes?", "#restore-title")
    host.answers |= {"ai/backup/restore": begun, "ai/module/trust": answer({})}
    page.button("Allow and start").click()
    assert host.wait_for_call("ai/module/trust")["name"] == "notes"
    assert host.wait_for_call("ai/backup/restore") == decided
    page.until(lambda: not page.all("dialog[open]"), "the dialog is closed")

    page.go("modules/oneapi/backups")
    page.wait_for(".card-head [href='#backups']")  # the page of all backups has such rows, too
    page.wait_for("[data-row=today] .button").click()
    chosen = [host.wait_for_call("ai/backup/inspect")["modules"] for _ in range(3)]
    assert chosen == [["n8n"], ["oneapi"], ["oneapi", "ragflow"]]
    page.wait_for_text("Restore 2 modules", "dialog[open] .primary")
    assert page.complaints() == []


def test_a_backup_of_another_installation_needs_its_recovery_file(
    page: HomePage, host: Scripted, tmp_path: Path
) -> None:
    foreign = RequestError(Text("The keys of this installation don't open it."))
    refused = refusal(foreign, "en") | {"code": "E_BACKUP_KEY"}
    host.answers["ai/backup/inspect"] = refused
    page.button("Restore from a file…").click()
    page.wait_for("#restore-file").send_keys("/mnt/other.zip")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/backup/inspect") == {"file": "/mnt/other.zip"}
    page.wait_for_text("The keys of this installation don't open it", "dialog[open]")
    recovery = tmp_path / "aiserver-recovery-key.txt"
    recovery.write_text("-----BEGIN AGE ENCRYPTED FILE-----")
    page.wait_for("#restore-recovery").send_keys(str(recovery))
    elsewhere = replace(backups.CONTENTS, is_from_here=False)
    host.answers["ai/backup/inspect"] = answer(backups.sent(elsewhere))
    field = page.wait_for("#restore-passphrase")
    field.send_keys(PASSPHRASE)
    page.wait_for("dialog[open] .primary:not([aria-disabled])")  # the file was read
    field.send_keys(Keys.ENTER)
    more = {"recovery": recovery.read_text(), "passphrase": PASSPHRASE}
    assert host.wait_for_call("ai/backup/inspect") == {"file": "/mnt/other.zip"} | more
    page.wait_for_text("made on desk by version 0.2.0", "dialog[open]")
    page.press(Keys.ESCAPE)
    page.until(lambda: PASSPHRASE not in page.script("return document.body.innerHTML"), "it's gone")

    host.answers["ai/backup/inspect"] = refused
    page.all("[data-row=today] .button")[0].click()
    page.wait_for("#restore-recovery")
    file = page.wait_for("#restore-file").get_attribute("value")
    assert file == f"{backups.FOLDER}/today.zip"
    assert page.complaints() == []


def test_the_recovery_key_is_saved_with_a_passphrase_that_was_typed_twice(
    page: HomePage, host: Scripted
) -> None:
    page.button("Later").click()
    host.wait_for_call("ai/backup/key/later")
    host.answers["ai/backup/key/save"] = answer({"text": "-----BEGIN AGE ENCRYPTED FILE-----"})
    page.go("backups?key=1")
    page.wait_for("#key-passphrase")
    page.press(Keys.ESCAPE)
    page.until(lambda: page.address.endswith("#backups"), "the address of the page alone")
    page.button("Save recovery key…").click()
    first = page.wait_for("#key-passphrase")
    first.send_keys("weakling")
    page.wait_for_text("2 more characters", "#key-passphrase-message")
    first.send_keys(" it is")
    page.wait_for_text("Weak", "#key-passphrase-message")
    first.clear()
    first.send_keys(PASSPHRASE)
    page.wait_for_text("Strong: 5 words", "#key-passphrase-message")
    again = page.wait_for("#key-again")
    again.send_keys("corect")
    page.wait_for_text("The two differ", "#key-again-message")
    again.send_keys(Keys.ENTER)
    again.clear()
    again.send_keys(PASSPHRASE)
    saved = replace(backups.KEY, saved_at=backups.night(), remind=False)
    host.answers["ai/backup/list"] = answer(backups.sent(replace(backups.LISTED, key=saved)))
    page.chord(Keys.CONTROL, Keys.ENTER)
    asked = host.wait_for_call("ai/backup/key/save")
    assert asked == {"passphrase": PASSPHRASE, "file": None}
    page.wait_for_text("Recovery key saved", ".toast")
    page.until(lambda: not page.all(".key-notice"), "nobody is asked any more")
    page.wait_for_text("Only here", "[data-row=hand]")
    assert page.complaints() == []


def test_an_overdue_backup_is_said_on_each_page_and_ends_in_a_button(
    page: HomePage, host: Scripted
) -> None:
    found(page, host, replace(backups.OVERDUE, problem=Text("Restart Docker, then try again.")))
    page.wait_for_text("Overdue", ".nav-item[href='#backups']")
    page.wait_for_text("No good backup for 7 days", ".problem.amber")
    page.wait_for_text("the drive isn't connected", ".problem.amber")
    page.wait_for_text("Restart Docker, then try again", ".notice[role=alert]")
    page.button("Choose another folder…").click()
    folder = page.wait_for("#backup-folder")
    folder.clear()
    folder.send_keys("/mnt/new")
    page.button("Use this folder").click()
    asked = {"name": "app.backup_folder", "value": "/mnt/new"}
    assert host.wait_for_call("ai/config/set") == asked
    page.go("home")
    page.wait_for_text("No good backup for 7 days", ".home .problem.amber")
    page.wait_for_text("Restart Docker, then try again", ".home .notice[role=alert]")
    page.button("Try again").click()
    assert host.wait_for_call("ai/backup/create") == {}

    found(page, host, backups.NONE)
    page.go("backups")
    page.button("Choose a folder…").click()
    page.wait_for("#backup-folder")
    page.button("Use this folder").click()
    assert host.wait_for_call("ai/config/set")["value"] == backups.FOLDER
    asked = {"name": "app.backup_every", "value": "day"}
    assert host.wait_for_call("ai/config/set") == asked
    assert page.complaints() == []


def test_a_backup_under_way_takes_the_place_of_the_list_until_it_has_ended(
    stack: Stack, page: HomePage, host: Scripted
) -> None:
    shown, operation = backups.running()
    stack.show(shown)
    host.publish(PROGRESS, {"operation": operation})
    page.wait_for_text("Backing up 4 modules", ".hero")
    page.wait_for_text("Stopped and being copied", "[data-starting=dify]")
    page.wait_for_text("Runs again · being written", "[data-starting=n8n]")
    page.wait_for_text("0.1 GB of 1.2 GB", ".phases")
    page.wait_for_text("Backing up, 46 %", ".pill.overall")
    assert not page.all("[data-row], .strip, [data-starting='']")
    page.button("Cancel: Backing up 4 modules").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}
    page.go("modules/oneapi/services")
    page.wait_for(".strip[data-operation=op-1]")
    page.go("modules/oneapi/backups")
    page.wait_for_text("Backing up 4 modules", ".hero")
    stack.show(states.snapshot("running", states.module("oneapi", "running")))
    page.wait_for_text("Databases, files and settings", ".hero-stats")
    assert page.complaints() == []


def test_a_module_says_which_of_its_data_is_in_its_backups(stack: Stack, host: Scripted) -> None:
    page = stack.home("zh")
    host.chosen = "zh"
    stack.show(states.in_chinese(states.snapshot("running", states.module("dify", "running"))))
    page.go("modules/dify/backups")
    page.wait_for_text("最近一次可用备份：今天 03:00", "#backup-title")
    page.wait_for_text("cache：It is made again.", ".hero-stats")
    assert len(page.all("[data-row]")) == 5
    page.button("立即备份").click()
    assert host.wait_for_call("ai/backup/create") == {"modules": ["dify"]}
    page.all("[data-row=today] .button")[0].click()
    asked = {"id": "today", "modules": ["dify"]}
    assert host.wait_for_call("ai/backup/inspect") == asked
    assert page.complaints() == []


def test_everything_is_put_into_a_file_for_another_computer(page: HomePage, host: Scripted) -> None:
    host.answers["ai/backup/move/offer"] = answer(backups.sent(backups.MOVE))
    host.answers["ai/backup/move"] = answer({"operationId": "op-1"})
    page.button("Move to another computer…").click()
    page.wait_for_text("9 images, up to 6 GB", "#question[open]")
    page.wait_for("#question .primary[aria-disabled=true]")
    page.button("Save recovery key…")
    listed = replace(backups.LISTED, key=replace(backups.KEY, saved_at=backups.night(0)))
    found(page, host, listed)
    page.wait_for("#question .primary:not([aria-disabled])")
    full = replace(backups.MOVE, blockers=(Text("There is too little space."),))
    host.answers["ai/backup/move/offer"] = answer(backups.sent(full))
    page.wait_for("#move-folders").click()
    page.wait_for_text("There is too little space.", "#question[open]")
    host.answers["ai/backup/move/offer"] = answer(backups.sent(backups.MOVE))
    page.wait_for("#move-stop").click()
    page.wait_for("#question .primary:not([aria-disabled])")
    assert violations(page) == []
    page.button("Make the file").click()
    asked = host.wait_for_call("ai/backup/move")
    assert asked == {
        "file": "/home/ada/everything.zip",
        "images": True,
        "folders": True,
        "stop": True,
    }
    found(page, host, replace(listed, moved=backups.MOVED))
    page.wait_for_text("Ready to move", "#moved-title")
    page.wait_for_text("Stop everything here once it runs there.", ".moved")
    page.wait_for_text("/media/stick/everything.zip", ".moved")
    assert violations(page) == []
    assert page.complaints() == []


def test_images_of_a_file_are_loaded_or_pulled(page: HomePage, host: Scripted) -> None:
    decision = Decision("images", "images", Text("Load the images"), Text("They are here."), "load")
    offer = replace(backups.CONTENTS, decisions=(decision,), is_move=True)
    host.answers["ai/backup/inspect"] = answer(backups.sent(offer))
    page.button("Restore from a file…").click()
    page.wait_for("#restore-file").send_keys("/media/everything.zip")
    page.button("Look inside").click()
    page.wait_for_text("Restore 5 modules", ".backup-dialog[open] .dialog-foot")
    page.wait_for("#decision-images").click()
    page.wait_for(".backup-dialog[open] .primary:not([aria-disabled])").click()
    assert host.wait_for_call("ai/backup/restore")["decisions"] == {"images": "pull"}
