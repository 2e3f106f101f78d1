"""Samples of a real engine, kept by one owner and shown by the next."""

import json
import time
from queue import SimpleQueue
from typing import Any

import docker

from aiserver_tray.features.monitoring.events import STATS, WATCHED
from aiserver_tray.owner.owner import Owner
from aiserver_tray.protocol.message import Json, Message, Peer
from tests.support.installation import Installation, idle, script
from tests.support.limits import LIMIT
from tests.support.owning import owned
from tests.support.waiting import eventually

BUSY = "trap 'exit 3' TERM; while :; do :; done & wait"


class Client:
    """Hears each sample, and every second of what it watches."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.heard: SimpleQueue[tuple[str, Json]] = SimpleQueue()
        self._peer = Peer("window", "en", self._take)
        owner.api.subscribe(self._peer, [STATS.name])

    def ask(self, channel: str, **payload: object) -> Any:  # noqa: ANN401 - JSON
        answer = self._owner.api.invoke(channel, payload, self._peer)
        assert answer["success"], answer
        return answer["data"]

    def until(self, event: str, *, cpu: float = 0.0) -> Json:
        """The first sample in which ``web`` uses more than that."""
        while True:
            name, sample = self.heard.get(timeout=LIMIT)
            used = [load["cpu"] or 0.0 for load in sample["services"] if load["module"] == "web"]
            if name == event and used and used[0] >= cpu:
                return sample

    def leave(self) -> None:
        self._owner.api.forget(self._peer)

    def _take(self, message: Message) -> None:
        self.heard.put((message.event, json.loads(message.payload)))


def test_samples_survive_the_owner_and_restarts_are_on_their_time_axis(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": script(BUSY, restart="always")})
    here.write("other", {"other": idle()})
    with owned(here) as (owner, modules):
        client = Client(owner)
        client.ask("ai/operation/start", kind="up", modules=["web", "other"], untilEnd=True)
        modules.wait_for(web="running", other="running")

    begun = time.time() - 60
    with owned(here) as (owner, _):
        client = Client(owner)
        client.until(STATS.name)
        client.ask("ai/stats/watch", module="web")
        watched = client.until(WATCHED.name, cpu=1.0)
        assert {load["module"] for load in watched["services"]} == {"web"}
        client.leave()
        engine.containers.get("ai-web").exec_run("kill 1")
        eventually(lambda: _restarts(client, begun), "the restart")
        ended = time.time()
        disk = client.ask("ai/stats/disk")
        assert disk["engine"]["images"] > 0
        assert disk["machine"]["diskFree"] < disk["machine"]["diskSize"]

    with owned(here) as (owner, _):
        history = Client(owner).ask("ai/stats/history", **{"from": begun, "to": ended})
        kept = {series["module"]: series["memory"] for series in history["modules"]}
        assert any(kept["web"])
        assert any(kept["other"])
        assert [mark["text"] for mark in history["marks"] if mark["kind"] == "operation"]
        assert [mark["service"] for mark in history["marks"] if mark["kind"] == "restart"] == [
            "web"
        ]


def _restarts(client: Client, begun: float) -> list[Json]:
    marks = client.ask("ai/stats/history", **{"from": begun})["marks"]
    return [mark for mark in marks if mark["kind"] == "restart"]
