"""Running a command in a container that runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from threading import Timer
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import AiServerError, CancelledError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.connection import Connection
from aiserver_tray.engine.logs import frames
from aiserver_tray.engine.stream import Stream
from aiserver_tray.engine.values import LogStreamName
from aiserver_tray.system.console import Console

if TYPE_CHECKING:
    from aiserver_tray.spec.model import Body

_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}


def execute(
    connection: Connection, container: str, command: Sequence[str], console: Console
) -> int:
    """As `Containers.exec`. *command* gets a terminal if *console* is one."""
    tty = console.is_terminal
    attached = dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr"), True)
    body: dict[str, object] = {**attached, "Tty": tty, "Cmd": list(command)}
    if tty:
        body["ConsoleSize"] = list(console.size)
    execution = str(connection.post("/containers/{}/exec", container, body=body)["Id"])
    stream = connection.stream(
        "POST", "/exec/{}/start", execution, body={"Detach": False, "Tty": tty}, headers=_UPGRADE
    )
    with ExitStack() as stack:
        stack.enter_context(stream.open())
        if tty:
            stack.enter_context(console.raw())
            stack.enter_context(console.watching_size(_resizer(connection, execution, console)))
        stack.enter_context(console.feeding(stream.send))
        stack.callback(stream.close)  # registered first, so that no write can block the end
        for name, data in _terminal(stream) if tty else frames(iter(stream)):
            console.write(name, data)
    return int(connection.get("/exec/{}/json", execution)["ExitCode"] or 0)


def run(
    connection: Connection, container: str, body: "Body", seconds: float, cancelled: Cancellation
) -> tuple[int | None, list[str]]:
    """As `Containers.run`."""
    execution = str(connection.post("/containers/{}/exec", container, body=body)["Id"])
    stream = connection.stream("POST", "/exec/{}/start", execution, body={"Detach": False})
    timer = Timer(seconds, stream.close)
    with ExitStack() as stack:
        stack.enter_context(stream)
        stack.enter_context(cancelled.closes(stream.close))
        stack.callback(timer.cancel)
        timer.start()
        output = b"".join(data for _, data in frames(iter(stream)))
        goes_on = stream.is_closed
    if cancelled.is_set():
        raise CancelledError
    code = None if goes_on else connection.get("/exec/{}/json", execution)["ExitCode"] or 0
    return code, output.decode(errors="replace").splitlines()


def _terminal(stream: Stream) -> Iterator[tuple[LogStreamName, bytes]]:
    """A terminal has one output."""
    for piece in stream:
        yield "stdout", piece


def _resizer(connection: Connection, execution: str, console: Console) -> Callable[[], None]:
    def resize() -> None:
        rows, columns = console.size
        with suppress(AiServerError):  # exited in the meantime
            connection.call("POST", "/exec/{}/resize", execution, params={"h": rows, "w": columns})

    return resize
