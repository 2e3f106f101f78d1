"""Additions to pystray's icons for GTK: a menu that changes in place, removal of old pictures, and
notifications that neither block nor fail."""

import re
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from gi.repository import GLib
from PIL.Image import Image

from aiserver_tray.system.tray_place import Way
from aiserver_tray.tray.actions import Action, Message
from aiserver_tray.tray.menu import Entry, shape
from aiserver_tray.tray.notification_service import Notifications

_PICTURE = re.compile(r"[0-9a-f]{8}\.(png|part)")
"""The name of a picture's file."""

_PystrayIcon: Any = object
"""Type of the class that `gtk_icon` extends."""


def gtk_icon(base: Any, size: int, ways: Collection[Way]) -> Any:  # noqa: ANN401 - pystray's
    """A subclass of *base*, one of pystray's icons. A desktop shows it in one of *ways*. Pictures
    have *size* pixels if the desktop does not request a size."""
    return type("GtkIcon", (_GtkIcon, base), {"size": size, "ways": ways})


class _GtkIcon(_PystrayIcon):  # type: ignore[misc]
    """The methods below the line override pystray's. Pystray runs everything when the loop is idle.
    Here, code already runs in the loop's thread, so wrapped calls run at once."""

    entries: tuple[Entry, ...] = ()
    size: int
    ways: Collection[Way]
    _status_icon: Any = None
    """The widget, if the desktop uses one."""

    def set_up(self, folder: Path, on_change: Callable[[], None]) -> None:
        """*folder* is only for the pictures. *on_change* is called when the desktop's theme or
        `pixels` may have changed."""
        self._pictures = Pictures(folder)
        self._built: tuple[Entry, ...] = ()
        from gi.repository import Gtk  # noqa: PLC0415 - in the version that pystray chose

        Gtk.Settings.get_default().connect("notify::gtk-theme-name", lambda *_: on_change())
        if self._status_icon:
            self._status_icon.connect("size-changed", lambda *_: on_change())

    @property
    def pixels(self) -> int:
        """Width and height of a picture."""
        return (self._status_icon and self._status_icon.get_size()) or self.size

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call it in the loop's thread."""

        def once() -> bool:
            callback()
            return False  # not again

        GLib.idle_add(once, priority=GLib.PRIORITY_DEFAULT)

    def label(self, text: str) -> str:
        """*text* as the menu wants it."""
        return text

    def send(self, message: Message, on_action: Callable[[Action], None]) -> None:
        """Show a notification. *on_action* gets the action of a click or a button."""
        self._notifier.send(message, self._icon_path, on_action)

    def show_hint(self, title: str, body: str) -> None:
        """Show a notification that can be withdrawn."""
        self._notifier.show_hint(title, body, self._icon_path)

    def withdraw_hint(self) -> None:
        self._notifier.withdraw_hint()

    # -- pystray's -----------------------------------------------------------------------------

    def _initialize(self) -> None:
        # Pystray's own method takes over Ctrl-C, and fails without a notification service.
        self._notifier = Notifications()
        self._mark_ready()

    def _finalize(self) -> None:
        super()._finalize()
        self._pictures.remove()

    def _show(self) -> None:
        super()._show()
        self._update_title()  # a Gtk.StatusIcon does not have it yet

    def _update_title(self) -> None:
        super()._update_title()
        if self._status_icon:
            self._status_icon.set_tooltip_text(self.title)

    def _update_icon(self) -> None:
        super()._update_icon.__wrapped__(self)

    def _update_fs_icon(self) -> None:
        self._icon_path = str(self._pictures.file_of(self.icon))
        self._icon_valid = True

    def _remove_fs_icon(self) -> None:
        """Keep pictures: the desktop may be about to read the last one."""
        self._icon_valid = False

    def _update_menu(self) -> None:
        before, self._built = self._built, self.entries
        if len(before) != len(self.entries):
            super()._update_menu.__wrapped__(self)
            return
        menu = self._menu_handle  # it may be open
        lines = zip(menu.get_children(), before, self.entries, self.menu, strict=True)
        for place, (item, old, new, descriptor) in enumerate(lines):
            if _can_become(item, old, new):
                _relabel(item, old, new)
            else:
                menu.remove(item)
                made = self._create_menu_item(descriptor)
                made.show_all()
                menu.insert(made, place)


def _can_become(item: Any, old: Entry, new: Entry) -> bool:  # noqa: ANN401 - GTK's
    """Whether *item*, made for *old*, can be changed in place. A switch must already have the right
    position: GTK changes it when it is chosen, and treats a change as a choice."""
    is_right = new.checked is None or item.get_active() == new.checked
    return is_right and shape([old]) == shape([new])


def _relabel(item: Any, old: Entry, new: Entry) -> None:  # noqa: ANN401 - GTK's
    """Change the differences of an item that may be visible."""
    if old.text != new.text:
        item.set_label(new.text)
    if old.enabled != new.enabled:
        item.set_sensitive(new.enabled)
    if new.children:
        items = item.get_submenu().get_children()
        for line in zip(items, old.children, new.children, strict=True):
            _relabel(*line)


class Pictures:
    """The icon's pictures as files in a folder of their own, each written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.remove()  # left by a killed process
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def file_of(self, picture: Image) -> Path:
        file = self._folder / f"{zlib.crc32(picture.tobytes()):08x}.png"
        if not file.exists():
            part = file.with_suffix(".part")
            picture.save(part, "PNG")
            part.replace(file)
        return file

    def remove(self) -> None:
        """Remove all pictures, and nothing else: in a home folder that the user named, a folder
        with this name may be the user's own."""
        with suppress(OSError):  # it does not exist, or contains other files
            for file in self._folder.iterdir():
                if _PICTURE.fullmatch(file.name):
                    file.unlink()
            self._folder.rmdir()
