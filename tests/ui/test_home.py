"""Home in a real browser: what it shows, what its buttons ask, and how it follows."""

from collections.abc import Callable
from itertools import cycle, product

import pytest
from PIL import Image
from selenium.webdriver import Keys

from aiserver_tray.contract import Json, answer
from aiserver_tray.i18n import Language, Text
from tests.ui import states
from tests.ui.conftest import Stack
from tests.ui.scripted import Scripted

WORDS = {
    "stopped": "Stopped",
    "starting": "Starting",
    "running": "Running",
    "degraded": "Partly running",
    "error": "In error",
    "stopping": "Stopping",
    "engine_down": "Engine down",
}


def show(stack: Stack, shown: Json) -> Scripted:
    """Let *shown* be what the page finds."""
    stack.host.show(shown)
    return stack.host


def test_every_state_has_its_word_and_its_shape(stack: Stack) -> None:
    home = stack.home()
    shapes = set()
    for state, word in WORDS.items():
        stack.host.show(states.snapshot(state, states.module("n8n", state)))
        home.wait_for(f".header .pill[data-state={state}]")
        home.wait_for_text(word, "[data-module=n8n] .pill")
        use = "return document.querySelector('[data-module=n8n] .pill use').href.baseVal"
        shape = home.script(use)
        assert home.all(f"symbol{shape}")
        shapes.add(shape)
    assert len(shapes) == len(WORDS)
    assert home.complaints() == []


def test_a_module_tells_where_it_is_who_uses_it_and_what_is_wrong(stack: Stack) -> None:
    show(
        stack,
        states.snapshot(
            "error",
            states.module("n8n", "starting", ready=1, total=3),
            states.module("oneapi", "error", reason="oneapi: unhealthy <b>for 2 min</b>"),
            states.module("postgres", "running"),
        ),
    )
    home = stack.home()
    home.wait_for_text("1 of 3 ready", "[data-module=n8n]")
    home.wait_for_text("oneapi: unhealthy <b>for 2 min</b>", "[data-module=oneapi]")
    home.wait_for_text("127.0.0.1:5432", "[data-module=postgres]")
    home.wait_for_text("used by n8n, Dify", "[data-module=postgres]")
    home.wait_for_text("1 of 3 modules healthy", ".overview")
    home.wait_for_text("Docker engine 29.1.0", ".overview")


@pytest.mark.parametrize(
    ("module", "usable"),
    [
        (states.module("n8n", "stopped"), ["Start"]),
        (states.module("n8n", "running"), ["Open", "Restart", "Stop"]),
        (states.module("n8n", "degraded"), ["Open", "Restart", "Stop"]),
        (states.module("n8n", "error"), ["Restart", "Stop", "Start"]),
        (states.module("n8n", "starting"), ["Stop"]),
        (states.module("n8n", "stopping"), ["Start"]),
        (states.module("n8n", "stopped", problem="compose.yaml:3: no image"), []),
        (states.module("n8n", "running", orphan=True, open=None), ["Restart", "Stop"]),
    ],
    ids=lambda value: value["state"] if isinstance(value, dict) else "",
)
def test_only_what_can_work_is_offered(stack: Stack, module: Json, usable: list[str]) -> None:
    show(stack, states.snapshot(module["state"], module))
    home = stack.home()
    assert home.names_of_usable_buttons("n8n") == usable


def test_nothing_is_offered_that_an_operation_is_about(stack: Stack) -> None:
    busy = states.operation("up", "n8n")
    show(stack, states.snapshot("starting", states.module("n8n", "starting"), operations=[busy]))
    home = stack.home()
    assert home.names_of_usable_buttons("n8n") == []
    assert home.names_of_usable_buttons("oneapi") == ["Start"]


@pytest.mark.parametrize(
    ("button", "channel", "payload"),
    [
        ("Start: OneAPI", "ai/module/start", {"name": "oneapi", "wait": False}),
        ("Stop: n8n", "ai/module/stop", {"name": "n8n", "wait": False}),
        ("Restart: n8n", "ai/module/restart", {"name": "n8n", "wait": False}),
        ("Start all", "ai/operation/start", {"kind": "up", "modules": []}),
    ],
)
def test_a_button_asks_for_what_it_says(
    stack: Stack, button: str, channel: str, payload: Json
) -> None:
    host = show(stack, states.running() | {"state": "degraded"})
    stack.home().button(button).click()
    assert host.wait_for_call(channel) == payload


def test_the_page_of_a_module_opens_in_a_tab_of_its_own(stack: Stack) -> None:
    show(stack, states.running())
    link = stack.home().button("Open: n8n")
    assert link.get_attribute("href") == "http://127.0.0.1:5678/"
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in (link.get_attribute("rel") or "")


def test_what_interrupts_others_is_asked_first(stack: Stack) -> None:
    host = show(stack, states.running())
    home = stack.home()
    home.button("Stop all").click()
    home.wait_for_text("n8n, Dify", "#question[open]")
    home.press(Keys.ESCAPE)
    home.until(lambda: not home.all("#question[open]"), "the question goes")

    home.button("Stop: PostgreSQL").click()
    home.wait_for_text("n8n, Dify need it", "#question[open]")
    home.button("Stop").click()
    asked = host.wait_for_call("ai/operation/start")
    assert asked == {"kind": "stop", "modules": ["postgres"], "cascade": True}
    assert host.calls == []


def test_an_operation_shows_how_far_it_is_and_can_be_cancelled(stack: Stack) -> None:
    host = show(stack, states.starting())
    home = stack.home()
    for text in ("Starting all", "waiting for postgres", "3 of 7 ready", "about 42 s left"):
        home.wait_for_text(text, ".operation")
    assert home.script("return document.querySelector('.operation progress').position") == 3 / 7
    home.button("Cancel: Starting all").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}

    others = states.operation("stop", "n8n", foreign=True)
    stopping = (states.module("n8n", "stopping"), states.module("dify", "running"))
    host.show(states.snapshot("stopping", *stopping, operations=[others]))
    home.wait_for_text("Stopping n8n", ".operation")
    home.wait_for_text("3 of 7 stopped", ".operation")
    home.wait_for_text("Modules still to stop: 1", ".overview")
    assert not home.all(".operation button"), "another process's can't be cancelled here"


def test_a_failed_operation_says_why_until_it_is_dismissed(stack: Stack) -> None:
    host = show(stack, states.failed())
    home = stack.home()
    for text in ("n8n, RAGFlow could not be started", "pid 4711", "8 GB", "E_PORT_CONFLICT"):
        home.wait_for_text(text, ".notice.failure")
    home.button("Dismiss: n8n, RAGFlow could not be started").click()
    home.until(lambda: not home.all(".notice.failure"), "the notice goes")
    host.show(states.failed())
    home.until(lambda: not home.all(".notice.failure"), "and stays away")


NEED = Text(
    "{module} needs the kernel setting {name} to be at least {needed}; it is {found}. {how}",
    module="elasticsearch",
    name="vm.max_map_count",
    needed=262144,
    found=65530,
    how=Text("By hand: sudo sysctl -w {setting}", setting="vm.max_map_count=262144"),
)
QUESTION = Text(
    "May AI-Server Tray set {setting} in the kernel of the Docker engine? A privileged container "
    "does it before a start, and again after each restart of the engine. It holds for all that "
    "runs on that kernel.",
    setting="vm.max_map_count=262144",
)


def unmended(language: Language = "en") -> Json:
    """As a host tells it in *language*."""
    return states.mend(NEED.render(language), QUESTION.render(language))


@pytest.mark.parametrize(
    ("language", "action"), [("en", "Allow and start again"), ("zh", "允许并重新启动")]
)
def test_what_can_be_mended_is_asked_set_and_started_again(
    stack: Stack, language: Language, action: str
) -> None:
    host = show(stack, unmended(language))
    home = stack.home(language)
    home.button(action).click()
    home.wait_for_text(QUESTION.render(language), "#question[open]")
    home.press(Keys.ESCAPE)
    home.until(lambda: not home.all("#question[open]"), "the question goes")
    asked = [channel for channel, _ in host.calls if channel.startswith(("ai/config", "ai/op"))]
    assert asked == []

    home.button(action).click()
    home.wait_for("#question[open] .button.danger").click()
    setting = {"name": "app.kernel_settings", "value": "true"}
    assert host.wait_for_call("ai/config/set") == setting
    again = {"kind": "up", "modules": ["ragflow"]}
    assert host.wait_for_call("ai/operation/start") == again
    home.until(lambda: not home.all(".notice.failure"), "the notice goes")


def test_nothing_is_started_again_where_the_setting_is_refused(stack: Stack) -> None:
    host = show(stack, unmended())
    refusal = {"success": False, "code": "E_SETTING", "message": "The disk is full.", "data": {}}
    host.answers["ai/config/set"] = refusal
    home = stack.home()
    home.button("Allow and start again").click()
    home.wait_for("#question[open] .button.danger").click()
    home.wait_for_text("The disk is full.", ".notice.failure + .notice.failure")
    assert all(channel != "ai/operation/start" for channel, _ in host.calls)


def test_what_would_fail_for_another_reason_too_is_not_offered_again(stack: Stack) -> None:
    shown = unmended()
    first = shown["operations"][0]["error"]
    shown["operations"][0]["error"] = first | {"data": {"errors": [first, states.MEMORY]}}
    show(stack, shown)
    home = stack.home()
    home.wait_for_text("vm.max_map_count", ".notice.failure")
    assert not home.all(".mend")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_fits_in_light_and_dark(stack: Stack, language: Language) -> None:
    show(stack, states.in_chinese(unmended("zh")) if language == "zh" else unmended())
    home = stack.home(language)
    home.resize(900, 600)
    for theme in ("light", "dark"):
        home.prefer(color_scheme=theme, reduced_motion="reduce")
        home.picture(f"mend-{theme}-{language}")
        home.wait_for(".mend .button").click()
        dialog = home.wait_for("#question[open]")
        home.picture(f"mend-question-{theme}-{language}")
        assert dialog.rect["x"] >= 0
        assert dialog.rect["x"] + dialog.rect["width"] <= 900
        assert dialog.rect["y"] + dialog.rect["height"] <= 600
        home.press(Keys.ESCAPE)
        home.until(lambda: not home.all("#question[open]"), "the question goes")


def test_a_refused_request_says_why(stack: Stack) -> None:
    host = show(stack, states.snapshot())
    message = "Process 99 (aiserver-tray up) is at work on n8n. Wait for it."
    host.answers["ai/module/start"] = {
        "success": False,
        "code": "E_BUSY",
        "message": message,
        "data": {},
    }
    home = stack.home()
    home.button("Start: n8n").click()
    home.wait_for_text(message, ".notice.failure")
    assert "Start" in home.names_of_usable_buttons("n8n")


def test_who_begins_is_told_what_start_all_does(stack: Stack) -> None:
    home = stack.home()
    home.wait_for_text("Start all starts n8n, Dify, OneAPI with", ".notice.info")
    stack.host.show(states.starting())
    home.until(lambda: not home.all(".notice.info"), "the hint goes")


@pytest.mark.parametrize("offered", [["Start engine"], []])
def test_an_engine_that_is_down_is_started_where_that_is_possible(
    stack: Stack, offered: list[str]
) -> None:
    host = show(stack, states.engine_down())
    host.answers["ai/docker/checkDocker"] = answer(
        installed=True, running=False, version=None, canStart=bool(offered)
    )
    home = stack.home()
    home.wait_for_text("Docker does not answer at unix:///var/run/docker.sock", ".overview")
    host.wait_for_call("ai/docker/checkDocker")
    for button in offered:
        home.button(button).click()
        host.wait_for_call("ai/docker/startDocker")
    host.show(states.running())
    home.wait_for_text("Everything is running", ".overview")
    assert not [b for b in home.all("button") if b.accessible_name == "Start engine"]


def test_changes_are_told_and_nothing_is_drawn_anew(stack: Stack) -> None:
    show(stack, states.snapshot())
    home = stack.home()
    card = home.module("n8n")
    home.script("document.querySelector('[data-module=n8n] button').focus()")
    stack.host.show(states.starting())
    home.wait_for("[data-module=n8n][data-state=starting]")
    home.wait_for_text("n8n: Starting", "#announcer")
    stack.host.show(states.running())
    home.wait_for("[data-module=n8n][data-state=running]")
    assert card == home.module("n8n")
    fewer = states.running()
    fewer["modules"] = [one for one in fewer["modules"] if one["name"] != "ragflow"]
    stack.host.show(fewer)
    home.until(lambda: not home.all("[data-module=ragflow]"), "what is gone goes")


def test_a_reload_shows_the_same(stack: Stack) -> None:
    show(stack, states.running())
    home = stack.home()
    assert "token" not in home.address
    home.reload()
    home.wait_for_text("Everything is running", ".overview")
    stack.host.show(states.snapshot())
    home.wait_for_text("Nothing is running", ".overview")

    def is_forgotten() -> bool:
        stack.host.show(states.snapshot(state=next(other)))
        return stack.host.listeners == 1

    other = cycle(("running", "stopped"))
    home.until(is_forgotten, "the first page's stream ends when it can't be written")


def test_a_host_that_goes_away_is_told_and_what_is_shown_is_greyed(stack: Stack) -> None:
    show(stack, states.running())
    home = stack.home()
    stack.close_servers()
    home.wait_for_text("AI-Server Tray is not running any more", ".notice.warning")
    home.wait_for("main.stale")
    assert home.names_of_usable_buttons("oneapi") == []


def test_a_stream_that_breaks_comes_back(stack: Stack) -> None:
    show(stack, states.running())
    home = stack.home()
    stack.break_streams()
    stack.host.show(states.snapshot())
    home.wait_for_text("Nothing is running", ".overview")
    home.until(lambda: not home.all(".notice.warning"), "no banner")


@pytest.mark.parametrize("part", ["store.js", "lit-html.js", "components.css"])
def test_a_page_that_did_not_come_whole_comes_again(stack: Stack, part: str) -> None:
    show(stack, states.running())
    home = stack.home()
    home.withhold(part)
    home.reload()
    shown = home.script("return performance.timeOrigin")
    home.until(lambda: home.script("return performance.timeOrigin") != shown, "another try")
    home.withhold()
    home.wait_for_text("Everything is running", ".overview")
    home.until(lambda: home.script("return sessionStorage.length") == 0, "no more tries")


def test_everything_in_chinese(stack: Stack) -> None:
    show(stack, states.in_chinese(states.starting()))
    home = stack.home("zh")
    for text in ("正在启动全部模块", "约剩 42 秒", "功能模块", "基础服务", "全部停止"):
        home.wait_for_text(text)
    assert home.script("return document.documentElement.lang") == "zh"


def test_the_keyboard_alone_is_enough(stack: Stack) -> None:
    host = show(stack, states.running())
    home = stack.home()
    home.tab_to("Stop all")
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert home.script(outline) == "solid"
    home.press(Keys.ENTER)
    home.wait_for("#question[open]")
    home.press(Keys.TAB, Keys.ENTER)
    assert host.wait_for_call("ai/operation/start") == {"kind": "stop", "modules": []}
    home.tab_to("Start: OneAPI")
    home.press(Keys.SPACE)
    host.wait_for_call("ai/module/start")
    # The button has nothing to do for now, and keeps its place.
    moving = states.snapshot("starting", states.module("oneapi", "starting"))
    host.show(moving)
    home.wait_for("[data-module=oneapi][data-state=starting]")
    focus = "return document.activeElement.closest('[data-module]')?.dataset.module"
    assert home.script(focus) == "oneapi"


def test_errors_of_the_page_come_into_the_log(stack: Stack) -> None:
    home = stack.home()
    stack.host.show(states.snapshot("of no known kind"))
    line = stack.host.wait_for_call("ai/logs/client/append")
    assert line["level"] == "error"
    assert "TypeError" in line["message"]
    assert ".js:" in line["message"]
    stack.host.show(states.running())
    home.wait_for_text("Everything is running", ".overview")


SHOWN: dict[str, Callable[[], Json]] = {
    "running": states.running,
    "starting": states.starting,
    "failed": states.failed,
    "engine_down": states.engine_down,
}


@pytest.mark.parametrize(("width", "height"), [(1200, 800), (900, 600)])
def test_it_fits_in_light_and_dark(stack: Stack, width: int, height: int) -> None:
    home = stack.home()
    home.resize(width, height)
    for theme, (name, made) in product(("light", "dark"), SHOWN.items()):
        home.prefer(color_scheme=theme, reduced_motion="reduce")
        stack.host.show(made())
        home.wait_for(f".overview[data-state={made()['state']}]")
        overflow = "return document.documentElement.scrollWidth - innerWidth"
        assert home.script(overflow) <= 0
        with Image.open(home.picture(f"{name}-{theme}-{width}")) as picture:
            corner = picture.convert("L").getpixel((4, height - 4))
        assert isinstance(corner, int)
        assert (corner > 200) if theme == "light" else (corner < 60)
