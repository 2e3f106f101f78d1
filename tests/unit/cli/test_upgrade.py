"""``upgrade``, with an owner that answers what a test says."""

import json
from dataclasses import replace
from threading import Thread

import pytest

from aiserver_tray.features.upgrade.events import UPGRADES
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from tests.support import upgrades
from tests.support.scripted import Scripted
from tests.unit.cli.conftest import Run, ended

COMMAND = "upgrade"


@pytest.fixture
def host(host: Scripted) -> Scripted:
    begun = ("rehearse", "start", "all", "undo")
    host.answers |= {f"ai/upgrade/{name}": answer({"operationId": "op-1"}) for name in begun}
    host.answers |= {
        "ai/operation/wait": ended("upgrade", "n8n"),
        "ai/upgrade/list": answer(upgrades.sent(upgrades.listed(upgrades.OFFERED))),
    }
    return host


def test_modules_are_upgraded_rehearsed_and_put_back(host: Scripted, run: Run) -> None:
    done = run()
    assert (done.exit_code, "n8n is running: http" in done.stderr) == (0, True)
    assert host.wait_for_call("ai/upgrade/all") == {}
    assert json.loads(run("n8n", "dify", "--direct", "--json").stdout.partition("\n}\n")[0] + "}")
    asked = [host.wait_for_call("ai/upgrade/start") for _ in range(2)]
    assert asked == [{"module": name, "how": "direct"} for name in ("n8n", "dify")]
    run("n8n", "--to", "2.43.0")
    assert host.wait_for_call("ai/upgrade/start") == {"module": "n8n", "version": "2.43.0"}
    run("n8n", "--rehearse")
    assert host.wait_for_call("ai/upgrade/rehearse") == {"module": "n8n"}
    refused = run("n8n", "--undo")
    assert (refused.exit_code, "Confirm this with --yes" in refused.stderr) == (2, True)
    assert run("n8n", "--undo", "--yes").exit_code == 0
    assert host.wait_for_call("ai/upgrade/undo") == {"module": "n8n"}


def test_options_that_make_no_sense_are_refused(run: Run) -> None:
    for words, why in {
        "n8n --direct --rehearse": "don't go together",
        "--rehearse": "say which MODULE",
        "--to 2.43.0": "say which MODULE",
        "n8n dify --to 2.43.0": "for one MODULE",
        "n8n --at noon": "no time such as 03:00",
    }.items():
        done = run(*words.split())
        assert (done.exit_code, why in done.stderr) == (2, True), words


def test_versions_are_listed_planned_and_left_out(host: Scripted, run: Run) -> None:
    heads, row = run("--list").stdout.splitlines()
    assert heads.split() == ["MODULE", "VERSION", "OFFERED", "NOTES"]
    assert row.split() == ["n8n", "2.41.3", "2.44.0", "downloads", "312", "MB"]
    unfit = upgrades.sent(upgrades.listed(replace(upgrades.unfit(), shared=("qdrant",))))

    def ask(_payload: Json, _peer: Peer) -> Envelope:
        host.answers["ai/upgrade/list"] = answer(unfit)

        def tell() -> None:
            host.publish(UPGRADES, {"asking": True})
            host.publish(UPGRADES, {"asking": False})

        Thread(target=tell).start()
        return answer({})

    run("n8n", "--at", "3:05")
    planned = {"module": "n8n", "version": "2.44.0"}
    assert host.wait_for_call("ai/upgrade/tonight") == planned | {"at": "03:05"}
    run("n8n", "--at", "never", "--to", "2.44.0")
    assert host.wait_for_call("ai/upgrade/tonight") == planned | {"at": None}
    run("n8n", "--later", "2.44.0")
    assert host.wait_for_call("ai/upgrade/rest") == planned | {"rest": "week"}
    host.handlers["ai/upgrade/ask"] = ask
    listed = run("--ask").stdout
    assert "2.44.0 does not fit: On the copy, n8n stopped" in listed
    assert "its data in qdrant is not put back" in listed
    assert json.loads(run("--list", "--json").stdout) == unfit
    assert "No newer version of n8n" in run("n8n", "--at", "03:00").stderr
    assert run("n8n", "--forget", "--yes").exit_code == 0
    assert host.wait_for_call("ai/upgrade/forget") == {"module": "n8n"}
