"""What is asked of Windows' toolkit. A fake of it, since there is none where these tests run."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from webview.event import Event

from aiserver_tray.window import toolkit
from aiserver_tray.window.protocol import Exit
from aiserver_tray.window.shell import Shell


class Happening:
    """An event of .NET."""

    def __init__(self) -> None:
        self._handlers: tuple[Callable[..., object], ...] = ()

    def __iadd__(self, handler: Callable[..., object]) -> Self:
        self._handlers = (*self._handlers, handler)
        return self

    def raise_(self, told: object) -> None:
        """Let it happen."""
        for handler in self._handlers:
            handler(None, told)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A window of pywebview's on WebView2, not yet shown."""
    system = SimpleNamespace(Func={None: lambda act: act}, Type=None)
    monkeypatch.setitem(sys.modules, "System", system)
    webview = SimpleNamespace(CoreWebView2=None, CoreWebView2InitializationCompleted=Happening())
    names = ("initialized", "before_show", "shown", "closing")
    return SimpleNamespace(
        gui=SimpleNamespace(renderer="edgechromium"),
        native=SimpleNamespace(
            browser=SimpleNamespace(webview=webview), Invoke=lambda act: act(), WindowState="Normal"
        ),
        events=SimpleNamespace(**{name: Event(None, should_lock=True) for name in names}),
    )


@pytest.mark.parametrize("is_shown", [False, True])
def test_a_browser_engine_that_can_not_begin_is_said(
    window: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_shown: bool,  # noqa: FBT001
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    Shell(tmp_path / "place.json").adopt(window)
    window.events.before_show.set()
    if is_shown:
        window.events.shown.set()
    error = SimpleNamespace(Message="Access is denied.\r\n (0x80070005)")
    told = SimpleNamespace(IsSuccess=False, InitializationException=error)
    window.native.browser.webview.CoreWebView2InitializationCompleted.raise_(told)
    assert ended == [Exit.NO_BROWSER]
    complaint = "Microsoft Edge WebView2: Access is denied. (0x80070005)"
    assert capsys.readouterr().err.splitlines()[-1] == complaint


def test_keys_work_and_a_window_comes_back_as_large_as_it_was(window: SimpleNamespace) -> None:
    toolkit.zoom_by_keys(window)
    view = window.native.browser.webview
    settings = SimpleNamespace(AreBrowserAcceleratorKeysEnabled=False)
    view.CoreWebView2 = SimpleNamespace(Settings=settings)
    view.CoreWebView2InitializationCompleted.raise_(SimpleNamespace(IsSuccess=True))
    assert settings.AreBrowserAcceleratorKeysEnabled
    asked: list[tuple[int, int]] = []
    user32 = SimpleNamespace(ShowWindow=lambda handle, how: asked.append((handle, how)))
    window.gui.windll = SimpleNamespace(user32=user32)
    window.native.Handle = SimpleNamespace(ToInt32=lambda: 7)
    window.native.WindowState = "Minimized"
    window.show = lambda: asked.append((0, 0))
    toolkit.bring_to_front(window)
    assert asked == [(7, 9), (0, 0)], "SW_RESTORE, which knows whether it was maximized"
