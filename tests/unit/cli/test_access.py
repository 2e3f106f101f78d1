"""``access``, with an owner that answers what a test says."""

import json
from dataclasses import replace

import pytest

from aiserver_tray.base.codec import to_json
from aiserver_tray.features.access.views import AccessPlan
from aiserver_tray.protocol.message import answer
from tests.support import addresses
from tests.support.addresses import CLOSED, FINE, FIREWALL, GUIDE, NO_NAME, OPEN, PLAN, URL
from tests.support.scripted import Scripted
from tests.unit.cli.conftest import Run, ended

COMMAND = "access"


@pytest.fixture
def host(host: Scripted) -> Scripted:
    host.answers |= addresses.answers(CLOSED)
    host.answers |= {"ai/operation/wait": ended("up", "n8n"), "ai/access/forget": answer({})}
    return host


def test_what_opening_does_is_said_and_asked_before(host: Scripted, run: Run) -> None:
    refused = run("n8n", "network")
    assert (refused.exit_code, "Confirm this with --yes" in refused.stderr) == (2, True)
    assert "Recreated with the new address: n8n" in refused.stderr
    host.answers["ai/access/list"] = addresses.listed(replace(OPEN, bound=True))
    done = run("n8n", "network", "--address", "10.0.0.4", "--yes")
    assert done.exit_code == 0, done.stderr
    assert host.wait_for_call("ai/access/open") == {"module": "n8n", "address": "10.0.0.4"}
    assert "n8n is used only at that address, on this computer, too" in done.stderr
    assert URL in done.stdout
    assert GUIDE in done.stdout
    assert FIREWALL in done.stderr


def test_an_owner_is_needed_before(host: Scripted, run: Run) -> None:
    plan = replace(PLAN, account="missing")
    host.answers["ai/access/plan"] = answer(to_json(plan, "en", AccessPlan))
    host.answers["ai/access/open"] = answer({"operationId": None})
    host.answers["ai/access/list"] = addresses.listed(replace(CLOSED, state="waiting"))
    done = run("n8n", "network", "--yes")
    assert done.exit_code == 0
    assert "the first one to open it would own it" in done.stderr
    assert "waits for its first account" in done.stdout


def test_what_is_known_of_a_domain_is_said_before(host: Scripted, run: Run) -> None:
    plan = replace(PLAN, checks=(FINE[0], NO_NAME))
    host.answers["ai/access/plan"] = answer(to_json(plan, "en", AccessPlan))
    public = replace(OPEN, way="internet", url="https://n8n.example.com", locked=True)
    host.answers["ai/access/list"] = addresses.listed(replace(public, ip_url=public.url))
    done = run("n8n", "internet", "n8n.example.com", "--lock", "--unchecked", "--yes")
    assert done.exit_code == 0, done.stderr
    asked = host.wait_for_call("ai/access/open")
    assert (asked["way"], asked["domain"]) == ("internet", "n8n.example.com")
    assert (asked["lock"], asked["unchecked"]) == (True, True)
    assert "✗ n8n-kitchen.local is 192.168.1.7, another device" in done.stderr
    assert "internet" in done.stdout
    assert GUIDE not in done.stdout, "no certificate to install"


def test_the_extra_lock_has_a_link_with_a_key(host: Scripted, run: Run) -> None:
    host.answers["ai/access/lock"] = answer({})
    host.answers["ai/access/link"] = answer({"url": f"{URL}/?key=k", "ipUrl": ""})
    assert run("n8n", "lock").stdout == f"{URL}/?key=k\n"
    assert host.wait_for_call("ai/access/lock") == {"module": "n8n", "state": "on"}
    assert run("n8n", "new-key").stdout == f"{URL}/?key=k\n"
    assert run("n8n", "unlock").stdout == ""
    assert run("n8n", "link").stdout == f"{URL}/?key=k\n"


def test_addresses_are_listed_checked_and_closed(host: Scripted, run: Run) -> None:
    broken = replace(OPEN, state="broken", links=(NO_NAME, *FINE[1:]))
    host.answers["ai/access/check"] = addresses.listed(broken)
    assert run().stdout.split()[-5:] == ["n8n", "this", "computer", "-", "-"]
    assert "another device" in run("check").stdout
    assert json.loads(run("check", "--json").stdout)["modules"][0]["state"] == "broken"
    assert json.loads(run("n8n", "--json").stdout)["name"] == "n8n"
    assert run("n8n", "off").exit_code == 0
    assert host.wait_for_call("ai/access/close") == {"module": "n8n"}
    assert addresses.CERTIFICATE.fingerprint in run("ca").stdout
    assert json.loads(run("ca", "--json").stdout)["certificate"]["guide"] == GUIDE
    asked = run("ca", "forget")
    assert (asked.exit_code, "have to trust a new certificate" in asked.stderr) == (2, True)
    assert run("ca", "forget", "--yes").exit_code == 0
    assert host.wait_for_call("ai/access/forget") == {}


def test_what_makes_no_sense_is_refused(run: Run) -> None:
    for words, why in {
        "n8n --address 10.0.0.4": "--address is for `network`",
        "n8n lan": "'lan' is not one of",
        "n8n internet": "need a domain",
        "n8n network n8n.example.com": "need a domain",
        "shop": "shop",
        "n8n forget --yes": "Only `ca` can be forgotten",
        "ca network --yes": "Only `ca` can be forgotten",
    }.items():
        done = run(*words.split())
        assert done.exit_code in (1, 2)
        assert why in done.stderr + str(done.exception)
