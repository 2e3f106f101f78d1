"""A followed log whose connection is cut where the log goes back in time: no line is lost or shown
twice."""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from tests.lab.place import Place
from tests.support.installation import Installation, script
from tests.support.observed import said
from tests.support.relay import Relay

CUTS = 24

FRAME = re.compile(
    rb"[\1\2]\0\0\0.{4}(\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z) [^\n]*\n(?:\r\n)?", re.DOTALL
)
"""A line of the engine's answer; its time has always nine digits."""


class Cutter(Relay):
    """Cuts a followed log `CUTS` times behind a line that is older than the one before: twice at
    each place, the second time before anything new has come."""

    def __init__(self, path: Path, engine: Path) -> None:
        super().__init__(path, engine)
        self.cuts = Counter[bytes]()
        """By the time of the line."""
        self._followers: set[socket.socket] = set()

    def _pass(self, source: socket.socket, drain: socket.socket) -> None:
        newest = b""
        with suppress(OSError):  # one of them was closed
            while data := source.recv(65536):
                if b"follow=1" in data:
                    self._followers.add(source)
                if drain in self._followers:
                    newest, end = self._step_back(data, newest)
                    if end:
                        drain.sendall(data[:end])
                        break
                drain.sendall(data)
            drain.shutdown(socket.SHUT_RDWR)
            source.shutdown(socket.SHUT_RDWR)

    def _step_back(self, data: bytes, newest: bytes) -> tuple[bytes, int | None]:
        """The newest time up to here, and where *data* has to end."""
        for frame in FRAME.finditer(data):
            time = frame[1]
            if time < newest and self.cuts[time] < 2 and self.cuts.total() < CUTS:
                self.cuts[time] += 1
                return newest, frame.end()
            newest = max(newest, time)
        return newest, None


LOCAL = {"logging": {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}}
"""As the services of the catalog have it."""

BOTH = """
i=0
until [ -e /enough ] || [ $i -ge 200000 ]; do
    seq $((i+1)) $((i+200)) & seq $((i+1)) $((i+200)) >&2
    wait; sleep 0.05
    i=$((i+200))
done
echo end; echo end >&2
exec sleep 86400
"""
"""Writes to both outputs at once, in bursts: this gets their lines out of order."""


@pytest.fixture
def cutter(here: Installation, lab: Place, tmp_path: Path) -> Iterator[Cutter]:
    """A service has begun to write."""
    here.write("talk", {"talk": script(BOTH, **LOCAL)})
    here.cli.run("up", "talk").succeeded()
    with Cutter(tmp_path / "engine", lab.socket) as relay:
        yield relay


def test_log_with_times_that_go_back_is_complete_after_a_cut(
    here: Installation, engine: docker.DockerClient, cutter: Cutter, tmp_path: Path
) -> None:
    cli = replace(here.cli, host=f"unix://{tmp_path / 'engine'}")
    found: dict[str, list[str]] = {"stdout": [], "stderr": []}
    is_enough = False
    with cli.started("logs", "-f", "--json", "--tail", "all") as following:
        assert following.process.stdout is not None
        while not all(messages[-1:] == ["end"] for messages in found.values()):
            line = json.loads(following.process.stdout.readline())
            found[line["stream"]].append(line["message"])
            if cutter.cuts.total() == CUTS and not is_enough:
                is_enough = True
                said(engine, "ai-talk", "touch", "/enough")
        engine.containers.get("ai-talk").stop(timeout=0)
        done = following.wait().succeeded()
    assert not done.output
    assert cutter.cuts.total() == CUTS
    for messages in found.values():
        assert messages == [*(str(number) for number in range(1, len(messages))), "end"]
