"""The parts of the Windows half that need no Windows; the whole is tested under Wine."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from aiserver_tray.tray.actions import Action, Message, OpenDashboard
from aiserver_tray.tray.icons import draw
from aiserver_tray.tray.view import IconSpec
from aiserver_tray.tray.windows import _icon_resource, _WindowsIcon

BALLOON_CLICK = 0x0405
"""NIN_BALLOONUSERCLICK
(https://learn.microsoft.com/windows/win32/api/shellapi/nf-shellapi-shell_notifyiconw)."""


@pytest.mark.parametrize("size", [16, 20, 33])
def test_an_icon_for_windows_is_the_picture_with_its_transparency(size: int) -> None:
    picture = draw(IconSpec("degraded"), size, "dark")
    resource = _icon_resource(picture)
    file = struct.pack("<HHHBBBBHHII", 0, 1, 1, size, size, 0, 0, 0, 32, len(resource), 22)
    with Image.open(BytesIO(file + resource), formats=["ICO"]) as shown:
        assert shown.tobytes() == picture.tobytes()
    mask = (size + 31) // 32 * 4 * size
    assert resource[-mask:] == bytes(mask)
    assert len(resource) == 40 + 4 * size * size + mask


class Pystray:
    """The part of pystray's icon that takes notifications and messages of the task bar."""

    def __init__(self) -> None:
        self._message_handlers: dict[int, object] = {}
        self.told: list[str] = []

    def notify(self, message: str, title: str) -> None:
        self.told.append(f"{title}: {message}")

    def _on_notify(self, _wparam: int, _lparam: int) -> None:
        """Nothing else was clicked."""


def test_a_click_on_a_notification_is_the_last_one_s(tmp_path: Path) -> None:
    icon = cast(Any, type("Icon", (_WindowsIcon, Pystray), {}))()
    icon.set_up(tmp_path, lambda: None)
    icon._on_notify(0, BALLOON_CLICK)
    chosen: list[Action] = []
    for page in ("doctor", "monitoring"):
        icon.send(Message("Title", page, OpenDashboard(page)), chosen.append)
    icon.send(Message("Title", "worse", OpenDashboard("home"), is_update=True), chosen.append)
    icon._on_notify(0, BALLOON_CLICK)
    assert chosen == [OpenDashboard("monitoring")]
    assert icon.told == ["Title: doctor", "Title: monitoring"]
