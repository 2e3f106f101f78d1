"""Additions to pystray's icon for Windows: the small size for the screen's resolution, and a menu
that stays unchanged while it is open."""

import ctypes
import logging
import struct
from collections.abc import Callable, Collection
from ctypes import wintypes
from pathlib import Path
from queue import SimpleQueue
from threading import Timer
from typing import Any

from PIL.Image import Image

from aiserver_tray.base.queues import available
from aiserver_tray.system.tray_place import Way
from aiserver_tray.tray.actions import Action, Message
from aiserver_tray.tray.menu import Entry

_log = logging.getLogger(__name__)

_SM_CXSMICON = 49
_WM_QUERYENDSESSION = 0x0011
_WM_ENDSESSION = 0x0016
_WM_SETTINGCHANGE = 0x001A
_WM_RBUTTONUP = 0x0205
_WM_DPICHANGED = 0x02E0
_NIN_BALLOONUSERCLICK = 0x0400 + 5  # WM_USER + 5: a notification was clicked
_WM_CALL = 0x8000 + 1  # WM_APP + 1: a message of our own
_PER_MONITOR_V2 = -4
_NIM_ADD, _NIM_MODIFY = 0, 1
_ICON_VERSION = 0x00030000
_RETRY_SECONDS = 2.0
"""Seconds until the next attempt to show an icon that the task bar refused."""
_HEADER_BYTES = 40
"""Bytes of a BITMAPINFOHEADER."""
_BITS_PER_PIXEL = 32
"""Bits of a pixel."""
_BOTTOM_UP = -1

_PystrayIcon: Any = object
"""Type of the class that `windows_icon` extends."""


def windows_icon(base: Any) -> Any:  # noqa: ANN401 - pystray has no types
    """A subclass of *base*, pystray's icon for Windows."""
    from pystray._util import win32  # noqa: PLC0415 - there on Windows only

    win32.Shell_NotifyIcon.errcheck = _not_refused
    _user32().SetProcessDpiAwarenessContext(ctypes.c_void_p(_PER_MONITOR_V2))
    return type("WindowsIcon", (_WindowsIcon, base), {"_win32": win32})


def _not_refused(taken: int, _function: object, arguments: tuple[Any, ...]) -> int:
    """Check that the task bar accepted a new icon, which pystray does not do.

    Raises:
        OSError: it did not.
    """
    if not taken and arguments[0] == _NIM_ADD:
        raise ctypes.WinError()  # type: ignore[attr-defined]
    return taken


def _user32() -> Any:  # noqa: ANN401 - ctypes
    return ctypes.windll.user32  # type: ignore[attr-defined]


class _WindowsIcon(_PystrayIcon):  # type: ignore[misc]
    """The methods below the line override pystray's."""

    entries: tuple[Entry, ...] = ()
    ways: Collection[Way] = ()
    _win32: Any
    _icon_handle: int | None
    _menu_handle: Any = None

    def set_up(self, _folder: Path, on_change: Callable[[], None]) -> None:
        """*on_change* is called when the size or the colour of the task bar may have changed."""
        self._on_change = on_change
        self._is_menu_stale = False
        self._on_click: Callable[[], None] = lambda: None
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._message_handlers |= {
            # Pystray does not answer this message, which would block the logout.
            _WM_QUERYENDSESSION: lambda _wparam, _lparam: True,
            _WM_ENDSESSION: self._on_end_of_session,
            _WM_CALL: self._on_call,
            _WM_DPICHANGED: self._on_display_change,
            _WM_SETTINGCHANGE: self._on_display_change,
        }

    @property
    def pixels(self) -> int:
        """Width and height of the task bar's small icon. Pystray would load the large one, which
        the shell would shrink."""
        dpi = _user32().GetDpiForWindow(self._hwnd) if self._hwnd else 0
        dpi = dpi or _user32().GetDpiForSystem()
        return int(_user32().GetSystemMetricsForDpi(_SM_CXSMICON, dpi))

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._calls.put(callback)
        _user32().PostMessageW(self._hwnd, _WM_CALL, 0, 0)

    def label(self, text: str) -> str:
        """*text* as the menu wants it: ``&`` would mark a letter."""
        return text.replace("&", "&&")

    def send(self, message: Message, on_action: Callable[[Action], None]) -> None:
        """Show a notification, which replaces the one before."""
        if not message.is_update:
            self._on_click = lambda: on_action(message.click)
            self.notify(message.body, message.title)

    def _on_end_of_session(self, is_sure: int, _lparam: int) -> None:
        if is_sure:
            self.stop()

    def _on_call(self, _wparam: int, _lparam: int) -> None:
        for callback in available(self._calls, 0):
            callback()

    # -- pystray's -----------------------------------------------------------------------------

    def _assert_icon_handle(self) -> None:
        if not self._icon_handle:
            self._icon_handle = _handle_of(self.icon)

    def _show(self) -> None:
        try:
            super()._show()
        except OSError as error:
            # The task bar is not running yet (it reports its start), has the icon already, or is
            # too busy after a login. In the last case, only a retry helps.
            _log.info("The task bar does not take the icon: %s", error)
            self._show_later()

    def _show_later(self) -> None:
        again = Timer(_RETRY_SECONDS, self.call_soon, (self._show_if_missing,))
        again.daemon = True
        again.start()

    def _show_if_missing(self) -> None:
        if self.visible and not self._is_there():
            self._show()

    def _is_there(self) -> bool:
        """Whether the task bar has the icon: if so, it accepts an empty change."""
        data = self._win32.NOTIFYICONDATAW(hWnd=self._hwnd, hID=id(self))
        data.cbSize = ctypes.sizeof(data)
        return bool(self._win32.Shell_NotifyIcon(_NIM_MODIFY, data))

    def _update_menu(self) -> None:
        self._is_menu_stale = True

    def _on_notify(self, wparam: int, lparam: int) -> None:
        if lparam == _NIN_BALLOONUSERCLICK:
            self._on_click()
        # The menu is built when it is opened, because an open menu must not be destroyed.
        if lparam == _WM_RBUTTONUP and self._is_menu_stale:
            self._is_menu_stale = False
            super()._update_menu()
        super()._on_notify(wparam, lparam)

    def _on_display_change(self, _wparam: int, _lparam: int) -> None:
        self._on_change()


def _handle_of(picture: Image) -> int:
    """An icon of just the size of *picture*.

    Raises:
        OSError: Windows can't create it.
    """
    bits = _icon_resource(picture)
    create = _user32().CreateIconFromResourceEx
    create.restype = wintypes.HANDLE
    handle = create(bits, len(bits), True, _ICON_VERSION, *picture.size, 0)  # noqa: FBT003 - C
    if not handle:
        raise ctypes.WinError()  # type: ignore[attr-defined]
    return int(handle)


def _icon_resource(picture: Image) -> bytes:
    """*picture*, with transparency, as the resource of an icon
    (https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader). Pillow loads
    all of its formats with their libraries, 11 MB, before it writes an .ico file."""
    width, height = picture.size
    # The height includes the mask, which is empty: the pixels have the transparency.
    header = struct.pack("<IiiHH6I", _HEADER_BYTES, width, 2 * height, 1, _BITS_PER_PIXEL, *[0] * 6)
    pixels = picture.tobytes("raw", "BGRA", 0, _BOTTOM_UP)
    mask = bytes((width + 31) // 32 * 4 * height)
    return header + pixels + mask
