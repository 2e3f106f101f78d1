"""macOS' half over a stand-in for pystray and AppKit: on no other system can the real ones run."""

import subprocess
import sys
import threading
from collections.abc import Callable
from threading import Event
from types import ModuleType
from typing import Any

import pytest

from aiserver_tray.tray.actions import Message
from aiserver_tray.tray.mac import mac_icon
from tests.support.limits import LIMIT


class Pystray:
    """Its program for notifications takes its time, and then fails."""

    def __init__(self) -> None:
        self.asked, self.goes_on, self.told = Event(), Event(), list[str]()

    def notify(self, message: str, title: str) -> None:
        self._notify(message, title)

    def _notify(self, message: str, title: str) -> None:
        self.asked.set()
        self.goes_on.wait(LIMIT)
        self.told.append(f"{title}: {message}")
        raise subprocess.CalledProcessError(1, ["osascript"])


@pytest.fixture
def icon() -> Any:  # noqa: ANN401 - pystray's, as it were
    return mac_icon(Pystray, 48)()


def test_call_soon_runs_on_the_main_thread(
    icon: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due, done = list[Callable[[], None]](), list[str]()
    helper = ModuleType("PyObjCTools.AppHelper")
    monkeypatch.setattr(helper, "callAfter", due.append, raising=False)
    monkeypatch.setitem(sys.modules, "PyObjCTools", ModuleType("PyObjCTools"))
    monkeypatch.setitem(sys.modules, helper.__name__, helper)
    icon.call_soon(lambda: done.append("done"))
    assert done == []
    (callback,) = due
    callback()
    assert done == ["done"]


def test_notification_neither_blocks_nor_fails(
    icon: Any,  # noqa: ANN401
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    icon.send(Message("n8n failed", "it fell"), lambda _action: None)
    assert icon.asked.wait(LIMIT)
    assert icon.told == []
    (thread,) = (one for one in threading.enumerate() if one.name == "notification")
    icon.goes_on.set()
    thread.join(LIMIT)
    assert caplog.messages == ["the desktop shows no notification: CalledProcessError"]
    assert icon.told == ["n8n failed: it fell"]
