"""Home in a real browser: what it shows, what its buttons ask, and how it follows."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, product

import pytest
from PIL import Image
from selenium.webdriver import Keys

from aiserver_tray.base.i18n import Language
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.features.monitoring.events import STATS
from aiserver_tray.features.stack.events import PROGRESS
from aiserver_tray.protocol.message import Json, answer
from tests.support import states
from tests.support.ports import free_port
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.modules import DETAILS

ALL_STARTED = "Everything you started is running"
"""What Home says of `states.running`."""
WORDS = {
    "stopped": "Stopped",
    "starting": "Starting",
    "running": "Running",
    "degraded": "Partly running",
    "error": "Failed",
    "stopping": "Stopping",
    "engine_down": "Docker is off",
}


@pytest.mark.smoke
def test_every_state_has_its_word_and_its_shape(stack: Stack) -> None:
    home = stack.home()
    shapes = set()
    for state, word in WORDS.items():
        stack.host.show(states.snapshot(state, states.module("n8n", state)))
        home.wait_for(f".topbar .pill[data-state={state}]")
        home.wait_for_text(word, "[data-module=n8n] .pill")
        use = "return document.querySelector('[data-module=n8n] .pill use').href.baseVal"
        shape = home.script(use)
        assert home.all(f"symbol{shape}")
        shapes.add(shape)
    assert len(shapes) == len(WORDS)
    assert home.complaints() == []


def test_a_module_tells_where_it_is_who_uses_it_and_what_is_wrong(stack: Stack) -> None:
    stack.show(
        states.snapshot(
            "error",
            states.module("n8n", "starting", ready=1, total=3),
            states.module("oneapi", "error", reason="oneapi: unhealthy <b>for 2 min</b>"),
            states.module("postgres", "running"),
            states.module("dify", "running", since=datetime.now(UTC).isoformat(), requires=[]),
        )
    )
    home = stack.home()
    home.wait_for_text("1 of 3 ready", "[data-module=n8n]")
    home.wait_for_text("up less than 1 min", "[data-module=dify]")
    home.wait_for_text("For RAGFlow", "[data-module=elasticsearch] .uses")
    home.wait_for_text("oneapi: unhealthy <b>for 2 min</b>", "[data-module=oneapi]")
    home.wait_for_text("localhost:5432", "[data-module=postgres]")
    users = home.all("[data-module=postgres] .uses a")
    assert [user.text for user in users] == ["n8n", "Dify"]
    assert (users[1].get_attribute("href") or "").endswith("#modules/dify")
    home.wait_for_text("1 thing needs your attention", "#overall")
    home.wait_for_text("2 of 4 modules healthy", ".overview")
    home.wait_for_text("Docker Engine 29.1.0", ".side-foot")


@pytest.mark.parametrize(
    ("language", "everything", "started", "running"),
    [
        ("en", "Everything is running", ALL_STARTED, "1 feature · up"),
        ("zh", "全部运行正常", "已启动的模块全部运行正常", "1 个功能模块 · 已运行"),
    ],
)
def test_all_running_is_shown_only_if_no_module_is_stopped(
    stack: Stack, language: Language, everything: str, started: str, running: str
) -> None:
    stack.show(states.snapshot("running", states.module("n8n", "running")))
    home = stack.home(language)
    home.until(lambda: home.wait_for("#overall").text == started, started)
    home.wait_for_text(running, ".overview")
    all_run = (states.module(name, "running") for name in states.TITLES)
    stack.host.show(states.snapshot("running", *all_run))
    home.until(lambda: home.wait_for("#overall").text == everything, everything)


@pytest.mark.parametrize(
    ("module", "usable"),
    [
        (states.module("n8n", "stopped"), ["Start"]),
        (states.module("n8n", "running"), ["Open", "Stop", "Restart", "Remove…"]),
        (states.module("n8n", "degraded"), ["Open", "Stop", "Start", "Restart", "Remove…"]),
        (states.module("n8n", "error"), ["Restart", "Stop", "Remove…"]),
        (states.module("n8n", "starting"), ["Stop", "Restart", "Remove…"]),
        (states.module("n8n", "stopping"), []),
        (states.module("n8n", "stopped", problem="compose.yaml:3: no image"), []),
        (
            states.module("n8n", "degraded", problem="compose.yaml:3: no image"),
            ["Open", "Stop", "Remove…"],
        ),
        (states.module("n8n", "running", orphan=True, open=None), ["Remove…", "Stop"]),
    ],
    ids=lambda value: value["state"] if isinstance(value, dict) else "",
)
def test_only_possible_actions_are_offered(stack: Stack, module: Json, usable: list[str]) -> None:
    stack.show(states.snapshot(module["state"], module))
    home = stack.home()
    # Chromium drops its connections, and the page waits, when a container changes the network.
    home.until(lambda: home.names_of_usable_buttons("n8n") == usable, str(usable))


def test_a_disabled_button_says_why(stack: Stack) -> None:
    problem = "compose.yaml:3: no image"
    stack.show(
        states.snapshot(
            "degraded",
            states.module("n8n", "degraded", problem=problem),
            states.module("dify", "stopped", problem=problem),
            chosen=["dify"],
        )
    )
    home = stack.home()
    button = home.button("Start: Dify")
    assert button.get_attribute("aria-disabled") == "true"
    assert button.get_attribute("title") == button.get_attribute("aria-description") == problem
    # Beside a problem, which has its own button, it is in a menu.
    everything = home.item(".overview .split .square", "Start all")
    assert everything.get_attribute("aria-disabled") == "true"
    assert everything.get_attribute("title") == f"dify: {problem}"
    home.press(Keys.ESCAPE)
    for name in ("Stop: n8n", "Stop all"):
        assert home.button(name).get_attribute("title") == ""
    restart = home.item_of("n8n", "Restart")
    assert restart.get_attribute("aria-disabled") == "true"
    assert restart.get_attribute("title") == problem
    stack.host.show(states.engine_down())
    home.until(
        lambda: home.button("Start: n8n").get_attribute("title") == "Docker isn't running",
        "the reason follows",
    )
    down = states.engine_down()
    stack.host.show(down | {"engine": down["engine"] | {"reconnecting": True}})
    home.wait_for_text("Reconnecting to the engine…", "#overall")
    home.wait_for_text("Reconnecting", ".side-foot[data-state=starting]")


@pytest.mark.parametrize(
    ("button", "operation"),
    [
        ("Start: OneAPI", {"kind": "up", "modules": ["oneapi"]}),
        ("Stop: n8n", {"kind": "stop", "modules": ["n8n"]}),
        ("Restart: PostgreSQL", {"kind": "restart", "modules": ["postgres"]}),
        ("Start all", {"kind": "up", "modules": []}),
    ],
)
def test_a_button_asks_for_what_it_says(stack: Stack, button: str, operation: Json) -> None:
    left = states.module("ragflow", "running", orphan=True)
    up = (states.module(name, "running") for name in ("n8n", "postgres", "redis"))
    host = stack.show(states.snapshot("degraded", *up, left))
    stack.home().button(button).click()
    assert host.wait_for_call("ai/operation/start") == operation


def test_everything_that_runs_is_restarted_after_a_question(stack: Stack) -> None:
    chosen = states.running() | {"chosen": ["n8n"]}
    host = stack.show(states.with_abilities(chosen, "en"))
    home = stack.home()
    home.button("More for all modules").click()
    home.wait_for("#menu:popover-open .mi").click()
    home.wait_for_text("Anyone using n8n and Dify will be interrupted", "#question[open]")
    home.button("Restart all").click()
    again = {"kind": "restart", "modules": ["n8n", "dify", "postgres", "redis"]}
    assert host.wait_for_call("ai/operation/start") == again


def test_rare_actions_are_in_a_menu(stack: Stack) -> None:
    left = states.module("ragflow", "running", orphan=True)
    host = stack.show(states.snapshot("running", states.module("n8n", "running"), left))
    host.answers["ai/module/details"] = answer(DETAILS)
    home = stack.home()
    home.item_of("n8n", "Restart").click()
    assert host.wait_for_call("ai/operation/start") == {"kind": "restart", "modules": ["n8n"]}
    home.item_of("n8n", "Settings").click()
    home.until(lambda: home.address.endswith("#modules/n8n/settings"), "the settings of n8n")
    home.script("history.back()")
    home.button("Remove…: RAGFlow").click()
    home.button("Remove").click()
    down = {"kind": "down", "modules": ["ragflow"], "volumes": []}
    assert host.wait_for_call("ai/operation/start") == down


def test_the_page_of_a_module_opens_in_a_tab_of_its_own(stack: Stack) -> None:
    stack.show(states.running())
    link = stack.home().button("Open: n8n")
    assert link.get_attribute("href") == "http://127.0.0.1:5678/"
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in (link.get_attribute("rel") or "")


def test_action_that_affects_other_modules_asks_first(stack: Stack) -> None:
    host = stack.show(states.running())
    home = stack.home()
    home.button("Stop all").click()
    home.wait_for_text("n8n and Dify", "#question[open]")
    home.press(Keys.ESCAPE)
    home.until(lambda: not home.all("#question[open]"), "the question goes")

    home.item_of("postgres", "Stop").click()
    home.wait_for_text("n8n and Dify use it", "#question[open]")
    home.button("Stop 3 modules").click()
    asked = host.wait_for_call("ai/operation/start")
    assert asked == {"kind": "stop", "modules": ["postgres"], "cascade": True}
    assert not [
        channel for channel, _ in host.calls if "/module/" in channel or "/operation/" in channel
    ]


def test_new_user_sees_what_start_all_does(stack: Stack) -> None:
    home = stack.home()
    home.wait_for_text("Start all starts n8n, Dify and OneAPI with", ".notice.info")
    stack.host.show(states.starting())
    home.until(lambda: not home.all(".notice.info"), "the hint goes")


def test_failure_is_not_followed_by_the_message_that_all_is_ready(stack: Stack) -> None:
    stack.show(states.failure([states.PORT_TAKEN], "n8n"))
    home = stack.home()
    home.wait_for(".problem")
    assert "Ready to start" not in home.text
    home.button("Dismiss: n8n couldn't start: port 18100 is in use").click()
    home.wait_for_text("Ready to start", ".notice.info")


def test_changes_are_announced_and_elements_are_kept(stack: Stack) -> None:
    stack.show(states.snapshot())
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


def test_page_in_the_link_is_shown_with_any_state_of_the_host(stack: Stack) -> None:
    stack.host.answers |= ANSWERS
    server = stack.serve()
    home = stack.at(lambda: server.invitation("settings"))
    home.wait_for(".nav-item[href='#settings'][aria-current=page]")
    assert re.search(r"/browser/[\w-]{40,}/#settings$", home.address)
    home.wait_for_text("Stopped", ".topbar .overall")
    stack.break_streams()
    stack.host.show(states.running())
    home.wait_for_text("Running", ".topbar .overall")
    home.wait_for(".nav-item[href='#settings'][aria-current=page]")
    home.script("location.hash = 'logs/n8n'")
    home.wait_for(".nav-item[href='#logs'][aria-current=page]")


def test_unchanged_parts_of_a_snapshot_are_kept(stack: Stack) -> None:
    code = """
    return import(new URL("js/base/store.js", location)).then(({ keeping }) => {
      const before = { all: [{ a: 1, b: [null] }, { a: 2 }], gone: 1 };
      const after = keeping(before, { all: [{ a: 1, b: [null] }, { a: 3 }] });
      const same = keeping(before.all, [{ a: 1, b: [null] }, { a: 2 }]) === before.all;
      return [after, after.all[0] === before.all[0], after.all[1] === before.all[1], same];
    });
    """
    after = {"all": [{"a": 1, "b": [None]}, {"a": 3}]}
    assert stack.home().script(code) == [after, True, False, True]


def test_a_reload_shows_the_same(stack: Stack) -> None:
    stack.show(states.running())
    home = stack.home()
    assert "token" not in home.address
    home.reload()
    home.wait_for_text(ALL_STARTED, ".overview")
    stack.host.show(states.snapshot())
    home.wait_for_text("Nothing is running", ".overview")

    def is_forgotten() -> bool:
        stack.host.show(states.snapshot(state=next(other)))
        return stack.host.subscribers == 1

    other = cycle(("running", "stopped"))
    home.until(is_forgotten, "the first page's stream ends when it can't be written")


def test_lost_host_is_announced_and_the_page_is_greyed(stack: Stack) -> None:
    stack.show(states.running())
    home = stack.home()
    stack.close_servers()
    home.wait_for_text("AI-Server Tray has stopped", ".notice.warning")
    home.wait_for("main.stale")
    assert home.names_of_usable_buttons("oneapi") == []


def test_a_stream_that_breaks_comes_back(stack: Stack) -> None:
    stack.show(states.running())
    home = stack.home()
    stack.break_streams()
    stack.host.show(states.snapshot())
    home.wait_for_text("Nothing is running", ".overview")
    home.until(lambda: not home.all(".notice.warning"), "no banner")


def test_a_page_goes_on_when_another_process_takes_over_its_address(stack: Stack) -> None:
    stack.show(states.running())
    server = stack.serve(port=free_port())
    home = stack.at(server.address)
    stack.close_servers()
    home.wait_for_text("AI-Server Tray has stopped", ".notice.warning")
    stack.host.show(states.snapshot())
    stack.serve(port=server.port)
    home.wait_for_text("Nothing is running", ".overview")
    home.until(lambda: not home.all(".notice.warning"), "no banner")


def test_many_open_tabs_all_work(stack: Stack) -> None:
    """A browser has six connections to one place, for all its tabs together."""
    host = stack.show(states.running())
    server = stack.serve()
    first = stack.at(server.address)
    for _ in range(7):
        last = stack.in_another_tab(server.address)
    last.button("Start: OneAPI").click()
    host.wait_for_call("ai/operation/start")
    host.show(states.snapshot())
    stack.back_to_the_first_tab()
    first.wait_for_text("Nothing is running", ".overview")
    assert not first.all(".notice.warning")


@pytest.mark.parametrize("part", ["store.js", "lit-html.js", "components.css"])
def test_page_that_loaded_incompletely_reloads(stack: Stack, part: str) -> None:
    stack.show(states.running())
    home = stack.home()
    home.withhold(part)
    home.reload()
    shown = home.script("return performance.timeOrigin")
    home.until(lambda: home.script("return performance.timeOrigin") != shown, "another try")
    home.withhold()
    home.wait_for_text(ALL_STARTED, ".overview")
    home.until(lambda: home.script("return sessionStorage.length") == 0, "no more tries")


def test_everything_in_chinese(stack: Stack) -> None:
    stack.show(states.in_chinese(states.starting()))
    home = stack.home("zh")
    for text in ("正在启动全部模块", "大约还需 42 分钟", "功能模块", "基础服务", "取消"):
        home.wait_for_text(text)
    assert home.script("return document.documentElement.lang") == "zh"


def test_another_language_shows_without_another_page(stack: Stack) -> None:
    host = stack.show(states.starting())
    home = stack.home()
    home.wait_for_text("Starting everything")
    host.wait_for_call("ai/rules/list")
    home.script("window.isOld = true")
    host.chosen = "zh"
    host.show(states.in_chinese(states.starting()))
    for text in ("正在启动全部模块", "大约还需 42 分钟", "功能模块", "基础服务", "取消"):
        home.wait_for_text(text)
    assert home.script("return document.documentElement.lang") == "zh"
    host.wait_for_call("ai/rules/list")  # whose texts are the owner's, too
    host.chosen = None
    host.show(states.running())
    home.wait_for_text(ALL_STARTED, ".overview")
    assert home.script("return [document.documentElement.lang, isOld]") == ["en", True]


def test_the_keyboard_alone_is_enough(stack: Stack) -> None:
    host = stack.show(states.running())
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
    host.wait_for_call("ai/operation/start")
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
    home.wait_for_text(ALL_STARTED, ".overview")


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


BOXES = """
    const heading = new Range();
    heading.selectNodeContents(document.querySelector('#overall'));
    const buttons = document.querySelectorAll('.overview .button');
    return [heading, ...buttons].map((it) => it.getBoundingClientRect().toJSON());"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_overview_of_a_narrow_window_is_whole(stack: Stack, language: Language) -> None:
    home = stack.home(language)
    home.resize(450, 700)
    for shown in (states.snapshot(), *(made() for made in SHOWN.values())):
        state = shown["state"]
        stack.host.show(shown)
        home.wait_for(f".overview[data-state={state}]")
        home.picture(f"overview-{state}-{language}")
        heading, *buttons = home.script(BOXES)
        assert heading["width"] > 0
        assert not [button for button in buttons if _overlap(heading, button)], state
        engine = home.wait_for(".overview p").rect
        assert engine["width"] > 2 * engine["height"], "a column of single words"


def _overlap(one: Json, other: Json) -> bool:
    beside = one["right"] <= other["left"] or other["right"] <= one["left"]
    return not (beside or one["bottom"] <= other["top"] or other["bottom"] <= one["top"])


def test_progress_is_seen_in_high_contrast(stack: Stack) -> None:
    restart = states.operation("restart", "n8n")
    stack.show(states.snapshot("running", states.module("n8n", "running"), operations=[restart]))
    home = stack.home()
    home.force_colors("active")
    bar = home.wait_for(".strip .meter")
    with Image.open(home.picture("high-contrast")) as picture:
        x, y, height = (round(bar.rect[name]) for name in ("x", "y", "height"))
        row = [
            picture.convert("RGB").getpixel((x + step, y + height // 2))
            for step in (10, round(bar.rect["width"]) - 10)
        ]
    home.force_colors("none")
    assert row[0] != row[1], "what is done does not stand out from what is not"


GB = 1 << 30


def test_total_usage_follows_each_sample(stack: Stack) -> None:
    host = stack.show(states.snapshot("running", states.module("n8n", "running")))
    series = {"cpu": [80.0, 160.0], "memory": [GB, 6 * GB]}
    host.answers["ai/stats/history"] = answer(
        {
            "interval": 15,
            "times": [0, 15],
            "total": series,
            "modules": [{"module": "n8n", **series}],
            "services": [],
        }
    )
    home = stack.home()
    for text in ("20 %", "of 8 cores", "25 %", "of 24 GB for Docker", "18 GB"):
        home.wait_for_text(text, ".hero-stats")
    load = {"cpu": 40.0, "memory": 12 * GB}
    loads = {"modules": [{"module": "n8n", **load}], "services": []}
    host.publish(STATS, {"time": 30, "total": load, **loads})
    home.wait_for_text("5 %", ".hero-stats")
    home.wait_for_text("50 %", ".hero-stats")
    home.wait_for_text("12 GB", "[data-module=n8n]")
    home.wait_for_text("12 of 24 GB", ".side-foot")


DOWNLOAD = {
    "current": 2 * GB,
    "total": 9 * GB,
    "rate": 3 * GB / 240,
    "images": 4,
    "unsized": 1,
    "rough": False,
    "share": 0.15,
    "secondsLeft": 240.0,
}


def downloading(*, delay: str | None = None, left: float | None = None, **more: object) -> Json:
    """*Start all*, with downloads of which something is known."""
    said = {"share": 0.214, "delay": delay, "secondsLeft": left}
    busy = states.operation("up", **said, download=DOWNLOAD | more)
    return states.starting() | {"operations": [busy]}


def test_a_start_shows_each_download_and_how_far_each_module_is(stack: Stack) -> None:
    host = stack.show(downloading())
    home = stack.home()
    pull = states.step("pull", "n8nio/n8n:2.41.6", "n8n", status="running")
    api = states.step("pull", "ragflow:1", "ragflow", status="running", current=GB, service="api")
    shared = {"current": GB, "total": GB, "awaitsShared": True, "status": "running"}
    steps = [
        pull | {"current": GB, "total": 4 * GB, "rate": 3 * GB / 240},
        states.step("pull", "redis:7", "redis", status="done", current=GB, total=GB, seconds=9.0),
        states.step("pull", "postgres:15", "postgres", total=2 * GB),
        states.step("start", "ai-redis", "redis", status="done", began=10.0, seconds=1.0),
        states.step("wait", "ai-redis", "redis", status="done", began=11.0, seconds=5.0),
        states.step("start", "ai-n8n", "n8n"),
        states.step("wait", "ai-n8n", "n8n", usual=74.0),
        states.step("start", "ai-dify", "dify"),
        api,
        states.step("pull", "one-api:1", "oneapi", **shared),
    ]
    host.publish(PROGRESS, {"operation": states.operation() | {"detail": None, "steps": steps}})
    home.wait_for_text("n8n takes the longest: about 1 min", ".phases")
    for text in ("25 %", "1 GB of 4 GB", "13 MB/s"):
        home.wait_for_text(text, "[data-image='n8nio/n8n:2.41.6']")
    home.wait_for_text("RAGFlow api", "[data-image='ragflow:1']")
    home.wait_for_text("1 GB so far, size not known", "[data-image='ragflow:1']")
    home.wait_for_text(
        "Waiting for a layer that another image is downloading", "[data-image='one-api:1']"
    )
    home.wait_for_text("next · 2 GB", "[aria-labelledby=downloads]")
    home.wait_for_text("1 image downloaded", "[aria-labelledby=downloads]")
    assert "n8nio" not in home.text
    home.wait_for_text("Downloading: 25 %", "[data-starting=n8n]")
    home.wait_for_text("Healthy after 6 s", "[data-starting=redis]")
    home.wait_for_text("Waits for its download", "[data-starting=postgres]")
    home.wait_for_text("Downloading…", "[data-starting=ragflow]")
    home.wait_for_text("Waits for PostgreSQL", "[data-starting=dify]")


def test_the_time_left_and_how_far_it_is_come_from_the_owner(stack: Stack) -> None:
    host = stack.show(downloading(delay="asking how large the downloads are"))
    home = stack.home()
    steps = [
        states.step("pull", "n8nio/n8n:2.41.6", "n8n", status="running", current=GB, total=4 * GB),
        states.step("start", "ai-n8n", "n8n"),
    ]
    host.publish(PROGRESS, {"operation": states.operation() | {"detail": None, "steps": steps}})
    home.wait_for_text("Estimating… · asking how large the downloads are", ".hero-head")
    home.wait_for_text("2 GB of at least 9 GB", ".phases")
    home.wait_for_text("Size of 3 of 4 known", ".phases")
    ring = home.wait_for(".hero [role=progressbar]")
    assert (ring.text, ring.get_attribute("aria-valuenow")) == ("21 %", "21")
    home.wait_for_text("Starting, 21 %", ".pill.overall")
    host.show(downloading(left=600.0, delay="the download became slower", unsized=0, rough=True))
    home.wait_for_text("About 10 min left · the download became slower", ".hero-head")
    home.wait_for_text("2 GB of about 9 GB", ".phases")
    home.wait_for_text("About 4 min left", ".phases")
    host.show(downloading(left=1.2, unsized=0, current=9 * GB))
    home.wait_for_text("About 1 s left", ".hero-head")
    home.wait_for_text("9 GB of 9 GB", ".phases")
    home.wait_for_text("Unpacking…", ".phases")


def test_each_module_has_a_colour_also_one_that_no_source_names(stack: Stack) -> None:
    names = {*load_catalog([built_in_catalog()]).modules, "whoami"}
    shown = [states.module("n8n", "running") | {"name": name, "title": name} for name in names]
    stack.show(states.snapshot("running", modules=shown))
    home = stack.home()
    home.wait_for_text("whoami", "[data-module=whoami]")
    read = "return getComputedStyle(document.querySelector(arguments[0])).getPropertyValue('--hue')"
    hues = {name: home.script(read, f"[data-module={name}] .tile") for name in names}
    assert {name for name, hue in hues.items() if not hue.startswith("light-dark(")} == set()
