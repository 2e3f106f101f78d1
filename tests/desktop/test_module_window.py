"""The window of a module's own page."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.protocol.message import Json
from aiserver_tray.window.protocol import Exit
from tests.desktop.module_page import Module
from tests.desktop.window_lab import WindowLab, lab
from tests.support import states
from tests.support.desktop.window import Window
from tests.support.waiting import eventually

__all__ = ["lab"]

TITLE = "window.native.get_title()"
THREADS = "[one.name for one in __import__('threading').enumerate()]"


@pytest.fixture
def module() -> Iterator[Module]:
    with closing(Module()) as module:
        yield module


@pytest.fixture
def elsewhere() -> Iterator[Module]:
    """The same module at another address."""
    with closing(Module()) as module:
        yield module


def at(module: Module, state: str, **more: object) -> Json:
    """A snapshot where *module* is n8n."""
    return states.snapshot(state, states.module("n8n", state, open=module.url, **more))


def running(lab: WindowLab, module: Module) -> None:
    lab.host.show(at(module, "running"))


def shown(lab: WindowLab, module: Module, *options: str) -> Window:
    """A window that has turned into the *module*."""
    lab.serve()
    window = lab.module("n8n", module.url, *options)
    window.says("It is stopped")
    # pywebview tells of a page that was loaded in a thread, which may come late.
    is_told = f"window.events.loaded.is_set() and '(execute)' not in ' '.join({THREADS})"
    eventually(lambda: window.python(is_told), "word of the page that waits")
    module.start()
    running(lab, module)
    window.says("This is /")
    # It looked whether there is one, loaded it, and looks whether that is what it shows.
    eventually(lambda: len(module.visits) > 2 and module.visits[-1] is None, "its last look")
    return window


def looks_again(module: Module) -> None:
    """Wait until the window has looked twice more whether the module answers."""
    before = len(module.visits)
    eventually(lambda: len(module.visits) > before + 1, "two looks")


def test_it_says_why_it_waits_and_turns_into_the_module(lab: WindowLab, module: Module) -> None:
    lab.serve()
    window = lab.module("n8n", module.url)
    window.says("n8n is not ready yet")
    window.says("It is stopped")
    lab.host.show(at(module, "starting", reason="waiting for postgres"))
    window.says("waiting for postgres")
    running(lab, module)
    window.says("It is running, but does not respond yet")
    module.start()
    window.says("This is / for nobody")
    assert window.js("Object.keys(pywebview.api)") == []
    assert eventually(lambda: "Work" in window.python(TITLE), "the title of the page")


def test_page_of_a_module_cannot_call_the_bridge(lab: WindowLab, module: Module) -> None:
    window = shown(lab, module)
    window.js(
        "window.heard = []; pywebview._returnValuesCallbacks = new Proxy({}, {get: (_, name) =>"
        " new Proxy({}, {get: () => (given) => heard.push([name, given])})}); 1"
    )
    for path in ("__class__.__base__.__subclasses__", "__sizeof__", "__class__.mro"):
        window.js(f"pywebview._jsApiCallback('{path}', [], '9')")
    window.js("pywebview._jsApiCallback('__class__.__base__.__subclasshook__', [1, 2], '9')")
    # Calls are taken in their order, and each is answered in a thread of its own.
    window.python("window._functions.update(last=lambda: 'answer')")
    window.js("pywebview._jsApiCallback('last', [], '9')")
    eventually(lambda: window.js("heard"), "the last answer")
    eventually(lambda: "(_call)" not in " ".join(window.python(THREADS)), "all answers")
    assert [name for name, _ in window.js("heard")] == ["last"]


def test_it_speaks_the_language_of_its_host(lab: WindowLab, module: Module) -> None:
    lab.serve()
    window = lab.module("n8n", module.url)
    window.says("It is stopped")
    titled = {"title": "工作流"}
    lab.host.chosen = "zh"
    lab.host.show(at(module, "stopped", **titled))
    window.says("工作流 尚未就绪")
    window.says("已停止")
    assert window.js("[document.documentElement.lang, document.title]") == ["zh", "工作流 尚未就绪"]
    eventually(lambda: window.python(TITLE) == "工作流", "its title")
    lab.host.show(at(module, "running", **titled))
    module.start()
    window.says("This is /")
    eventually(lambda: window.python(TITLE) == "Work – 工作流", "the title of the page")
    lab.host.chosen = None
    running(lab, module)
    eventually(lambda: window.python(TITLE) == "Work – n8n", "its title")


def test_it_goes_on_after_an_error_of_the_browser_engine(lab: WindowLab, module: Module) -> None:
    lab.serve()
    window = lab.module("n8n", module.url)
    window.says("It is stopped")
    window.python("setattr(window, 'run_js', lambda _: delattr(window, 'run_js') or [][0])")
    lab.host.show(at(module, "starting"))
    window.says("It is starting")


def test_another_program_at_the_address_is_not_shown_as_the_module(
    lab: WindowLab, module: Module
) -> None:
    module.start()
    lab.serve()
    window = lab.module("n8n", module.url)
    window.says("It is stopped")
    lab.host.show(at(module, "starting"))
    window.says("It is starting")
    running(lab, module)
    window.says("This is /")


def test_its_keys_and_menu_lead_through_it(lab: WindowLab, module: Module) -> None:
    window = shown(lab, module, "--language", "zh")

    def has_come(path: str) -> None:
        """A page that another one replaces before it is whole is not among those to go back to."""
        window.says(f"This is {path} ")
        eventually(lambda: window.js("document.readyState") == "complete", f"all of {path}")

    has_come("/")
    window.js("document.getElementById('inner').click()")
    has_come("/inner")

    def press(key: str, **more: bool) -> None:
        named = "".join(f", {name}: true" for name in more)
        event = f"new KeyboardEvent('keydown', {{key: '{key}', cancelable: true{named}}})"
        eventually(lambda: not window.js(f"dispatchEvent({event})"), "the key to be taken")

    press("ArrowLeft", altKey=True)
    has_come("/")
    window.js("window.isOld = true")
    press("F5")
    eventually(lambda: window.js("window.isOld") is None, "it to be loaded again")
    has_come("/")
    press("ArrowRight", altKey=True)
    has_come("/inner")
    press("Home", altKey=True)
    has_come("/")
    items = "[item.title for item in webview._state['menu'][0].items]"
    assert [title.partition(" ")[0] for title in window.python(items)] == [
        "后退", "前进", "重新加载", "起始页",
    ]  # fmt: skip
    window.python("webview._state['menu'][0].items[0].function()")
    has_come("/inner")


def test_download_of_a_module_page_can_be_saved(
    lab: WindowLab, module: Module, tmp_path: Path
) -> None:
    window = shown(lab, module)
    window.js("document.getElementById('report').click()")
    dialogs = (
        "[w for w in window.gui.gtk.Window.list_toplevels()"
        " if isinstance(w, window.gui.gtk.FileChooserDialog)]"
    )
    asked = f"[dialog.get_current_name() for dialog in {dialogs}]"
    eventually(lambda: window.python(asked) == ["report.bin"], "the question where to")
    file = tmp_path / "kept.bin"
    window.python(
        f"window.gui.glib.idle_add(lambda: [(d.set_filename({str(file.parent)!r}),"
        f" d.set_current_folder({str(file.parent)!r}), d.set_current_name({file.name!r}),"
        f" d.response(window.gui.gtk.ResponseType.OK)) for d in {dialogs}] and False)"
    )
    eventually(lambda: file.exists() and file.read_bytes() == b"figures", "the file")
    window.says("This is / ")


def test_window_of_a_stopped_module_waits_again(lab: WindowLab, module: Module) -> None:
    window = shown(lab, module)
    module.stop()
    lab.host.show(states.snapshot("stopped"))
    window.js("location.reload()")
    window.says("It is stopped")
    module.start()
    running(lab, module)
    window.says("This is /")


def test_idle_page_of_a_stopped_module_waits_again(lab: WindowLab, module: Module) -> None:
    window = shown(lab, module)
    lab.host.show(at(module, "stopping"))
    looks_again(module)
    window.says("This is /")  # it answers still
    module.stop()
    window.says("It is stopping")
    lab.host.show(states.snapshot("stopped"))
    window.says("It is stopped")
    assert window.python(TITLE) == "n8n"
    module.start()
    running(lab, module)
    window.says("This is /")


def test_page_of_a_stopped_module_leaves_its_window(lab: WindowLab, module: Module) -> None:
    window = shown(lab, module)
    lab.host.show(states.snapshot("stopped"))
    window.says("It is stopped")


def test_it_follows_a_module_to_another_address(
    lab: WindowLab, module: Module, elsewhere: Module
) -> None:
    window = shown(lab, module)
    window.js("window.isOld = true")
    running(lab, elsewhere)
    looks_again(module)
    assert window.js("window.isOld"), "the setting was changed, and the module not yet restarted"
    elsewhere.start()  # and at its old address there is a stranger
    eventually(lambda: window.js("location.href") == elsewhere.url, "the module's new page")
    window.js("document.getElementById('inner').click()")
    window.says("This is /inner")
    home = "new KeyboardEvent('keydown', {key: 'Home', altKey: true, cancelable: true})"
    eventually(lambda: not window.js(f"dispatchEvent({home})"), "the key to be taken")
    eventually(lambda: window.js("location.href") == elsewhere.url, "its start page")


def test_page_stays_while_the_state_of_the_module_is_unknown(
    lab: WindowLab, module: Module
) -> None:
    window = shown(lab, module)
    window.js("window.isOld = true")
    lab.silence()
    module.stop()
    lab.serve()
    eventually(lambda: lab.host.subscribers, "the window's connection")
    assert window.js("window.isOld")


def test_log_ins_last(lab: WindowLab, module: Module) -> None:
    module.start()
    lab.serve()
    running(lab, module)
    window = lab.module("n8n", module.url)
    window.says("for nobody")
    assert window.leave() == Exit.CLOSED
    again = lab.module("n8n", module.url)
    again.says("for login=ann")
    folder = lab.home.folder / "pages/n8n"
    assert folder.stat().st_mode & 0o077 == 0
    other = lab.module("dify", module.url)
    both = [states.module(name, "running", open=module.url) for name in ("n8n", "dify")]
    lab.host.show(states.snapshot("running", *both))
    other.says("for nobody")


@pytest.fixture
def opened(lab: WindowLab, tmp_path: Path) -> Path:
    """What the system's browser was asked for, a line each."""
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" >> {opened}\n')
    browser.chmod(0o755)
    lab.environment = {**lab.environment, "BROWSER": f"{browser} %s"}
    return opened


def test_links_to_a_new_window_go_to_the_systems_browser(
    lab: WindowLab, module: Module, opened: Path
) -> None:
    window = shown(lab, module)
    window.js("document.getElementById('program').click()")
    window.js("document.getElementById('outer').click()")
    assert eventually(opened.read_text, "the browser") == "http://127.0.0.1:9/outer\n"
    assert window.js("location.pathname") == "/"
    assert os.fspath(module.url) in window.js("location.href")


def test_windows_opened_by_a_script_go_to_the_systems_browser(
    lab: WindowLab, module: Module, opened: Path
) -> None:
    window = shown(lab, module)
    # Else only a click of the user, which a test can't make, opens one.
    setting = "'javascript-can-open-windows-automatically'"
    view = "window.gui.BrowserView.instances[window.uid].webview"
    window.python(f"{view}.get_settings().set_property({setting}, True)")
    for name in ("named-program", "named"):
        window.js(f"document.getElementById('{name}').click()")
    for call in ("('file:///etc/passwd')", "('/mine')", "('/named', 'oauth', 'width=400')"):
        window.js(f"open{call} === null")
    wanted = ["http://127.0.0.1:9/named", f"{module.url}mine", f"{module.url}named"]
    eventually(lambda: opened.read_text().splitlines() == wanted, f"{wanted}")
    assert window.js("location.pathname") == "/"
