"""`engine settings` and `engine uninstall`, with an owner that answers for Windows."""

import json
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.protocol.message import answer
from tests.support.scripted import Scripted
from tests.support.wsl_machine import ROOM
from tests.unit.cli.conftest import Run

COMMAND = "engine"
FOLDER = str(Path("ai").absolute())


@pytest.fixture
def host(host: Scripted) -> Scripted:
    host.answers |= {"ai/engine/own/room": answer(ROOM), "ai/engine/own/change": answer(ROOM)}
    return host


def test_without_an_option_it_shows_what_the_engine_takes(run: Run) -> None:
    shown = run("settings").output
    assert "16 GB / 32 GB" in shown
    assert r"D:\AI-Server" in shown
    assert json.loads(run("settings", "--json").stdout) == ROOM


@pytest.mark.parametrize(
    ("words", "wanted", "concern"),
    [
        ("--memory 8", {"memory": 8}, "This concerns Ubuntu, docker-desktop, too."),
        ("--processors 2", {"processors": 2}, r"The limits are in C:\Users\Ada\.wslconfig"),
        (
            "--disk 64 --folder ai",
            {"disk": 64, "folder": str(Path("ai").absolute())},
            "Back up first",
        ),
    ],
)
def test_a_change_is_made_after_a_yes_to_what_it_concerns(
    run: Run, host: Scripted, words: str, wanted: dict[str, Any], concern: str
) -> None:
    refused = run("settings", *words.split())
    assert refused.exit_code
    assert concern in refused.output.replace("\n", " ")
    assert "--yes" in refused.output
    assert run("settings", *words.split(), "--yes", "--at-login", "on").exit_code == 0
    assert host.wait_for_call("ai/engine/own/change") == {**wanted, "keep": True}
    assert run("settings", "--at-login", "off").exit_code == 0, "it concerns nothing else"
    assert host.wait_for_call("ai/engine/own/change") == {"keep": False}


@pytest.mark.parametrize(
    ("status", "volumes", "told"),
    [
        ("ready", ROOM["volumes"], "These volumes are deleted: ai-n8n-data, ai-postgres-data"),
        ("ready", None, "its volumes are not known"),
        ("failed", ROOM["volumes"], "Back up first"),
    ],
)
def test_a_removal_says_what_goes_before_it_asks(
    run: Run, host: Scripted, status: str, volumes: list[str] | None, told: str
) -> None:
    host.answers["ai/engine/setup"] = answer({"own": {"status": status}})
    host.answers["ai/engine/own/room"] = answer(ROOM | {"volumes": volumes})
    host.answers["ai/engine/own/remove"] = answer({})
    refused = run("uninstall")
    assert refused.exit_code
    assert told in " ".join(refused.output.split())
    assert ("volumes are deleted" in refused.output) == (status == "ready" and bool(volumes))
    assert run("uninstall", "--yes").exit_code == 0
    host.wait_for_call("ai/engine/own/remove")
