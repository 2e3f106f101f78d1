"""What failed, as cards where the user looks: each next step is pressed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import pytest
from selenium.webdriver import Chrome, Keys

from aiserver_tray.base.errors import (
    AiServerError,
    EngineNotInstalledError,
    HealthTimeoutError,
    ImagePullError,
    MissingError,
    NameConflictError,
    ResourcesError,
    SettingError,
    TrustError,
)
from aiserver_tray.base.errors.remedies import enter, set_to
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.carriers.http.access import Keys as Tokens
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.protocol.message import Json, answer
from tests.support import states
from tests.support.consents import consent
from tests.support.installation import Installation, script
from tests.support.owning import PEER, Modules, owned
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import DETAILS

UP = {"kind": "up", "modules": ["n8n"], "services": []}
REFUSED = {"success": False, "code": "E_SETTING", "message": "The disk is full.", "data": {}}

QUESTION = Text("Allow AI-Server Tray to set {setting}?", setting="vm.max_map_count=262144")
KERNEL = ResourcesError(
    Text("{module} needs a kernel setting", module="n8n"),
    resource="vm.max_map_count",
    module="n8n",
    needed=262144,
    available=65530,
    remedies=[set_to(Text("Allow and start again"), "app.kernel_settings", "true", QUESTION)],
)
LATE = HealthTimeoutError("n8n/n8n", 120.0, "Connection refused", ["starting", "no database"])
PULL = ImagePullError("n8nio/n8n:2", [("mirror.example.com", "no such host")])
CONSENT = consent("n8n", Permission("bind", "/srv", ("n8n",)))
TRUST = TrustError(CONSENT.as_data())
EACH: list[AiServerError] = [
    states.PORT_TAKEN,
    LATE,
    PULL,
    TRUST,
    KERNEL,
    NameConflictError("container", "ai-n8n", "other", "/home/lin/.old"),
    MissingError("n8n", "vectors"),
    SettingError("n8n.KEY", Text("lost"), [enter(Text("Enter the lost value"), "n8n.KEY")]),
    states.NO_MEMORY,
]


def titles(home: HomePage) -> list[str]:
    return [card.text for card in home.all(".problem h2")]


def gone(home: HomePage) -> None:
    home.until(lambda: not home.all(".problem"), "the card goes")


def test_a_port_conflict_says_who_has_the_port_and_uses_another(stack: Stack) -> None:
    host = stack.show(states.failure([states.PORT_TAKEN], "n8n"))
    home = stack.home()
    title = "n8n couldn't start: port 18100 is in use"
    home.wait_for_text("node.exe (process 14208) is using it", ".problem")
    assert titles(home) == [title]
    assert home.wait_for("a.tab .badge-n").text == "1"
    home.button(f"Show details: {title}").click()
    home.wait_for_text("E_PORT_CONFLICT", ".problem .details")
    home.wait_for_text("config set n8n.N8N_HOST_PORT 18101", ".problem .details")

    host.answers["ai/config/set"] = REFUSED
    home.button(f"Use port 18101: {title}").click()
    home.wait_for_text("The disk is full.", ".problem + .problem")
    assert all(channel != "ai/operation/start" for channel, _ in host.calls)
    entry = {"address": "n8n.N8N_HOST_PORT", "title": "Port", "type": "port", "keep": False}
    entry |= {"value": "18100", "origin": "default", "help": "", "choices": {}}
    host.answers["ai/config/get"] = answer({"entries": [entry]})
    host.answers["ai/config/set"] = answer({"entries": [entry | {"value": "18101"}]})
    host.wait_for_call("ai/config/set")
    home.button(f"Use port 18101: {title}").click()
    setting = {"name": "n8n.N8N_HOST_PORT", "value": "18101"}
    assert host.wait_for_call("ai/config/set") == setting
    assert host.wait_for_call("ai/operation/start") == UP
    home.button("Dismiss: Something went wrong").click()
    gone(home)
    home.button("Undo").click()
    assert host.wait_for_call("ai/config/set") == setting | {"value": None}


@pytest.mark.parametrize(
    ("error", "button", "channel", "payload"),
    [
        (states.PORT_TAKEN, "Try again", "ai/operation/start", UP),
        (LATE, "Wait longer", "ai/operation/start", UP),
        (LATE, "Restart", "ai/operation/start", UP | {"kind": "restart"}),
        (MissingError("n8n", "vectors"), "Try again", "ai/operation/start", UP),
    ],
)
def test_the_next_step_of_an_error_is_done(
    stack: Stack, error: AiServerError, button: str, channel: str, payload: Json
) -> None:
    started = states.module("n8n", "error")
    host = stack.show(states.failure([error], "n8n", shown=[started]))
    home = stack.home()
    title = home.wait_for(".problem h2").text
    home.button(f"{button}: {title}").click()
    assert host.wait_for_call(channel) == payload


@pytest.mark.parametrize(
    ("error", "button", "asked", "channel", "payload"),
    [
        (
            TRUST,
            "Allow and start",
            "Can read and change /srv",
            "ai/module/trust",
            {"name": "n8n", "hash": CONSENT.hash},
        ),
        (
            KERNEL,
            "Allow and start again",
            "set vm.max_map_count=262144",
            "ai/config/set",
            {"name": "app.kernel_settings", "value": "true"},
        ),
    ],
)
def test_step_that_needs_consent_asks_first(  # noqa: PLR0917 - a row of the table
    stack: Stack, error: AiServerError, button: str, asked: str, channel: str, payload: Json
) -> None:
    host = stack.show(states.failure([error], "n8n"))
    home = stack.home()
    title = home.wait_for(".problem h2").text
    home.button(f"{button}: {title}").click()
    home.wait_for_text(asked, "#question[open]")
    home.press(Keys.ESCAPE)
    home.until(lambda: not home.all("#question[open]"), "the question goes")
    assert all(called != channel for called, _ in host.calls)

    home.button(f"{button}: {title}").click()
    home.wait_for("#question[open] .button.primary").click()
    assert host.wait_for_call(channel) == payload
    assert host.wait_for_call("ai/operation/start") == UP
    gone(home)


def test_a_mirror_is_entered_until_the_owner_takes_it(stack: Stack) -> None:
    host = stack.show(states.failure([PULL], "n8n"))
    entry = {"address": "app.mirrors", "title": "Registry mirrors", "type": "text", "value": "a.b"}
    host.answers["ai/config/get"] = answer({"entries": [entry | {"help": "Tried first."}]})
    host.answers["ai/config/set"] = REFUSED | {"message": "expected registries"}
    home = stack.home()
    home.wait_for_text("mirror.example.com: no such host", ".problem")
    home.button("Add a mirror: An image for n8n couldn't be downloaded").click()
    field = home.wait_for("#question[open] input")
    assert field.get_attribute("value") == "a.b"
    field.send_keys(" c d")
    home.wait_for("#question[open] .button.primary").click()
    home.wait_for_text("expected registries", "#question[open]")
    assert host.wait_for_call("ai/config/set") == {"name": "app.mirrors", "value": "a.b c d"}

    host.answers["ai/config/set"] = answer({"entries": []})
    home.wait_for("#question[open] .button.primary").click()
    assert host.wait_for_call("ai/operation/start") == UP
    gone(home)


def test_a_module_that_ran_out_of_memory_gets_more(stack: Stack) -> None:
    host = stack.show(states.snapshot("error", states.out_of_memory()))
    home = stack.home()
    title = "Elasticsearch ran out of memory"
    home.wait_for_text("reached its limit of 4 GB", ".problem")
    home.wait_for_text("6 min ago", ".problem")
    home.wait_for_text("Up to 12 GB", ".problem")
    logs = home.wait_for(".problem a.button").get_attribute("href") or ""
    assert "#logs/elasticsearch?service=elasticsearch&at=20" in logs, "at the time it happened"
    home.button(f"Raise to 6 GB and restart: {title}").click()
    raised = {"name": "elasticsearch.ELASTICSEARCH_MEMORY", "value": "6g"}
    assert host.wait_for_call("ai/config/set") == raised
    up = {"kind": "up", "modules": ["elasticsearch"], "services": []}
    assert host.wait_for_call("ai/operation/start") == up
    host.show(states.snapshot("running", states.module("elasticsearch", "running")))
    gone(home)


def test_a_module_shows_its_own_problems(stack: Stack) -> None:
    stack.host.answers["ai/module/details"] = answer(DETAILS)
    stack.show(states.failure([states.PORT_TAKEN], "n8n", shown=[states.out_of_memory()]))
    home = stack.home()
    home.script("location.hash = 'modules/elasticsearch'")
    home.wait_for(".over-main")
    assert titles(home) == ["Elasticsearch ran out of memory"]
    assert home.complaints() == []


def test_one_cause_is_one_card_until_it_is_solved(stack: Stack) -> None:
    late = states.failure([LATE], "n8n", "dify", shown=[states.module("n8n", "error")])
    host = stack.show(late)
    home = stack.home()
    home.wait_for_text("no database", ".problem")
    assert titles(home) == ["n8n isn't healthy yet"], "its trouble is the same"
    solved = states.failure([LATE], "n8n", "dify", shown=[states.module("n8n", "running")])
    host.show(solved)
    gone(home)

    busy = {"success": False, "code": "E_BUSY", "message": "Process 99 is at work.", "data": {}}
    host.answers["ai/operation/start"] = busy | {"data": {"module": "dify"}}
    for _ in range(2):
        home.button("Start: Dify").click()
    home.wait_for_text("2 times", ".problem")
    assert titles(home) == ["Another task is working on Dify"]


def test_missing_answer_is_shown_as_a_message(stack: Stack) -> None:
    stack.show(states.snapshot())
    home = stack.home()
    home.withhold("invoke")
    home.button("Start: n8n").click()
    home.wait_for_text("Connection lost", ".problem")
    home.withhold()


def test_a_note_is_no_problem_and_is_dismissed_alone(stack: Stack) -> None:
    shown = states.failure([states.PORT_TAKEN], "n8n")
    shown["operations"][0]["notices"] = ["Memory is short"]
    stack.show(shown)
    home = stack.home()
    home.wait_for_text("Memory is short", ".notice.info")
    home.button("Dismiss: Please note").click()
    home.until(lambda: not home.all(".notice.info"), "the note goes")
    assert len(titles(home)) == 1


def off(stack: Stack, *, can_start: bool = True, **engine: Any) -> None:  # noqa: ANN401 - JSON
    check = {"installed": True, "running": False, "version": None, "canStart": can_start}
    stack.host.answers["ai/docker/checkDocker"] = answer(check)
    down = states.engine_down()
    stack.show(down | {"engine": down["engine"] | engine})


def test_an_engine_that_is_off_is_started_and_counted_down(stack: Stack) -> None:
    off(stack)
    home = stack.home()
    home.wait_for_text("Docker isn't running", ".big")
    home.wait_for_text("Docker stopped answering at", ".big")
    home.wait_for_text("your modules come back automatically", ".big")
    home.button("Start Docker").click()
    stack.host.wait_for_call("ai/docker/startDocker")
    begun = (datetime.now(UTC) - timedelta(seconds=14)).isoformat()
    off(stack, starting=True, startBegun=begun, usualStart=25.4)
    home.wait_for_text("Usually takes about 25 s", ".big")
    first = seconds(home)
    home.until(lambda: seconds(home) > first, "it counts")
    stack.host.show(states.running())
    home.until(lambda: not home.all(".big"), "it turns into running by itself")


def seconds(home: HomePage) -> int:
    found = re.search(r"^(\d+) s$", home.wait_for(".countdown").text)
    assert found
    return int(found[1])


def test_an_engine_that_cannot_be_started_here_says_what_to_do(stack: Stack) -> None:
    off(stack, can_start=False)
    home = stack.home()
    home.wait_for_text("does not respond (connection refused)", ".big")
    links = [link.get_attribute("href") or "" for link in home.all(".big a")]
    assert [link.rpartition("#")[2] for link in links] == ["doctor"]
    assert not home.all(".big button")
    down = states.engine_down()
    unwanted = [module | {"wanted": False} for module in down["modules"]]
    stack.show(down | {"modules": unwanted})
    home.wait_for_text("Modules need Docker to run.", ".big")
    assert "come back" not in home.text


def test_home_without_an_engine_offers_the_installation(stack: Stack) -> None:
    choice = {
        "id": "docker-desktop",
        "title": "Docker Desktop",
        "url": "https://docker.example/",
        **dict.fromkeys(("summary", "cost", "needs"), "words"),
    }
    setup = dict.fromkeys(("packages", "wsl", "install", "error"))
    stack.host.answers["ai/engine/setup"] = answer(
        {**setup, "system": "macos", "choices": [choice]}
    )
    off(stack, can_start=False, error=EngineNotInstalledError("unix:///x").as_json("en"))
    home = stack.home()
    home.wait_for_text("Install Docker to begin", ".engine-setup")
    assert home.wait_for(".ways a").get_attribute("href") == choice["url"]
    stack.host.show(states.running())
    home.until(lambda: not home.all(".engine-setup"), "it goes on by itself")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_card_fits_in_its_place(stack: Stack, language: Language) -> None:
    shown = states.failure(EACH, "n8n", language=language)
    shown = states.in_chinese(shown) if language == "zh" else shown
    stack.show(shown | {"theme": "dark" if language == "zh" else "light"})
    home = stack.home(language)
    home.prefer(reduced_motion="reduce")
    home.wait_for(".problem")
    assert len(home.all(".problem")) < len(EACH), "the first ones"
    more = {"en": f"Show all {len(EACH)}", "zh": f"全部显示（{len(EACH)} 个）"}[language]
    home.button(more).click()
    home.until(lambda: len(home.all(".problem")) == len(EACH), "all are shown")
    for card in home.all(".problem"):
        card.find_elements("css selector", ".button.quiet")[-1].click()
    assert violations(home) == []
    for width in (1200, 450):
        home.resize(width, 900)
        home.picture(f"problems-{width}-{language}")
        assert len(titles(home)) == len(EACH)
        cards = "[...document.querySelectorAll('.problem')]"
        assert home.script(f"return {cards}.every(e => e.scrollWidth <= e.clientWidth)")
    assert home.complaints() == []


@pytest.fixture
def real(
    here: Installation, chromium: Chrome, tmp_path: Path
) -> Iterator[tuple[HomePage, Modules, Any]]:
    """Home of an owner on a real engine."""
    here.app.settings.welcome()
    with (
        owned(here) as (owner, modules),
        BrowserServer(owner.api, Binding(port=0), "en", Tokens()) as server,
    ):
        chromium.set_window_size(1200, 800)
        yield HomePage(chromium, server.address, tmp_path), modules, owner
        chromium.get("about:blank")


def test_a_service_gets_more_memory_from_the_page(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    settings = {"WEB_MEMORY": {"type": "size", "default": "32m"}}
    limit = {"mem_limit": "${WEB_MEMORY}", "memswap_limit": "${WEB_MEMORY}"}
    hungry = script("dd if=/dev/zero of=/dev/null bs=40M count=1 || exit 9; exec sleep 86400")
    here.write("web", {"web": {**hungry, "init": True, **limit}}, settings=settings)
    home, modules, owner = request.getfixturevalue("real")
    up = {"kind": "up", "modules": ["web"], "untilEnd": True}
    owner.api.invoke("ai/operation/start", up, PEER)  # it may count as started before it is killed
    modules.wait_for(web="error")

    home.wait_for_text("reached its limit of 32 MB", ".problem")
    assert titles(home) == ["web ran out of memory"]
    home.button("Raise to 48 MB and restart: web ran out of memory").click()
    modules.wait_for(web="running")
    gone(home)
    assert engine.api.inspect_container("ai-web")["HostConfig"]["Memory"] == 48 << 20
