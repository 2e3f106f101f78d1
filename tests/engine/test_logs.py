"""The logs of several services as one stream, on the lab's engine."""

import json
import threading
from collections.abc import Callable

import docker
import pytest

from aiserver_tray.features.logs.attach import LogChannels
from aiserver_tray.features.logs.events import LOG
from aiserver_tray.protocol.channel import handlers_of
from aiserver_tray.protocol.message import Caller, Json, Message, Peer
from tests.engine.waiting import logged
from tests.support.installation import Installation, script
from tests.support.limits import LIMIT

TALKS = "echo said; exec sleep 86400"
MUTE = {"logging": {"driver": "none"}}


@pytest.fixture
def muted(here: Installation, engine: docker.DockerClient) -> Installation:
    """Two services run, of which the engine can read the log of one only."""
    here.write("talk", {"one": script(TALKS), "two": script(TALKS, **MUTE)})
    here.cli.run("up", "talk").succeeded()
    logged(engine.containers.get("ai-talk-one"), "said")
    return here


def test_a_log_that_can_not_be_read_leaves_the_others_readable(muted: Installation) -> None:
    done = muted.cli.run("logs", "talk", "--json")
    assert done.code == 0, done.errors
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert [(line["service"], line["message"]) for line in lines] == [("one", "said")]
    assert done.errors.count("Can't show the log of talk/two") == 1
    assert "up talk" in done.errors


def test_a_log_that_can_not_be_read_is_reported_once_and_not_waited_for(
    muted: Installation, engine: docker.DockerClient
) -> None:
    with muted.cli.started("logs", "talk", "-f") as following:
        assert following.process.stdout is not None
        assert following.process.stdout.readline().endswith("said\n")
        engine.containers.get("ai-talk-two").restart(timeout=0)
        engine.containers.get("ai-talk-one").restart(timeout=0)
        assert following.process.stdout.readline().endswith("said\n")
        engine.containers.get("ai-talk-one").stop(timeout=0)
        done = following.wait()
    assert (done.code, done.output) == (0, "")
    assert done.errors.count("Can't show the log") == 1


def test_unreadable_log_is_reported_to_pages(muted: Installation) -> None:
    told: list[Json] = []
    both = threading.Event()

    def send(message: Message) -> None:
        assert message.event == LOG.name
        told.append(json.loads(message.payload))
        if len(told) == 2:
            both.set()

    caller = Caller(Peer("browser", "en", send), "en")
    with muted.core() as core:
        channels = LogChannels(core)
        handlers = handlers_of([channels])
        answer = handlers["ai/module/logs"].answer({"name": "talk", "tail": 5}, caller)
        assert [entry["message"] for entry in answer["entries"]] == ["said"]
        (notice,) = answer["notices"]
        handlers["ai/module/logsAttach"].answer({"name": "talk", "streamId": "s"}, caller)
        assert both.wait(LIMIT)
        channels.forget(caller.peer)
    events = {payload["event"]: payload for payload in told}
    assert events["stdout"]["chunk"] == "said"
    assert (events["notice"]["message"], events["notice"]["service"]) == (notice, "two")


# -- following, with a tail ------------------------------------------------------------------------

COUNT = "i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; done; exec sleep 86400"


@pytest.fixture
def base(here: Installation) -> Installation:
    """One service runs and goes on saying so; another does not run yet."""
    here.write("base", {"base": script("while :; do echo here; sleep 0.2; done")})
    here.write("late", {"late": script(COUNT)})
    here.cli.run("up", "base").succeeded()
    return here


def counted(base: Installation, tail: int, act: Callable[[], object]) -> list[str]:
    """What the later service says while the logs are followed, with *act* done meanwhile."""
    with base.cli.started("logs", "-f", "--json", "--tail", str(tail)) as following:
        assert following.process.stdout is not None
        output, found = following.process.stdout, list[str]()
        while '"here"' not in output.readline():
            assert following.is_running, following.wait()
        act()
        while "line 50" not in found:
            found.append(json.loads(output.readline())["message"])
    return [message for message in found if message != "here"]


EVERY = [f"line {number}" for number in range(1, 51)]


def test_following_begins_with_the_last_hundred_lines(
    base: Installation, engine: docker.DockerClient
) -> None:
    base.write("long", {"long": script("seq 150; exec sleep 86400")})
    base.cli.run("up", "long").succeeded()
    logged(engine.containers.get("ai-long"), "\n150\n")
    for words, first in (((), "51"), (("--tail", "all"), "1"), (("--since", "1h"), "1")):
        with base.cli.started("logs", "long", "-f", "--json", *words) as following:
            assert following.process.stdout is not None
            assert json.loads(following.process.stdout.readline())["message"] == first
    wrong = base.cli.run("logs", "long", "--tail", "some")
    assert (wrong.code, "a number of lines or all" in wrong.errors) == (2, True)


def test_tail_does_not_cut_services_that_start_later(base: Installation) -> None:
    assert counted(base, 3, lambda: base.cli.run("up", "late").succeeded()) == EVERY


def test_tail_of_0_shows_only_lines_after_the_next_start(
    base: Installation, engine: docker.DockerClient
) -> None:
    base.cli.run("up", "late").succeeded()
    logged(engine.containers.get("ai-late"), "line 50")
    assert counted(base, 0, lambda: engine.containers.get("ai-late").restart(timeout=0)) == EVERY
