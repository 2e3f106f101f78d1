"""Whether this desktop shows an applet's icon. Windows and macOS always do; on Linux it depends on
the desktop."""

import os
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from aiserver_tray.base.i18n import Text

Way = Literal["bus", "screen"]
"""The way in which an icon is shown: as an item on the session bus
(https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem), or as a small window in a
panel of an X11 screen (https://specifications.freedesktop.org/systemtray-spec)."""

ANY: Final[tuple[Way, ...]] = ("bus", "screen")
SCREEN: Final[tuple[Way, ...]] = ("screen",)

_WATCHER = "org.kde.StatusNotifierWatcher"
_NOBODY = ("org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown")
_TIMEOUT_MILLISECONDS = 2_000
"""Milliseconds for an answer."""

_NO_PLACE = Text(
    "This desktop can't show the tray icon. On GNOME, install the extension AppIndicator "
    "(Debian, Ubuntu: gnome-shell-extension-appindicator) and log in again. On other desktops, "
    "add a system tray to the panel. Until then, use: aiserver-tray open"
)
_NO_LIBRARY = Text(
    "The library for tray icons is missing. Install libayatana-appindicator (Debian, Ubuntu: "
    "gir1.2-ayatanaappindicator3-0.1), then start the applet again. Until then, use: "
    "aiserver-tray open"
)


def known_ways() -> Collection[Way]:
    """The ways that our icon would try, by the installed libraries. Empty if no check is needed."""
    if sys.platform != "linux":
        return ()
    if find_spec("gi") is None:
        return ()  # there is no icon at all, of which more is said elsewhere
    libraries = ("AyatanaAppIndicator3", "AppIndicator3")
    return ANY if any(map(_has_library, libraries)) else SCREEN


def why_unavailable(ways: Collection[Way]) -> Text | None:
    """The reason why an icon that uses one of *ways* is not visible, and the fix. None if it is
    visible, as far as this can be known."""
    if not ways:
        return None
    is_on_bus = _is_on_bus()
    if is_on_bus and "bus" in ways:
        return None
    # Checked last, because it costs the tray megabytes.
    if "screen" in ways and _is_on_screen():
        return None
    return _NO_LIBRARY if is_on_bus else _NO_PLACE


def _has_library(name: str) -> bool:
    import gi  # noqa: PLC0415 - the system's, on Linux only

    try:
        gi.require_version(name, "0.1")
    except ValueError:
        return False
    return True


def _is_on_screen() -> bool:
    """Whether a panel takes windows in; GTK has none for it under Wayland."""
    if os.environ.get("WAYLAND_DISPLAY") and os.environ.get("GDK_BACKEND") != "x11":
        return False
    try:
        from Xlib.display import Display  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

        screen = Display()
    except Exception:  # noqa: BLE001 - any failure of the screen means that no icon is visible
        return False
    try:
        tray = screen.intern_atom(f"_NET_SYSTEM_TRAY_S{screen.get_default_screen()}")
        return bool(screen.get_selection_owner(tray))
    finally:
        screen.close()


def _is_on_bus() -> bool:
    """Whether a panel shows items. One that does not answer does, for all one knows."""
    from gi.repository import Gio, GLib  # noqa: PLC0415 - as above

    if not _has_bus():
        return False
    asked = GLib.Variant("(ss)", (_WATCHER, "IsStatusNotifierHostRegistered"))
    about = (_WATCHER, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties", "Get", asked)
    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    except GLib.Error:
        return False
    try:
        flags = Gio.DBusCallFlags.NO_AUTO_START
        return bool(bus.call_sync(*about, None, flags, _TIMEOUT_MILLISECONDS, None).unpack()[0])
    except GLib.Error as error:
        return Gio.DBusError.get_remote_error(error) not in _NOBODY


def _has_bus() -> bool:
    """Whether there is a session bus; GLib would start one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    is_usual = bool(runtime) and (Path(str(runtime)) / "bus").exists()
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or is_usual
