"""Terminals in containers, on the lab's engine."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest

from aiserver_tray.base.errors import EngineRequestError, NoShellError
from aiserver_tray.engine import terminal as guarded
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.terminal import Terminal
from tests.engine.our_engine import BUSYBOX, core, run
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.waiting import eventually

__all__ = ["core"]

DEAF = """sh -c 'trap "" INT HUP TERM; while :; do sleep 1; done'"""
LEAVING = f"setsid {DEAF} & setsid sleep 1000 & (sleep 1001 &) ; sleep 1002 & exec {DEAF}\r"
"""Starts what stays when a terminal just goes away, and ignores all that a terminal can send."""


class Shown:
    """What *terminal* has shown."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.seen = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for piece in self._terminal.output():
            self.seen += piece

    def type(self, text: str) -> None:
        self._terminal.send(text.encode())

    def until(self, text: str) -> None:
        eventually(lambda: text.encode() in self.seen, text)

    def wait_for_end(self) -> None:
        self._thread.join()


@contextmanager
def terminal_in(core: Engine, container: str, user: str = "") -> Iterator[tuple[Terminal, Shown]]:
    terminal = core.containers.terminal(container, user)
    terminal.open(24, 80)
    yield terminal, Shown(terminal)
    terminal.end()


def processes(engine: docker.DockerClient, container: str) -> list[str]:
    """The commands that run in *container*."""
    return [row[-1] for row in engine.containers.get(container).top()["Processes"]]


def is_alone(engine: docker.DockerClient, container: str) -> None:
    """See that the first process of *container* has become, or is again, the only one."""
    eventually(lambda: processes(engine, container) == ["sleep 600"], "nothing but its command")


def test_what_is_typed_is_shown_in_the_size_and_letters_that_were_sent(core: Engine) -> None:
    with terminal_in(core, run(core, "ai-typed")) as (terminal, shown):
        assert terminal.shell == "sh"
        assert terminal.image_user == "root"
        shown.type("stty size; echo 你好 🎉 $((6 * 7))\r")
        shown.until("24 80")
        shown.until("你好 🎉 42")
        terminal.resize(30, 100)
        shown.type("stty size\r")
        shown.until("30 100")
        shown.type("exit\r")
        shown.wait_for_end()
        assert terminal.left() == ()


@pytest.mark.parametrize(
    ("image", "user", "shell"),
    [
        (BUSYBOX, "", "sh"),
        (BUSYBOX, "nobody", "sh"),
        ("ubuntu/squid:6.6-24.04_edge", "", "bash"),  # and its sh is dash
    ],
)
def test_the_end_of_a_terminal_is_the_end_of_all_that_was_started_in_it(
    core: Engine, engine: docker.DockerClient, image: str, user: str, shell: str
) -> None:
    have_image(engine, image)
    created = run(core, "ai-deaf", Image=image, Entrypoint=["sleep"], Cmd=["600"])
    with terminal_in(core, created, user) as (terminal, shown):
        assert terminal.shell.endswith(shell)
        shown.type(LEAVING)
        eventually(lambda: len(processes(engine, "ai-deaf")) >= 7, "they run")
        terminal.end()
        shown.wait_for_end()
        assert terminal.left() == ()
    is_alone(engine, "ai-deaf")


def test_another_user_s_processes_end_with_the_terminal_that_started_them(
    core: Engine, engine: docker.DockerClient
) -> None:
    with terminal_in(core, run(core, "ai-other")) as (terminal, shown):
        shown.type("su nobody -s /bin/sh -c 'sleep 1003'\r")
        eventually(lambda: "sleep 1003" in processes(engine, "ai-other"), "it runs")
        terminal.end()
        assert terminal.left() == ()
    is_alone(engine, "ai-other")


HOLDER = """
import signal, sys
from aiserver_tray.engine.engine import Engine
terminal = Engine(sys.argv[1]).containers.terminal(sys.argv[2], "")
terminal.open(24, 80)
terminal.send(sys.argv[3].encode())
signal.pause()
"""


def test_a_killed_process_leaves_nothing_of_its_terminals(
    core: Engine, lab: Place, engine: docker.DockerClient
) -> None:
    run(core, "ai-killed")
    with subprocess.Popen([sys.executable, "-c", HOLDER, lab.host, "ai-killed", LEAVING]) as holder:
        eventually(lambda: len(processes(engine, "ai-killed")) >= 7, "they run")
        holder.kill()
    is_alone(engine, "ai-killed")


def test_without_a_shell_that_answers_there_is_no_terminal(
    core: Engine, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = run(core, "ai-bare", "rm /bin/sh /bin/ash; exec sleep 600")
    is_alone(engine, "ai-bare")
    with pytest.raises(NoShellError):
        core.containers.terminal(bare, "").open(24, 80)
    mute = "rm /bin/sh; printf '#!/bin/ash\\nsleep 600' > /bin/sh; chmod +x /bin/sh; exec sleep 600"
    monkeypatch.setattr(guarded, "_OPEN_SECONDS", 1.0)
    silent = run(core, "ai-silent", mute)
    is_alone(engine, "ai-silent")
    with pytest.raises(EngineRequestError, match="said nothing"):
        core.containers.terminal(silent, "").open(24, 80)


def test_a_container_that_stops_ends_its_terminals(core: Engine) -> None:
    stopping = run(core, "ai-stopping")
    with terminal_in(core, stopping) as (terminal, shown):
        core.containers.kill(stopping)
        shown.wait_for_end()
        assert terminal.left() is None
