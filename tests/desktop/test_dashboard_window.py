"""The dashboard's window: a real one, with a real owner of the core at the other end."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from Xlib.display import Display  # type: ignore[import-untyped]

from aiserver_tray.window.protocol import Exit
from tests.desktop.window_lab import WindowLab, lab
from tests.support import states
from tests.support.desktop.window import Window
from tests.support.limits import LIMIT
from tests.support.waiting import POLL_SECONDS, eventually

__all__ = ["lab"]


def test_dashboard_shows_the_state_and_its_changes(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    window.says("Everything you started is running")
    window.js("location.reload()")
    lab.host.show(states.snapshot("error", states.module("n8n", "error", reason="out of memory")))
    window.says("out of memory")
    window.close()
    assert window.process.wait(LIMIT) == Exit.CLOSED
    eventually(lambda: lab.host.subscribers == 0, "the end of its connection")


def test_it_speaks_the_language_of_its_host_and_keeps_it_without_one(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("Nothing is running")
    lab.host.chosen = "zh"
    lab.host.show(states.in_chinese(states.running()))
    window.says("已启动的模块全部运行正常")
    assert window.js("document.documentElement.lang") == "zh"
    lab.silence()
    window.says("AI-Server Tray 已停止")
    window.js("location.reload()")
    window.says("AI-Server Tray 未运行")


def test_it_finds_the_host_again(lab: WindowLab) -> None:
    window = lab.dashboard()
    window.says("AI-Server Tray")
    lab.serve()
    window.says("n8n")
    lab.silence()
    window.says("AI-Server Tray has stopped")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    lab.serve()
    window.says("Everything you started is running")
    eventually(lambda: "has stopped" not in window.js("document.body.innerText"), "no banner")


PLACE = "location.origin + location.pathname"


class _Foreign(BaseHTTPRequestHandler):
    """A page that calls whatever bridge it finds, and keeps what it is told."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(
            b"<script>const call = (name, args) => webkit.messageHandlers.jsBridge.postMessage("
            b"JSON.stringify({funcName: name, params: args, id: '1'}));"
            b"call('invoke', ['ai/app/quit', {}]);"
            b"call('invoke.__globals__.clear', []);"
            b"window.aiserver = {receive: (all) => fetch('/told')};"
            b"</script>"
        )

    def log_message(self, *_: object) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]


@pytest.fixture
def foreign() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Foreign)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,)).start()
    yield server
    server.shutdown()
    server.server_close()


def test_foreign_page_in_the_dashboard_gets_no_data(
    lab: WindowLab, foreign: ThreadingHTTPServer
) -> None:
    lab.serve()
    window = lab.dashboard("--page", "settings")
    window.says("n8n")
    ours = window.js(PLACE)
    for to in (f"http://127.0.0.1:{foreign.server_port}/", "about:blank"):
        lab.host.show(states.snapshot())
        window.says("Stopped")
        eventually(lambda: window.js("location.hash") == "#settings", "the page that was asked for")
        _lead(window, to)
        lab.host.show(states.snapshot("running", states.module("n8n", "running")))
        window.says("Everything you started is running")
        assert window.js(PLACE) == ours
        called = window.js("pywebview.api.invoke('ai/ui/ready').then((a) => window.got = a); 1")
        assert called
        assert eventually(lambda: window.js("window.got?.data.page"), "the page") == "home"
        assert "ai/app/quit" not in [channel for channel, _ in lab.host.calls]
        assert "/told" not in foreign.asked  # type: ignore[attr-defined]
        window.tell("show settings")


def _lead(window: Window, to: str) -> None:
    """Have the page go to the address *to*; wait until another window is there instead."""
    ids = "[one.uid for one in webview.windows]"
    before = window.python(ids)

    def is_led() -> bool:
        # It stays if the page changes the fragment of its own address in the same moment.
        window.js(f"location.href = {json.dumps(to)}")
        return bool(eventually(lambda: window.python(ids) != before, "a new one", 5.0))

    eventually(is_led, "another window")
    eventually(lambda: len(window.python(ids)) == 1, "one window")


def test_it_has_the_applets_name_and_icon_and_comes_above_a_window_that_covers_it(
    lab: WindowLab,
) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    other = lab.module("n8n", "http://127.0.0.1:9/")
    other.says("It is stopped")
    assert _program(lab, window) == ("aiserver-tray", "aiserver-tray")
    for one in (window, other):
        width, height, *pixels = _icon(lab, one)
        assert width == height >= 64
        assert pixels[height // 2 * width + 8] == 0xFF4F5BD5
    own, covering = (one.python("window.native.get_window().get_xid()") for one in (window, other))
    assert _stacked(lab, own, covering) == [own, covering]
    window.tell("show home")
    eventually(lambda: _stacked(lab, own, covering) == [covering, own], "it to come up")


def _program(lab: WindowLab, window: Window) -> tuple[str, str]:
    """What the desktop knows the window's program by."""
    screen = Display(lab.environment["DISPLAY"])
    try:
        found = screen.create_resource_object(
            "window", window.python("window.native.get_window().get_xid()")
        )
        instance, program = found.get_wm_class()
        return str(instance), str(program)
    finally:
        screen.close()


def _icon(lab: WindowLab, window: Window) -> list[int]:
    """What the window gives the task bar: width, height, and a number for each pixel."""
    screen = Display(lab.environment["DISPLAY"])
    try:
        found = screen.create_resource_object(
            "window", window.python("window.native.get_window().get_xid()")
        )
        kind = screen.intern_atom("_NET_WM_ICON")
        return list(found.get_full_property(kind, 0).value)
    finally:
        screen.close()


def _stacked(lab: WindowLab, *ids: int) -> list[int]:
    """Those of the screen's windows, the uppermost last."""
    screen = Display(lab.environment["DISPLAY"])
    try:
        return [one.id for one in screen.screen().root.query_tree().children if one.id in ids]
    finally:
        screen.close()


def test_it_is_dark_where_the_desktop_is(
    lab: WindowLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gsettings"
    settings.write_text("#!/bin/sh\necho \"'prefer-dark'\"\n")
    settings.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    assert window.js("matchMedia('(prefers-color-scheme: dark)').matches")
    assert window.python("window.background_color") == window.js(
        "((at) => '#' + at.match(/\\d+/g).map((n) => (+n).toString(16).padStart(2, '0')).join(''))"
        "(getComputedStyle(document.body).backgroundColor)"
    )


def test_it_ends_with_its_tray_and_leaves_no_process(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    helpers = window.helpers()
    assert helpers
    assert window.leave() == Exit.CLOSED
    eventually(lambda: not any(one.is_running() for one in helpers), "the engine's processes to go")


def test_a_crash_of_the_browser_engine_ends_it(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    page = next(one for one in window.helpers() if one.name().startswith("WebKitWeb"))
    page.send_signal(signal.SIGKILL)
    assert window.process.wait(LIMIT) == Exit.CRASHED


def test_a_page_that_could_not_be_loaded_is_loaded_again(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    network = next(one for one in window.helpers() if one.name().startswith("WebKitNetwork"))
    network.send_signal(signal.SIGSTOP)
    window.js("window.isOld = true; location.reload(); 1")
    network.send_signal(signal.SIGKILL)
    eventually(lambda: window.js("window.isOld ?? 'new'") == "new", "it to be loaded again")
    window.says("Nothing is running")


def test_dashboard_opens_at_its_last_place(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    assert window.python("window.gui.get_size(window.uid)") == [1200, 800]
    assert window.python("window.gui.get_position(window.uid)") == [40, 50]
    window.python("window.resize(1000, 700)")
    window.python("window.move(150, 90)")
    placed = "[*window.gui.get_position(window.uid), *window.gui.get_size(window.uid)]"
    eventually(lambda: window.python(placed) == [150, 90, 1000, 700], "it to move")
    assert window.leave() == Exit.CLOSED
    again = lab.dashboard()
    again.says("n8n")
    assert again.python("window.gui.get_size(window.uid)") == [1000, 700]
    assert again.python("window.gui.get_position(window.uid)") == [150, 90]


def test_saved_place_on_a_removed_screen_is_not_used(lab: WindowLab) -> None:
    lab.home.folder.mkdir(parents=True)
    place = {"x": 5000, "y": 40, "width": 1000, "height": 700, "maximized": False}
    (lab.home.folder / "window.json").write_text(json.dumps(place))
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    assert window.python("window.gui.get_position(window.uid)") == [140, 100]
