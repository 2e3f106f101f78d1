"""Who starts the tray a second time. The rest is tested on a desktop."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from aiserver_tray.contract.channels.front import Front
from click.testing import CliRunner

from aiserver_tray.app import App
from aiserver_tray.base.errors import AlreadyRunningError
from aiserver_tray.cli import root, running_tray
from aiserver_tray.contract.contract import answer
from aiserver_tray.contract.local.instance import Instance
from aiserver_tray.contract.local.server import Server
from aiserver_tray.tray import process
from tests.support import states
from tests.support.scripted import Scripted
from tests.support.surroundings import Recorded
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


@contextmanager
def serving(app: App, around: Recorded) -> Iterator[None]:
    """While it lasts, a tray runs, and keeps what it is asked for in *around*."""
    host = Scripted(states.running())
    host.answers["ai/modules/list"] = answer(items=[])
    home = app.settings.home
    with Instance(home, "tray"), closing(Server(home, "tray", Front(app, host, around))) as server:
        server.start()
        yield


def test_a_tray_that_only_begins_is_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, show, around = Event(), process.show_dashboard, Recorded()

    def ask(app: App, page: str) -> None:
        try:
            show(app, page)
        finally:
            asked.set()

    monkeypatch.setattr(process, "show_dashboard", ask)
    home = app.settings.home
    with Instance(home, "tray"):
        second = Thread(target=process.run, args=(app,))
        second.start()
        assert asked.wait(20)
        server = Server(home, "tray", Front(app, Scripted(states.running()), around))
        with closing(server):
            server.start()
            second.join(20)
    assert around.pages == ["home"]


def test_start_at_login_leaves_a_tray_that_runs_alone(app: App) -> None:
    around = Recorded()
    with serving(app, around):
        process.run(app, "login")
    assert around.pages == []


def test_one_that_does_not_answer_is_told(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_HANDOVER_TIMEOUT_SECONDS", 0.0)
    with (
        Instance(app.settings.home, "tray"),
        pytest.raises(AlreadyRunningError, match="does not respond"),
    ):
        process.run(app)


def second_launch(app: App) -> None:
    process.run(app)


def open_command(app: App) -> None:
    done = CliRunner().invoke(root, ["--home", str(app.settings.folder), "open"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("ask", [second_launch, open_command])
def test_who_is_dealt_with_lets_the_window_come_to_the_front_before_it_is_asked_for(
    app: App, monkeypatch: pytest.MonkeyPatch, ask: Callable[[App], None]
) -> None:
    """Leave to come to the front is Windows', and a stand-in here."""
    around, seen = Recorded(), list[list[str]]()
    for module in (process, running_tray):
        monkeypatch.setattr(module, "give_foreground", lambda: seen.append([*around.pages]))
    with serving(app, around):
        ask(app)
    assert (seen, around.pages) == ([[]], ["home"])
