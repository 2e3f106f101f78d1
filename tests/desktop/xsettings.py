"""What a desktop tells GTK's programs of its style (https://specifications.freedesktop.org/xsettings)."""

import struct

from Xlib import X  # type: ignore[import-untyped]
from Xlib.display import Display  # type: ignore[import-untyped]
from Xlib.protocol.event import ClientMessage  # type: ignore[import-untyped]

from tests.support.desktop.desktop import Desktop

_NAME = b"Net/ThemeName"
_STRING, _LITTLE_ENDIAN = 1, 0


class StyleManager:
    """The desktop's service for that, with one setting: the theme."""

    def __init__(self, desktop: Desktop) -> None:
        self._display = Display(desktop.environment["DISPLAY"])
        screen = self._display.screen()
        self._window = screen.root.create_window(0, 0, 1, 1, 0, screen.root_depth)
        self._serial = 0
        selection = self._atom("_XSETTINGS_S0")
        self._window.set_selection_owner(selection, X.CurrentTime)
        data = (32, [X.CurrentTime, selection, self._window.id, 0, 0])
        told = ClientMessage(window=screen.root, client_type=self._atom("MANAGER"), data=data)
        screen.root.send_event(told, event_mask=X.StructureNotifyMask)
        self._display.sync()

    def choose(self, theme: str) -> None:
        """Let GTK's *theme* be another one."""
        self._serial += 1
        name, value = _padded(_NAME), _padded(theme.encode())
        setting = struct.pack("<BxH", _STRING, len(_NAME)) + name
        setting += struct.pack("<II", self._serial, len(theme)) + value
        settings = struct.pack("<B3xII", _LITTLE_ENDIAN, self._serial, 1) + setting
        place = self._atom("_XSETTINGS_SETTINGS")
        self._window.change_property(place, place, 8, settings)
        self._display.sync()

    def close(self) -> None:
        """Leave the screen."""
        self._display.close()

    def _atom(self, name: str) -> int:
        return int(self._display.intern_atom(name))


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 4)
