"""Whether the icon has a place. The real ones are asked on a desktop."""

from collections.abc import Collection

import pytest

from aiserver_tray.system import tray_place
from aiserver_tray.system.tray_place import ANY, SCREEN, Way, why_unavailable

GNOME, LIBRARY = "gnome-shell-extension-appindicator", "gir1.2-ayatanaappindicator3-0.1"


@pytest.mark.parametrize(
    ("ways", "bus", "screen", "what"),
    [
        (ANY, True, False, None),
        (ANY, False, True, None),
        (ANY, False, False, GNOME),
        (SCREEN, True, True, None),
        (SCREEN, True, False, LIBRARY),
        (SCREEN, False, False, GNOME),
        ((), False, False, None),
    ],
)
def test_missing_place_for_the_icon_is_reported_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
    ways: Collection[Way],
    bus: bool,  # noqa: FBT001 - a case
    screen: bool,  # noqa: FBT001 - a case
    what: str | None,
) -> None:
    monkeypatch.setattr(tray_place, "_is_on_bus", lambda: bus)
    monkeypatch.setattr(tray_place, "_is_on_screen", lambda: screen)
    found = why_unavailable(ways)
    assert (found is None) == (what is None)
    assert what is None or what in str(found)
    assert "aiserver-tray open" in str(found or "aiserver-tray open")
