"""The icon on the task bar, shown by pystray. Only `gtk`, `windows` and `mac` use private parts of
pystray, which tests/unit/test_private_parts.py lists."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from aiserver_tray.base.errors import MissingExtraError, NoDesktopError, NoSessionError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.system.desktop import Theme, has_desktop, taskbar_theme
from aiserver_tray.system.tray_place import ANY, SCREEN, Way, why_unavailable
from aiserver_tray.tray.actions import Action, Message
from aiserver_tray.tray.menu import SEPARATOR, Entry, shortened
from aiserver_tray.tray.view import IconSpec, TrayView


@contextmanager
def _without_gl() -> Iterator[None]:
    """Within the block, GTK does not load OpenGL, which would cost 40 MB of drivers for a menu. The
    windows' processes inherit the environment and need OpenGL, so it is restored."""
    before = os.environ.get("GDK_GL")
    os.environ["GDK_GL"] = "disable"
    try:
        yield
    finally:
        del os.environ["GDK_GL"]
        if before is not None:
            os.environ["GDK_GL"] = before


try:
    with _without_gl():
        import pystray

    from aiserver_tray.tray.icons import draw
except Exception as error:
    if not has_desktop():
        raise NoSessionError from error
    if isinstance(error, ModuleNotFoundError) and error.name in ("pystray", "PIL"):
        raise MissingExtraError(error.name) from error
    # Raised by its backends if libraries of the desktop or the display are missing.
    raise NoDesktopError(error) from error

if not pystray.Icon.HAS_MENU:
    # Its fallback, used if GTK's bindings are missing.
    raise NoDesktopError("GTK")

_TITLE_UNITS = 63
_BODY_UNITS = 255
"""Windows' limits for title and text of a notification, in UTF-16 units."""

_SIZE_PIXELS = 48
"""Pixels, if the desktop scales the picture: it becomes 16, 24 or 48 without a remainder."""


class TrayIcon:
    """Shows views. Any thread may call it; the work happens in the loop's thread, and of several
    views only the latest is shown.

    *on_action* receives the actions that the user chose in the menu; it is called in the loop's
    thread and must return at once. *folder* is only for the icon's pictures, which some desktops
    need as files.

    Raises (when this module is imported): NoDesktopError: there is no desktop for an icon.
    """

    def __init__(
        self, on_action: Callable[[Action], None], view: TrayView, theme: Theme, folder: Path
    ) -> None:
        self._on_action = on_action
        self._lock = Lock()
        self._view = view
        self._theme = theme
        self._is_up = self._is_due = self._is_stopped = False
        self._shown: tuple[IconSpec, int, Theme] | None = None
        self._menu: tuple[Entry, ...] | None = None
        self._icon = _backend()(name="aiserver-tray", title=view.tooltip)
        self._icon.set_up(folder, self._refresh)
        self._apply()

    def run(self) -> None:
        """Show the icon until `stop`. Blocks; for the main thread."""
        self._icon.run(lambda icon: icon.call_soon(self._appear))

    def stop(self) -> None:
        """Remove the icon, from any thread."""
        with self._lock:
            self._is_stopped = True
            is_up = self._is_up
        if is_up:
            self._icon.call_soon(self._icon.stop)

    def show(self, view: TrayView) -> None:
        """Show *view* as soon as possible."""
        with self._lock:
            self._view = view
        self._schedule()

    def set_theme(self, theme: Theme) -> None:
        """Show the icon in the colours for a task bar of *theme*."""
        with self._lock:
            self._theme = theme
        self._schedule()

    def notify(self, message: Message) -> None:
        """Notify the user, unless the desktop shows no notifications."""
        title = shortened(in_line(message.title), _TITLE_UNITS)
        body = shortened(in_line(message.body), _BODY_UNITS)
        fit = replace(message, title=title, body=body)
        with self._lock:
            is_up = self._is_up
        if is_up:
            self._icon.call_soon(lambda: self._icon.send(fit, self._on_action))

    def why_hidden(self) -> Text | None:
        """The reason why the icon is not visible, and the fix. This may take a moment."""
        return why_unavailable(self._icon.ways)

    def show_hint(self, title: str, body: str) -> None:
        """Show a notification about the hidden icon that can be withdrawn."""
        self._icon.call_soon(lambda: self._icon.show_hint(title, body))

    def withdraw_hint(self) -> None:
        self._icon.call_soon(self._icon.withdraw_hint)

    # -- in the loop's thread ------------------------------------------------------------------

    def _appear(self) -> None:
        with self._lock:
            self._is_up = True
            is_stopped = self._is_stopped
        if is_stopped:
            self._icon.stop()
            return
        self._apply()
        self._icon.visible = True

    def _schedule(self) -> None:
        with self._lock:
            if self._is_due or not self._is_up:
                return
            self._is_due = True
        self._icon.call_soon(self._apply)

    def _apply(self) -> None:
        with self._lock:
            self._is_due = False
            view, theme = self._view, self._theme
        self._icon.title = view.tooltip
        if view.menu != self._menu:
            self._menu = self._icon.entries = view.menu
            self._icon.menu = self._descriptors(view.menu)
        look = (view.icon, self._icon.pixels, theme)
        if look != self._shown:
            self._icon.icon = draw(*look)
            self._shown = look

    def _refresh(self) -> None:
        """Update the theme and the size of the task bar. This may take a moment."""
        Thread(target=lambda: self.set_theme(taskbar_theme()), name="theme", daemon=True).start()

    def _descriptors(self, entries: Iterable[Entry]) -> pystray.Menu:
        return pystray.Menu(*map(self._descriptor, entries))

    def _descriptor(self, entry: Entry) -> pystray.MenuItem:
        if entry == SEPARATOR:
            return pystray.Menu.SEPARATOR

        def chosen(_icon: object, _item: object) -> None:
            if entry.action:
                self._on_action(entry.action)

        is_switch = entry.checked is not None
        return pystray.MenuItem(
            self._icon.label(entry.text),
            self._descriptors(entry.children) if entry.children else chosen,
            checked=(lambda _item: bool(entry.checked)) if is_switch else None,
            default=entry.is_default,
            enabled=entry.enabled,
        )


_WAYS: Mapping[str, Collection[Way]] = {"_gtk": SCREEN, "_appindicator": ANY}
"""Pystray's backend -> the ways in which a desktop can show its icon."""


def _backend() -> Any:  # noqa: ANN401 - a class of pystray's, which has no types
    """Pystray's icon for this desktop, with our additions."""
    kind = pystray.Icon.__module__.rpartition(".")[2]
    if kind in ("_gtk", "_appindicator"):
        from aiserver_tray.tray.gtk import gtk_icon  # noqa: PLC0415 - it needs its desktop

        return gtk_icon(pystray.Icon, _SIZE_PIXELS, _WAYS[kind])
    if kind == "_win32":
        from aiserver_tray.tray.windows import windows_icon  # noqa: PLC0415

        return windows_icon(pystray.Icon)
    if kind == "_darwin":
        from aiserver_tray.tray.mac import mac_icon  # noqa: PLC0415

        return mac_icon(pystray.Icon, _SIZE_PIXELS)
    raise NoDesktopError(kind)
