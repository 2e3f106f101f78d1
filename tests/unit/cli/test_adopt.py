"""``adopt``, with an owner that answers what a test says."""

import json
from dataclasses import replace

import pytest

from aiserver_tray.protocol.message import answer
from tests.support import adoptions
from tests.support.scripted import Scripted
from tests.unit.cli.conftest import Run, ended

COMMAND = "adopt"


@pytest.fixture
def host(host: Scripted) -> Scripted:
    begun = ("start", "switch", "back")
    host.answers |= {f"ai/adopt/{name}": answer({"operationId": "op-1"}) for name in begun}
    found = adoptions.KIT, adoptions.OLD, adoptions.COPIED
    host.answers |= {
        "ai/operation/wait": ended("adopt", "n8n"),
        "ai/adopt/list": answer(adoptions.sent(*found)),
        "ai/adopt/forget": answer({}),
    }
    return host


def test_programs_are_listed_copied_and_switched_over(host: Scripted, run: Run) -> None:
    heads, kit, old = run("--list").stdout.splitlines()
    assert heads.split() == ["SOURCE", "PROGRAM", "DATABASE", "SIZE", "NOTES"]
    assert "both run, the triggers of n8n are off" in kit
    assert "0.214.0 is too old" in old
    assert len(json.loads(run("--json").stdout)["sources"]) == 2

    refused = run("n8n-n8n-1")
    assert (refused.exit_code, "Confirm this with --yes" in refused.stderr) == (2, True)
    done = run("n8n-n8n-1", "--yes")
    assert (done.exit_code, "as many as there" in done.stderr) == (0, True), done.stderr
    assert "--switch n8n-n8n-1" in done.stderr
    source = {"source": "n8n-n8n-1"}
    assert host.wait_for_call("ai/adopt/start") == source
    assert json.loads(run("n8n-n8n-1", "--switch", "--yes", "--json").stdout)["success"]
    assert host.wait_for_call("ai/adopt/switch") == source
    copied = replace(adoptions.COPIED, state="switched")
    host.answers["ai/adopt/list"] = answer(adoptions.sent(adoptions.KIT, copied))
    assert "n8n does its work" in run("--list").stdout
    assert run("n8n-n8n-1", "--back", "--yes").exit_code == 0
    assert host.wait_for_call("ai/adopt/back") == source
    assert run("n8n-n8n-1", "--forget").exit_code == 0
    assert host.wait_for_call("ai/adopt/forget") == source


def test_what_is_gone_or_was_never_there_is_said(host: Scripted, run: Run) -> None:
    gone = replace(adoptions.COPIED, is_here=False, containers=())
    host.answers["ai/adopt/list"] = answer(adoptions.sent(gone))
    assert "removed or created again since" in run("--list").stdout.splitlines()[1]
    host.answers["ai/adopt/list"] = answer(adoptions.sent())
    done = run()
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no n8n, Dify or PostgreSQL of yours" in done.stderr


def test_options_that_make_no_sense_are_refused(run: Run) -> None:
    for words, why in {
        "n8n --switch --back": "use only one of",
        "n8n --list --back": "use only one of",
        "--switch": "say which SOURCE",
    }.items():
        done = run(*words.split())
        assert (done.exit_code, why in done.stderr) == (2, True), words
