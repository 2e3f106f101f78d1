"""What is painted of a contract's state, and what is not."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

from aiserver_tray.app import App
from aiserver_tray.base.errors import NotRunningError
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.contract.channels.dispatch import refusal
from aiserver_tray.contract.contract import Caller, Json, answer
from aiserver_tray.model import Snapshot, State
from aiserver_tray.settings.app_settings import APP_SETTINGS
from aiserver_tray.system import autostart
from aiserver_tray.system.paths import Home
from aiserver_tray.tray import notifications
from aiserver_tray.tray.actions import StartEngine, ToggleAutostart
from aiserver_tray.tray.icon_updater import IconUpdater
from aiserver_tray.tray.notifications import Notification
from aiserver_tray.tray.view import TrayView
from tests.support import states
from tests.support.scripted import Scripted

PATIENCE = 10.0
CHECK = "ai/docker/checkDocker"
UNKNOWN = states.snapshot(
    "engine_down",
    engine={"running": False, "version": None, "id": None, "error": None, "starting": False},
)


class Host(Scripted):
    """Notes when it was looked at."""

    def __init__(self, snapshot: Json) -> None:
        super().__init__(snapshot)
        self.looks: SimpleQueue[None] = SimpleQueue()

    def snapshot(self, language: Language) -> Json:
        self.looks.put(None)
        return super().snapshot(language)


class Icon:
    """Keeps what it is to show."""

    def __init__(self) -> None:
        self.views: SimpleQueue[TrayView] = SimpleQueue()
        self.told: SimpleQueue[str] = SimpleQueue()

    def show(self, view: TrayView) -> None:
        self.views.put(view)

    def notify(self, title: str, body: str) -> None:
        self.told.put(f"{title}: {body}")

    def wait_for(self, state: State) -> None:
        """Wait until it shows *state*."""
        while self.views.get(timeout=PATIENCE).icon.state != state:
            pass


class Watch:
    """Counts how often it was asked whether the machine slept."""

    def __init__(self) -> None:
        self.looks = 0

    def check(self) -> None:
        self.looks += 1


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def host() -> Host:
    return Host(UNKNOWN)


@pytest.fixture
def icon() -> Icon:
    return Icon()


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


@pytest.fixture(autouse=True)
def icon_updater(
    app: App, host: Host, icon: Icon, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[IconUpdater]:
    """News are told at once."""
    monkeypatch.setattr(notifications, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(notifications, "BATCH_SECONDS", 0.0)
    caller = Caller("en", lambda _event, _payload: None)
    with closing(IconUpdater(app, host, icon, caller, watch)) as icon_updater:
        icon_updater.start()
        yield icon_updater
    assert icon.told.empty()


def test_what_is_not_known_yet_is_not_painted(host: Host, icon: Icon) -> None:
    host.looks.get(timeout=PATIENCE)
    host.show(states.running())
    assert icon.views.get(timeout=PATIENCE).icon.state == "running"


def test_an_engine_that_is_gone_is(host: Host, icon: Icon) -> None:
    host.show(gone("E_ENGINE_DOWN"))
    assert icon.views.get(timeout=PATIENCE).icon.state == "engine_down"


def test_its_start_is_offered_as_soon_as_it_can_be_started(host: Host, icon: Icon) -> None:
    def offered() -> bool:
        return any(entry.action == StartEngine() for entry in icon.views.get(timeout=PATIENCE).menu)

    host.answers[CHECK] = refusal(NotRunningError(), Caller("en", lambda _event, _payload: None))
    host.show(gone("E_INTERNAL"))
    assert not offered()
    host.answers[CHECK] = answer(canStart=False)
    host.show(gone("E_ENGINE_NOT_INSTALLED"))
    assert not offered()
    host.answers[CHECK] = answer(canStart=True)
    host.show(gone("E_ENGINE_NOT_INSTALLED"))
    assert not offered()
    host.show(gone("E_ENGINE_DOWN"))
    assert offered()
    assert [channel for channel, _ in host.calls].count(CHECK) == 3


def gone(code: str) -> Json:
    """Without an engine, for the reason *code*."""
    error = {"code": code, "message": "it does not answer", "data": {}}
    engine = {"running": False, "version": None, "id": None, "error": error, "starting": False}
    return states.snapshot("engine_down", engine=engine)


def test_each_end_of_an_operation_is_told_though_the_state_shows_the_last_only(
    host: Host, icon: Icon, icon_updater: IconUpdater
) -> None:
    ends = [
        states.operation(id=id, modules=[id], status="succeeded", steps=[])
        for id in ("n8n", "dify")
    ]
    host.steps = ends[1:]
    host.show(states.running())
    for end in ends:
        icon_updater.ended(end)
    told = [icon.told.get(timeout=PATIENCE) for _ in ends]
    assert told == ["Started: n8n", "Started: Dify"]


NEWS = {
    "app.notify_operations": "Started: Dify",
    "app.notify_modules": "n8n failed: exit code 137",
    "app.notify_engine": "Docker is off: it does not answer",
}


@pytest.mark.parametrize("unwanted", NEWS)
def test_of_each_kind_of_news_the_user_may_want_none(
    app: App, host: Host, icon: Icon, icon_updater: IconUpdater, unwanted: str
) -> None:
    app.settings.set(APP_SETTINGS, unwanted, "false")
    host.show(states.running())
    icon.wait_for("running")
    icon_updater.ended(states.operation(modules=["dify"], status="succeeded", steps=[]))
    host.show(states.snapshot("error", states.module("n8n", "error", reason="exit code 137")))
    icon.wait_for("error")
    host.show(gone("E_ENGINE_DOWN"))
    icon.wait_for("engine_down")
    wanted = [news for setting, news in NEWS.items() if setting != unwanted]
    assert [icon.told.get(timeout=PATIENCE) for _ in wanted] == wanted


def test_what_was_found_damaged_in_the_home_is_told_once(
    app: App, host: Host, icon: Icon, caplog: pytest.LogCaptureFixture
) -> None:
    app.settings.notices.append(Text("A file was damaged."))
    for _ in range(2):
        host.show(states.running())
        icon.wait_for("running")
    assert icon.told.get(timeout=PATIENCE) == "AI-Server Tray: A file was damaged."
    assert app.settings.notices == []
    assert caplog.messages == ["A file was damaged."]


def test_start_at_login_is_looked_up_when_it_was_changed_not_for_each_picture(
    host: Host, icon: Icon, icon_updater: IconUpdater, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by a stand-in: only on macOS it costs much."""
    looks = list[Path]()

    def is_enabled(home: Home, _options: Sequence[str]) -> bool:
        looks.append(home.folder)
        return len(looks) > 1

    monkeypatch.setattr(autostart, "is_supported", lambda: True)
    monkeypatch.setattr(autostart, "is_enabled", is_enabled)

    def checked() -> list[bool | None]:
        view = icon.views.get(timeout=PATIENCE)
        return [entry.checked for entry in view.menu if entry.action == ToggleAutostart()]

    for _ in range(3):
        host.show(states.running())
        assert checked() == [False]
    assert len(looks) == 1
    icon_updater.update()
    assert checked() == [True]


def test_a_sleep_is_noticed_before_anything_is_told(
    host: Host, icon_updater: IconUpdater, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = SimpleQueue[int]()

    def take(_snapshot: Snapshot, _now: float) -> tuple[Notification, ...]:
        takes.put(watch.looks)
        return ()

    monkeypatch.setattr(icon_updater._notifier, "take", take)
    for count in (1, 2):
        host.show(states.running())
        assert takes.get(timeout=PATIENCE) == count
