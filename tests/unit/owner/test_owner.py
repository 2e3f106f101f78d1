"""The process that owns the core serves it from beginning to end."""

import json
import os
import re
import shutil
import threading
from pathlib import Path
from queue import SimpleQueue

import pytest

from aiserver_tray.base.errors import NotRunningError, SettingError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.core.app import App
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.model import Actor
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Json, Message
from aiserver_tray.settings.entries import OwnerEntry
from tests.support.limits import LIMIT
from tests.support.surroundings import Recorded
from tests.unit.owner.owning import no_thread_is_left, owned, owner_of, owning_process


class Seen:
    """The snapshots that *client* is sent."""

    def __init__(self, client: Client) -> None:
        self._messages: SimpleQueue[Message] = SimpleQueue()
        client.subscribe([SNAPSHOT.name], self._messages.put)

    def next(self) -> Json:
        return dict(json.loads(self._messages.get(timeout=LIMIT).payload))


def test_it_serves_the_core_and_leaves_nothing(app: App) -> None:
    before = set(threading.enumerate())
    with owned(app, Recorded()), Client.connect(app.settings.home, "window") as client:
        assert owner_of(app) == os.getpid()
        seen = Seen(client)
        while "web" not in [module["name"] for module in seen.next()["modules"]]:
            pass
    with Instance(app.settings.home), pytest.raises(NotRunningError):
        Client.connect(app.settings.home, "window")
    assert no_thread_is_left(before)


def test_all_clients_see_an_operation_that_one_began(app: App) -> None:
    home = app.settings.home
    with owning_process(app), Client.connect(home, "window") as page:
        seen = Seen(page)
        with Client.connect(home, "command") as other:
            assert other.call("ai/module/start", {"name": "web"})["code"] == "E_ENGINE_DOWN"
        while not (operations := seen.next()["operations"]):
            pass
        while operations[0]["status"] != "failed":
            operations = seen.next()["operations"]
        assert operations[0]["error"]["code"] == "E_ENGINE_DOWN"


def test_owner_of_an_unusable_home_says_why_and_leaves_nothing(app: App, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    in_the_way = tmp_path / "home"
    shutil.rmtree(in_the_way)
    in_the_way.write_text("no folder")
    with Instance(app.settings.home):
        with pytest.raises(SettingError, match=re.escape(str(in_the_way))), Owner(app, Recorded()):
            raise AssertionError
        assert no_thread_is_left(before)
        in_the_way.unlink()
        with Owner(app, Recorded()):
            assert owner_of(app) == os.getpid()


def test_the_journal_has_beginning_and_end_and_the_command_that_asked(app: App) -> None:
    with owned(app, Recorded()), Client.connect(app.settings.home, "command") as client:
        client.call("ai/module/stop", {"name": "web"})
    stopped, operation, started = app.settings.journal.read()
    assert isinstance(started, OwnerEntry)
    assert isinstance(stopped, OwnerEntry)
    assert (started.owner, started.event, started.pid) == ("tray", "started", os.getpid())
    assert stopped.event == "stopped"
    assert operation.actor == Actor("command", os.getpid())
