"""One owner per home; what was killed never blocks a start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiserver_tray.base.errors import AlreadyRunningError, BusyError, NotRunningError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import (
    Instance,
    find_key,
    make_key,
    owned_homes,
    socket_address,
)
from aiserver_tray.features.stack.events import SNAPSHOT
from aiserver_tray.system.paths import Home
from developer.machine import WINDOWS
from tests.support.limits import LIMIT

from .listening import Heard

ROOT = Path(__file__).parents[4]


@contextmanager
def host(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """A process that hosts *home*'s core."""
    command = [sys.executable, "-m", "tests.support.store_contract", str(home.folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hosting\n"
            yield process
        finally:
            process.kill()


def test_second_process_learns_the_owner_of_the_home(home: Home) -> None:
    with host(home) as first:
        with pytest.raises(AlreadyRunningError) as refused, Instance(home):
            raise AssertionError
        assert refused.value.data == {"pid": first.pid}
        assert isinstance(refused.value, BusyError)
        with Instance(Home(home.folder / "x", "home")):
            pass
        assert first.stdin
        first.stdin.close()
        assert first.wait(LIMIT) == 0
    assert not Path(socket_address(home)).exists()
    with Instance(home):
        assert owned_homes() == [home.folder]
    assert owned_homes() == []


def test_second_thread_cannot_claim_the_home(home: Home) -> None:
    with Instance(home), ThreadPoolExecutor() as threads:
        second = threads.submit(Instance(home).__enter__)
        with pytest.raises(AlreadyRunningError) as refused:
            second.result(LIMIT)
    assert refused.value.data == {"pid": os.getpid()}


def test_a_killed_host_is_noticed_and_blocks_no_start(home: Home) -> None:
    with host(home) as first:
        client = Client.connect(home, "command")
        heard = Heard(client, SNAPSHOT.name)
        assert heard.next()[1]["state"] == "running"
        first.kill()
        assert heard.is_lost.wait(LIMIT)
        first.wait()
    assert WINDOWS or Path(socket_address(home)).exists()
    with pytest.raises(NotRunningError):
        Client.connect(home, "command")
    with pytest.raises(NotRunningError):
        client.call("echo")
    client.close()
    with host(home), Client.connect(home, "command") as client:
        assert client.call("echo")["success"]


def test_the_key_is_created_once_and_a_damaged_one_again_and_alone_is_no_host(home: Home) -> None:
    assert find_key(home) is None
    with pytest.raises(NotRunningError):
        Client.connect(home, "command")
    key = make_key(home)
    assert len(key) == 32
    assert make_key(home) == find_key(home) == key
    with pytest.raises(NotRunningError):
        Client.connect(home, "command")
    (home.folder / "control.key").write_text("none")
    assert find_key(home) is None
    assert make_key(home) == find_key(home) != key
