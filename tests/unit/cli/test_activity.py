"""``aiserver-tray activity``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aiserver_tray.model import Actor
from aiserver_tray.settings.entries import ChosenEntry, OperationEntry, SettingEntry
from aiserver_tray.settings.journal import Journal
from tests.support.command_line import CommandLine

COMMAND = Actor("command", 7)
NOW = datetime.now(UTC)


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    (tmp_path / "catalog").mkdir()
    return CommandLine(tmp_path / "home", tmp_path / "catalog", f"unix://{tmp_path}/none.sock")


def test_it_shows_the_newest_entries_last(line: CommandLine) -> None:
    journal = Journal(line.home)
    for hours in (3, 2):
        journal.add(
            SettingEntry(
                time=NOW - timedelta(hours=hours),
                actor=COMMAND,
                address="n8n.PORT",
                value=f"{hours}",
                is_reset=False,
            )
        )
    journal.add(
        OperationEntry(
            actor=Actor("window", 8),
            operation="up",
            modules=("n8n", "dify"),
            pid=1,
            status="failed",
            code="E_EXITED",
            message={"en": "It exited.", "zh": "它退出了。"},
            seconds=75.0,
        )
    )
    head, *rows = line.run("activity", "-n", "2").succeeded().output.splitlines()
    assert head.split() == ["TIME", "BY", "RESULT", "ACTIVITY"]
    assert "command 7" in rows[0]
    assert "n8n.PORT was set to 2" in rows[0]
    assert [word for word in rows[1].split()[2:] if word] == (
        ["window", "failed", "E_EXITED", "75.0", "s", "Start:", "n8n", "and", "dify"]
    )
    recent = json.loads(line.run("activity", "--since", "1h", "--json").succeeded().output)
    (found,) = recent["activities"]
    assert found["operation"]["error"] == {"code": "E_EXITED", "message": "It exited."}


def test_commands_of_their_own_are_recorded(line: CommandLine) -> None:
    assert line.run("activity").errors == "No activity\n"
    assert not line.home.exists()
    line.run("config", "set", "app.language", "zh").succeeded()
    line.run("config", "set", "app.language", "en").succeeded()
    line.run("config", "get", "--show", "n8n.N8N_DB_PASSWORD").succeeded()
    line.run("choose", "n8n").succeeded()
    line.run("stop", "n8n").failed("E_ENGINE_DOWN")
    found = json.loads(line.run("activity", "--json").succeeded().output)["activities"]
    assert [entry["kind"] for entry in found] == ["setting", "setting", "chosen", "operation"]
    assert {entry["actor"]["kind"] for entry in found} == {"command"}
    assert found[-1]["operation"]["status"] == "failed"


def test_any_number_of_entries_can_be_shown(line: CommandLine) -> None:
    journal = Journal(line.home)
    for number in range(250):
        journal.add(ChosenEntry(time=NOW + timedelta(seconds=number // 2), modules=(f"m{number}",)))

    def shown(*words: str) -> list[str]:
        done = line.run("activity", "--json", *words).succeeded()
        return sorted(entry["chosen"][0] for entry in json.loads(done.output)["activities"])

    assert len(shown()) == 50
    assert shown("-n", "1000") == sorted(f"m{number}" for number in range(250))
    assert len(shown("-n", "120")) == 120
