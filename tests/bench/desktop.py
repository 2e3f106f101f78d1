"""What the applet costs on a desktop, and how fast it is there: real processes, on a screen of
their own, over the lab's engine."""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import docker

from tests.bench.result import Figure
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.desktop.applet import NOTHING_RUNS, RUNNING, Applet
from tests.support.desktop.desktop import SERVICES, desktop
from tests.support.desktop.looks import look_at, picture_of
from tests.support.desktop.window import Window, ask, probed
from tests.support.installation import IMAGE, Installation, Service, idle
from tests.support.waiting import eventually

START_LIMIT = 1.0
ICON_LIMIT = 100.0
DOM_LIMIT = 200.0
OPEN_LIMIT = 1.2
MEMORY_LIMIT = 80.0
IDLE_LIMIT = 0.5
GROWTH_LIMIT = 5.0
SETTING_LIMIT = 0.5
FILE_LIMIT = 3.0
QUIT_LIMIT = 6.0

MODULE = "bench"
LOOKS = (RUNNING, NOTHING_RUNS)
ALL_WELL = "Everything you started is running"
"""What the page says then."""
SETTLED = 0.3
"""Seconds in which nothing changes."""
ROUNDS = 20
"""Each has two events: a container is killed, and started again."""
CONTAINERS = 30
IDLE = 30.0
MEBIBYTE = 2**20

Figures = Mapping[str, Figure]


def start(place: Place, times: int) -> Figures:
    """Seconds from the start of the process until the task bar shows the icon."""
    with _applet(place, {MODULE: idle()}) as applet:
        taken = [_start(applet) for _ in range(times + 1)][1:]
    return {"tray-start": Figure(statistics.median(taken), "s", START_LIMIT)}


def _start(applet: Applet) -> float:
    began = time.monotonic()
    applet.start()
    shown = eventually(lambda: _shown_since(applet, began), "picture")
    applet.quit()
    return float(shown[0]["at"]) - began


def follow(place: Place, _times: int) -> Figures:
    """Milliseconds from the engine's stamp of an event until the task bar shows another icon, and
    until the dashboard's page is another. All clocks are this machine's."""
    with ExitStack() as stack:
        applet = stack.enter_context(_applet(place, {MODULE: idle(stop_signal="SIGKILL")}))
        _bring_up(applet)
        page = stack.enter_context(_dashboard(applet))
        client = stack.enter_context(closing(docker.DockerClient(place.host)))
        events = stack.enter_context(_Events(client))
        found = [delays for _ in range(ROUNDS) for delays in _exercise(applet, page, events)]
    icon, dom = zip(*found, strict=True)
    return {
        "event-to-icon-median": Figure(statistics.median(icon), "ms"),
        "event-to-icon-p95": _p95(icon, ICON_LIMIT),
        "event-to-dom-median": Figure(statistics.median(dom), "ms"),
        "event-to-dom-p95": _p95(dom, DOM_LIMIT),
    }


def _p95(delays: Sequence[float], limit: float) -> Figure:
    return Figure(sorted(delays)[int(len(delays) * 0.95)], f"ms of {len(delays)}", limit)


def _exercise(applet: Applet, page: Window, events: "_Events") -> Iterator[tuple[float, float]]:
    """Milliseconds until icon and page have followed, of each event."""
    api, name = events.client.api, f"ai-{MODULE}"
    for action, act in (("die", api.kill), ("start", api.start)):
        picture = _picture(applet)
        page.js("window.changes = []")
        act(name)
        stamp = events.stamp(action)
        icon = eventually(partial(_followed, applet, picture, stamp), "other icon")
        dom = eventually(partial(_says, page, action), "other page")
        yield (icon - stamp) * 1000, (dom - stamp) * 1000


def _followed(applet: Applet, before: str, stamp: float) -> float | None:
    """When the task bar had another picture than *before*."""
    offset = time.time() - time.monotonic()
    told = [one for one in _shown_since(applet, stamp - offset) if one["IconName"] != before]
    return float(told[0]["at"]) + offset if told else None


def _says(page: Window, action: str) -> float | None:
    """Since when the page tells what the event *action* made of the module."""
    changes: list[tuple[float, str]] = page.js("window.changes")
    is_up = action == "start"
    return next((at / 1000 for at, text in changes if (ALL_WELL in text) == is_up), None)


def _picture(applet: Applet) -> str:
    """The file of the icon, once nothing more becomes of it: the last event is all told."""

    def settled() -> str | None:
        told = applet.desktop.told("shown")[-1]
        icon: str = told["IconName"]
        is_old = time.monotonic() - told["at"] > SETTLED
        return icon if is_old and str(look_at(picture_of(icon))) in LOOKS else None

    return eventually(settled, "icon that stays")


class _Events:
    """The stamps of the engine's events, beside the applet."""

    def __init__(self, client: docker.DockerClient) -> None:
        self.client = client
        self._source: Any = client.events(decode=True, filters={"type": "container"})
        self._stamps: dict[str, float] = {}
        self._thread = threading.Thread(target=self._read, name="events", daemon=True)

    def __enter__(self) -> "_Events":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()
        self._thread.join()

    def stamp(self, action: str) -> float:
        """When the event *action* was, in seconds since 1970; once."""
        return eventually(lambda: self._stamps.pop(action, None), action)

    def _read(self) -> None:
        for event in self._source:
            self._stamps[event["Action"]] = event["timeNano"] / 1e9


@contextmanager
def _dashboard(applet: Applet) -> Iterator[Window]:
    """The dashboard's page, which notes when it changes."""
    place, home = applet.desktop.folder / "probe", str(applet.installation.home)
    window = Window(["dashboard", "--home", home], applet.desktop.environment, place)
    try:
        window.says(MODULE)
        window.js(
            "window.changes = [];"
            "new MutationObserver(() => changes.push([Date.now(), document.body.innerText]))"
            ".observe(document.body, {subtree: true, childList: true, characterData: true}); 1"
        )
        yield window
    finally:
        window.end()


def windows(place: Place, times: int) -> Figures:
    """Seconds from the click on *Open dashboard* until the page can be used; and what the tray's
    process holds, before and after ten openings for each of *times*."""
    with _applet(place, {MODULE: idle()}) as applet:
        probe = applet.desktop.folder / "probe"
        applet.desktop.environment.update(probed(probe))
        _bring_up(applet)
        before = _resident(applet)
        taken = [_open(applet, probe) for _ in range(10 * times)]
        growth = 100 * (_resident(applet) / before - 1)
    return {
        "dashboard-open": Figure(statistics.median(taken), "s", OPEN_LIMIT),
        "tray-memory": Figure(before, "MiB", MEMORY_LIMIT),
        "tray-memory-windows": Figure(growth, f"% after {len(taken)}", GROWTH_LIMIT),
    }


def _open(applet: Applet, probe: Path) -> float:
    probe.unlink(missing_ok=True)
    began = time.monotonic()
    applet.item.click("Open dashboard")
    has_rows = f"document.body.innerText.includes('{MODULE}')"
    eventually(lambda: ask(probe, js=has_rows), "dashboard")
    taken = time.monotonic() - began
    ask(
        probe,
        python="window.gui.glib.idle_add("
        "lambda: window.native.emit('delete-event', window.gui.Gdk.Event()) and False)",
    )
    eventually(lambda: not applet.windows("dashboard"), "end of the window")
    return taken


def heed(place: Place, times: int) -> Figures:
    """Seconds until the menu is another after a command changed a setting of the tray, and after
    somebody wrote to a file of the catalog; and until the tray has quit whose window hangs."""
    with _applet(place, {MODULE: idle()}) as applet:
        applet.start()
        told, found = [], []
        for number in range(times):
            for language, *path in (
                ("zh", "模块", MODULE, "启动"),
                ("en", "Modules", MODULE, "Start"),
            ):
                applet.cli("config", "set", "app.language", language)
                told.append(_until_offered(applet, *path))
            title = f"{MODULE} {number}"
            applet.installation.write(MODULE, {MODULE: idle()}, title=title)
            found.append(_until_offered(applet, "Modules", title, "Start"))
            applet.installation.write(MODULE, {MODULE: idle()})
            found.append(_until_offered(applet, "Modules", MODULE, "Start"))
        applet.item.click("Open dashboard")
        (window,) = eventually(lambda: applet.windows("dashboard"), "dashboard")
        eventually(lambda: applet.desktop.windows("AI-Server Tray"), "its window")
        window.suspend()
        began = time.monotonic()
        applet.quit()
        return {
            "setting-to-menu": Figure(statistics.median(told), "s", SETTING_LIMIT),
            "file-to-menu": Figure(statistics.median(found), "s", FILE_LIMIT),
            "quit-hung-window": Figure(time.monotonic() - began, "s", QUIT_LIMIT),
        }


def _until_offered(applet: Applet, *path: str) -> float:
    began = time.monotonic()
    eventually(lambda: applet.item.offers(*path), f"{path} in the menu")
    return time.monotonic() - began


def idle_tray(place: Place, _times: int) -> Figures:
    """Share of one core that the tray takes while nothing happens to 30 containers with checks,
    and no window is open."""
    check = {"test": ["CMD", "true"], "start_period": "60s", "start_interval": "1s"}
    services = {f"app{number}": idle(healthcheck=check) for number in range(CONTAINERS)}
    with _applet(place, services) as applet:
        _bring_up(applet)
        begun = _busy(applet)
        time.sleep(IDLE)
        share = 100 * (_busy(applet) - begun) / IDLE
    return {"tray-idle": Figure(share, "% of a core", IDLE_LIMIT)}


def _busy(applet: Applet) -> float:
    times = applet.process.cpu_times()
    return float(times.user + times.system)


def _resident(applet: Applet) -> float:
    return float(applet.process.memory_info().rss) / MEBIBYTE


def _shown_since(applet: Applet, since: float) -> list[dict[str, Any]]:
    told = applet.desktop.told("shown")
    return [one for one in told if one["at"] >= since and one["IconName"]]


def _bring_up(applet: Applet) -> None:
    applet.start()
    applet.item.click("Start all")
    applet.shows(RUNNING)


@contextmanager
def _applet(place: Place, services: Mapping[str, Service]) -> Iterator[Applet]:
    """The applet with one module, not yet started."""
    with ExitStack() as stack:
        stack.enter_context(borrowed(place)).images.pull(IMAGE)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        here = Installation(folder / "home", folder / "catalog", place.host)
        here.write(MODULE, services)
        here.app.settings.choose([MODULE])
        applet = Applet(stack.enter_context(desktop(*SERVICES)), here)
        stack.callback(applet.close)
        yield applet


BENCHMARKS: Mapping[str, Callable[[Place, int], Figures]] = {
    "tray-start": start,
    "tray-follows": follow,
    "tray-windows": windows,
    "tray-heeds": heed,
    "tray-idle": idle_tray,
}
"""Name -> what measures it; given the lab, and how often."""
