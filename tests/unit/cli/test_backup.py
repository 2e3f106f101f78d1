"""``backup``, with an owner that answers what a test says."""

import json
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from aiserver_tray.base.errors import BackupKeyError
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli import root
from aiserver_tray.features.backup.events import BACKUPS
from aiserver_tray.features.backup.views import Decision
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer, refusal
from tests.support import backups
from tests.support.scripted import Scripted
from tests.unit.cli.conftest import Run, ended


@pytest.fixture
def host(host: Scripted) -> Scripted:
    begun = ("ai/backup/create", "ai/backup/restore", "ai/backup/move")
    host.answers |= dict.fromkeys(begun, answer({"operationId": "op-1"}))
    host.answers |= {
        "ai/operation/wait": ended("backup", "n8n", "dify", step="clone"),
        "ai/backup/list": answer(backups.sent(backups.LISTED)),
        "ai/backup/inspect": answer(backups.sent(backups.ASKED)),
    }
    return host


@pytest.fixture
def run(host: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*words: str, written: str = "") -> Result:
        given = ["--home", str(tmp_path / "home"), *(() if words[0] == "move" else ("backup",))]
        given += words
        return CliRunner().invoke(root, given, input=written, env={"LANG": "C.UTF-8"})

    return run


def test_backups_are_made_and_listed(host: Scripted, run: Run) -> None:
    done = run("create", "n8n", "dify")
    assert (done.exit_code, "Backed up: n8n and dify" in done.stderr) == (0, True)
    assert host.wait_for_call("ai/backup/create") == {"modules": ["n8n", "dify"]}
    assert json.loads(run("create", "--json").stdout)["operation"] == "backup"
    assert host.wait_for_call("ai/backup/create") == {}
    host.answers["ai/backup/offer"] = answer(backups.sent(backups.OFFER))
    run("create", "--with-folders")
    assert host.wait_for_call("ai/backup/create") == {"folders": ["/srv/files"]}
    heads, first, *_ = run("list").stdout.splitlines()
    assert heads.split() == ["ID", "MADE", "REASON", "MODULES", "SIZE", "CHECK"]
    assert first.split()[-4:] == ["oneapi", "1.9", "GB", "verified"]
    assert json.loads(run("list", "--json").stdout) == backups.sent(backups.LISTED)


def test_verify_waits_for_each_check_and_fails_for_what_is_not_proven(
    host: Scripted, run: Run
) -> None:
    def check(_payload: Json, _peer: Peer) -> Envelope:
        def tell() -> None:
            host.publish(BACKUPS, {"checking": "today", "share": 0.5})
            host.publish(BACKUPS, {"checking": None, "share": 0.0})

        Thread(target=tell).start()
        return answer({})

    host.handlers["ai/backup/check"] = check
    done = run("verify", "today")
    assert (done.exit_code, "Checking today" in done.stderr) == (0, True)
    assert host.wait_for_call("ai/backup/check") == {"ids": ["today"]}
    unproven = replace(backups.BACKUPS[0], problem=Text("There is no server."))
    listed = replace(backups.LISTED, backups=(unproven,))
    host.answers["ai/backup/list"] = answer(backups.sent(listed))
    assert run("verify", "today").exit_code == 1
    host.answers["ai/backup/list"] = answer(backups.sent(backups.LISTED))
    done = run("verify", "--json")
    assert (done.exit_code, len(json.loads(done.stdout)["backups"])) == (1, 5)


def test_a_restore_is_asked_about_and_sends_what_was_decided(
    host: Scripted, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("restore", "today", "n8n")
    assert (refused.exit_code, "Confirm this with --yes" in refused.stderr) == (2, True)
    _, triggers = backups.ASKED.decisions
    decided = ("--set", "n8n.N8N_HOST_PORT=18102")
    assert run("restore", "today", "n8n", "--yes", *decided).exit_code == 0
    assert host.wait_for_call("ai/backup/restore") == {
        "id": "today",
        "modules": ["n8n"],
        "decisions": {"n8n.N8N_HOST_PORT": "18102", "n8n.triggers": triggers.value},
    }
    assert "Known: n8n.N8N_HOST_PORT" in run("restore", "today", "--set", "port=1").stderr

    recovery = tmp_path / "key.txt"
    recovery.write_text("-----BEGIN AGE ENCRYPTED FILE-----")
    host.calls.clear()
    done = run("restore", "other.zip", "oneapi", "--yes", "--recovery", "key.txt", written="five\n")
    asked = host.wait_for_call("ai/backup/restore")
    more = {"recovery": recovery.read_text(), "passphrase": "five"}
    assert asked.items() >= ({"file": str(tmp_path / "other.zip")} | more).items()
    assert asked["modules"] == ["oneapi", "ragflow"]  # they share stores
    assert "five" not in done.output

    consent = Decision("own.consent", "consent", Text("It is not from us"), Text("Why"), "")
    foreign = replace(backups.ASKED, decisions=(*backups.ASKED.decisions, consent))
    host.answers["ai/backup/inspect"] = answer(backups.sent(foreign))
    assert "--set own.consent=true" in run("restore", "today", "--yes").stderr
    monkeypatch.setattr("aiserver_tray.cli.backup.is_interactive", lambda: True)
    assert run("restore", "today", "n8n", written="\non\nn\n").exit_code == 1
    host.calls.clear()
    done = run("restore", "today", "n8n", written="\non\ny\ny\n")
    assert "Port 18100 is in use by node.exe.\nPort [18101]: " in done.stderr
    assert host.wait_for_call("ai/backup/restore")["decisions"] == {
        "n8n.N8N_HOST_PORT": "18101",
        "n8n.triggers": "on",
        "own.consent": "true",
    }
    blocked = replace(backups.CONTENTS, blockers=(Text("There is too little space."),))
    host.answers["ai/backup/inspect"] = answer(backups.sent(blocked))
    done = run("restore", "today", "--yes")
    assert (done.exit_code, "There is too little space" in done.stderr) == (1, True)


def test_everything_is_moved_into_a_file_with_what_comes_next(
    host: Scripted, run: Run, tmp_path: Path
) -> None:
    done = run("move", "everything.zip", "--with-images", "--stop")
    assert done.exit_code == 0
    assert "backup restore FILE --recovery KEYFILE" in done.stderr
    choices = {"images": True, "folders": False, "stop": True}
    file = str(tmp_path / "everything.zip")
    assert host.wait_for_call("ai/backup/move") == {"file": file, **choices}
    assert json.loads(run("move", "other.zip", "--json").stdout)["success"]


def test_a_file_of_another_installation_asks_for_its_recovery_file(
    host: Scripted, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BackupKeyError(Text("The backup was made for other keys."))
    (tmp_path / "key.txt").write_text("-----BEGIN AGE ENCRYPTED FILE-----")

    def inspect(asked: Json, _peer: Peer) -> Envelope:
        return (
            answer(backups.sent(backups.CONTENTS)) if "recovery" in asked else refusal(other, "en")
        )

    host.handlers["ai/backup/inspect"] = inspect
    assert run("restore", "everything.zip", "n8n", "--yes").exit_code == 1
    monkeypatch.setattr("aiserver_tray.cli.backup.is_interactive", lambda: True)
    done = run("restore", "everything.zip", "n8n", "--yes", written="key.txt\nfive words\n")
    assert done.exit_code == 0
    assert host.wait_for_call("ai/backup/restore")["passphrase"] == "five words"


def test_schedule_key_and_deletion_ask_for_what_they_need(
    host: Scripted, run: Run, tmp_path: Path
) -> None:
    done = run("schedule", "week", "--at", "04:30", "--folder", "backups")
    assert "The next backup is due at" in done.stderr
    changes = [host.wait_for_call("ai/config/set") for _ in range(3)]
    assert changes == [
        {"name": "app.backup_every", "value": "week"},
        {"name": "app.backup_time", "value": "04:30"},
        {"name": "app.backup_folder", "value": str(tmp_path / "backups")},
    ]
    assert json.loads(run("schedule", "--json").stdout)["schedule"]["every"] == "day"
    saved = run("key", "save", "key.txt", written="five words of a passphrase\n")
    assert host.wait_for_call("ai/backup/key/save") == {
        "passphrase": "five words of a passphrase",
        "file": str(tmp_path / "key.txt"),
    }
    assert "five words" not in saved.output
    assert run("delete", "today").exit_code == 2
    assert run("delete", "today", "hand", "--yes").exit_code == 0
    assert host.wait_for_call("ai/backup/delete") == {"ids": ["today", "hand"]}
