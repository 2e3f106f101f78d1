"""Running a command in a container that runs."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from threading import Thread, Timer
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AiServerError, CancelledError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.logs import frames
from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.system.console import Console

if TYPE_CHECKING:
    from aiserver_tray.spec.model import Body

_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
ATTACHED: Final = dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), True)
"""Of the body of an exec that gets input."""
_POLL_SECONDS: Final = 0.05


class Execution:
    """A command in a container that runs: *body* is that of the request that creates an exec.
    Iterating `stream`, or `output`, starts it.

    Raises:
        ObjectNotFoundError, ObjectConflictError: there is no such container, or it does not run.
    """

    def __init__(self, connection: Connection, container: str, body: "Body") -> None:
        self._connection = connection
        self._has_terminal = bool(body.get("Tty"))
        self._id = str(connection.post("/containers/{}/exec", container, body=body)["Id"])
        start = {"Detach": False, "Tty": self._has_terminal}
        self.stream = connection.stream(
            "POST", "/exec/{}/start", self._id, body=start, headers=_UPGRADE
        )

    def start(self, seconds: float) -> None:
        """Start it, and wait until it has a process, for *seconds* at most: the engine begins its
        answer before that. Raises as the stream does."""
        self.stream.open()
        try:
            self._wait_for_process(seconds)
        except BaseException:
            self.stream.close()
            raise

    def _wait_for_process(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self._connection.get("/exec/{}/json", self._id)
            if found["Pid"] or found["ExitCode"] is not None:
                return
            time.sleep(_POLL_SECONDS)

    def output(self) -> Iterator[tuple[LogStreamName, bytes]]:
        """Its output, until it exits. A terminal has one output. Raises as the stream does."""
        if not self._has_terminal:
            yield from frames(iter(self.stream))
            return
        for piece in self.stream:
            yield "stdout", piece

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal. No effect once it has exited."""
        with suppress(AiServerError):
            params = {"h": rows, "w": columns}
            self._connection.call("POST", "/exec/{}/resize", self._id, params=params)

    @property
    def exit_code(self) -> int:
        """Its exit code; 0 while it runs."""
        return int(self._connection.get("/exec/{}/json", self._id)["ExitCode"] or 0)


_ERROR_BYTES = 1 << 12
"""A program's last words, which an error quotes."""


class Program:
    """A command of *body* in a container that runs, with streams for its input and output. Use
    either `output` or `feed`.

    Raises:
        ObjectNotFoundError, ObjectConflictError: there is no such container, or it does not run.
    """

    def __init__(
        self, connection: Connection, container: str, body: "Body", cancelled: Cancellation
    ) -> None:
        self._execution = Execution(connection, container, {**ATTACHED, "Tty": False, **body})
        self._stream = self._execution.stream
        self._cancelled = cancelled
        self._errors = b""

    def output(self) -> Generator[bytes, None, None]:
        """Its standard output, until it exits or `close` is called.

        Raises:
            CancelledError: that was asked for. The command goes on if it does not need its input.
        """
        with self._stream, self._cancelled.closes(self._stream.close):
            for name, data in self._execution.output():
                if name == "stdout":
                    yield data
                else:
                    self._errors = (self._errors + data)[-_ERROR_BYTES:]
        if self._cancelled.is_set():
            raise CancelledError

    def feed(self, pieces: Iterable[bytes]) -> bytes:
        """Give it *pieces* as its whole input, as far as it wants them. Returns its whole standard
        output. An error of *pieces* ends its input in the middle.

        Raises:
            CancelledError: as `output`.
        """
        output: list[bytes] = []
        failures: list[Exception] = []

        def read() -> None:
            try:
                output.extend(self.output())
            except Exception as error:  # noqa: BLE001 - for the other thread
                failures.append(error)

        with self._stream.open():
            reader = Thread(target=read, name="program-output", daemon=True)
            reader.start()
            self._send(pieces, reader)
        if failures:
            raise failures[0]
        return b"".join(output)

    def _send(self, pieces: Iterable[bytes], reader: Thread) -> None:
        try:
            for piece in filter(None, pieces):
                if not reader.is_alive():  # it has exited
                    break
                self._stream.send(piece)
            self.end_input()
        except BaseException:
            self._stream.close()
            raise
        finally:
            reader.join()

    def end_input(self) -> None:
        """Give it no more input."""
        self._stream.send(b"")

    @property
    def errors(self) -> str:
        """The end of its standard error so far."""
        return self._errors.decode(errors="replace").strip()

    @property
    def exit_code(self) -> int:
        """Its exit code, once its output has ended."""
        return self._execution.exit_code

    def close(self) -> None:
        """End its input and output, from any thread."""
        self._stream.close()


def execute(
    connection: Connection, container: str, command: Sequence[str], console: Console
) -> int:
    """As `Containers.exec`. *command* gets a terminal if *console* is one."""
    body: dict[str, object] = {**ATTACHED, "Tty": console.is_terminal, "Cmd": list(command)}
    if console.is_terminal:
        body["ConsoleSize"] = list(console.size)
    execution = Execution(connection, container, body)
    stream = execution.stream
    with ExitStack() as stack:
        stack.enter_context(stream.open())
        if console.is_terminal:
            stack.enter_context(console.raw())
            resized = console.watching_size(lambda: execution.resize(*console.size))
            stack.enter_context(resized)
        stack.enter_context(console.feeding(stream.send))
        stack.callback(stream.close)  # registered first, so that no write can block the end
        for name, data in execution.output():
            console.write(name, data)
    return execution.exit_code


def run(
    connection: Connection, container: str, body: "Body", seconds: float, cancelled: Cancellation
) -> tuple[int | None, list[str]]:
    """As `Containers.run`."""
    execution = Execution(connection, container, body)
    stream = execution.stream
    timer = Timer(seconds, stream.close)
    with ExitStack() as stack:
        stack.enter_context(stream)
        stack.enter_context(cancelled.closes(stream.close))
        stack.callback(timer.cancel)
        timer.start()
        output = b"".join(data for _, data in execution.output())
        goes_on = stream.is_closed
    if cancelled.is_set():
        raise CancelledError
    code = None if goes_on else execution.exit_code
    return code, output.decode(errors="replace").splitlines()
