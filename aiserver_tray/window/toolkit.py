"""Toolkit features that pywebview does not offer, through its private parts: no other module uses
them, and tests/unit/test_private_parts.py lists them. If a toolkit has no known way, nothing
happens."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.file_paths import user_home
from aiserver_tray.system.desktop import open_url
from aiserver_tray.window.geometry import Area, Geometry

Window = Any  # webview.Window, not imported here, because the import is slow

GTK: Final = "gtkwebkit2"
WEBVIEW2: Final = "edgechromium"
_UNFIT: Final = ("mshtml",)
"""Renderers that can't show our page. pywebview uses this one if WebView2 is missing."""

_KEYS: Final = {
    **dict.fromkeys(("plus", "equal", "KP_Add"), 1.0),
    **dict.fromkeys(("minus", "KP_Subtract"), -1.0),
    **dict.fromkeys(("0", "KP_0"), 0.0),
}
"""GDK's name of a key -> steps of the zoom; 0: none at all."""
_OTHER_PAGE_ASKED: Final = (102, 302)
"""WebKit's numbers of a load that was given up for another one, or became a download:
https://webkitgtk.org/reference/webkit2gtk/stable/error.NetworkError.html"""
_LOAD_AGAIN_MS: Final = 500

_ZOOM_STEP: Final = 0.1
_MIN_ZOOM: Final = 0.3
_MAX_ZOOM: Final = 4.0

_SW_RESTORE: Final = 9
"""Windows' ShowWindow: the place before the window was minimized."""

log = logging.getLogger(__name__)


def is_fit(window: Window) -> bool:
    """Whether the page can be shown at all by the browser engine that was found."""
    return window.gui.renderer not in _UNFIT


def screens(window: Window) -> list[Area]:
    """The screens of this machine, the first one first."""
    return [Area(s.x, s.y, s.width, s.height) for s in window.gui.get_screens()]


def placement(window: Window) -> Geometry:
    """The current place and size of *window*, which is not maximized."""
    return Geometry(*window.gui.get_position(window.uid), *window.gui.get_size(window.uid))


def place(window: Window, values: Mapping[str, int | bool]) -> None:
    """Show *window* later with *values*, which are arguments of pywebview's ``create_window``. It
    can be called as long as the window is not there."""
    for name, value in values.items():
        setattr(window, name if name == "maximized" else f"initial_{name}", value)


def current_url(window: Window) -> str:
    """The address of the page that *window* shows, or loads. pywebview's own function would wait
    for the page."""
    return str(window.gui.get_current_url(window.uid) or "")


def is_maximized(window: Window) -> bool:
    """Whether *window* fills the screen."""
    native = window.native
    if window.gui.renderer == GTK:
        return bool(native.is_maximized())
    return str(getattr(native, "WindowState", "")) == "Maximized"


def answers_at_once(window: Window) -> bool:
    """Whether the toolkit's own thread may read the place of *window*; with other toolkits it would
    wait for itself."""
    return bool(window.gui.renderer == WEBVIEW2)


def is_minimized(window: Window) -> bool:
    """Whether *window* is minimized. (Not needed on GTK, see `bring_to_front`.)"""
    return str(getattr(window.native, "WindowState", "")) == "Minimized"


def bring_to_front(window: Window) -> None:
    """Show *window* above the others, with the keyboard."""
    if window.gui.renderer == GTK:
        window.restore()  # GTK's `show` does not change its place
        return
    if is_minimized(window):
        _restore(window)
    window.show()


def _restore(window: Window) -> None:
    """Restore a minimized window of Windows. pywebview's `restore` works only if the window was not
    maximized."""
    handle = window.native.Handle.ToInt32()
    _in_its_thread(window, lambda: window.gui.windll.user32.ShowWindow(handle, _SW_RESTORE))


def _in_its_thread(window: Window, act: Callable[[], object]) -> None:
    """Have *act* called by the own thread of a window of Windows."""
    from System import Func, Type  # type: ignore[import-not-found] # noqa: PLC0415 - of .NET

    def call() -> None:
        act()

    window.native.Invoke(Func[Type](call))


def origin(window: Window) -> tuple[int, int]:
    """The origin of the coordinates for new windows: on GTK, the first screen."""
    if window.gui.renderer != GTK:
        return 0, 0
    first = screens(window)[0]
    return first.x, first.y


def name_program(window: Window, name: str) -> None:
    """Make the desktop treat *window* as one of the program *name*, whatever file runs it."""
    if window.gui.renderer == GTK:
        window.gui.glib.set_prgname(name)
        window.gui.Gdk.set_program_class(name)


def prefer_dark(window: Window) -> None:
    """Tell the page that the system is dark, which GTK does not do by itself."""
    if window.gui.renderer == GTK:
        settings = window.gui.gtk.Settings.get_default()
        settings.props.gtk_application_prefer_dark_theme = True


def on_no_engine(window: Window, callback: Callable[[str], None]) -> None:
    """Call *callback* with the reason if the browser engine can't start. The window is then empty,
    and pywebview (6.2) only logs it. Must be called before the window is shown."""
    if window.gui.renderer != WEBVIEW2:
        return

    def begun(_sender: object, event: Any) -> None:  # noqa: ANN401 - of .NET
        if not event.IsSuccess:
            reason = " ".join(str(event.InitializationException.Message).split())
            callback(f"Microsoft Edge WebView2: {reason}")

    window.native.browser.webview.CoreWebView2InitializationCompleted += begun


def on_crash(window: Window, callback: Callable[[], None]) -> None:
    """Have *callback* called when the page's process died; to be called once the window shows."""
    if window.gui.renderer == GTK:
        view = _gtk(window).webview
        view.connect("web-process-terminated", lambda *_: callback())
    elif window.gui.renderer == WEBVIEW2:
        _on_failed_process(window, callback)


def load_again(window: Window) -> None:
    """Load a page again that could not be loaded, as when WebKit's network process died: WebKit
    (2.54) starts another one, but its error page would stay. Like `on_crash`; on GTK only."""
    if window.gui.renderer != GTK:
        return
    view, glib = _gtk(window).webview, window.gui.glib

    def failed(_view: object, _event: object, address: str, error: Any) -> bool:  # noqa: ANN401
        if error.code in _OTHER_PAGE_ASKED:
            return False
        glib.timeout_add(_LOAD_AGAIN_MS, lambda: view.load_uri(address) and False)
        return True

    view.connect("load-failed", failed)


def _on_failed_process(window: Window, callback: Callable[[], None]) -> None:
    """As `on_crash`: https://learn.microsoft.com/microsoft-edge/webview2/concepts/process-related-events"""

    def failed(_sender: object, event: Any) -> None:  # noqa: ANN401
        if str(event.ProcessFailedKind) in ("BrowserProcessExited", "RenderProcessExited"):
            callback()

    def listen(engine: Any) -> None:  # noqa: ANN401 - of .NET
        engine.ProcessFailed += failed

    _with_engine(window, listen)


def _with_engine(window: Window, act: Callable[[Any], None]) -> None:
    """Call *act* with WebView2's engine once it exists. Like `on_crash`."""
    view = window.native.browser.webview

    def look() -> None:
        if view.CoreWebView2:
            act(view.CoreWebView2)
        else:  # it does not exist yet
            view.CoreWebView2InitializationCompleted += lambda _sender, _told: look()

    _in_its_thread(window, look)  # no other thread may ask


def _gtk(window: Window) -> Any:  # noqa: ANN401 - pywebview's
    """pywebview's view of a window on GTK. Its attribute ``webview`` is a WebKit2.WebView."""
    return window.gui.BrowserView.instances[window.uid]


def zoom_by_keys(window: Window) -> None:
    """Let Ctrl with +, - and 0 zoom the page. Like `on_crash`."""
    if window.gui.renderer == GTK:
        view = _gtk(window).webview
        name = window.gui.Gdk.keyval_name
        _on_control(window, "key-press-event", lambda key: _zoom(view, _KEYS.get(name(key.keyval))))
    elif window.gui.renderer == WEBVIEW2:
        _with_engine(window, _enable_keys)


def _enable_keys(engine: Any) -> None:  # noqa: ANN401 - of .NET
    engine.Settings.AreBrowserAcceleratorKeysEnabled = True


def zoom_by_wheel(window: Window) -> None:
    """Like `zoom_by_keys`, with Ctrl and the wheel, unless a page handles it itself. WebView2 does
    this by itself."""
    if window.gui.renderer == GTK:
        view = _gtk(window).webview
        _on_control(window, "scroll-event", lambda turn: _zoom(view, _step(turn)))


def _on_control(window: Window, signal: str, act: Callable[[Any], bool]) -> None:
    """Have *act* called with an event that comes with Ctrl, before the page has it; whether that
    is all that is to be done with it."""
    view = _gtk(window).webview
    control = window.gui.Gdk.ModifierType.CONTROL_MASK
    view.connect(signal, lambda _view, event: bool(event.state & control) and act(event))


def _step(turn: Any) -> float | None:  # noqa: ANN401 - Gdk.EventScroll
    steps = {"up": 1.0, "down": -1.0, "smooth": -turn.delta_y}
    return steps.get(turn.direction.value_nick) or None  # it may scroll sideways


def _zoom(view: Any, step: float | None) -> bool:  # noqa: ANN401 - WebKit2.WebView
    """Apply *step* if it is a zoom step; 0 resets the zoom."""
    if step is None:
        return False
    wanted = view.get_zoom_level() + step * _ZOOM_STEP if step else 1.0
    view.set_zoom_level(min(max(wanted, _MIN_ZOOM), _MAX_ZOOM))
    return True


def offer_home_for_downloads(window: Window) -> None:
    """Start the save dialog in the home folder if the desktop has no folder for downloads:
    pywebview (6.2) would pass GTK no folder, and fail. Must be called like `on_crash`."""
    if window.gui.renderer != GTK:
        return
    view = _gtk(window)
    ask = view.create_file_dialog

    def ask_from(kind: object, folder: str | None, *more: object) -> object:
        return ask(kind, folder or str(user_home()), *more)

    view.create_file_dialog = ask_from


def open_new_windows_outside(window: Window) -> None:
    """Open new windows of a page in the default browser. On GTK, pywebview (6.2) does this only for
    links to ``_blank``. Like `on_crash`."""
    if window.gui.renderer == GTK:
        view = _gtk(window).webview
        view.connect("create", lambda _view, action: _open_outside(action.get_request().get_uri()))


def _open_outside(url: str) -> None:
    try:
        open_url(url)
    except AiServerError as error:
        log.warning("the page can't open a window: %s", error)


def on_title(window: Window, callback: Callable[[str], None]) -> None:
    """Have *callback* called with each new title of the page; as `on_crash`."""
    if window.gui.renderer == GTK:
        view = _gtk(window).webview
        view.connect("notify::title", lambda *_: callback(view.get_title() or ""))
