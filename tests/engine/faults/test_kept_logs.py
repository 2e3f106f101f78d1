"""Kept logs have each line once, whatever happens to the container, the engine, the connections and
the owner."""

import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import docker
import pytest

from aiserver_tray.engine.values import LogStreamName
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.kept_logs import kept
from tests.support.observed import said
from tests.support.relay import Relay
from tests.support.stack import IMAGE, write
from tests.support.waiting import eventually

MINUTES = float(os.environ.get("AISERVER_SOAK_MINUTES", "0"))
"""How long it goes on at least. `build/dev.py soak logs --minutes N` sets it."""

STEPS = 24
"""How many there are at least: each kind of act comes twice or more."""

STREAMS: tuple[LogStreamName, ...] = ("stdout", "stderr")

TALK = """
mkdir -p /count
run=$(cat /run 2>/dev/null || echo 0); run=$((run+1)); echo $run > /run
talk() {
    i=0
    until [ -e /enough ]; do
        awk -v r=$run -v i=$i 'BEGIN { for (k = 1; k <= 100; k++) print r, i + k }'
        i=$((i+100)); echo $i > /count/.$1; mv /count/.$1 /count/$run.$1
        sleep 0.1
    done
}
talk stdout & talk stderr >&2 &
wait
echo end; echo end >&2
exec sleep 86400
"""
"""Numbers its lines by run and output, and counts them in files."""

Number = tuple[int, int]
"""Of a line: run of the container, and place in its output of that run."""


class Cutter(Relay):
    """Passes requests on to the engine, also one that comes back, and can cut logs that are
    followed."""

    def __init__(self, path: Path, engine: Path) -> None:
        super().__init__(path, engine)
        self._followers: set[socket.socket] = set()

    def cut(self) -> int:
        """Cut them now; how many."""
        followers, self._followers = self._followers, set()
        for follower in followers:
            with suppress(OSError):  # ended already
                follower.shutdown(socket.SHUT_RDWR)
        return len(followers)

    def _pass(self, source: socket.socket, drain: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if b"follow=1" in data:
                    self._followers.add(source)
                drain.sendall(data)
            drain.shutdown(socket.SHUT_WR)


Talk = tuple[CommandLine, Cutter]


@pytest.fixture
def talk(lab: Place, client: docker.DockerClient, tmp_path: Path) -> Iterator[Talk]:
    """A module that writes, in an installation whose owner reaches the engine through a relay."""
    service = {
        "image": IMAGE,
        "command": ["sh", "-c", TALK.replace("$", "$$")],
        "volumes": [],
        "logging": {"driver": "local", "options": {"max-size": "500m"}},
    }
    write(tmp_path / "catalog", "talk", {"talk": service})
    with Cutter(tmp_path / "engine", lab.socket) as relay:
        host = f"unix://{tmp_path / 'engine'}"
        yield CommandLine(tmp_path / "home", tmp_path / "catalog", host), relay


def logged(client: docker.DockerClient, stream: str) -> list[str]:
    """What the engine has of it."""
    wanted = {"stdout": stream == "stdout", "stderr": stream == "stderr"}
    log: bytes = client.containers.get("ai-talk").logs(**wanted)
    return log.decode().splitlines()


def numbers(lines: Iterable[str]) -> list[Number]:
    """The numbers of *lines*, without the end."""
    pairs = (line.split() for line in lines if line != "end")
    return [(int(run), int(place)) for run, place in pairs]


@dataclass(frozen=True)
class Balance:
    """What became of the lines of an output."""

    printed: int
    kept: int
    lost: int
    """The engine has them, but they are not kept."""
    lost_by_engine: int
    """Neither has them: they were on their way when the engine was killed."""
    doubled: int
    disordered: int

    @classmethod
    def of(cls, counted: Mapping[int, int], kept: list[Number], on_engine: list[Number]) -> Self:
        """*counted*: the last place that each run has counted."""
        last = Counter(counted)
        for run, place in (*kept, *on_engine):  # printed, and killed before it was counted
            last[run] = max(last[run], place)
        printed = {(run, place) for run in last for place in range(1, last[run] + 1)}
        missing = printed - {*kept}
        return cls(
            printed=len(printed),
            kept=len(kept),
            lost=len(missing & {*on_engine}),
            lost_by_engine=len(missing - {*on_engine}),
            doubled=len(kept) - len({*kept}),
            disordered=sum(one > two for one, two in pairwise(kept)),
        )


def counted(client: docker.DockerClient, stream: str) -> dict[int, int]:
    """The last place of each run, by the counter of the container."""
    shown = said(client, "ai-talk", "sh", "-c", f"cd /count; grep . *.{stream} /dev/null")
    pairs = (line.split(f".{stream}:") for line in shown.splitlines())
    return {int(run): int(place) for run, place in pairs}


def test_each_line_is_kept_once(lab: Place, client: docker.DockerClient, talk: Talk) -> None:
    cli, relay = talk
    acts: Counter[str] = Counter()

    def lines() -> int:
        return sum(counted(client, "stdout").values())

    def go_on() -> None:
        begin = eventually(lines, "the first lines")
        eventually(lambda: lines() > begin + 1000, "more lines")

    end = time.monotonic() + MINUTES * 60
    with ExitStack() as stack:
        _, owner = stack.enter_context(hosted(cli))
        cli.run("up", "talk").succeeded()
        while time.monotonic() < end or acts["step"] < STEPS or acts["cut"] < 10:
            go_on()
            acts["cut"] += eventually(relay.cut, "a followed log")
            number = acts["step"] = acts["step"] + 1
            if number % 2:
                client.containers.get("ai-talk").restart(timeout=0)
                acts["restart"] += 1
            if number % 8 == 4:
                owner.kill()
                owner.wait()
                _, owner = stack.enter_context(hosted(cli))
                acts["owner killed"] += 1
            if number % 16 == 8:
                lab_engine.kill(lab)
                lifecycle.up(lab)
                client.containers.get("ai-talk").start()
                acts["engine killed"] += 1
        said(client, "ai-talk", "touch", "/enough")
        eventually(
            lambda: all(kept(cli.home, "talk", name)[-1:] == ["end"] for name in STREAMS),
            "the end",
            limit=300,
        )
        for stream in STREAMS:
            found, on_engine = (
                numbers(lines) for lines in (kept(cli.home, "talk", stream), logged(client, stream))
            )
            balance = Balance.of(counted(client, stream), found, on_engine)
            print(f"{stream}: {balance}; {dict(acts)}")  # noqa: T201 - the result of the soak
            assert (balance.lost, balance.doubled, balance.disordered) == (0, 0, 0), balance
            assert acts["engine killed"] or not balance.lost_by_engine, balance
