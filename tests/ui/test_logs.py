"""The page of logs, in a real browser."""

from datetime import UTC, datetime
from functools import partial

import pytest
from selenium.webdriver import Keys

from aiserver_tray.protocol.message import Json, answer
from tests.support import states
from tests.support.kept_lines import KeptLines
from tests.ui.conftest import Stack
from tests.ui.home import HomePage
from tests.ui.modules import dify

_SEEN = """
const { top, bottom } = document.querySelector(".loghold")?.getBoundingClientRect() ?? {};
const isSeen = (row) => row.top < bottom - 2 && row.bottom > top + 2;
return [...document.querySelectorAll(".ll .said")]
  .filter((line) => isSeen(line.getBoundingClientRect())).map((line) => line.innerText);
"""

_CHARACTERS = """
const cell = document.querySelector(".ll .text-cell");
const ruler = cell.appendChild(document.createElement("i"));
ruler.style.cssText = "position: absolute; width: 100ch";
const width = ruler.getBoundingClientRect().width / 100;
ruler.remove();
return cell.clientWidth / width;
"""
"""How many characters of a message are seen."""


def at(stack: Stack, address: str) -> HomePage:
    running = (states.module(name, "running") for name in ("n8n", "redis"))
    stack.show(states.snapshot("running", dify(), *running))
    page = stack.home()
    page.go(address)
    return page


def lines(page: HomePage) -> list[str]:
    """What the lines say that are seen."""
    said: list[str] = page.script(_SEEN)
    return said


def requests(page: HomePage) -> list[int]:
    """The numbers of the requests that are seen."""
    return [int(line.split()[1]) for line in lines(page) if line.startswith("request ")] or [0]


def followed(page: HomePage, kept: KeptLines, filter_: Json) -> None:
    """Wait until new lines come by this filter: the page asks for them beside those it shows."""
    page.until(lambda: kept.followed == filter_, "it follows")


def oldest(page: HomePage) -> str:
    return next(iter(lines(page)), "")


def newest(page: HomePage) -> str:
    return next(reversed(lines(page)), "")


def is_newest(page: HomePage, number: int) -> bool:
    return f"request {number} " in newest(page)


def test_millions_of_lines_are_scrolled_by_time_and_few_are_drawn(stack: Stack) -> None:
    kept = KeptLines(stack.host, 2_000_000, step=0.25)
    page = at(stack, "logs?range=all")
    page.until(lambda: "request 1999999" in newest(page), "the newest line")
    assert len(page.all(".ll")) < 60

    page.press(" ")
    page.wait_for_text("Paused", ".status")
    followed(page, kept, {})
    kept.write(37)
    page.wait_for_text("37 new lines", ".resume")
    assert "request 1999999" in newest(page), "what is looked at does not move"

    bar = page.wait_for("#log-bar")
    bar.send_keys(Keys.HOME)
    page.until(lambda: "request 0 " in oldest(page), "the oldest line")
    bar.send_keys(Keys.PAGE_DOWN)  # a tenth of the time
    page.until(lambda: requests(page)[0] > 1000, "another time")
    number = requests(page)[0]
    assert 150_000 < number < 250_000
    page.script("document.querySelector('.logbox').scrollTop = 0")
    page.until(lambda: requests(page)[0] < number - 20, "lines before it")
    page.press(Keys.END)
    page.until(lambda: "request 2000036" in newest(page), "the newest line")
    assert page.complaints() == []


def test_lines_that_a_slow_page_did_not_get_are_fetched(stack: Stack) -> None:
    kept = KeptLines(stack.host, 1000)
    page = at(stack, "logs")
    page.until(lambda: "request 999 " in newest(page), "the newest line")
    followed(page, kept, {})

    kept.write(79, dropped=77)
    page.until(lambda: "request 1078 " in newest(page), "the newest line")
    expected = [kept.line(number)["text"] for number in range(1071, 1079)]
    page.until(lambda: lines(page)[-8:] == expected, "those that were left out, too")

    kept.followed = None
    stack.break_streams()
    followed(page, kept, {})
    page.until(lambda: page.script("return document.querySelector('.ll') !== null"), "lines")
    kept.write(1)
    page.until(lambda: "request 1079 " in newest(page), "it follows again")

    kept.write(1, late=[kept.line(3) | {"cursor": "late", "text": "an old line"}])
    page.until(lambda: newest(page) == "heartbeat ok", "an old line is not the newest")
    assert page.complaints() == []


@pytest.mark.parametrize("address", ["logs/dify", "modules/dify/logs"])
def test_filters_are_in_the_address_and_hidden_lines_are_counted(
    stack: Stack, address: str
) -> None:
    KeptLines(stack.host, 1000)
    page = at(stack, f"{address}?range=1h&level=error&text=Timed&only=1")

    page.wait_for_text("10 of 80 lines match", ".conditions")
    page.wait_for_text("same line 10 times in 1 min 30 s", ".between.same")
    assert lines(page) == ["httpx.ConnectTimeout: timed out"]
    assert {mark.text for mark in page.all(".ll mark")} == {"timed"}
    asked = stack.host.wait_for_call("ai/logs/follow")["filter"]
    assert asked == {"modules": ["dify"], "levels": ["error"], "text": "Timed"}

    page.press("i")
    page.until(lambda: "level=error%2Cinfo" in page.address, "both levels")
    page.script("history.back()")
    page.wait_for(".levels .info[aria-pressed=false]")
    page.button("Only matching lines").click()
    page.wait_for_text("2 frames in libraries", ".trace.fold")
    page.go(f"{address}?range=1h&service=api")
    page.until(lambda: {svc.text[-3:] for svc in page.all(".ll .svc")} == {"api"}, "one service")
    assert page.complaints() == []


def test_traces_are_folded_equal_lines_counted_and_all_text_stays_text(stack: Stack) -> None:
    kept = KeptLines(stack.host, 100)
    kept.gaps = [{"module": "dify", "service": "api", "begin": kept.time(2), "end": kept.time(4)}]
    page = at(stack, "logs")

    page.wait_for_text("same line 10 times in 0.9 s", ".between.same")
    page.wait_for_text("7 lines", ".ll .more")
    parts = [part.text for part in page.all(".trace")]
    assert [part.strip() for part in parts] == [
        'File "/app/api/tasks/indexing.py", line 84, in _index',
        "",
        "2 frames in libraries",
        "httpx.ConnectTimeout: timed out",
    ]
    page.wait_for(".trace.fold").click()
    page.wait_for_text("site-packages/httpx/client.py", ".trace.fold + .trace")
    page.script("document.querySelector('.ll .more').click()")
    page.until(lambda: not page.all(".trace"), "the whole trace is folded")

    page.press("j")
    page.wait_for("#log-list").send_keys(Keys.HOME)
    page.wait_for_text("Lines of dify/api are missing", ".between.gap")
    odd = next(line for line in page.all(".ll .said") if "bold" in line.text)
    assert odd.text == "red <b>bold</b> ⟨RLO⟩txt.exe"
    assert page.all(".ll .ansi-red")[0].text == "red"
    assert page.complaints() == []
    page.wait_for(".between.gap .link").click()
    page.until(lambda: "settings?at=app.logs_engine_size" in page.address, "the setting")


def test_a_line_leads_to_its_fields_and_to_the_lines_around_it(stack: Stack) -> None:
    KeptLines(stack.host, 1000)
    page = at(stack, "logs?range=1h")
    page.until(lambda: "request 999 " in newest(page), "the newest line")

    page.press("k", "k", Keys.ENTER)
    page.wait_for_text("trace_id", ".fields")
    assert page.wait_for("[role=option][aria-selected=true]").accessible_name.endswith(
        "dify/worker Warning request 998 status=204 ms=998"
    )
    page.wait_for("[role=tab]:last-child").click()
    page.wait_for_text("request 998 ", ".around .sel")
    page.wait_for("[role=tab]").click()
    page.script("arguments[0].click()", page.wait_for(".fields dd .button"))
    page.wait_for_text("status=204", ".condition")
    page.until(lambda: all("status=204" in line for line in lines(page)), "only these")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.all(".drawer"), "the details are closed")
    page.button("Remove the condition status=204").click()
    page.until(lambda: not page.all(".condition"), "no condition")
    assert page.complaints() == []


def test_a_search_goes_from_match_to_match_and_on_when_an_answer_took_too_long(
    stack: Stack,
) -> None:
    KeptLines(stack.host, 100_000, budget=0.02)
    page = at(stack, "logs?range=all&level=warn&text=request+123+")
    page.wait_for_text("lines match", ".conditions")
    stack.host.calls.clear()
    page.button("Previous match").click()
    page.wait_for_text("request 123 ", ".ll.hit")
    answers = [asked for channel, asked in stack.host.calls if channel == "ai/logs/lines"]
    searches = [asked for asked in answers if "text" in asked["filter"]]
    assert len(searches) > 2, "it was asked on"
    page.wait_for("#log-text").send_keys(Keys.ENTER)
    page.wait_for_text("No earlier match", ".toasts")

    refused = {"success": False, "code": "E_INPUT", "message": "no closing )", "data": {}}
    stack.host.answers["ai/logs/histogram"] = refused
    del stack.host.handlers["ai/logs/histogram"]
    page.button("Regular expression").click()
    page.wait_for_text("no closing )", ".conditions")
    assert page.complaints() == []


def test_a_time_is_chosen_with_keys(stack: Stack) -> None:
    KeptLines(stack.host, 1000)
    page = at(stack, "logs?range=15m")
    page.until(lambda: "request 999 " in newest(page), "the newest line")
    plot = page.wait_for(".histo-plot")
    plot.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.SHIFT, Keys.ARROW_LEFT)
    page.until(lambda: ": Error: " in (plot.get_attribute("aria-valuetext") or ""), "its lines")
    tip = page.wait_for(".histo-tip")
    assert "–" in tip.text
    assert {"Error", "Info"} <= set(tip.text.replace("\n", " ").split())
    plot.send_keys(Keys.ENTER)
    page.until(lambda: "until=" in page.address, "two of the bars")
    page.wait_for_text("Paused", ".status")
    page.wait_for_text("–", ".conditions .condition")
    page.button("Show the whole time").click()
    page.until(lambda: "until=" not in page.address, "all of it")
    plot.send_keys(Keys.ARROW_LEFT, Keys.ENTER)
    page.until(lambda: "until=" in page.address, "one of the bars")
    plot.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all(".conditions"), "all of it")
    assert page.complaints() == []


def test_errors_are_grouped_and_a_time_in_the_address_is_gone_to(stack: Stack) -> None:
    kept = KeptLines(stack.host, 1000)
    page = at(stack, "logs?view=errors&range=1h")
    page.wait_for_text("httpx.ConnectTimeout", ".error-said")
    errors = [found for found in map(kept.line, range(1000)) if found["level"] == "error"]
    entries = sum(not found["continues"] for found in errors)
    assert entries < len(errors)
    page.wait_for_text(f"Errors\n{entries}", ".log-tools")
    page.wait_for_text(str(entries), ".levels .error")
    assert page.wait_for("tbody .num").text == "10"
    page.wait_for(".error-said button").click()
    page.wait_for(".ll.sel.error")
    assert "at=" in page.address

    when = datetime.fromtimestamp(kept.time(500), UTC).isoformat()
    page.go(f"logs/dify?at={when.replace('+', '%2B')}")
    page.until(lambda: any("request 500 " in line for line in lines(page)), "that time")
    page.wait_for_text("Paused", ".status")
    page.go(f"logs?until={kept.time(300)}")
    page.until(lambda: "request 299 " in newest(page), "the last line until then")
    followed(page, kept, {})
    kept.write(100)
    page.wait_for_text("100 new lines", ".resume")
    page.press(Keys.END)
    page.until(lambda: "request 1099 " in newest(page), "the newest line")
    assert "until" not in page.address
    assert page.complaints() == []


def test_lines_are_exported_and_a_stack_without_lines_says_so(stack: Stack) -> None:
    KeptLines(stack.host, 0)
    stack.host.answers["ai/logs/export"] = answer({"exportId": "1"})
    why = "No space left on the disk"
    kept = {"modules": [], "bytes": 0, "problem": why, "recovered": 40, "unreadable": []}
    stack.host.answers["ai/logs/kept"] = answer(kept)
    off = {"address": "app.logs_keep", "value": "false"}
    stack.host.answers["ai/config/get"] = answer({"entries": [off]})
    ended: Json = {
        "exportId": "1", "status": "succeeded", "lines": 3, "percent": 100.0, "file": "/e/logs.csv",
        "name": "logs.csv", "size": 900, "canOpen": False, "code": None, "message": "",
    }  # fmt: skip
    stack.host.answers["ai/logs/exports"] = answer({"exports": [ended]})
    page = at(stack, "logs?level=warn")
    page.wait_for_text("No log lines yet", ".loghold")
    page.wait_for_text(why, ".lognotice")
    page.wait_for_text("40 % of it was read again until now")
    page.wait_for_text("Logs aren't kept")
    page.button("Export").click()
    page.wait_for("#menu .mi:last-child").click()
    asked = stack.host.wait_for_call("ai/logs/export")
    assert asked["format"] == "csv"
    assert asked["filter"]["levels"] == ["warn"]
    page.wait_for_text("logs.csv is ready", ".lognotice")  # it ended before its ID was known
    assert page.complaints() == []


def test_typing_goes_to_the_newest_match_and_keys_to_the_others(stack: Stack) -> None:
    kept = KeptLines(stack.host, 4000)
    page = at(stack, "logs?range=1h")
    page.until(lambda: "request 3999 " in newest(page), "the newest line")
    followed(page, kept, {})

    page.wait_for("#log-text").send_keys("ms=12")
    page.wait_for_text("request 1299 ", ".ll.hit")  # far beyond what was loaded
    page.wait_for_text("Match 93 of 93 in", ".conditions")
    page.wait_for_text("Paused", ".status")
    page.press(Keys.ENTER)
    page.wait_for_text("Match 92 of 93 in", ".conditions")
    page.chord(Keys.SHIFT, Keys.F3)
    page.wait_for_text("request 1299 ", ".ll.hit")
    page.wait_for("#log-list").send_keys("k", Keys.F3)  # on from the line that is active then
    page.wait_for_text("Match 91 of 93 in", ".conditions")
    page.button("Only matching lines").click()
    page.until(lambda: all("ms=12" in line for line in lines(page)), "only these")
    page.button("Only matching lines").click()
    page.go("logs?range=1h&text=nothing+of+that+kind")
    page.wait_for_text("0 of 4,000 lines match", ".conditions")
    page.until(lambda: not page.all(".ll.hit"), "there is none")
    page.button("Show everything").click()
    page.until(lambda: "range=all" in page.address, "a longer time")
    page.go("logs?range=1h")
    page.wait_for("#log-list").send_keys(Keys.END)
    page.until(lambda: "request 3999 " in newest(page), "the newest line")
    followed(page, kept, {})

    page.wait_for("#log-text").send_keys("heartbeat")
    page.wait_for_text("Match 400 of 400", ".conditions")
    page.wait_for_text("heartbeat ok", ".ll.hit")  # the last of equal lines, which were folded
    kept.write(1, late=[kept.line(3989) | {"cursor": "late", "time": kept.time(4000)}])
    page.wait_for_text("Match 400 of 401", ".conditions")
    page.wait_for("#log-text").send_keys(Keys.ESCAPE)
    page.wait_for_text("Following", ".status")
    page.wait_for("#log-text").send_keys("heartbeat")
    page.wait_for_text("heartbeat ok", ".ll.hit")
    page.go(f"logs?range=1h&from={kept.time(100)}&until={kept.time(120)}")
    page.wait_for_text("request 100 ", ".ll")  # where the address leads, and no longer followed
    page.wait_for_text("Paused", ".status")
    assert page.complaints() == []


def test_a_list_that_grows_follows_on(stack: Stack) -> None:
    kept = KeptLines(stack.host, 1000)
    page = at(stack, "logs?range=1h")
    page.until(lambda: "request 999 " in newest(page), "the newest line")
    followed(page, kept, {})
    before = len(lines(page))
    page.resize(1200, 1000)
    page.until(lambda: len(lines(page)) > before, "more lines are seen")
    page.resize(450, 700)
    kept.write(1)
    page.until(lambda: "request 1000 " in newest(page), "the newest line")
    page.wait_for_text("Following", ".status")
    assert page.script(_CHARACTERS) >= 40
    assert page.complaints() == []


def test_health_checks_are_one_row_with_their_number_until_they_are_shown(stack: Stack) -> None:
    kept = KeptLines(stack.host, 1000)
    kept.checks = range(0, 1000, 2)
    page = at(stack, "logs?range=1h")
    page.until(lambda: "request 999 " in newest(page), "the newest line")
    page.wait_for_text("health checks folded · Show", ".status")
    page.button("Show the health checks").click()
    page.until(lambda: any("/healthz" in line for line in lines(page)), "they are shown")
    page.button("Fold the health checks").click()
    page.press("k")
    page.wait_for("#log-list").send_keys(Keys.HOME)
    page.wait_for_text("health checks · Show", ".between.checks")
    assert [line for line in lines(page) if "/healthz" in line] == []

    page.wait_for("#log-text").send_keys("200 996")
    page.wait_for_text("/healthz HTTP/1.1", ".ll.hit")  # a match is seen, the others stay folded
    page.wait_for("#log-text").send_keys(Keys.ESCAPE)
    page.wait_for("#log-list").send_keys(Keys.HOME)
    page.wait_for(".between.checks")
    page.script("document.querySelector('.between.checks').click()")
    page.until(lambda: any("/healthz" in line for line in lines(page)), "they are shown")
    page.button("Fold the health checks").click()
    page.wait_for_text("Show", ".between.checks")

    # So many are few rows: no more are asked for than the page keeps.
    kept = KeptLines(stack.host, 60_000)
    kept.checks = range(60_000)
    page.go("logs/dify?range=all")
    page.wait_for_text("health checks", ".between.checks")
    followed(page, kept, {"modules": ["dify"]})
    for number in range(60_002, 60_018, 4):
        kept.write(4)
        page.until(partial(is_newest, page, number), "the newest line")
    assert sum(channel == "ai/logs/lines" for channel, _ in stack.host.calls) < 60
    assert page.complaints() == []
