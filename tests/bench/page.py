"""The dashboard in a real browser: how soon it is there, and how it keeps up with changes."""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

from aiserver_tray.carriers.http.access import Keys
from aiserver_tray.carriers.http.server import Binding, BrowserServer
from aiserver_tray.model import Container, Health
from aiserver_tray.state.facts import ContainerSeen
from tests.bench.many import MODULES, NAMES, start
from tests.bench.result import Figure
from tests.support import made
from tests.support.browser import chromium_in
from tests.support.store_contract import StoreContract

LOADS = 7
CHANGES_A_SECOND = 50
WARM_SECONDS = 8
"""Each module has turned unhealthy and healthy again."""
SECONDS = 16
GROWTH_SECONDS = 64

_WATCH = """
window.seen = { usable: null, bytes: 0, changes: [], longTasks: 0, frames: 0 };
const look = () => {
  if (!document.querySelector("main [data-module]")) return requestAnimationFrame(look);
  seen.usable = performance.now();
  const fetched = performance.getEntriesByType("resource");
  seen.bytes = fetched.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
};
requestAnimationFrame(look);
new PerformanceObserver((list) => { seen.longTasks += list.getEntries().length; })
  .observe({ type: "longtask" });
new MutationObserver((records) => {
  const now = Date.now();
  const changed = new Set(records.filter(({ target }) => target.dataset?.module)
    .map(({ target }) => target.dataset.module));
  for (const name of changed) seen.changes.push([name, now]);
  seen.frames += changed.size ? 1 : 0;
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-state"] });
"""


def page() -> dict[str, Figure]:
    """Milliseconds from navigation until something is painted and until Home can be used; what the
    browser fetches until then; and 200 modules of 5 services with 50 changes a second: from the
    change to the page, long tasks, what the owner takes, and what the page gains in memory."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        browser = stack.enter_context(chromium_in(folder))
        contract = stack.enter_context(closing(StoreContract()))
        start(contract)
        keys = Keys()
        server = stack.enter_context(BrowserServer(contract, Binding(port=0), "en", keys))
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        browser.get(server.address)
        return _loads(browser) | _updates(browser, contract)


def _loads(browser: Chrome) -> dict[str, Figure]:
    painted, usable, size = [], [], 0
    for _ in range(LOADS):
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        browser.refresh()
        _until(lambda: browser.execute_script("return seen.usable"))
        seen = browser.execute_script("return seen")
        paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
        painted.append(browser.execute_script(paint))
        usable.append(seen["usable"])
        size = seen["bytes"]
    return {
        "page-first-paint": Figure(statistics.median(painted), "ms", 300),
        "page-usable": Figure(statistics.median(usable), "ms", 600),
        "page-fetched": Figure(size / 1000, "kB", 250),
    }


def _updates(browser: Chrome, contract: StoreContract) -> dict[str, Figure]:
    _change(contract, WARM_SECONDS)  # what is compiled and cached once
    browser.execute_script("seen.changes = []; seen.longTasks = 0; seen.frames = 0;")
    busy, begun = time.process_time(), time.monotonic()
    sent = _change(contract, SECONDS)
    owner = 100 * (time.process_time() - busy) / (time.monotonic() - begun)
    time.sleep(0.5)
    seen = browser.execute_script("return seen")
    waits = sorted(_waits(sent, seen["changes"]))
    before, nodes = heap(browser), _nodes(browser)
    _change(contract, GROWTH_SECONDS)
    gained = heap(browser) - before
    return {
        "page-change-to-dom": Figure(waits[int(0.95 * len(waits))], "ms, 95 %", 150),
        "page-long-tasks": Figure(
            100 * seen["longTasks"] / max(1, seen["frames"]), "% of updates", 1
        ),
        "page-owner-cpu": Figure(owner, "% of a core", 15),
        "page-memory-gain": Figure(gained / 1e6, f"MB in {GROWTH_SECONDS} s", 1),
        "page-nodes-gain": Figure(_nodes(browser) - nodes, f"in {GROWTH_SECONDS} s", 50),
    }


def _change(contract: StoreContract, seconds: float) -> list[tuple[str, float]]:
    """Change containers for *seconds*; each module with the time of its change."""
    sent = []
    begun = time.monotonic()
    for number in range(int(seconds * CHANGES_A_SECOND)):
        changed = _turned(number)
        sent.append((changed.module, time.time() * 1000))
        contract.put(ContainerSeen(changed))
        time.sleep(max(0.0, begun + (number + 1) / CHANGES_A_SECOND - time.monotonic()))
    return sent


def _turned(number: int) -> Container:
    """The container that change *number* is about: each module turns unhealthy and healthy again,
    one after the other."""
    round_, module = divmod(number, MODULES)
    health: Health = "healthy" if round_ % 2 else "unhealthy"
    return made.container(f"{NAMES[module]}/service-0", health=health)


def _waits(sent: list[tuple[str, float]], seen: list[tuple[str, float]]) -> list[float]:
    """Milliseconds from each change that the page showed to the page."""
    times: dict[str, list[float]] = {}
    for name, when in seen:
        times.setdefault(name, []).append(when)
    found = []
    for name, when in sent:
        later = [shown for shown in times.get(name, ()) if shown >= when - 1]
        if later:
            found.append(later[0] - when)
    return found


def heap(browser: Chrome) -> int:
    browser.execute_cdp_cmd("Performance.enable", {})
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return int(next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize"))


def _nodes(browser: Chrome) -> int:
    """The nodes of the document, also those that nobody sees."""
    count = "const all = document.createTreeWalker(document); while (all.nextNode()) n++; return n"
    return int(browser.execute_script(f"let n = 0; {count}"))


def _until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
