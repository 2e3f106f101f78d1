"""A process has the core from beginning to end, whoever hosts it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Condition

import pytest

from aiserver_tray.app import App
from aiserver_tray.base.errors import NotRunningError
from aiserver_tray.contract.channels.front import Front
from aiserver_tray.contract.contract import Caller, Json
from aiserver_tray.contract.local.client import Client
from aiserver_tray.contract.local.instance import Instance, socket_address
from aiserver_tray.contract.owner.link import Link
from aiserver_tray.system import pipes
from tests.support.surroundings import NoWindows
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[4]
LIMIT = 30.0
CALLER = Caller("en", lambda _event, _payload: None)


class Seen:
    """What an observer of *link* sees."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._changed = Condition()
        self.leave = link.observe(self._tell)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, look: Callable[[Json], bool]) -> None:
        """Until a snapshot looks so; it is looked at only when there is something new."""

        def seen() -> bool:
            try:
                return look(self._link.snapshot("en"))
            except NotRunningError:  # between two hosts
                return False

        with self._changed:
            assert self._changed.wait_for(seen, LIMIT), self._link.snapshot("en")


@contextmanager
def linked(app: App) -> Iterator[tuple[Link, Seen]]:
    with closing(Link(app, lambda core: Front(app, core, NoWindows()))) as link:
        seen = Seen(link)
        link.start()
        assert link.linked.wait(LIMIT)
        yield link, seen


@contextmanager
def hosting(app: App) -> Iterator["subprocess.Popen[str]"]:
    """A process that hosts the core."""
    place = app.identity
    words = ["-m", "tests.support.host_process", place["home"], *place["catalogs"], place["engine"]]
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hosting\n"
            yield process
        finally:
            process.kill()


def host_of(app: App) -> int:
    """The process that hosts the core."""
    with Client.connect(app.settings.home, "core") as client:
        return int(client.request("ai/app/about")["pid"])


def knows_modules(snapshot: Json) -> bool:
    return "web" in [module["name"] for module in snapshot["modules"]]


def test_it_hosts_where_nobody_does_and_leaves_nothing(app: App) -> None:
    with linked(app) as (link, seen):
        seen.wait_for(knows_modules)
        assert host_of(app) == os.getpid()
        assert link.invoke("ai/modules/list", {}, CALLER)["success"]
    with Instance(app.settings.home, "core"), pytest.raises(NotRunningError):
        Client.connect(app.settings.home, "core")


def test_it_follows_who_hosts(app: App) -> None:
    with hosting(app) as host, linked(app) as (link, seen):
        seen.wait_for(knows_modules)
        assert host_of(app) == host.pid
        with Client.connect(app.settings.home, "core") as other:
            assert other.call("ai/module/start", {"name": "web"})["code"] == "E_ENGINE_DOWN"
        seen.wait_for(lambda snapshot: _failed(snapshot["operations"]))
        # Progress is told on its own, and may come a moment later.
        eventually(lambda: _failed(link.operations("en")), "the end of the operation")
        assert link.invoke("ai/module/status", {"name": "wbe"}, CALLER)["code"] == "E_UNKNOWN"


def _failed(operations: list[Json]) -> bool:
    errors = [operation["error"] or {} for operation in operations]
    return [error.get("code") for error in errors] == ["E_ENGINE_DOWN"]


def test_it_hears_at_once_of_another_language_whoever_hosts(app: App) -> None:
    with hosting(app), linked(app) as (link, seen):
        seen.wait_for(knows_modules)
        own = link.snapshot("en")["language"]
        with Client.connect(app.settings.home, "core") as other:
            other.request("ai/config/set", {"name": "app.language", "value": "zh"})
            seen.wait_for(lambda snapshot: snapshot["language"] == "zh")
            told = link.invoke("ai/module/status", {"name": "wbe"}, CALLER)["message"]
            assert re.search("[一-鿿]", told)
            other.request("ai/config/set", {"name": "app.language", "value": None})
            seen.wait_for(lambda snapshot: snapshot["language"] == own)


def test_it_takes_the_place_of_a_host_that_is_killed(app: App) -> None:
    with hosting(app) as host, linked(app) as (link, seen):
        seen.wait_for(knows_modules)
        host.kill()
        host.wait()
        # What an observer asks for in between is answered, too.
        seen.wait_for(lambda snapshot: not knows_modules(snapshot))
        seen.wait_for(knows_modules)
        assert host_of(app) == os.getpid()
        assert link.invoke("ai/modules/list", {}, CALLER)["success"]


def test_of_two_the_other_takes_over_when_the_host_leaves(app: App) -> None:
    with linked(app) as (_, first_seen):
        first_seen.wait_for(knows_modules)
        second = Link(app, lambda core: Front(app, core, NoWindows()))
        with closing(second):
            seen = Seen(second)
            second.start()
            seen.wait_for(knows_modules)
            first_seen.leave()
            first_seen._link.close()
            seen.wait_for(lambda snapshot: not knows_modules(snapshot))
            seen.wait_for(knows_modules)
            assert host_of(app) == os.getpid()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a signal of Unix")
def test_it_says_that_a_host_does_not_answer_and_follows_it_when_it_does(app: App) -> None:
    with hosting(app) as host:
        host.send_signal(signal.SIGSTOP)
        fill_queue(app)
        with linked(app) as (link, seen):
            refusal = link.invoke("ai/modules/list", {}, CALLER)
            assert (refusal["code"], refusal["data"]) == ("E_BUSY", {"pid": host.pid})
            assert f"does not respond (process {host.pid})" in refusal["message"]
            host.send_signal(signal.SIGCONT)
            seen.wait_for(knows_modules)
            assert host_of(app) == host.pid


def fill_queue(app: App) -> None:
    """Connect as often as it is possible while nobody takes the connections."""
    place = socket_address(app.settings.home, "core")
    with suppress(OSError):
        while True:
            pipes.connect(place, 0.0).close()


def test_it_says_why_there_is_no_core_and_finds_one_when_that_is_fixed(
    app: App, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "home"
    in_the_way.write_text("no folder")
    with linked(app) as (link, seen):
        refusal = link.invoke("ai/modules/list", {}, CALLER)
        assert refusal["code"] == "E_SETTING"
        assert str(in_the_way) in refusal["message"]
        assert link.snapshot("en")["engine"]["error"]["code"] == "E_SETTING"
        in_the_way.unlink()
        seen.wait_for(knows_modules)
