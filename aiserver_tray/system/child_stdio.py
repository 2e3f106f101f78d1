"""A child whose stdio we use as a socket, with timeouts, half-close, and closing from another
thread."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any, cast

from urllib3.util import wait_for_read


class Duplex(socket.socket):
    """Our end of a pair of sockets."""

    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401 - as the method has it
        try:
            return super().recv_into(*arguments)
        except ConnectionResetError:
            # What Linux reports instead of the end, if the child left input unread. HTTP itself
            # tells whether an answer was complete.
            return 0

    def is_quiet(self) -> bool:
        """Whether it is open, and nothing waits to be read, not even the end."""
        return self.fileno() >= 0 and not wait_for_read(self, 0)


def start(argv: Sequence[str], words: IO[bytes]) -> "tuple[subprocess.Popen[bytes], Duplex]":
    """Start the program *argv*, whose stderr goes to the file *words*. Returns it and the socket
    that leads to its stdin and stdout; on Windows, what has the same methods.

    Raises:
        OSError: it can't run.
    """
    ours, stdin, stdout = _ends()
    options: dict[str, Any] = {"start_new_session": True}  # no Ctrl+C of our terminal
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NO_WINDOW}
    try:
        child = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=words, **options)
    except OSError:
        ours.close()
        raise
    finally:
        for end in {stdin, stdout}:
            os.close(end)
    return child, ours


def _ends() -> tuple[Duplex, int, int]:
    """Our end, and the descriptors for the child's stdin and stdout."""
    if sys.platform == "win32":
        from aiserver_tray.system.windows_stdio import pipes  # noqa: PLC0415 - on Windows only

        ends, stdin, stdout = pipes()
        return cast("Duplex", ends), stdin, stdout
    # One pair is both: no thread has to copy, and the system's own socket can do it all.
    ours, theirs = socket.socketpair()
    end = theirs.detach()
    return Duplex(fileno=ours.detach()), end, end
