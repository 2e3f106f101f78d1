"""What the desktop's shell knows of the tray's icon and menu, and can do to them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gi.repository import Gio, GLib

from tests.support.desktop.fake_desktop import ITEM, PROPERTIES, WATCHER
from tests.support.limits import LIMIT
from tests.support.waiting import eventually

_ANSWER_MILLISECONDS = round(1000 * LIMIT)

_MENU = "com.canonical.dbusmenu"
_LINE = re.compile(r"(?:[○◐●▲✗◑⊘] )?(.*?)(?: – .*)?")
"""A line of the menu, perhaps with a state's sign before and its word after what it is about."""


@dataclass(frozen=True)
class MenuEntry:
    """A line of the menu. ``checked``: None for what is no switch."""

    id: int
    label: str
    enabled: bool
    checked: bool | None
    children: tuple["MenuEntry", ...]

    @property
    def name(self) -> str:
        """What it is about, whatever its state."""
        found = _LINE.fullmatch(self.label)
        return found[1] if found else self.label


class TrayItem:
    """The one icon on the session bus at *address*; its methods fail while there is none."""

    def __init__(self, address: str) -> None:
        flags = Gio.DBusConnectionFlags
        kind = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
        self._bus = Gio.DBusConnection.new_for_address_sync(address, kind, None, None)

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close_sync(None)

    @property
    def is_there(self) -> bool:
        """Whether the task bar has it."""
        return bool(self._keys())

    @property
    def icon(self) -> str:
        """The file of its picture."""
        return str(self._properties()["IconName"])

    @property
    def tooltip(self) -> str:
        """What is shown with the icon."""
        return str(self._properties()["Title"])

    def menu(self) -> tuple[MenuEntry, ...]:
        """The menu as it would open now, without its separators."""
        root = self._menu_call("GetLayout", GLib.Variant("(iias)", (0, -1, [])))[1]
        return tuple(_entries(root[2]))

    def entry(self, *path: str) -> MenuEntry:
        """The line that is about the last of *path*, in the submenus of those before.

        Raises:
            LookupError: there is none.
        """
        entries: Sequence[MenuEntry] = self.menu()
        for name in path:
            found = [entry for entry in entries if entry.name == name]
            if not found:
                raise LookupError(f"no {name!r} among {[entry.label for entry in entries]}")
            entries = found[0].children
        return found[0]

    def offers(self, *path: str) -> bool:
        """Whether there is such a line that can be chosen."""
        try:
            return self.entry(*path).enabled
        except LookupError:
            return False

    def click(self, *path: str) -> None:
        """Choose a line, as soon as it can be."""

        def done() -> bool:
            entry = self.entry(*path)
            if entry.enabled:
                # Refused where another menu took its place since, with other ids.
                values = GLib.Variant("(isvu)", (entry.id, "clicked", GLib.Variant("i", 0), 0))
                self._menu_call("Event", values)
            return entry.enabled

        eventually(done, f"{path} in the menu")

    # -- calls ---------------------------------------------------------------------------------

    def _keys(self) -> list[str]:
        question = GLib.Variant("(ss)", (WATCHER, "RegisteredStatusNotifierItems"))
        found = self._call(WATCHER, "/StatusNotifierWatcher", PROPERTIES, "Get", question)
        return list(found[0])

    def _place(self) -> tuple[str, str]:
        keys = self._keys()
        assert len(keys) == 1, f"icons: {keys}"
        owner, slash, path = keys[0].partition("/")
        return owner, slash + path

    def _properties(self) -> dict[str, Any]:
        question = GLib.Variant("(s)", (ITEM,))
        found: dict[str, Any] = self._call(*self._place(), PROPERTIES, "GetAll", question)[0]
        return found

    def _menu_call(self, method: str, values: Any) -> Any:  # noqa: ANN401 - GLib has no types
        owner, _ = self._place()
        return self._call(owner, self._properties()["Menu"], _MENU, method, values)

    def _call(self, owner: str, path: str, interface: str, method: str, values: Any) -> Any:  # noqa: ANN401
        call = (owner, path, interface, method, values, None, 0, _ANSWER_MILLISECONDS, None)
        try:
            return self._bus.call_sync(*call).unpack()
        except GLib.Error as error:
            raise OSError(error.message) from error


def _entries(nodes: Sequence[Any]) -> Iterator[MenuEntry]:
    for id, properties, children in nodes:
        if properties.get("type") != "separator":
            yield MenuEntry(
                id,
                properties.get("label", "").replace("__", "_"),
                properties.get("enabled", True),
                bool(properties["toggle-state"]) if "toggle-type" in properties else None,
                tuple(_entries(children)),
            )
