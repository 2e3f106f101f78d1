"""The dashboard's page in its window: one window for all of these tests."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.protocol.message import answer
from tests.desktop.window_lab import WindowLab, window_lab
from tests.support import states
from tests.support.desktop.desktop import desktop_of
from tests.support.desktop.shell import Shell
from tests.support.desktop.window import Window
from tests.support.waiting import eventually

VIEW = "window.gui.BrowserView.instances[window.uid].webview"


@pytest.fixture(scope="module")
def lab(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowLab]:
    """What all tests here have."""
    folder = tmp_path_factory.mktemp("dashboard")
    with desktop_of(shell) as desktop, window_lab(desktop, folder) as found:
        yield found


@pytest.fixture
def window(lab: WindowLab) -> Window:
    """The dashboard as it is after its start, whatever a test did to it before."""
    if not lab.is_served:
        lab.serve()
    lab.host.chosen = None
    lab.host.show(states.snapshot())
    window = lab.only_dashboard()
    window.says("n8n")
    window.tell("show home")
    # Loaded again before it has gone there, it would come back where it was.
    eventually(lambda: window.js("location.hash") == "#home", "the page Home")
    window.python(f"window.gui.glib.idle_add(lambda: {VIEW}.set_zoom_level(1.0) and False)")
    window.js("window.isOld = true; location.reload(); 1")
    eventually(lambda: window.js("window.isOld ?? 'new'") == "new", "it to be loaded again")
    window.says("Nothing is running")
    lab.host.calls.clear()
    return window


def test_changes_are_sent_in_batches_and_not_to_a_hidden_page(
    lab: WindowLab, window: Window
) -> None:
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
    assert window.js("batches.every((all) => all.length === 1)"), "only the latest state counts"

    hide = "pywebview.api.invoke('ai/ui/visible', {visible: false})"
    window.js(f"{hide}.then(() => window.isHidden = true); 1")
    eventually(lambda: window.js("window.isHidden"), "the answer")
    seen = window.js("batches.length")
    lab.host.show(states.snapshot("running", states.module("n8n", "running")))
    assert window.js("batches.length") == seen
    window.js("pywebview.api.invoke('ai/ui/visible', {visible: true}); 1")
    window.says("Everything you started is running")
    told = window.js(f"batches.slice({seen}).flat()")
    assert [shown["state"] for event, shown in told if event == SNAPSHOT.name] == ["running"]


def test_the_page_can_call_nothing_but_the_contract(lab: WindowLab, window: Window) -> None:
    assert window.js("Object.keys(pywebview.api)") == ["invoke"]
    assert _answer(window, "['ai/system/openExternal', {url: 'file:///etc/passwd'}]") == "E_REQUEST"
    assert _answer(window, "[{}, 3]") == "E_REQUEST"
    assert _answer(window, "['ai/ui/visible', 'no object']") == "E_REQUEST"
    for wrong in ("[]", "[1, 2, 3]", "['ai/ui/ready', {}, {}]"):
        assert _answer(window, wrong) == "E_REQUEST"
    assert _answer(window, "['ai/module/start', {name: 'n8n'}]") is None
    assert lab.host.wait_for_call("ai/module/start") == {"name": "n8n"}
    for path in ("invoke.__globals__.clear", "invoke.__self__._connection.call", "__class__.mro"):
        window.js(f"pywebview._jsApiCallback({json.dumps(path)}, [], '9')")
    assert _answer(window, "['ai/app/about', {}]") is None


def _answer(window: Window, arguments: str) -> object:
    """The code of the answer to a call of the bridge."""
    js = window.js
    js(f"window.got = null; pywebview.api.invoke(...{arguments}).then((a) => window.got = a); 1")
    eventually(lambda: js("window.got"), "the answer")
    assert "Traceback" not in js("JSON.stringify(window.got)")
    return js("window.got.code")


def test_it_is_enlarged_by_keys_and_wheel(lab: WindowLab, window: Window) -> None:
    gdk = "__import__('gi.repository.Gdk').repository.Gdk"

    def do(kind: str, signal: str, **fields: str) -> None:
        values = "".join(f", setattr(e, {name!r}, {value})" for name, value in fields.items())
        window.python(
            f"(e := {gdk}.Event.new({gdk}.EventType.{kind}),"
            f" setattr(e, 'state', {gdk}.ModifierType.CONTROL_MASK){values},"
            f" window.gui.glib.idle_add(lambda: {VIEW}.emit({signal!r}, e) and False))[0] and None"
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


def test_report_of_the_page_is_in_the_log(lab: WindowLab, window: Window) -> None:
    window.js("setTimeout(() => { throw new Error('a page error'); }); 1")
    told = lab.host.wait_for_call("ai/logs/client/append")
    assert "a page error" in told["message"]
    lab.silence()
    log = lab.home.folder / "logs/dashboard.log"
    window.js("setTimeout(() => { throw new Error('without a host'); }); 1")
    eventually(lambda: "without a host" in log.read_text(), "the page's line")


def test_lines_of_logs_come_in_order(lab: WindowLab, window: Window) -> None:
    window.js(
        "window.lines = []; const receive = aiserver.receive;"
        "aiserver.receive = (all) => { for (const [event, told] of all)"
        f" if (event === '{LOG.name}') lines.push(told.chunk); receive(all); }}"
    )
    for number in range(200):
        lab.host.publish(LOG, {"streamId": "s", "event": "stdout", "chunk": str(number)})
    eventually(lambda: len(window.js("lines")) == 200, "all lines")
    assert window.js("lines") == [str(number) for number in range(200)]


def test_second_request_shows_the_page_in_front(lab: WindowLab, window: Window) -> None:
    window.python("window.gui.glib.idle_add(lambda: window.native.hide() and False)")
    eventually(lambda: not window.python("window.native.get_visible()"), "it to be hidden")
    window.tell("show logs/n8n?level=error")
    eventually(lambda: window.python("window.native.get_visible()"), "it to show")
    address = "location.hash"
    eventually(lambda: window.js(address) == "#logs/n8n?level=error", "the page with its filter")
    window.js("window.isOld = true; location.reload(); 1")
    eventually(lambda: window.js("window.isOld ?? 'new'") == "new", "it to be loaded again")
    assert window.js(address) == "#logs/n8n?level=error"


def test_the_palette_runs_an_operation(lab: WindowLab, window: Window) -> None:
    window.js("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true})); 1")
    search = "document.querySelector('#palette[open] input')"
    eventually(lambda: window.js(f"{search} !== null"), "the palette")
    window.js(f"{search}.value = 'start n8n'; {search}.dispatchEvent(new Event('input')); 1")
    enter = "new KeyboardEvent('keydown', {key: 'Enter'})"
    window.js(f"{search}.dispatchEvent({enter}); 1")
    assert lab.host.wait_for_call("ai/operation/start")["modules"] == ["n8n"]


def test_a_folder_is_picked_in_the_desktops_own_dialog(lab: WindowLab, window: Window) -> None:
    report = {
        "folder": "/own",
        "modules": [],
        "problems": [],
        "notes": [],
        "permissions": {},
        "consents": {},
    }
    lab.host.answers["ai/catalog/check"] = answer(report)
    window.js("location.hash = 'home?add=1'; 1")
    eventually(lambda: window.js("!!document.querySelector('.pick-folder button')"), "the dialog")
    window.js("document.querySelector('.pick-folder button').click(); 1")
    choosers = "[w for w in Gtk.Window.list_toplevels() if isinstance(w, Gtk.FileChooserDialog)]"
    find = f"(lambda Gtk: {choosers})(window.gui.gtk)"
    eventually(lambda: window.python(f"len({find}) and {find}[0].get_filename()"), "a folder in it")
    accept = "window.gui.gtk.ResponseType.OK"
    window.python(f"window.gui.glib.idle_add(lambda: {find}[0].response({accept}))")
    picked = lab.host.wait_for_call("ai/catalog/check")
    assert picked == {"folder": lab.environment.get("HOME", str(Path.home()))}
    window.says("There is no Compose file in this folder")
    window.js("document.querySelector('dialog[open]').close(); 1")
