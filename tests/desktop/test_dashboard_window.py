"""The dashboard's window: a real one, with a real host of the core at the other end."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from Xlib.display import Display  # type: ignore[import-untyped]

from aiserver_tray.contract import LOG_EVENT, SNAPSHOT_EVENT
from aiserver_tray.window.protocol import Exit
from tests.desktop.window_lab import WindowLab, desk, lab
from tests.support import states
from tests.support.desktop.window import Window
from tests.support.waiting import eventually

__all__ = ["desk", "lab"]


def test_it_shows_the_state_and_what_becomes_of_it(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    window.says("All that was started is running")
    window.js("location.reload()")
    lab.host.show(states.snapshot("error", states.module("n8n", "error", reason="out of memory")))
    window.says("out of memory")
    window.close()
    assert window.process.wait(10) == Exit.CLOSED
    lab.host.wait_until_forgotten(lab.host.callers[-1])


def test_many_changes_come_in_few_batches_and_none_while_nobody_looks(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    window.js(
        "const receive = aiserver.receive; window.batches = [];"
        "aiserver.receive = (all) => { batches.push(all); receive(all); }"
    )
    began = time.monotonic()
    for step in range(300):
        reason = f"step {step}"
        lab.host.show(states.snapshot("error", states.module("n8n", "error", reason=reason)))
    window.says("step 299")
    ticks = (time.monotonic() - began) / 0.1
    assert 1 <= window.js("batches.length") <= ticks + 2

    hide = "pywebview.api.invoke('ai/ui/visible', {visible: false})"
    window.js(f"{hide}.then(() => window.isHidden = true); 1")
    eventually(lambda: window.js("window.isHidden"), "the answer")
    seen = window.js("batches.length")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    window.js("pywebview.api.invoke('ai/ui/visible', {visible: true}); 1")
    window.says("All that was started is running")
    told = window.js(f"batches.slice({seen}).flat()")
    assert [it["base"] for event, it in told if event == SNAPSHOT_EVENT] == [None]


def test_it_speaks_the_language_of_its_host_and_keeps_it_without_one(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("Nothing is running")
    lab.host.chosen = "zh"
    lab.host.show(states.in_chinese(states.running()))
    window.says("已启动的模块全部运行正常")
    assert window.js("document.documentElement.lang") == "zh"
    lab.silence()
    window.says("AI-Server Tray 已不再运行")
    window.js("location.reload()")
    window.says("AI-Server Tray 未运行")


def test_it_finds_the_host_again(lab: WindowLab) -> None:
    window = lab.dashboard()
    window.says("AI-Server Tray")
    lab.serve()
    window.says("n8n")
    lab.silence()
    window.says("AI-Server Tray is not running any more")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    lab.serve()
    window.says("All that was started is running")
    assert "not running any more" not in window.js("document.body.innerText")


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
    threading.Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("where", ["page", "about:blank"])
def test_a_page_that_it_is_led_to_gets_nothing(
    lab: WindowLab, foreign: ThreadingHTTPServer, where: str
) -> None:
    lab.serve()
    window = lab.dashboard("--page", "settings")
    window.says("n8n")
    ours = window.js("location.href")
    to = where if ":" in where else f"http://127.0.0.1:{foreign.server_port}/"
    window.js(f"location.href = {json.dumps(to)}")
    eventually(lambda: window.python("[w.uid for w in webview.windows]") != ["master"], "a new one")
    eventually(lambda: len(window.python("[w.uid for w in webview.windows]")) == 1, "one window")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    window.says("All that was started is running")
    assert window.js("location.href") == ours
    called = window.js("pywebview.api.invoke('ai/ui/ready').then((a) => window.got = a); 1")
    assert called
    assert eventually(lambda: window.js("window.got?.data.page"), "the page") == "home"
    assert "ai/app/quit" not in [channel for channel, _ in lab.host.calls]
    assert "/told" not in foreign.asked  # type: ignore[attr-defined]


def test_the_page_can_call_nothing_but_the_contract(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    assert window.js("Object.keys(pywebview.api)") == ["invoke"]
    assert _answer(window, "['ai/system/openExternal', {url: 'file:///etc/passwd'}]") == "E_REQUEST"
    assert _answer(window, "[{}, 3]") == "E_REQUEST"
    assert _answer(window, "['ai/ui/visible', 'no object']") == "E_REQUEST"
    for wrong in ("[]", "[1, 2, 3]", "['ai/ui/ready', {}, {}]"):
        assert _answer(window, wrong) == "E_REQUEST"
    assert _answer(window, "['ai/module/start', {name: 'n8n'}]") is None
    assert lab.host.wait_for_call("ai/module/start") == {"name": "n8n"}
    for path in ("invoke.__globals__.clear", "invoke.__self__._link.call", "__class__.mro"):
        window.js(f"pywebview._jsApiCallback({json.dumps(path)}, [], '9')")
    assert _answer(window, "['ai/app/about', {}]") is None


def _answer(window: Window, arguments: str) -> object:
    """The code of the answer to a call of the bridge."""
    js = window.js
    js(f"window.got = null; pywebview.api.invoke(...{arguments}).then((a) => window.got = a); 1")
    eventually(lambda: js("window.got"), "the answer")
    assert "Traceback" not in js("JSON.stringify(window.got)")
    return js("window.got.code")


def test_it_is_enlarged_by_keys_and_wheel(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    gdk = "__import__('gi.repository.Gdk').repository.Gdk"

    def do(kind: str, signal: str, **fields: str) -> None:
        values = "".join(f", setattr(e, {name!r}, {value})" for name, value in fields.items())
        window.python(
            f"(e := {gdk}.Event.new({gdk}.EventType.{kind}),"
            f" setattr(e, 'state', {gdk}.ModifierType.CONTROL_MASK){values},"
            " window.gui.glib.idle_add(lambda: window.gui.BrowserView.instances[window.uid]"
            f".webview.emit({signal!r}, e) and False))[0] and None"
        )

    def press(key: str) -> None:
        do("KEY_PRESS", "key-press-event", keyval=f"{gdk}.KEY_{key}")

    def width_is(wanted: int) -> None:
        eventually(lambda: abs(window.js("innerWidth") - wanted) < 2, f"a width of {wanted}")

    width = window.js("innerWidth")
    for _ in range(10):
        press("plus")
    width_is(width // 2)
    press("0")
    width_is(width)
    press("minus")
    width_is(round(width / 0.9))
    do("SCROLL", "scroll-event", direction=f"{gdk}.ScrollDirection.UP")
    width_is(width)
    do("SCROLL", "scroll-event", direction=f"{gdk}.ScrollDirection.SMOOTH", delta_y="-1.0")
    width_is(round(width / 1.1))


def test_what_the_page_reports_is_in_the_log(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    window.js("setTimeout(() => { throw new Error('a page error'); }); 1")
    told = lab.host.wait_for_call("ai/logs/client/append")
    assert "a page error" in told["message"]
    lab.silence()
    log = lab.home.folder / "logs/dashboard.log"
    window.js("setTimeout(() => { throw new Error('without a host'); }); 1")
    eventually(lambda: "without a host" in log.read_text(), "the page's line")


def test_lines_of_logs_come_in_order(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    window.js(
        "window.lines = []; const receive = aiserver.receive;"
        "aiserver.receive = (all) => { for (const [event, told] of all)"
        f" if (event === '{LOG_EVENT}') lines.push(told.chunk); receive(all); }}"
    )
    emit = lab.host.callers[-1].emit
    for number in range(200):
        emit(LOG_EVENT, {"streamId": "s", "event": "line", "chunk": str(number)})
    eventually(lambda: len(window.js("lines")) == 200, "all lines")
    assert window.js("lines") == [str(number) for number in range(200)]


def test_asked_for_again_it_goes_to_the_page_and_comes_to_the_front(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    window.js(
        "window.pages = []; const receive = aiserver.receive;"
        "aiserver.receive = (all) => { for (const [event, told] of all)"
        " if (event === 'ai/ui/goto') pages.push(told.page); receive(all); }"
    )
    window.python("window.gui.glib.idle_add(lambda: window.native.hide() and False)")
    eventually(lambda: not window.python("window.native.get_visible()"), "it to be hidden")
    window.tell("show settings")
    eventually(lambda: window.python("window.native.get_visible()"), "it to show")
    assert eventually(lambda: window.js("pages"), "the page") == ["settings"]


def test_it_comes_above_a_window_that_covers_it(lab: WindowLab) -> None:
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    other = lab.module("n8n", "http://127.0.0.1:9/")
    other.says("It is stopped")
    assert _program(lab, window) == ("aiserver-tray", "aiserver-tray")
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


def test_its_windows_have_the_icon_of_the_applet(lab: WindowLab) -> None:
    lab.serve()
    for window in (lab.dashboard(), lab.module("n8n", "http://127.0.0.1:9/")):
        window.says("n8n")
        width, height, *pixels = _icon(lab, window)
        assert width == height >= 64
        assert pixels[height // 2 * width + 8] == 0xFF4F5BD5


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
    assert window.process.wait(10) == Exit.CRASHED


def test_it_comes_back_where_it_was(lab: WindowLab) -> None:
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


def test_a_place_on_a_screen_that_is_gone_is_not_taken(lab: WindowLab) -> None:
    lab.home.folder.mkdir(parents=True)
    place = {"x": 5000, "y": 40, "width": 1000, "height": 700, "maximized": False}
    (lab.home.folder / "window.json").write_text(json.dumps(place))
    lab.serve()
    window = lab.dashboard()
    window.says("n8n")
    assert window.python("window.gui.get_position(window.uid)") == [140, 100]
