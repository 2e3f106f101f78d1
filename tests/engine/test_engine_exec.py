"""Commands in running containers, on the lab's engine."""

import os
import pty
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from select import select

import pytest

from aiserver_tray.base.errors import ObjectConflictError, ObjectNotFoundError
from aiserver_tray.engine.engine import Engine
from aiserver_tray.system.console import Console
from tests.engine.our_engine import BODY, core, run
from tests.support.limits import LIMIT

__all__ = ["core"]

MEGABYTE = 1 << 20


@dataclass
class Result:
    status: int
    stdout: bytes
    stderr: bytes


def execute(core: Engine, container: str, command: str, given: bytes = b"") -> Result:
    """Run *command* in a shell with *given* as its input, without a terminal."""
    stdin, feed = os.pipe()
    outputs = [os.pipe(), os.pipe()]
    found = [b"", b""]

    def read(number: int) -> None:
        with os.fdopen(outputs[number][0], "rb") as file:
            found[number] = file.read()

    def write() -> None:
        with os.fdopen(feed, "wb") as file:
            file.write(given)

    threads = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    console = Console(stdin, outputs[0][1], outputs[1][1])
    status = core.containers.exec(container, ["sh", "-c", command], console)
    for _, end in outputs:
        os.close(end)
    for thread in threads:
        thread.join()
    os.close(stdin)
    return Result(status, *found)


def test_input_both_outputs_and_the_exit_code_pass(core: Engine) -> None:
    created = run(core, "ai-exec")
    found = execute(core, created, "cat; echo wrong >&2; exit 3", b"given\n")
    assert found == Result(3, b"given\n", b"wrong\n")


def test_much_goes_through_in_both_directions(core: Engine) -> None:
    created = run(core, "ai-much")
    given = os.urandom(3 * MEGABYTE)
    assert execute(core, created, "cat", given) == Result(0, given, b"")


def test_a_command_that_takes_no_input_does_not_wait_for_its_end(core: Engine) -> None:
    created = run(core, "ai-deaf")
    stdin, feed = os.pipe()
    stdout, end = os.pipe()
    status = core.containers.exec(created, ["echo", "done"], Console(stdin, end, end))
    assert (status, os.read(stdout, 100)) == (0, b"done\n")
    for descriptor in (stdin, feed, stdout, end):
        os.close(descriptor)


@pytest.mark.parametrize("command", ["true", "head -c 1 >/dev/null"])
def test_a_command_that_ends_before_it_has_read_all_ends_exec(core: Engine, command: str) -> None:
    created = run(core, "ai-full")
    stdin = os.open("/dev/zero", os.O_RDONLY)  # more than any buffer between here and there holds
    stdout, end = os.pipe()
    statuses: list[int] = []

    def act() -> None:
        console = Console(stdin, end, end)
        statuses.append(core.containers.exec(created, ["sh", "-c", command], console))

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert statuses == [0]
    for descriptor in (stdin, stdout, end):
        os.close(descriptor)


def test_a_command_that_is_not_there_ends_as_in_a_shell(core: Engine) -> None:
    created = run(core, "ai-nothing")
    stdin = os.open(os.devnull, os.O_RDONLY)
    stdout, end = os.pipe()
    assert core.containers.exec(created, ["no-such"], Console(stdin, end, end)) in (126, 127)
    assert b"no-such" in os.read(stdout, 1000)
    for descriptor in (stdin, stdout, end):
        os.close(descriptor)


def test_a_container_that_does_not_run_or_is_not_there(core: Engine) -> None:
    core.containers.create("ai-still", BODY)
    with pytest.raises(ObjectConflictError, match="not running"):
        core.containers.exec("ai-still", ["true"])
    with pytest.raises(ObjectNotFoundError):
        core.containers.exec("ai-none", ["true"])


# -- at a terminal -----------------------------------------------------------------------------


class Terminal:
    """What a person sees and types: the other end of a terminal."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.seen = b""

    def until(self, text: bytes) -> None:
        """Raises ``AssertionError`` where it does not see that, and ends what runs."""
        deadline = time.monotonic() + LIMIT
        while text not in self.seen:
            if not select([self._end], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self.type(b"\x03exit\r")
                raise AssertionError(self.seen)
            self.seen += os.read(self._end, 1000)

    def type(self, text: bytes) -> None:
        os.write(self._end, text)


@contextmanager
def terminal() -> Iterator[tuple[Terminal, Console, int]]:
    end, device = pty.openpty()
    try:
        yield Terminal(end), Console(device, device, device), device
    finally:
        os.close(end)
        os.close(device)


def test_a_terminal_is_one_in_the_container_too(core: Engine) -> None:
    created = run(core, "ai-tty")
    with terminal() as (person, console, device):
        before = _mode(device)
        person_thread = threading.Thread(target=_converse, args=(person,))
        person_thread.start()
        status = core.containers.exec(created, ["sh"], console)
        person_thread.join()
        assert _mode(device) == before
    assert status == 5
    assert b"/dev/pts/" in person.seen


def _converse(person: Terminal) -> None:
    person.until(b"# ")
    person.type(b"tty; stty size\r")
    person.until(b"/dev/pts/")
    # What is typed is echoed, so the words are split there.
    loop = "trap 'echo cau''ght; exit' INT; echo rea''dy; while :; do sleep 1; done"
    person.type(f'sh -c "{loop}"\r'.encode())
    person.until(b"ready")
    person.type(b"\x03")  # goes to the command, not to us
    person.until(b"caught")
    person.type(b"exit 5\r")


def _mode(device: int) -> list[object]:
    import termios  # noqa: PLC0415 - not on Windows

    return list(termios.tcgetattr(device))


def test_the_size_of_the_window_is_followed(core: Engine) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    def resize(device: int, rows: int, columns: int) -> None:
        fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    created = run(core, "ai-size")
    with terminal() as (person, console, device):
        resize(device, 33, 101)

        def converse() -> None:
            person.until(b"33 101")
            resize(device, 44, 102)
            os.kill(os.getpid(), signal.SIGWINCH)
            person.until(b"44 102")
            person.type(b"\x03")

        thread = threading.Thread(target=converse)
        thread.start()
        core.containers.exec(created, ["sh", "-c", "while stty size; do sleep 0.1; done"], console)
        thread.join()
