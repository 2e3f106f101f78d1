"""Home in the states that trust depends on, each reduced from facts as the core does it."""

from dataclasses import replace
from typing import Any

from aiserver_tray.base.errors import PortConflictError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.model import Container, Kind, ModuleModel
from aiserver_tray.protocol.message import answer
from aiserver_tray.state.encode import snapshot_json
from aiserver_tray.state.facts import (
    ContainerGone,
    ContainerSeen,
    DesiredChanged,
    Fact,
    OperationChanged,
)
from aiserver_tray.state.reduce import State
from tests.support.made import after, at, container, ended, model, operation, running_engine
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import DETAILS


def made(name: str, title: str, *requires: str, kind: Kind = "feature") -> ModuleModel:
    open_ = f"http://localhost:{18000 + len(name)}" if kind == "feature" else None
    local: LocalText = {"en": title}
    return replace(model(name, name, kind=kind, requires=requires), title=local, open=open_)


MODELS = (
    made("dify", "Dify", "postgres", "redis"),
    made("n8n", "n8n", "postgres"),
    made("oneapi", "OneAPI", "redis"),
    made("postgres", "PostgreSQL", kind="basic"),
    made("redis", "Redis", kind="basic"),
)


def healthy(name: str, **changes: Any) -> Container:  # noqa: ANN401
    return container(f"{name}/{name}", health="healthy", **changes)


ALL = tuple(healthy(one.name) for one in MODELS)


def state_of(*changed: Container) -> State:
    """Everything runs, and then *changed* are as they are."""
    names = {one.name for one in changed}
    containers = [one for one in ALL if one.name not in names]
    desired = tuple(one.name for one in MODELS)
    return running_engine(*containers, *changed, models=MODELS, desired=desired)


def home_of(stack: Stack, state: State, *facts: Fact) -> HomePage:
    stack.show(snapshot_json(after(*facts, start=state).snapshot, "en"))
    return stack.home()


def words(home: HomePage) -> dict[str, str]:
    """What each feature's card says, and that tab and side menu say the same."""
    cards = {c.get_attribute("data-module"): c for c in home.all(".cards > [data-module]")}
    found = {n: c.find_element("css selector", ".pill").text for n, c in cards.items() if n}
    tabs = [tab.accessible_name.split(", ", 1) for tab in home.all("[data-tab]")]
    assert [word for _title, word in tabs] == list(found.values())
    return found


def test_a_failed_start_is_failed_on_its_own_card_tab_and_page(stack: Stack) -> None:
    error = PortConflictError(
        "n8n", "127.0.0.1", 18100, Text("node.exe"), 18101, "n8n.N8N_HOST_PORT"
    )
    failed = replace(operation("up", status="failed", modules=("n8n",)), error=error)
    wanted = DesiredChanged(frozenset({"dify", "oneapi"}))
    home = home_of(
        stack, state_of(), ContainerGone("id-of-n8n-n8n"), wanted, OperationChanged(failed)
    )
    home.wait_for_text("n8n couldn't start", "#overall")
    assert words(home) == {"dify": "Running", "n8n": "Failed", "oneapi": "Running"}
    home.wait_for_text("4 of 5 modules healthy", ".overview")
    home.wait_for_text("Port 18100 is in use by node.exe", "[data-module=n8n] .reason")
    buttons = home.all("[data-module=n8n] .mod-foot .button")
    assert [b.accessible_name for b in buttons] == [
        "Use port 18101: n8n",
        "Try again: n8n",
        "More: n8n",
    ]
    assert len(home.all(".problem")) == 1
    home.picture("failed-start")
    buttons[1].click()
    assert stack.host.wait_for_call("ai/operation/start")["modules"] == ["n8n"]
    stack.host.answers["ai/module/details"] = answer(DETAILS)
    home.button("Dismiss: n8n couldn't start: port 18100 is in use").click()
    home.until(lambda: not home.all(".problem"), "Home has no card of it")
    home.wait_for_text("Port 18100 is in use by node.exe", "[data-module=n8n] .reason")
    home.button("Use port 18101: n8n")
    home.go("#modules/n8n")
    home.wait_for_text("Failed", ".mh .pill")
    home.wait_for_text("node.exe is using it", ".problem")
    assert home.all(".problem [aria-label^=Dismiss]") == []
    assert home.complaints() == []


def test_a_feature_whose_database_is_down_is_amber_and_offers_to_restart_it(stack: Stack) -> None:
    line = {"text": "LOG: ready for connections"}
    stack.host.answers["ai/logs/lines"] = answer({"lines": [line]})
    down = ended("postgres/postgres", exit_code=137, finished_at=at(60))
    home = home_of(stack, state_of(down))
    needs = "Needs PostgreSQL"
    home.wait_for_text("PostgreSQL is down", "#overall")
    assert words(home) == {"dify": needs, "n8n": needs, "oneapi": "Running"}
    home.wait_for_text("2 of 5 modules healthy", ".overview")
    home.wait_for_text("1 of 3 healthy", ".features .section-head")
    home.button("Restart: PostgreSQL")
    home.wait_for_text("Dify and n8n need PostgreSQL · OneAPI works as usual", ".overview")
    assert [dot.get_attribute("data-state") for dot in home.all("[data-tab] .dot")] == [
        "degraded", "degraded", "running",
    ]  # fmt: skip
    assert len(home.all(".problem")) == 1, "the cause has the only card"
    first = home.wait_for("[data-module=n8n] .mod-foot .button")
    assert first.accessible_name == "Restart PostgreSQL: n8n"
    home.wait_for_text("PostgreSQL was ended from outside", ".problem")
    home.wait_for_text("Its process was killed (signal 9) at", ".problem")
    home.wait_for_text("ready for connections", ".problem .said")
    asked = stack.host.wait_for_call("ai/logs/lines")
    assert asked["filter"] == {"services": ["postgres/postgres"]}
    home.button("Show details: PostgreSQL was ended from outside").click()
    home.wait_for_text("Exit code: 137", ".problem .details")
    assert "killed" not in home.wait_for(".problem .details").text, "details only add"
    home.picture("needs-postgresql")
    first.click()
    restart = {"kind": "restart", "modules": ["postgres"], "services": []}
    assert stack.host.wait_for_call("ai/operation/start") == restart, "as the button says"
    stack.host.answers["ai/module/details"] = answer(DETAILS)
    home.go("#modules/n8n")
    home.wait_for_text(needs, ".mh .pill")
    home.button("Restart PostgreSQL: n8n")
    home.go("#modules/postgres")
    home.wait_for_text("PostgreSQL was ended from outside", ".problem")
    assert [button.text for button in home.all(".mh .buttons .button")] == ["Restart", "Stop", ""]
    assert len(home.all("main .button:is(.primary, .start)")) == 1, "the step of the problem"
    assert home.complaints() == []


def test_a_module_that_comes_back_is_amber_and_no_problem(stack: Stack) -> None:
    again = container("redis/redis", status="restarting", exit_code=1, restart_count=1)
    home = home_of(stack, state_of(), ContainerSeen(again))
    home.wait_for_text("Redis is coming back", "#overall")
    waits = "Waits for Redis"
    assert words(home) == {"dify": waits, "n8n": "Running", "oneapi": waits}
    assert home.wait_for(".overview").get_attribute("data-state") == "starting"
    home.wait_for_text("Dify and OneAPI wait for Redis · n8n works as usual", ".overview")
    home.wait_for_text("Coming back", ".topbar .overall")
    home.wait_for_text("Coming back", ".side")
    home.wait_for_text("Redis stopped and is being started again", ".notice.busy")
    home.wait_for_text("Exited with code 1. Try 1 of 3. You get an alert", ".notice.busy")
    assert home.all(".problem, .badge-n, main [data-state=error]") == []
    assert home.button("Open: Dify").get_attribute("title") == "waits for Redis"
    home.picture("coming-back")
    home.button("Don't start it again: Redis").click()
    home.wait_for_text("Dify and OneAPI use it and will stop too", "#question[open]")
    home.button("Stop 3 modules").click()
    stopped = stack.host.wait_for_call("ai/operation/start")
    assert (stopped["kind"], stopped["modules"]) == ("stop", ["redis"])
    later = replace(again, restart_count=4)
    stack.host.show(snapshot_json(after(ContainerSeen(later), start=state_of()).snapshot, "en"))
    home.wait_for_text("Redis is down", "#overall")
    assert home.complaints() == []


def test_a_module_that_restarts_keeps_its_card_as_it_is(stack: Stack) -> None:
    home = home_of(stack, state_of())
    card, buttons = "[data-module=n8n]", "[data-module=n8n] .mod-foot .button"
    before = [(b.accessible_name, b.rect) for b in home.all(buttons)], home.wait_for(card).rect
    begun = operation("restart", ("stop", "n8n/n8n", "running"), ("start", "n8n/n8n", "pending"))
    facts = OperationChanged(replace(begun, modules=("n8n",)))
    stack.host.show(snapshot_json(after(facts, start=state_of()).snapshot, "en"))
    home.wait_for_text("n8n is restarting", "#overall")
    home.wait_for_text("Restarting", ".topbar .overall")
    assert words(home) == {"dify": "Running", "n8n": "Restarting", "oneapi": "Running"}
    during = [(b.accessible_name, b.rect) for b in home.all(buttons)], home.wait_for(card).rect
    assert before == during
    assert home.wait_for(f"{card} .sub").text == "localhost:18003", (
        "no second count beside its strip's"
    )
    assert home.button("Open: n8n").get_attribute("aria-disabled") == "true"
    home.picture("restarting")
    assert home.complaints() == []
