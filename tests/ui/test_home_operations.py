"""Home in a real browser: what it tells and offers of operations that run."""

import pytest

from tests.support import states
from tests.ui.answers import ANSWERS
from tests.ui.conftest import Stack
from tests.ui.home import HomePage


def test_no_action_is_offered_for_modules_of_a_running_operation(stack: Stack) -> None:
    busy = states.operation("up", "n8n")
    stack.show(states.snapshot("starting", states.module("n8n", "starting"), operations=[busy]))
    home = stack.home()
    home.until(lambda: home.names_of_usable_buttons("n8n") == [], "nothing of n8n")
    home.until(lambda: home.names_of_usable_buttons("oneapi") == ["Start"], "the other")


def test_an_operation_shows_how_far_it_is_and_can_be_cancelled(stack: Stack) -> None:
    host = stack.show(states.starting())
    home = stack.home()
    for text in (
        "Starting everything",
        "waiting for postgres",
        "3 of 7 ready",
        "About 42 min left",
    ):
        home.wait_for_text(text, ".operation")
    ring = home.wait_for(".operation [role=progressbar]")
    assert ring.get_attribute("aria-valuenow") == "43", "percent, of 3 of 7"
    home.button("Cancel: Starting everything").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}

    others = states.operation("stop", "n8n", foreign=True)
    stopping = (states.module("n8n", "stopping"), states.module("dify", "running"))
    host.show(states.snapshot("stopping", *stopping, operations=[others]))
    home.wait_for_text("Stopping n8n", ".operation")
    home.wait_for_text("3 of 7 stopped", ".operation")
    home.wait_for_text("1 module left to stop", ".overview")
    assert not home.all(".operation button"), "another process's can't be cancelled here"


@pytest.mark.parametrize("width", [1200, 450])
def test_steps_of_an_operation_are_readable_at_any_zoom(stack: Stack, width: int) -> None:
    stack.show(states.starting())
    home = stack.home()
    home.resize(width, 600)
    home.wait_for_text("waiting for postgres", ".operation")
    home.picture(f"operation-{width}")
    text = "const {scrollWidth, clientWidth} = document.querySelector('.operation p');"
    assert home.script(f"{text} return scrollWidth <= clientWidth && clientWidth > 100")


DOWNLOAD = (
    f"elasticsearch: docker.elastic.co/elasticsearch/elasticsearch@sha256:{'c0ffee' * 11}: "
    "350 MB of 1.2 GB, 12 MB/s, 3 of 9 layers"
)


@pytest.mark.parametrize("width", [450, 640, 900])
def test_the_whole_detail_of_an_operation_is_seen(stack: Stack, width: int) -> None:
    home = stack.home()
    home.resize(width, 700)
    stack.show(states.snapshot("starting", operations=[states.operation("up", text=DOWNLOAD)]))
    home.wait_for_text("350 MB of 1.2 GB", ".operation")
    home.picture(f"download-{width}")
    text = "const it = document.querySelector('.operation p');"
    assert home.script(f"{text} return it.scrollWidth <= it.clientWidth")
    assert home.script(f"{text} return it.scrollHeight <= it.clientHeight")
    for name in ("Starting everything", "3 of 7 ready", "About 42 min left", "Cancel"):
        home.wait_for_text(name, ".operation")
    overflow = "return document.documentElement.scrollWidth - innerWidth"
    assert home.script(overflow) <= 0


def test_cut_detail_is_shown_whole_on_hover(stack: Stack) -> None:
    stack.show(states.snapshot("starting", operations=[states.operation("up", text=DOWNLOAD)]))
    home = stack.home()
    home.resize(1200, 700)
    home.wait_for_text("elasticsearch", ".operation")
    assert home.wait_for(".operation p").get_attribute("title") == DOWNLOAD


@pytest.mark.parametrize(
    ("address", "late"), [("home", (".alert", ".key-notice")), ("modules/n8n", (".accounts",))]
)
def test_an_operation_on_one_module_is_a_strip_and_moves_nothing(
    stack: Stack, address: str, late: tuple[str, ...]
) -> None:
    stack.host.answers |= ANSWERS
    calm = states.running()
    stack.show(calm)
    home = stack.home()
    home.go(address)
    for part in late:  # it comes after the others, and moves them
        home.wait_for(part)
    watch_shifts(home)
    for kind, *course in (("restart", "stopping", "starting"), ("stop", "stopping", "stopped")):
        for state in course:
            more = {"reason": "its first health check is awaited"} if state == "starting" else {}
            busy = states.module("n8n", state, **more)
            modules = [busy if one["name"] == "n8n" else one for one in calm["modules"]]
            doing = states.operation(kind, "n8n", text=f"{state} n8n")
            stack.show(states.snapshot(state, *modules, operations=[doing]))
            home.wait_for_text(f"{state} n8n", ".strip")
        home.picture(f"strip-{kind}")
        stack.show(calm)
        home.until(lambda: not home.all(".strip"), "it is over")
    assert shifted(home) < 0.02


def watch_shifts(page: HomePage) -> None:
    page.script(
        "window.shifts = [];"
        "const add = (list) => shifts.push(...list.getEntries());"
        "new PerformanceObserver(add).observe({ type: 'layout-shift' });"
    )


def shifted(page: HomePage) -> float:
    """How much of the page moved, and how far: the sum of the browser's scores."""
    frames = "const [done] = arguments; requestAnimationFrame(() => setTimeout(() => done("
    score = "shifts.reduce((sum, { value }) => sum + value, 0)"
    return float(page.later(f"{frames}{score}), 100));"))
