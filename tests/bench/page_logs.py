"""The Logs page in a real browser: how it keeps up with lines, and its way to another time."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from selenium.webdriver import Chrome

from aiserver_tray.carriers.http.access import Keys
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from tests.bench.page import heap
from tests.bench.result import Figure
from tests.support import states
from tests.support.browser import chromium_in
from tests.support.kept_lines import KeptLines
from tests.support.scripted import Scripted

LINES = 10_000_000
STEP = 0.06
"""Seconds between lines: those of a week."""
A_SECOND = 5000
SECONDS = 60
JUMPS = (0.1, 0.5, 0.93, 0.02, 0.7, 0.3, 0.85, 0.25, 0.6)
"""Where in the time to go, as parts of the whole."""

_FRAMES = """
window.frames_ = [];
let last = performance.now();
const frame = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"""
_JUMP = """
const [share, done] = arguments;
const bar = document.getElementById("log-bar");
const { top, height } = bar.getBoundingClientRect();
const said = () => document.querySelector(".ll .said")?.innerText;
const [before, begun] = [said(), performance.now()];
bar.setPointerCapture = () => {};
bar.dispatchEvent(new PointerEvent("pointerdown", { clientY: top + share * height, buttons: 1 }));
const look = () =>
  said() === before ? requestAnimationFrame(look) : done(performance.now() - begun);
look();
"""


def page_logs() -> dict[str, Figure]:
    """Frames of more than 50 ms and the memory gained while 5,000 lines a second arrive for a
    minute; and how long it takes to go anywhere in 10,000,000 lines, which are made up: the
    store's part is measured by itself."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        browser = stack.enter_context(chromium_in(folder))
        host = Scripted(states.running())
        kept = KeptLines(host, LINES, STEP)
        server = stack.enter_context(BrowserServer(host, Binding(port=0), "en", Keys()))
        browser.get(f"{server.address}#logs?range=all")
        time.sleep(3)
        return _poured(browser, kept) | _jumps(browser)


def _poured(browser: Chrome, kept: KeptLines) -> dict[str, Figure]:
    kept.pour(A_SECOND, 3).join()  # what is compiled and cached once
    before = heap(browser)
    browser.execute_script(_FRAMES)
    kept.pour(A_SECOND, SECONDS).join()
    frames: list[float] = browser.execute_script("return frames_")
    return {
        "logs-frames-over-50ms": Figure(sum(frame > 50 for frame in frames), "frames", 0),
        "logs-longest-frame": Figure(max(frames), "ms", 50),
        "logs-memory-gain": Figure((heap(browser) - before) / 1e6, f"MB in {SECONDS} s", 2),
    }


def _jumps(browser: Chrome) -> dict[str, Figure]:
    waits = sorted(browser.execute_async_script(_JUMP, share) for share in JUMPS)
    return {"logs-jump": Figure(waits[-1], "ms, the slowest", 150)}
