"""Kept logs have each line once, whatever happens to the container, the engine, the connections and
the owner."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

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

LINES = 100_000
"""At least so many, on both outputs together. `build/dev.py soak each_line_is_kept_once --times 10`
has a million, with 50 restarts of the container, 10 of the engine, 100 cuts, and 10 kills of the
owner."""

STREAMS: tuple[LogStreamName, ...] = ("stdout", "stderr")

TALK = f"""
touch /n
until [ -e /enough ] && [ $(wc -c < /n) -ge {LINES // 400} ]; do
    seq 200 & seq 200 >&2
    wait
    sleep 0.04
    echo -n . >> /n
done
echo end; echo end >&2
exec sleep 86400
"""


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
        "logging": {"driver": "local", "options": {"max-size": "50m"}},
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


def test_each_line_is_kept_once(lab: Place, client: docker.DockerClient, talk: Talk) -> None:
    cli, relay = talk
    home = cli.home

    def bursts() -> int:
        return len(said(client, "ai-talk", "cat", "/n"))

    def go_on() -> None:
        begin = bursts()
        eventually(lambda: bursts() > begin + 10, "more lines")

    with ExitStack() as stack:
        _, owner = stack.enter_context(hosted(cli))
        cli.run("up", "talk").succeeded()
        for number in range(1, 11):
            go_on()
            eventually(relay.cut, "a followed log")
            if number % 2:
                client.containers.get("ai-talk").restart(timeout=0)
            if number == 4:
                owner.kill()
                owner.wait()
                _, owner = stack.enter_context(hosted(cli))
            if number == 8:
                lab_engine.kill(lab)
                lifecycle.up(lab)
                client.containers.get("ai-talk").start()
        said(client, "ai-talk", "touch", "/enough")
        eventually(
            lambda: all(kept(home, "talk", name)[-1:] == ["end"] for name in STREAMS),
            "the end",
            limit=300,
        )
        for stream in STREAMS:
            found, expected = kept(home, "talk", stream), logged(client, stream)
            assert len(found) == len(expected) > LINES // 2
            assert found == expected
