"""What is painted of the state, and what is not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import EngineDownError, NotRunningError
from aiserver_tray.base.i18n import Text
from aiserver_tray.core.app import App
from aiserver_tray.features.access.events import ACCESS
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.events import RULES
from aiserver_tray.protocol.message import Peer, answer, refusal
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.state.store import Store
from aiserver_tray.state.views import EngineView, OperationView, Snapshot
from aiserver_tray.system import autostart
from aiserver_tray.system.paths import Home
from aiserver_tray.tray import notifications
from aiserver_tray.tray.actions import CloseAccess, OpenDashboard, StartEngine, ToggleAutostart
from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.notifications import Notification
from tests.support import made, states
from tests.support.limits import LIMIT
from tests.support.made import STACK_ABLE
from tests.support.scripted import Scripted
from tests.unit.tray.shown import Icon, alert, module, snapshot

CHECK = "ai/docker/checkDocker"
PEER = Peer("tray", "en", lambda _message: None)
UNKNOWN = Snapshot(EngineView(running=False), "engine_down", (), abilities=STACK_ABLE)
N8N, DIFY = module("n8n"), module("dify", title={"en": "Dify"})


def running(*operations: OperationView) -> Snapshot:
    return snapshot(N8N, DIFY, operations=operations)


def gone(reason: str = "refused") -> Snapshot:
    """Without an engine, for a *reason*."""
    engine = EngineView(running=False, error=EngineDownError("unix:///nowhere.sock", reason))
    modules = (module("n8n", "engine_down"), module("dify", "engine_down"))
    return snapshot(*modules, engine=engine, state="engine_down")


class Shown:
    """The store, with states that a test shows; notes when it was looked at."""

    def __init__(self) -> None:
        self.looks: SimpleQueue[None] = SimpleQueue()
        self._snapshot = UNKNOWN
        self._observers: list[Callable[[None], object]] = []

    @property
    def snapshot(self) -> Snapshot:
        found = self._snapshot
        self.looks.put(None)
        return found

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for observer in self._observers:
            observer(None)

    def observe(self, callback: Callable[[None], object]) -> Callable[[], None]:
        self._observers.append(callback)
        callback(None)
        return lambda: self._observers.remove(callback)


@pytest.fixture
def store() -> Shown:
    return Shown()


@pytest.fixture
def owner() -> Scripted:
    """What is asked beside the state."""
    owner = Scripted(states.running())
    owner.answers[CHECK] = answer({"canStart": False})
    return owner


@pytest.fixture
def icon() -> Icon:
    return Icon()


@pytest.fixture
def checks() -> list[None]:
    """One for each time that it was asked whether the machine slept."""
    return []


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


@pytest.fixture(autouse=True)
def icon_updater(
    app: App,
    store: Shown,
    owner: Scripted,
    icon: Icon,
    checks: list[None],
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[IconUpdater]:
    """It has seen the first state, of which nothing is known. News are told at once."""
    monkeypatch.setattr(notifications, "QUIET_SECONDS", 0.0)
    shown = cast(Store, store), owner, PEER, cast(Any, icon)
    updater = IconUpdater(app, *shown, lambda: checks.append(None))
    with closing(updater):
        updater.start()
        store.looks.get(timeout=LIMIT)
        yield updater
    assert icon.told.empty()


def test_icon_is_painted_once_the_state_is_known_and_for_an_engine_that_is_gone(
    store: Shown, icon: Icon
) -> None:
    assert icon.views.empty()
    for seen, state in ((running(), "running"), (gone(), "engine_down")):
        store.show(seen)
        assert icon.views.get(timeout=LIMIT).icon.state == state
    assert icon.told.get(timeout=LIMIT).startswith("Docker is off")


def test_its_start_is_offered_as_soon_as_it_can_be_started(
    store: Shown, owner: Scripted, icon: Icon
) -> None:
    for told, reason, is_offered in (
        (refusal(NotRunningError(), "en"), "not yet", False),
        (answer({"canStart": False}), "no", False),
        (answer({"canStart": True}), "no", False),
        (answer({"canStart": True}), "for another reason", True),
    ):
        owner.answers[CHECK] = told
        store.show(gone(reason))
        menu = icon.views.get(timeout=LIMIT).menu
        assert any(entry.action == StartEngine() for entry in menu) == is_offered, reason
    assert [channel for channel, _ in owner.calls].count(CHECK) == 3


def test_active_alerts_are_in_the_menu_until_they_end_or_are_muted(
    store: Shown, owner: Scripted, icon: Icon
) -> None:
    def offered() -> list[str]:
        menu = icon.views.get(timeout=LIMIT).menu
        return [entry.text for entry in menu if entry.action == OpenDashboard("alerts")]

    def show(**changes: object) -> None:
        line = {"title": "Log match in n8n", "module": "n8n", "ended": None, "muted": False}
        owner.answers["ai/rules/list"] = answer({"alerts": [line | changes]})
        owner.publish(RULES, {"alert": None, "change": None})

    store.show(running())
    assert offered() == []
    for changes in ({"ended": 1.0}, {"muted": True}):
        show()
        assert offered() == ["Alert: Log match in n8n"]
        store.show(running())
        assert offered() == ["Alert: Log match in n8n"]
        show(**changes)
        assert offered() == []
    assert [channel for channel, _ in owner.calls].count("ai/rules/list") == 5


def test_what_is_open_to_the_network_is_in_the_menu(
    store: Shown, owner: Scripted, icon: Icon
) -> None:
    def closable() -> list[CloseAccess]:
        menu = icon.views.get(timeout=LIMIT).menu
        found = [child.action for entry in menu for child in entry.children]
        return [action for action in found if isinstance(action, CloseAccess)]

    store.show(running())
    assert closable() == []
    one = {"name": "n8n", "url": "https://n8n-kitchen.local:18441", "since": "", "way": "network"}
    for state, found in (("broken", [CloseAccess("n8n")]), ("waiting", [])):
        owner.publish(ACCESS, {"modules": [{**one, "state": state}]})
        assert closable() == found


NEWS = {
    "app.notify_operations": "Started: Dify",
    "app.notify_alerts": "n8n stopped unexpectedly: n8n: exited with code 137",
    "app.notify_engine": f"Docker is off: {gone().engine.error}",
}


@pytest.mark.parametrize("unwanted", NEWS)
def test_each_kind_of_notification_can_be_turned_off(
    app: App, store: Shown, icon: Icon, icon_updater: IconUpdater, unwanted: str
) -> None:
    app.settings.change(APP_SETTINGS, {unwanted: "false"})
    store.show(running())
    icon.wait_for("running")
    icon_updater.ended(made.operation("up", modules=("dify",), status="succeeded"))
    icon_updater.alerted([News("raised", alert("ended", "n8n: exited with code 137"))])
    store.show(snapshot(module("n8n", "error"), DIFY))
    icon.wait_for("error")
    store.show(gone())
    icon.wait_for("engine_down")
    wanted = [news for setting, news in NEWS.items() if setting != unwanted]
    assert [icon.told.get(timeout=LIMIT) for _ in wanted] == wanted


def test_damaged_file_of_the_home_is_reported_once(
    app: App, store: Shown, icon: Icon, caplog: pytest.LogCaptureFixture
) -> None:
    app.settings.notices.append(Text("A file was damaged."))
    for _ in range(2):
        store.show(running())
        icon.wait_for("running")
    assert icon.told.get(timeout=LIMIT) == "AI-Server Tray: A file was damaged."
    assert app.settings.notices == []
    assert caplog.messages == ["A file was damaged."]


def test_start_at_login_is_looked_up_when_it_was_changed_not_for_each_picture(
    store: Shown, icon: Icon, icon_updater: IconUpdater, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by a stand-in: only on macOS it costs much."""
    looks = list[Path]()

    def is_enabled(home: Home, _options: Sequence[str]) -> bool:
        looks.append(home.folder)
        return len(looks) > 1

    monkeypatch.setattr(autostart, "is_supported", lambda: True)
    monkeypatch.setattr(autostart, "is_enabled", is_enabled)

    def checked() -> list[bool | None]:
        view = icon.views.get(timeout=LIMIT)
        return [entry.checked for entry in view.menu if entry.action == ToggleAutostart()]

    for _ in range(3):
        store.show(running())
        assert checked() == [False]
    assert len(looks) == 1
    icon_updater.update()
    assert checked() == [True]


def test_a_sleep_is_noticed_before_anything_is_reported(
    store: Shown, icon_updater: IconUpdater, checks: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = SimpleQueue[int]()

    def take(_snapshot: Snapshot, _now: float) -> tuple[Notification, ...]:
        takes.put(len(checks))
        return ()

    monkeypatch.setattr(icon_updater._notifier, "take", take)
    for count in (1, 2):
        store.show(running())
        assert takes.get(timeout=LIMIT) == count
