"""How the tray opens windows, and lives on whatever becomes of them."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from aiserver_tray.window import launcher
from aiserver_tray.window.launcher import WindowFailure, Windows
from tests.desktop.window_lab import WindowLab, lab
from tests.support.desktop.window import ask, probed, says
from tests.support.waiting import eventually

__all__ = ["lab"]


class Tray:
    """What the tray does with windows."""

    def __init__(self, lab: WindowLab, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.place = folder / "probe"
        for name, value in probed(self.place).items():
            monkeypatch.setenv(name, value)
        self.broken: list[WindowFailure] = []
        self.windows = Windows(lab.home.folder, lambda: "en", self.broken.append)

    def processes(self) -> list[psutil.Process]:
        """Those of the windows themselves, without the browser engine's."""
        return psutil.Process().children()

    def shows(self, text: str) -> None:
        """Waits until the window that opened last shows *text*."""
        says(self.place, text)


@pytest.fixture
def tray(lab: WindowLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tray]:
    lab.serve()
    tray = Tray(lab, monkeypatch, tmp_path)
    before = set(tray.processes())
    monkeypatch.setattr(
        tray, "processes", lambda: [one for one in psutil.Process().children() if one not in before]
    )
    yield tray
    tray.windows.close()
    assert tray.processes() == []


def test_two_clicks_open_one_window_though_a_file_there_has_the_name_of_a_module_of_ours(
    tray: Tray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "webview.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    clicks = [threading.Thread(target=tray.windows.show_dashboard) for _ in range(2)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    tray.shows("n8n")
    tray.windows.show_dashboard("settings")
    assert len(tray.processes()) == 1
    call = "pywebview.api.invoke('ai/ui/ready').then((a) => window.asked = a.data.page); 1"
    eventually(
        lambda: ask(tray.place, js=call) and ask(tray.place, js="window.asked") == "settings",
        "the page that was asked for",
    )
    assert tray.broken == []


def test_a_window_that_was_killed_is_noticed_and_opens_again(tray: Tray) -> None:
    tray.windows.show_dashboard()
    tray.shows("n8n")
    helpers = tray.processes()[0].children(recursive=True)
    tray.processes()[0].kill()
    eventually(lambda: tray.broken, "the tray to be told")
    assert tray.broken[0].module is None
    assert tray.broken[0].has_engine
    eventually(lambda: not any(one.is_running() for one in helpers), "the engine's processes to go")
    tray.place.unlink()
    tray.windows.show_dashboard()
    tray.shows("n8n")
    assert len(tray.broken) == 1


def test_missing_browser_engine_is_reported(
    tray: Tray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gi.py").write_text("raise ImportError('no typelib of WebKit')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    tray.windows.open_module("n8n", "n8n", "http://127.0.0.1:9/")
    eventually(lambda: tray.broken, "the tray to be told")
    assert tray.broken[0].module == "n8n"
    assert not tray.broken[0].has_engine
    assert "in order to use pywebview" in tray.broken[0].reason


def test_window_without_a_screen_is_reported_to_the_tray(
    tray: Tray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    tray.windows.show_dashboard()
    eventually(lambda: tray.broken, "the tray to be told")
    assert "cannot open display" in tray.broken[0].reason


def test_a_window_that_hangs_does_not_hold_up_the_end(
    tray: Tray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "CLOSE_TIMEOUT_SECONDS", 0.5)
    tray.windows.show_dashboard()
    tray.shows("n8n")
    tray.processes()[0].send_signal(signal.SIGSTOP)
    tray.windows.close()
    assert tray.processes() == []
    assert tray.broken == []


def test_window_that_is_closing_opens_again_on_request(tray: Tray, tmp_path: Path) -> None:
    tray.windows.show_dashboard()
    tray.shows("n8n")
    first = tray.processes()[0].pid
    # The closing begins, and waits for a toolkit that is busy until the click has come.
    clicked = tmp_path / "clicked"
    waits = f"not __import__('os').path.exists({str(clicked)!r})"
    sleeps = f"[__import__('time').sleep(0.02) for _ in range(3000) if {waits}]"
    busy = f"window.gui.glib.idle_add(lambda: {sleeps} and False)"
    ask(
        tray.place,
        python="window.gui.glib.idle_add("
        "lambda: window.native.emit('delete-event', window.gui.Gdk.Event()) and False)"
        f" and {busy}",
    )
    eventually(lambda: _is_closing(tray), "it to begin")
    tray.windows.show_dashboard("settings")
    clicked.touch()
    eventually(lambda: [one.pid for one in tray.processes()] not in ([first], []), "a new one")
    tray.shows("n8n")
    assert tray.broken == []


def _is_closing(tray: Tray) -> bool:
    names = "[t.name for t in __import__('threading').enumerate()]"
    return "closing" in ask(tray.place, python=names)


def test_each_module_has_a_window_of_its_own(tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        launcher, "CLOSE_TIMEOUT_SECONDS", 0.5
    )  # they only begin when they are to close
    tray.windows.open_module("n8n", "n8n", "http://127.0.0.1:9/")
    tray.windows.open_module("dify", "Dify", "http://127.0.0.1:9/")
    tray.windows.open_module("n8n", "n8n", "http://127.0.0.1:9/")
    tray.windows.show_dashboard()
    eventually(lambda: len(tray.processes()) == 3, "three windows")
