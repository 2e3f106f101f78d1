"""The page of models: what is found, what the stack uses, which link broke, and the try-out box."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.errors import DownloadError, RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models.events import ANSWER, MODELS, OWN_MODELS
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer, refusal
from tests.support import states
from tests.support.scripted import Scripted
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.models import (
    BROKEN,
    CODER,
    EMBEDDING,
    FOUND,
    LEFT,
    LOADED,
    OFF,
    OWN_SERVER,
    PULL,
    RERANK,
    SMALL,
    USED,
    WORKS,
    checked,
    listed,
    own_listed,
)


@pytest.fixture
def host(stack: Stack) -> Scripted:
    names = ("n8n", "dify", "oneapi", "postgres", "redis")
    host = stack.show(states.snapshot("running", *(states.module(n, "running") for n in names)))
    host.answers |= ANSWERS | {
        "ai/models/list": answer(listed(FOUND)),
        "ai/models/own/list": answer(own_listed(SMALL, CODER, EMBEDDING, RERANK)),
    }
    return host


@pytest.fixture
def page(stack: Stack, host: Scripted) -> HomePage:
    page = stack.home()
    page.wait_for(".nav-item[href='#models']").click()
    page.wait_for("[data-server=ollama]")
    return page


def show(host: Scripted, *servers: Json) -> None:
    """These servers are there now."""
    host.answers["ai/models/list"] = answer(listed(*servers))
    host.publish(MODELS, {"off": [], "relayed": [], "broken": []})


def test_a_server_is_found_used_and_taken_back(page: HomePage, host: Scripted) -> None:
    page.wait_for_text("No model answers yet", ".big")
    page.wait_for_text("Ollama runs here", ".big")
    page.wait_for_text("127.0.0.1:11434 · 2 models", "[data-server=ollama]")
    hints = page.script("return document.querySelector('.servers details dl').textContent")
    assert "LM Studio" in hints
    host.answers |= {
        "ai/models/use": answer({"server": USED, "notice": None}),
        "ai/module/consumers": answer({"consumers": [], "problem": None}),
        "ai/operation/start": answer({"operationId": "op-1"}),
    }
    page.wait_for(".big .primary").click()
    page.wait_for_text("gets the models: qwen3:8b", "#question[open]")
    host.answers["ai/models/list"] = answer(listed(USED))
    page.script("document.querySelector('#question[open] .primary').click()")
    assert host.wait_for_call("ai/models/use") == {"server": "ollama"}
    page.wait_for_text("used by the stack, through a relay", "[data-server=ollama]")
    nodes = [node.text.split("\n")[0] for node in page.all(".wnode")]
    assert nodes == ["Ollama", "OneAPI", "n8n", "Dify"]
    assert page.button("Disconnect all…")

    host.answers["ai/models/remove"] = answer({"notice": None})
    host.answers["ai/models/list"] = answer(listed(FOUND))
    page.button("Stop using…: Ollama").click()
    page.wait_for_text("get no answers then", "#question[open]")
    page.button("Stop using").click()
    assert host.wait_for_call("ai/models/remove") == {"server": "ollama"}
    page.wait_for_text("No model answers yet", ".big")
    assert page.complaints() == []


def test_oneapi_is_started_for_a_server_and_a_refusal_is_a_card(
    page: HomePage, host: Scripted
) -> None:
    host.answers["ai/models/use"] = refusal(
        RefusedError(Text("OneAPI does not run."), module="oneapi"), "en"
    )
    host.answers["ai/operation/start"] = answer({"operationId": "op-1"})
    page.button("Use for the stack: Ollama").click()
    asked = host.wait_for_call("ai/operation/start")
    assert asked == {"kind": "up", "modules": ["oneapi"], "untilEnd": True}
    page.wait_for_text("OneAPI does not run.")


def test_the_question_through_the_chain_marks_the_one_link_that_broke(
    page: HomePage, host: Scripted
) -> None:
    host.answers["ai/models/list"] = answer(listed(USED))
    page.button("Look again").click()
    page.wait_for_text("Not asked yet", ".card-head")
    page.wait_for("a[href='#models/check']").click()
    host.answers["ai/models/check"] = answer(checked(WORKS))
    page.button("Check again").click()
    page.wait_for_text("Works, 0.9 s", ".card-head")
    assert links(page) == ["ok", "ok", "ok"]
    page.wait_for_text("The answer is 4.", ".card-foot")
    page.wait_for_text("2 of 3 work · 1 not tried", ".section-head")
    assert page.complaints() == []

    host.answers["ai/models/check"] = answer(checked(BROKEN))
    page.button("Check again").click()
    page.wait_for_text("1 link is broken", ".card-head")
    assert links(page) == ["ok", "bad", "none"]
    page.wait_for_text("a firewall of this computer", ".chain-why")
    assert "1 link" in page.wait_for(".nav-item[href='#models']").text
    page.wait_for_text("1 problem", ".overall[data-state=degraded]")


def links(page: HomePage) -> list[str | None]:
    """What came of each link of the chain."""
    return [link.get_attribute("data-link") for link in page.all(".cedge")]


def test_what_the_schedule_finds_is_one_card_on_home_and_on_the_page(
    stack: Stack, host: Scripted
) -> None:
    host.answers["ai/models/list"] = answer(listed(USED, check=checked(BROKEN)))
    page = stack.home()
    page.wait_for_text("a firewall of this computer", ".problem")
    assert len(page.all(".problem")) == 1
    page.wait_for(".problem a[href='#models/check']").click()
    page.wait_for_text("OneAPI can't reach Ollama", ".chain-why")
    page.script("""const every = document.querySelector("#check-every");
        every.value = "day"; every.dispatchEvent(new Event("change", {bubbles: true}));""")
    asked = host.wait_for_call("ai/config/set")
    assert asked == {"name": "app.check_models", "value": "day"}


def test_a_server_that_is_off_is_a_card_with_what_waits_for_it(
    stack: Stack, host: Scripted
) -> None:
    host.answers["ai/models/list"] = answer(listed(OFF))
    page = stack.home()
    page.wait_for_text("Ollama is off", ".problem")
    page.wait_for_text("Waiting for its answers: n8n and Dify.", ".problem")
    assert "Off" in page.wait_for(".nav-item[href='#models']").text
    page.wait_for(".problem a[href='#models']").click()
    page.wait_for_text("Start Ollama, or run: ollama serve.", ".problem")
    off = OWN_SERVER | {"used": True, "state": "off", "problem": "Nothing answers."}
    host.answers["ai/models/list"] = answer(listed(off))
    page.button("Look again").click()
    host.answers["ai/operation/start"] = answer({"operationId": "op-1"})
    page.button("Start").click()
    asked = host.wait_for_call("ai/operation/start")
    assert asked == {"kind": "up", "modules": ["local-models"], "untilEnd": True}


def test_home_leads_to_models_where_nothing_can_answer(stack: Stack) -> None:
    stopped = states.module("oneapi", "stopped")
    host = stack.show(states.snapshot("running", states.module("n8n", "running"), stopped))
    host.answers["ai/models/own/list"] = answer(own_listed(SMALL))
    page = stack.home()
    page.wait_for_text("No model answers yet", ".notice")
    page.wait_for(".notice a[href='#models']").click()
    page.wait_for_text("Get Qwen3 0.6B", ".big")
    host.answers["ai/models/own/pull"] = refusal(DownloadError(Text("The hub is away.")), "en")
    page.button("Download: Qwen3 0.6B").click()
    page.wait_for_text("The hub is away.", ".notice")
    page.go("home")
    page.button("Dismiss").click()
    page.reload()
    page.go("models")
    page.wait_for_text("Get Qwen3 0.6B", ".big")
    page.go("home")
    page.wait_for("[data-module=n8n]")
    assert "No model answers yet" not in page.text


def test_another_address_is_added_with_its_key(page: HomePage, host: Scripted) -> None:
    page.button("Add…").click()
    page.wait_for("#model-address").send_keys("http://192.0.2.7:8000")
    page.wait_for("#model-key").send_keys("secret")
    host.answers["ai/models/use"] = answer({"server": USED, "notice": None})
    page.chord(Keys.CONTROL, Keys.ENTER)
    assert host.wait_for_call("ai/models/use") == {
        "server": "http://192.0.2.7:8000",
        "key": "secret",
    }


def test_a_model_is_asked_and_its_answer_is_shown_while_it_comes(
    page: HomePage, host: Scripted
) -> None:
    field = page.wait_for(".try textarea")
    field.send_keys("What is 2 + 2?")

    def asked(payload: Json, _peer: Peer) -> Envelope:
        for text in ("The answer ", "is 4."):
            host.publish(ANSWER, {"id": payload["id"], "text": text})
        return answer({"firstSeconds": 0.9, "rate": 31.4})

    host.handlers["ai/models/ask"] = asked
    field.send_keys(Keys.ENTER)
    page.wait_for_text("The answer is 4.", ".bubble.it")
    page.wait_for_text("31 tokens/s · first word after 0.9 s", ".talk")
    asked_for = host.wait_for_call("ai/models/ask")
    assert (asked_for["server"], asked_for["model"]) == ("ollama", "qwen3:8b")


def check_room_for_all(page: HomePage, host: Scripted) -> None:
    """Where all models fit, the first one to get is none for code only; what is left of a model
    that nobody knows can only be deleted."""
    fits = own_listed(SMALL, CODER | {"fits": True}, EMBEDDING, RERANK, LEFT)
    host.answers["ai/models/own/list"] = answer(fits)
    host.publish(OWN_MODELS, {"pulls": [], "changes": 1})
    page.wait_for_text("Left over", "[data-model='old-model']")
    assert len(page.all("[data-model='old-model'] button")) == 1
    assert "Get Qwen3 0.6B" in page.wait_for(".big").text
    host.answers["ai/models/own/list"] = answer(own_listed(SMALL, CODER) | {"freeDisk": 1 << 20})
    host.publish(OWN_MODELS, {"pulls": [], "changes": 3})
    page.wait_for_text("Not enough disk", "[data-model='qwen3-0.6b']")
    host.answers["ai/models/own/list"] = answer(own_listed(SMALL, CODER, EMBEDDING, RERANK))
    host.publish(OWN_MODELS, {"pulls": [], "changes": 2})
    page.wait_for_text("Doesn't fit", "[data-model='qwen2.5-coder-7b']")


def test_a_model_is_downloaded_tried_used_everywhere_and_deleted(
    page: HomePage, host: Scripted
) -> None:
    show(host)
    page.button("Look again").click()
    page.wait_for_text("Get Qwen3 0.6B (610 MB)", ".big")
    check_room_for_all(page, host)
    page.wait_for_text("Doesn't fit", "[data-model='qwen2.5-coder-7b']")
    host.publish(OWN_MODELS, {"pulls": [PULL], "changes": 2})
    page.wait_for_text("of 606 MB", "[data-model='bge-reranker-v2-m3']")
    page.wait_for_text("17 MB/s", "[data-model='bge-reranker-v2-m3']")
    page.button("Cancel: bge-reranker-v2-m3").click()
    assert host.wait_for_call("ai/models/own/stop") == {"model": "bge-reranker-v2-m3"}
    host.publish(OWN_MODELS, {"pulls": [], "changes": 2})

    pulled = {"model": "qwen3-0.6b", "bytes": 639_446_688, "sha256": "9465" * 16, "notice": None}
    host.answers["ai/models/own/pull"] = answer(pulled)
    host.answers["ai/models/list"] = answer(listed(OWN_SERVER))

    def arrived(_payload: Json, _peer: Peer) -> Envelope:
        host.answers["ai/models/own/list"] = answer(own_listed(LOADED, CODER, EMBEDDING, RERANK))
        return answer(pulled)

    host.handlers["ai/models/own/pull"] = arrived
    page.button("Download: Qwen3 0.6B").click()
    page.wait_for_text("Loaded, 774 MB", "[data-model='qwen3-0.6b']")
    page.wait_for_text("24 tokens/s here", "[data-model='qwen3-0.6b']")
    page.button("Try: Qwen3 0.6B").click()
    assert page.script("return document.activeElement.closest('.try') !== null")

    dify = {
        "module": "dify",
        "provider": "oneapi",
        "choice": "dify.DIFY_MODELS",
        "answer": "oneapi",
    }
    dify |= {"token": "dify.DIFY_ONEAPI_TOKEN", "help": "In Dify, install the model provider"}
    found = [dify | {"hasToken": False, "connected": False}]
    host.answers["ai/module/consumers"] = answer({"consumers": found, "problem": None})
    host.answers["ai/operation/start"] = answer({"operationId": "op-1"})
    host.answers["ai/models/use"] = answer({"server": OWN_SERVER | {"used": True}, "notice": None})
    host.answers["ai/module/connect"] = answer({"setting": "dify.DIFY_ONEAPI_TOKEN"})
    host.answers["ai/config/set"] = answer({})
    page.button("Use everywhere").click()
    page.wait_for_text("Dify: each gets an access token of OneAPI, and restarts", "#question[open]")
    host.answers["ai/models/list"] = answer(listed(OWN_SERVER | {"used": True}))
    page.script("document.querySelector('#question[open] .primary').click()")
    assert host.wait_for_call("ai/models/use") == {"server": "local-models"}
    assert host.wait_for_call("ai/config/set") == {"name": "dify.DIFY_MODELS", "value": "oneapi"}
    page.wait_for_text("Dify: a step is left for you", ".notice")
    page.button("Disconnect all…")

    host.answers["ai/models/own/remove"] = answer({"bytes": 639_446_688, "notice": None})
    page.button("Delete…: Qwen3 0.6B").click()
    page.wait_for_text("610 MB become free", "#question[open]")
    page.button("Delete").click()
    assert host.wait_for_call("ai/models/own/remove") == {"model": "qwen3-0.6b"}
    assert page.complaints() == []
