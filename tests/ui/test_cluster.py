"""The page of clusters: what is there, and what is asked before it changes."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.codec import to_json
from aiserver_tray.features.cluster.events import CLUSTER
from aiserver_tray.protocol.message import answer
from tests.support import clusters, states
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage

OFFICE = {"cluster": "office"}
ITEM = ".nav-item[href='#cluster']"


@pytest.fixture
def host(stack: Stack) -> Scripted:
    host = stack.show(states.running())
    host.answers |= ANSWERS
    asked = ("watch", "unwatch", "add", "forget", "node", "pin", "cancel")
    host.answers |= {f"ai/cluster/{name}": answer({}) for name in asked}
    begun = ("deploy", "update", "rollback", "remove", "scale")
    host.answers |= {f"ai/cluster/{name}": answer({"workId": "w1"}) for name in begun}
    host.answers["ai/cluster/list"] = answer(clusters.sent())
    return host


def agree(page: HomePage) -> None:
    page.until(lambda: bool(page.all("#question[open]")), "it asks")
    page.chord(Keys.CONTROL, Keys.ENTER)


def put(page: HomePage, field: str, value: str, event: str = "input") -> None:
    """Give a field of the dialog a *value*, as a user does."""
    page.script(
        f"const one = document.getElementById('cluster-{field}');"
        f"one.value = '{value}'; one.dispatchEvent(new Event('{event}'))"
    )


def test_a_cluster_is_added_shown_and_changed_only_after_a_yes(
    stack: Stack, host: Scripted
) -> None:
    page = stack.home()
    assert not page.all(ITEM)
    page.go("settings")
    page.wait_for("a.button[href='#cluster']").click()
    page.wait_for_text("Run on several computers", ".cluster-page")
    page.button("Add a cluster…").click()
    page.wait_for("#question[open] #cluster-managers")
    for field, value in (("name", "office"), ("managers", "ssh://ada@server-1 ssh://ada@server-2")):
        put(page, field, value)
    host.answers["ai/cluster/list"] = answer(clusters.sent(clusters.CLUSTER))
    agree(page)
    managers = ["ssh://ada@server-1", "ssh://ada@server-2"]
    assert host.wait_for_call("ai/cluster/add") == {**OFFICE, "managers": managers}

    host.publish(CLUSTER, OFFICE)
    page.wait_for(ITEM)
    page.wait_for_text("Waits for its node server-3", "[data-deployed=postgres] .pill")
    page.wait_for_text("unknown, last running", "[data-service=n8n-worker] .cluster-tasks")
    page.wait_for_text("Exited with code 1", "[data-service=redis] .bad")
    page.wait_for_text("Drained", "[data-node=server-2]")
    page.wait_for_text("volumes of PostgreSQL", "[data-node=server-3]")
    page.wait_for_text("Connection refused", ".cluster-page")

    page.button("Drain server-1").click()
    agree(page)
    node = {**OFFICE, "node": "id-server-1", "availability": "drain"}
    assert host.wait_for_call("ai/cluster/node") == node
    host.answers["ai/cluster/plan"] = answer(dict(to_json(clusters.PLAN, "en")))
    page.button("Update n8n").click()  # its port is open
    page.wait_for("#question[open] #cluster-publish[aria-checked=true]")
    page.press(Keys.ESCAPE)
    page.button("Scale n8n-worker").click()
    page.until(lambda: bool(page.all("#question[open] #cluster-replicas")), "it asks")
    put(page, "replicas", "4")
    agree(page)
    scale = {**OFFICE, "module": "n8n", "service": "n8n-worker", "replicas": 4}
    assert host.wait_for_call("ai/cluster/scale") == scale
    assert page.complaints() == []


def test_a_deployment_shows_its_plan_first_and_no_leader_is_told(
    stack: Stack, host: Scripted
) -> None:
    host.answers["ai/cluster/list"] = answer(clusters.sent(clusters.CLUSTER))
    host.answers["ai/cluster/plan"] = answer(dict(to_json(clusters.REFUSED, "en")))
    page = stack.home()
    page.go("cluster")
    page.wait_for("[data-deployed=n8n]")
    page.button("Deploy…").click()
    page.wait_for_text("Say which node has the data", "#question[open] .notice.bad")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert "ai/cluster/deploy" not in dict(host.calls)
    host.answers["ai/cluster/plan"] = answer(dict(to_json(clusters.PLAN, "en")))
    put(page, "node", "id-server-2", "change")
    page.wait_for_text("Wait until dify is healthy", "#question[open] .cluster-plan")
    choices = [one.get_attribute("value") for one in page.all("#cluster-backup option")]
    assert choices == ["", "today", "yesterday", "hand"]
    put(page, "backup", "today", "change")
    page.wait_for("#question[open] #cluster-address")
    put(page, "address", "ssh://ada@server-2")
    data = {"backup": "today", "nodeAddress": "ssh://ada@server-2"}
    page.until(lambda: dict(host.calls)["ai/cluster/plan"].items() >= data.items(), "it plans")
    page.wait_for_text("Wait until dify is healthy", "#question[open] .cluster-plan")
    host.answers["ai/cluster/list"] = answer(clusters.sent(clusters.CLUSTER, works=[clusters.WORK]))
    agree(page)
    deployed = host.wait_for_call("ai/cluster/deploy")
    assert deployed.items() >= {"pin": "id-server-2", "publish": False, **data}.items()
    page.wait_for_text("1 of 3 steps", ".cluster-page .upgrade")
    page.button("Cancel").click()
    assert host.wait_for_call("ai/cluster/cancel") == {"id": "w1"}

    host.answers["ai/cluster/list"] = answer(clusters.sent(clusters.LEADERLESS))
    host.publish(CLUSTER, OFFICE)
    page.wait_for_text("No leader: nothing can be changed", ".cluster-page .notice.bad")
    assert page.button("Deploy…").get_attribute("aria-disabled") == "true"
    page.wait_for("[data-deployed=n8n]")
    assert page.complaints() == []


def test_a_module_is_exported_with_what_stays_behind(stack: Stack, host: Scripted) -> None:
    left = ["The way to Ollama on this computer: a relay of AI-Server Tray"]
    offer = {"modules": ["postgres", "n8n"], "left": left, "isTaken": True}
    host.answers["ai/export/offer"] = answer(offer)
    written = {"folder": "/srv/out/aiserver-n8n", "files": [], "modules": ["n8n"], "left": left}
    host.answers["ai/export/write"] = answer(written)
    page = stack.home()
    page.go("modules/n8n")
    page.wait_for("main .mh")
    page.button("More about n8n").click()
    page.wait_for("#menu:popover-open")
    next(one for one in page.all("#menu .mi") if "Export as Compose" in one.text).click()
    page.wait_for("#export-folder").send_keys("/srv/out")
    page.wait_for_text("This folder is not empty", "#question[open]")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert "ai/export/write" not in dict(host.calls)
    host.answers["ai/export/offer"] = answer({**offer, "isTaken": False})
    page.button("New folder in it").click()
    page.wait_for_text("Ollama", "#question[open]")
    page.until(lambda: not page.all("#question[open] .msg.busy"), "the folder is free")
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/export/write") == {
        "modules": ["n8n"],
        "folder": "/srv/out/aiserver-n8n",
        "volumes": "named",
        "secrets": "file",
        "replace": False,
    }
    page.wait_for_text("Exported", "#question[open] h2")
    assert page.complaints() == []
