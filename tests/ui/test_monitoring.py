"""Charts of used resources, in a real browser."""

import time
from collections.abc import Callable
from functools import partial
from threading import Event

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement

from aiserver_tray.features.cleanup.events import CLEANUP as CLEANUP_PROGRESS
from aiserver_tray.features.monitoring.events import STATS, WATCHED
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from tests.support import states
from tests.support.limits import LIMIT
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import BEGUN, CLEANUP, DISK, dify, history

GB = 1 << 30
LOAD: Json = {
    "cpu": 80.0, "memory": GB, "rx": 1, "tx": 1, "read": 1, "write": 1, "pids": 1,
}  # fmt: skip


def shown(stack: Stack, address: str, more: Json | None = None) -> HomePage:
    """The page at *address*; *more* is in each answer of the history."""
    stack.host.handlers["ai/stats/history"] = lambda asked, peer: answer(
        history(asked, peer)["data"] | (more or {})
    )
    stack.host.answers["ai/stats/disk"] = answer(DISK)
    stack.show(states.snapshot("running", dify(), states.module("redis", "running")))
    page = stack.home()
    page.go(address)
    page.wait_for(".usage .chart canvas")
    return page


def sample(**more: object) -> Json:
    return {"time": BEGUN + 16, "total": LOAD, "modules": [], "services": []} | more


def colours(page: HomePage, measure: str) -> list[int]:
    """The most frequent pixel of a chart that is not empty: red, green, blue."""
    script = """
      const canvas = document.querySelector(`[data-measure=${arguments[0]}] canvas`);
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const counts = new Map();
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] < 255) continue;
        const key = [data[i], data[i + 1], data[i + 2]].join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const most = [...counts].sort((one, other) => other[1] - one[1])[0];
      return most ? most[0].split(",").map(Number) : [];"""
    found = page.script(script, measure)
    assert isinstance(found, list)
    return found


def on_chart(page: HomePage, run: Callable[[ActionChains, WebElement, int], ActionChains]) -> None:
    plot = page.wait_for("[data-measure=cpu] .u-over")
    run(ActionChains(plot.parent), plot, plot.size["width"]).perform()


def test_usage_is_shown_by_module_with_what_happened_and_follows(stack: Stack) -> None:
    page = shown(stack, "monitoring")
    page.wait_for_text("21 %\nof 8 cores", "[data-measure=cpu]")
    page.wait_for_text("1 KB/s\n↓ 1 KB/s ↑", "[data-measure=network]")
    page.wait_for_text("7 GB of 9 GB", "[data-measure=storage]")
    rows = [row.text.split("\n") for row in page.all(".mini tbody tr")]
    assert [row[0] for row in rows] == ["Dify", "Redis"], "who uses most memory is first"

    stack.host.handlers["ai/stats/history"] = partial(history, cpu=80.0)
    stack.host.publish(STATS, sample())
    page.wait_for_text("10 %\nof 8 cores", "[data-measure=cpu]")
    table = {"name": "stats.csv", "text": "time,total cpu %", "file": None, "canOpen": False}
    stack.host.answers["ai/stats/csv"] = answer(table)
    page.button("Table").click()
    page.button("CPU").click()
    page.wait_for_text("10 %", ".table tbody tr:first-child")
    page.wait_for_text("dify/worker restarted", ".table tbody tr:first-child")
    page.script(
        "URL.createObjectURL = (blob) => (blob.text().then((text) => window.saved = text), '#')"
    )
    page.button("Download as CSV").click()
    page.until(lambda: page.script("return window.saved") == table["text"], "the file")
    assert not stack.host.wait_for_call("ai/stats/csv")["save"], "a browser saves it"
    assert page.complaints() == []


def test_what_was_used_before_docker_stopped_is_not_called_now(stack: Stack) -> None:
    page = shown(stack, "monitoring", {"times": [BEGUN, BEGUN + 15]})
    page.wait_for_text("now · 3.3 GB")
    ends = {"cpu": [8.0, 168.0, None], "memory": [GB, GB, None]}
    stack.host.handlers["ai/stats/history"] = lambda asked, peer: answer(
        (known := history(asked, peer)["data"])
        | {"times": [*known["times"], BEGUN + 30], "total": known["total"] | ends}
    )
    stack.show(states.engine_down())
    page.wait_for_text("There are no values since Jan 2, ", ".notice")
    page.wait_for_text("at Jan 1, ")
    page.wait_for_text("21 %\nof 8 cores", "[data-measure=cpu]")
    assert "now" not in page.wait_for(".monitoring").text.split()
    assert page.complaints() == []


def test_time_is_chosen_by_range_and_by_drag_and_stays_in_the_address(stack: Stack) -> None:
    page = shown(stack, "monitoring?range=24h")
    asked = stack.host.wait_for_call("ai/stats/history")
    while asked.get("from") is None:  # Home's
        asked = stack.host.wait_for_call("ai/stats/history")
    page.button("6 h").click()
    page.until(lambda: page.address.endswith("#monitoring?range=6h"), "the range is in it")
    later = asked
    while (later.get("from") or 0) - asked["from"] <= 17 * 3600:  # asked before the click
        later = stack.host.wait_for_call("ai/stats/history")

    stack.host.handlers["ai/stats/history"] = lambda payload, peer: answer(
        history(payload, peer)["data"] | {"times": [BEGUN, BEGUN + 6000], "interval": 6000}
    )
    page.reload()
    page.wait_for("[data-measure=cpu] .u-over")
    on_chart(
        page,
        lambda chain, plot, width: (
            chain.move_to_element_with_offset(plot, -width // 4, 0)
            .click_and_hold()
            .move_by_offset(width // 2, 0)
            .release()
        ),
    )
    page.until(lambda: "from=" in page.address, "the address has the zoom")
    found = stack.host.wait_for_call("ai/stats/history")
    while found.get("to") is None:
        found = stack.host.wait_for_call("ai/stats/history")
    assert BEGUN < found["from"] < found["to"] < BEGUN + 9000
    page.wait_for("button[aria-label='Back to 6 h']")
    on_chart(page, lambda chain, plot, _width: chain.double_click(plot))
    page.until(lambda: page.address.endswith("#monitoring?range=6h"), "the zoom is over")
    assert page.complaints() == []


def test_a_range_shows_that_it_loads_and_axes_have_units(stack: Stack) -> None:
    page = shown(stack, "monitoring?range=1h", {"times": [BEGUN, BEGUN + 15]})
    page.script(
        "window.drawn = new Set();"
        "const { fillText } = CanvasRenderingContext2D.prototype;"
        "CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {"
        "  drawn.add(text); fillText.call(this, text, ...more); };"
    )
    known, due = stack.host.handlers["ai/stats/history"], Event()

    def slow(asked: Json, peer: Peer) -> Envelope:
        due.wait(LIMIT)
        return known(asked, peer)

    stack.host.handlers["ai/stats/history"] = slow
    page.button("6 h").click()
    page.wait_for(".usages[aria-busy=true]")
    page.wait_for("[role=status][aria-label='Loading…']")
    due.set()
    page.wait_for(".usages[aria-busy=false]")
    assert not page.all("[aria-label='Loading…']")
    page.until(lambda: {"4 KB/s", "4 GB"} <= set(page.script("return [...drawn]")), "the units")
    times = [text for text in page.script("return [...drawn]") if ":" in text]
    assert {text.count(":") for text in times} == {2}, "minutes alone would repeat"


def test_the_first_range_fits_what_there_is_and_a_chosen_one_stays(stack: Stack) -> None:
    begun = int(time.time()) - 40
    page = shown(stack, "monitoring", {"times": [begun, begun + 15]})
    assert page.wait_for(".top [aria-checked=true]").text == "15 min"
    asked = [payload for channel, payload in stack.host.calls if channel == "ai/stats/history"]
    assert asked[-1]["from"] > begun - 900, "no more than is shown"
    page.button("6 h").click()
    page.until(lambda: page.address.endswith("?range=6h"), "the range")
    page.go("home")
    page.go("monitoring")
    page.wait_for(".usage .chart canvas")
    assert page.wait_for(".top [aria-checked=true]").text == "6 h"
    assert page.complaints() == []


def test_time_is_chosen_with_keys(stack: Stack) -> None:
    page = shown(stack, "monitoring?range=1h", {"times": [BEGUN, BEGUN + 600], "interval": 600})
    chart = page.wait_for("[data-measure=cpu] .chart")
    chart.send_keys(Keys.ARROW_LEFT)
    page.until(lambda: "CPU: 21 %" in spoken(chart), "the newest values")
    chart.send_keys(Keys.SHIFT, Keys.ARROW_LEFT)
    page.until(lambda: "CPU: 1 %" in spoken(chart) and " – " in spoken(chart), "a part")
    chart.send_keys(Keys.ENTER)
    page.until(lambda: page.address.endswith(f"from={BEGUN}&to={BEGUN + 600}"), "the zoom")
    page.wait_for("[data-measure=cpu] .chart").send_keys(Keys.ESCAPE)
    page.until(lambda: page.address.endswith("?range=1h"), "all of it")
    assert page.complaints() == []


def spoken(chart: WebElement) -> str:
    return chart.get_attribute("aria-valuetext") or ""


def test_a_module_is_watched_every_second_while_its_charts_are_seen(stack: Stack) -> None:
    page = shown(stack, "modules/dify/resources")
    assert stack.host.wait_for_call("ai/stats/watch") == {"module": "dify"}
    page.wait_for_text("20 %\nof 8 cores", "[data-measure=cpu]")
    worker = LOAD | {"module": "dify", "service": "worker", "cpu": 40.0}
    now = sample(modules=[LOAD | {"module": "dify"}], services=[worker])
    stack.host.publish(WATCHED, now)
    page.wait_for_text("10 %\nof 8 cores", "[data-measure=cpu]")
    page.wait_for(".mini tbody tr").click()
    page.until(lambda: "service=worker" in page.address, "the row is a filter")
    page.wait_for_text("5 %\nof 8 cores", "[data-measure=cpu]")
    page.go("home")
    stack.host.wait_for_call("ai/stats/unwatch")
    assert page.complaints() == []


def test_charts_are_drawn_in_the_colours_of_the_theme(stack: Stack) -> None:
    page = shown(stack, "monitoring")
    page.prefer(color_scheme="light")
    light = page.until(lambda: colours(page, "cpu"), "the chart is drawn")
    page.script("document.documentElement.dataset.theme = 'dark'")
    page.until(lambda: colours(page, "cpu") not in ([], light), "it is drawn again")


def test_a_clean_up_counts_what_is_ticked_and_says_what_is_still_there(stack: Stack) -> None:
    asked, go_on = list[Json](), Event()

    def clean(request: Json, _peer: Peer) -> Envelope:
        asked.append(request)
        stack.host.publish(CLEANUP_PROGRESS, {"done": 2, "total": 4})
        assert go_on.wait(LIMIT)
        outcomes = [{"id": id, "names": [], "problem": None} for id in request["ids"]]
        outcomes[0] |= {"id": "image old", "problem": "it is in use now, or already gone"}
        return answer({"outcomes": outcomes, "bytes": len(asked) * 12 << 20})

    stack.host.answers["ai/cleanup/plan"] = answer(CLEANUP)
    stack.host.handlers["ai/cleanup/run"] = clean
    page = shown(stack, "monitoring")
    page.button("Clean up…").click()
    page.wait_for_text("597 MB become free of 4 GB", ".cleanup")  # with what two images share
    page.wait_for("#cleanup-exports").click()
    page.wait_for_text("485 MB become free", ".cleanup")
    assert page.all(".cleanup .item:not(.kid)")[-1].text.startswith("2 more."), (
        "of images of others"
    )
    page.button("Show all").click()
    page.wait_for("[id='cleanup-image 25']").click()
    page.wait_for_text("550 MB become free", ".cleanup")
    page.button("Show Old images of your modules").click()
    page.wait_for_text("n8nio/n8n:2.40.5", ".cleanup .kid")
    page.button("Remove 4 things").click()
    page.wait_for_text("2 of 4 removed", ".cleanup")
    go_on.set()
    page.wait_for_text("n8nio/n8n:2.40.5 it is in use now, or already gone", ".cleanup .notice")
    page.wait_for_text("12 MB became free", ".toasts")
    expected = {"image old", "image older", "container one", "image 25"}
    assert [{*request["ids"]} for request in asked] == [expected]

    go_on.clear()
    page.wait_for("#cleanup-exports").click()
    page.button("Remove 1 thing").click()
    page.wait_for_text("2 of 1 removed", ".cleanup")
    page.button("Close").click()
    page.until(lambda: not page.all("dialog[open]"), "it is closed while it runs")
    go_on.set()
    page.wait_for_text("1 thing is still there", ".toasts")
    assert "24 MB became free" not in page.text, "nothing was removed this time"
    page.button("Show").click()
    page.wait_for_text("it is in use now, or already gone", ".cleanup[open] .notice")
    assert page.complaints() == []
