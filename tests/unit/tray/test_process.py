"""Who starts the tray, and how it gets its core. The rest is tested on a desktop."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aiserver_tray.base.errors import AiServerError, AlreadyRunningError
from aiserver_tray.base.i18n import Text
from aiserver_tray.carriers.local import place
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.cli import root, running_tray
from aiserver_tray.core.app import App
from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Envelope, Peer, answer
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.views import OperationView
from aiserver_tray.system import logfile
from aiserver_tray.system.paths import Home
from aiserver_tray.tray import process, start
from aiserver_tray.tray.actions import Action, Operate, Quit
from aiserver_tray.tray.process import PlaceWatch, Starter, Tray
from tests.support import states
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted
from tests.support.surroundings import Recorded
from tests.support.waiting import eventually
from tests.unit.owner.owning import owned, owned_until_given_up
from tests.unit.runtime_folder import runtime_folder
from tests.unit.tray.shown import Icon

__all__ = ["runtime_folder"]

WORK = OperationView("1", "up", ("web",), status="running")
ENDED = OperationView("1", "up", ("web",), status="succeeded")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


# -- a second start --------------------------------------------------------------------------------


def test_a_tray_that_only_begins_is_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ask, around = Event(), start._show_running_tray, Recorded()

    def note(*given: Any) -> bool:  # noqa: ANN401 - as the real one's
        try:
            return ask(*given)
        finally:
            asked.set()

    monkeypatch.setattr(start, "_show_running_tray", note)
    monkeypatch.setattr(start, "_HANDOVER_TIMEOUT_SECONDS", LIMIT)
    with Instance(app.settings.home):
        second = Thread(target=start.run, args=(app,))
        second.start()
        assert asked.wait(LIMIT)
        with Owner(app, around):
            second.join(LIMIT)
    assert around.pages == ["home"]


def test_one_that_does_not_answer_or_hangs_is_reported(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_HANDOVER_TIMEOUT_SECONDS", 0.01)
    awake = Event()

    class Hanging(Recorded):
        def show_dashboard(self, page: str) -> None:  # noqa: ARG002
            awake.wait(LIMIT)

    with (
        Instance(app.settings.home),
        pytest.raises(AlreadyRunningError, match="does not respond") as told,
    ):
        start.run(app)
    assert told.value.data == {"pid": os.getpid()}
    with owned(app, Hanging()):
        with pytest.raises(AlreadyRunningError, match="does not respond"):
            start.run(app)
        awake.set()


@pytest.mark.parametrize("command", ["open", "quit"])
def test_a_command_reports_one_that_hangs(
    app: App, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(running_tray, "_ANSWER_TIMEOUT_SECONDS", 0.01)
    owner, awake = Scripted(states.running()), Event()

    def hang(_payload: object, _peer: Peer) -> Envelope:
        awake.wait(LIMIT)
        return answer({"owner": "tray"})

    owner.handlers["ai/app/about"] = hang
    with Instance(app.settings.home), closing(Server(app.settings.home, owner)) as server:
        server.start()
        done = CliRunner().invoke(root, ["--home", str(app.settings.folder), command])
        awake.set()
    assert done.exit_code == 1
    assert "does not respond" in done.output


def open_(app: App, *page: str) -> Result:
    return CliRunner().invoke(root, ["--home", str(app.settings.folder), "open", *page])


def test_open_leads_to_any_page_and_names_near_ones_for_another(app: App) -> None:
    around = Recorded()
    with owned(app, around):
        shown = [open_(app, address).exit_code for address in ("doctor", "logs/web?level=error")]
        wrong = [open_(app, name) for name in ("doctr", "nowhere/web", "logs/../etc")]
    assert shown == [0, 0]
    assert around.pages == ["doctor", "logs/web?level=error"]
    assert [done.exit_code for done in wrong] == [1, 1, 1]
    assert "doctor" in wrong[0].output


def test_quit_all_ends_the_tray_of_each_home(app: App, tmp_path: Path) -> None:
    other = App(tmp_path / "other", [], "unix:///nowhere.sock")
    first, second = Recorded(), Recorded()
    with owned(app, first), owned(other, second):
        done = CliRunner().invoke(root, ["quit", "--all"])
    assert done.exit_code == 0, done.output
    assert (first.quits, second.quits) == (1, 1)
    assert CliRunner().invoke(root, ["quit", "--all"]).exit_code == 0, "there are none"


def test_quit_waits_for_a_tray_that_is_starting(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, around, ask = Event(), Recorded(), place.is_owned

    def note(home: Home) -> bool:
        asked.set()
        return ask(home)

    monkeypatch.setattr(place, "is_owned", note)
    monkeypatch.setattr(running_tray, "_ANSWER_TIMEOUT_SECONDS", LIMIT)
    results = SimpleQueue[int]()
    words = ["--home", str(app.settings.folder), "quit"]
    with Instance(app.settings.home):
        quitting = Thread(target=lambda: results.put(CliRunner().invoke(root, words).exit_code))
        quitting.start()
        assert asked.wait(LIMIT)
        with Owner(app, around):
            quitting.join(LIMIT)
    assert (results.get(), around.quits) == (0, 1)


def test_second_start_lets_the_window_come_to_the_front_first_and_one_at_login_shows_none(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leave to come to the front is Windows', and a stand-in here."""
    around, seen = Recorded(), list[list[str]]()
    for module in (start, running_tray):
        monkeypatch.setattr(module, "give_foreground", lambda: seen.append([*around.pages]))
    with owned(app, around):
        start.run(app, "login")
        assert (seen, around.pages) == ([], [])
        start.run(app)
        assert (seen, around.pages) == ([[]], ["home"])
        assert open_(app).exit_code == 0
    assert (seen, around.pages) == ([[], ["home"]], ["home", "home"])


def test_serve_shows_no_dashboard_so_a_tray_starts_beside_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Started:
        def __init__(self, _app: App, starter: str, _claim: Claim) -> None:
            started.append(starter)

        def run(self) -> None:
            """It is told to quit at once."""

    monkeypatch.setattr(start, "Tray", Started)
    monkeypatch.setattr(logfile, "set_up", lambda *_: None)  # it is for a whole process
    with owned_until_given_up(app) as (_, around):
        start.run(app, "user")
        assert (started, around.pages, around.given_up.is_set()) == (["user"], [], False)


# -- its core --------------------------------------------------------------------------------------


class Choosing(Icon):
    """``choose``: what a click in its menu calls."""

    def __init__(self, on_action: Callable[[Action], None]) -> None:
        super().__init__()
        self.choose = on_action


@pytest.fixture
def run_tray(monkeypatch: pytest.MonkeyPatch, app: App) -> Callable[[], Any]:
    """Runs a tray with a stand-in for its icon, until the end of ``with``."""
    icons: list[Choosing] = []

    def icon(on_action: Callable[[Action], None], *_: object) -> Choosing:
        icons.append(Choosing(on_action))
        return icons[-1]

    module = SimpleNamespace(TrayIcon=icon)
    monkeypatch.setitem(sys.modules, "aiserver_tray.tray.icon", module)
    monkeypatch.setattr(process, "on_termination", lambda _callback: None)
    monkeypatch.setattr(process, "_NO_CORE_RETRY_SECONDS", 0.01)

    @contextmanager
    def run(starter: Starter = "login", own: App = app) -> Iterator[Choosing]:
        with Claim(own) as claim:
            tray = Tray(own, starter, claim)
            thread = Thread(target=tray.run)
            thread.start()
            try:
                yield icons[-1]
            finally:
                icons[-1].stop()
                thread.join(LIMIT)
                assert not thread.is_alive()

    return run


def kind_of_owner(app: App) -> str:
    """The process that owns the core, as soon as there is one."""

    def ask() -> str:
        with Client.connect(app.settings.home, "command") as client:
            return str(client.request("ai/app/about")["owner"])

    return eventually(ask, "an owner")


def test_it_owns_the_core_until_it_quits_and_opens_it_again_for_another_engine(
    tmp_path: Path, run_tray: Callable[..., Any]
) -> None:
    app = App(tmp_path / "home", [])
    app.settings.change(APP_SETTINGS, {"app.engine": "unix:///one.sock"})
    with run_tray(own=app) as icon:
        icon.wait_for("Docker is off")

        def engine() -> tuple[str, int] | None:
            with suppress(AiServerError), Client.connect(app.settings.home, "command") as client:
                about = client.request("ai/app/about")
                return about["engine"], about["pid"]
            return None

        assert eventually(engine, "an owner") == ("unix:///one.sock", os.getpid())
        app.settings.change(APP_SETTINGS, {"app.engine": "unix:///two.sock"})
        eventually(lambda: engine() == ("unix:///two.sock", os.getpid()), "the other engine")
        icon.choose(Quit())
        assert icon.is_gone.wait(LIMIT)
    with Instance(app.settings.home):
        pass


def test_the_user_gets_the_dashboard_of_a_new_home_once(
    app: App, run_tray: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: SimpleQueue[str] = SimpleQueue()
    monkeypatch.setattr(Tray, "show_dashboard", lambda _self, page: shown.put(page))
    with run_tray("login") as icon:
        icon.wait_for("Docker is off")
        assert kind_of_owner(app) == "tray"
    assert shown.empty()
    with run_tray("user"):
        assert shown.get(timeout=LIMIT) == "home"
    app.settings.welcome()
    with run_tray("user") as icon:
        icon.wait_for("Docker is off")
    assert shown.empty()


def test_tray_takes_over_the_core_from_serve_and_then_runs_the_chosen_action(
    app: App, run_tray: Callable[[], Any]
) -> None:
    with owned_until_given_up(app) as (owner, around):
        owner.core.store.put(OperationChanged(WORK))
        owner.core.store.flush()
        with run_tray() as icon:
            icon.choose(Operate("up", ("n8n",)))
            assert "is running an operation" in icon.told.get(timeout=LIMIT)
            assert not around.given_up.is_set(), "an operation is under way"
            owner.core.store.put(OperationChanged(ENDED))
            assert around.given_up.wait(LIMIT)
            assert icon.told.get(timeout=LIMIT).startswith("Couldn't start: The Docker engine")
            assert kind_of_owner(app) == "tray"


def test_another_tray_that_was_faster_keeps_it(app: App, run_tray: Callable[[], Any]) -> None:
    with owned(app, Recorded()), run_tray() as icon:
        assert icon.is_gone.wait(LIMIT)


def test_it_says_once_why_it_has_no_core_and_goes_on_when_that_is_mended(
    app: App, run_tray: Callable[[], Any]
) -> None:
    in_the_way = app.settings.folder
    in_the_way.write_text("no folder")
    with run_tray() as icon:
        icon.choose(Quit())
        assert icon.is_gone.wait(LIMIT), "it can be quit without a core, too"
    with run_tray() as icon:
        assert str(in_the_way) in icon.told.get(timeout=LIMIT)
        icon.wait_for("Docker is off")
        in_the_way.unlink()
        icon.wait_for("Docker is off: The Docker engine")
        assert kind_of_owner(app) == "tray"
        assert icon.told.empty()


# -- its place -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starter", "news"), [("user", ["no panel", "show"]), ("login", ["no panel"])]
)
def test_start_without_a_place_for_the_icon_shows_the_reason_and_at_login_no_window(
    monkeypatch: pytest.MonkeyPatch, starter: Starter, news: list[str]
) -> None:
    monkeypatch.setattr(process, "PANEL_TIMEOUT_SECONDS", {starter: 0.05})
    for pause in ("_POLL_SECONDS", "_SLOW_POLL_SECONDS"):
        monkeypatch.setattr(process, pause, 0.01)
    whys: list[Text | None] = [Text("{why}", why="no panel")]
    told: SimpleQueue[str] = SimpleQueue()
    watch = PlaceWatch(
        starter,
        lambda: whys[0],
        missing=lambda why: told.put(str(why)),
        found=lambda: told.put("found"),
        show=lambda: told.put("show"),
    )
    with closing(watch):
        watch.start()
        assert [told.get(timeout=LIMIT) for _ in news] == news
        whys[0] = None
        assert told.get(timeout=LIMIT) == "found"


def test_a_place_that_comes_in_time_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_POLL_SECONDS", 0.01)
    whys, told = [Text("no panel"), Text("no panel"), None], list[object]()
    watch = PlaceWatch(
        "user",
        lambda: whys.pop(0),
        told.append,
        lambda: told.append("found"),
        lambda: told.append("show"),
    )
    watch.start()
    watch._thread.join(LIMIT)
    assert (whys, told) == ([], [])


@pytest.mark.parametrize("panel_seconds", [60.0, 0.0])
def test_the_end_is_not_held_up_by_an_icon_without_a_place(
    monkeypatch: pytest.MonkeyPatch, panel_seconds: float
) -> None:
    monkeypatch.setattr(process, "PANEL_TIMEOUT_SECONDS", {"login": panel_seconds})
    looks: SimpleQueue[Text] = SimpleQueue()

    def why_hidden() -> Text:
        looks.put(Text("no panel"))
        return Text("no panel")

    watch = PlaceWatch("login", why_hidden, missing=looks.put, found=pytest.fail, show=pytest.fail)
    with closing(watch):
        watch.start()
        for _ in range(1 if panel_seconds else 2):  # then it was reported, too
            looks.get(timeout=LIMIT)
