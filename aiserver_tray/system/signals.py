"""Requests of the system to exit: SIGTERM, SIGHUP, Ctrl-C."""

import signal
import socket
from collections.abc import Callable
from threading import Thread

_WANTED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGBREAK")


def on_termination(callback: Callable[[], object]) -> None:
    """Call *callback* in its own thread when the system asks this process to exit. Ignored signals
    stay ignored: `nohup` ignores SIGHUP, so that the process survives its terminal. Call this once,
    in the main thread."""
    # The main thread may stay in a toolkit's loop, in which no handler of Python's runs; the number
    # is written from within the signal (https://docs.python.org/3/library/signal.html).
    reader, writer = socket.socketpair()
    writer.settimeout(0.0)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    known = {getattr(signal, name) for name in _WANTED if hasattr(signal, name)}
    numbers = {number for number in known if signal.getsignal(number) is not signal.SIG_IGN}
    for number in numbers:
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        with reader, writer:
            while received := reader.recv(1):
                if received[0] in numbers:
                    callback()

    Thread(target=wait, name="signals", daemon=True).start()
