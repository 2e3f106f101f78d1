"""The adapter on pystray's backend without a desktop: what it asks pystray for, and when."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiserver_tray.tray.actions import Action, Message, OpenDashboard, Operate, ToggleAutostart
from aiserver_tray.tray.mac import _MacIcon
from aiserver_tray.tray.menu import SEPARATOR, Entry
from aiserver_tray.tray.view import IconSpec, TrayView

os.environ["PYSTRAY_BACKEND"] = "dummy"

import pystray

from aiserver_tray.tray import icon as adapter
from tests.support.systems import on_linux

VIEW = TrayView(
    IconSpec("running"),
    "fine",
    (
        Entry("running", enabled=False),
        Entry("Open", OpenDashboard(), is_default=True),
        SEPARATOR,
        Entry("Login", ToggleAutostart(), checked=True),
        Entry("More", children=(Entry("Stop", Operate("stop")),)),
    ),
)


class Desktop(pystray.Icon):  # type: ignore[misc]
    """Writes down what a desktop would be told. There is no loop, so calls run at once."""

    pixels = 48
    entries: tuple[Entry, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        self.told: list[str] = []
        super().__init__(*args, **kwargs)

    def set_up(self, _folder: Path, _on_change: Callable[[], None]) -> None:
        """Nothing is needed."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        callback()

    def label(self, text: str) -> str:
        return text

    def send(self, message: Message, _on_action: Callable[[Action], None]) -> None:
        self.notify(message.body, message.title)

    def _run(self) -> None:
        self._mark_ready()
        self._setup_thread.join()

    def _stop(self) -> None:
        self.told.append("stop")

    def _show(self) -> None:
        self.told.append("show")

    def _hide(self) -> None:
        self.told.append("hide")

    def _update_icon(self) -> None:
        self._icon_valid = True
        self.told.append("icon")

    def _update_title(self) -> None:
        self.told.append(self.title)

    def _update_menu(self) -> None:
        self.told.append("menu")

    def _notify(self, message: str, title: str | None = None) -> None:
        self.told.append(f"{title}: {message}")


@pytest.fixture
def actions() -> list[Action]:
    return []


@pytest.fixture
def icon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actions: list[Action]
) -> adapter.TrayIcon:
    monkeypatch.setattr(adapter, "_backend", lambda: Desktop)
    return adapter.TrayIcon(actions.append, VIEW, "dark", tmp_path)


def desktop(icon: adapter.TrayIcon) -> Desktop:
    found = icon._icon
    assert isinstance(found, Desktop)
    return found


def test_only_what_changed_is_changed(icon: adapter.TrayIcon) -> None:
    icon.run()
    told = desktop(icon).told
    assert told[-2:] == ["icon", "show"]
    told.clear()
    icon.show(VIEW)
    assert told == []
    for tooltip, menu in (("fine", VIEW.menu), ("broken", VIEW.menu), ("broken", VIEW.menu[1:])):
        icon.show(TrayView(IconSpec("error"), tooltip, menu))
        told.append("then")
    assert told == ["icon", "then", "broken", "then", "menu", "then"]
    told.clear()
    icon.set_theme("light")
    assert told == ["icon"]


def test_the_menu_is_handed_over_and_its_clicks_come_back(
    icon: adapter.TrayIcon, actions: list[Action]
) -> None:
    told, opening, separator, login, more = desktop(icon).menu.items
    assert [item.text for item in (told, opening, login, more)] == [
        "running", "Open", "Login", "More",
    ]  # fmt: skip
    assert [told.enabled, opening.enabled] == [False, True]
    assert separator is pystray.Menu.SEPARATOR
    assert [opening.checked, login.checked] == [None, True]
    desktop(icon)()  # a left click
    login(desktop(icon))
    more.submenu.items[0](desktop(icon))
    assert actions == [OpenDashboard(), ToggleAutostart(), Operate("stop")]


def test_what_came_before_the_loop_is_applied_then(icon: adapter.TrayIcon) -> None:
    icon.show(TrayView(IconSpec("error"), "broken", ()))
    icon.notify(Message("too", "early"))
    assert "icon" not in desktop(icon).told
    icon.run()
    assert desktop(icon).title == "broken"
    assert desktop(icon).visible
    assert "too: early" not in desktop(icon).told
    icon.notify(Message("Starting\nfailed", "why " * 200))
    title, _, body = desktop(icon).told[-1].partition(": ")
    assert title == "Starting failed"
    assert len(body) <= 255, "what every desktop takes"


def test_one_that_was_stopped_before_it_ran_ends_at_once(icon: adapter.TrayIcon) -> None:
    icon.stop()
    icon.run()
    assert desktop(icon).told[-1] == "stop"
    assert not desktop(icon).visible


def test_macos_has_its_own_icon(monkeypatch: pytest.MonkeyPatch) -> None:
    there = type("Icon", (), {"__module__": "pystray._darwin"})
    monkeypatch.setattr(pystray, "Icon", there)
    assert adapter._backend().__mro__[1:3] == (_MacIcon, there)


@on_linux
@pytest.mark.parametrize(
    ("display", "hidden", "told"),
    [
        ({}, "", "there is no desktop session"),
        ({"DISPLAY": ":987", "PYSTRAY_BACKEND": "xorg"}, "", "gir1.2-ayatanaappindicator3-0.1"),
        ({"DISPLAY": ":987"}, "pystray", "aiserver-tray[desktop]"),
    ],
    ids=["no session", "a display that is not there", "a machine without the extra"],
)
def test_without_a_desktop_it_says_what_is_missing(
    display: dict[str, str], hidden: str, told: str
) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{hidden!r}] = None\n"
        "from aiserver_tray.base.errors import NoDesktopError\n"
        "try: import aiserver_tray.tray.icon\n"
        "except NoDesktopError as error: print(error)"
    )
    away = {"DISPLAY", "WAYLAND_DISPLAY", "PYSTRAY_BACKEND", "DBUS_SESSION_BUS_ADDRESS"}
    env = {name: value for name, value in os.environ.items() if name not in away}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env | display, capture_output=True, text=True, check=True
    )
    assert told in done.stdout
    assert "aiserver-tray serve" in done.stdout


def test_views_and_icons_import_no_desktop_library() -> None:
    """What is pure costs no desktop, and the tray's process no browser engine."""
    code = (
        "import sys, aiserver_tray.tray.view, aiserver_tray.tray.icons, "
        "aiserver_tray.tray.notifications\n"
        "print({'pystray', 'webview', 'gi', 'docker'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
