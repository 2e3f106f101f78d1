"""A child whose stdio we use as a socket, with timeouts, half-close, and closing from another
thread."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from typing import IO, Any, Final, cast
from uuid import uuid4

from urllib3.util import wait_for_read

from aiserver_tray.base.i18n import Text

_START_SECONDS: Final = 60.0
"""Seconds until a new child must answer: a virtual machine may have to start first."""
_SOON_SECONDS: Final = 3.0
_WORDS_BYTES: Final = 4096
_LAST_WORDS_SECONDS: Final = 1.0
_WSL_SECONDS: Final = 2.0
"""Seconds in which ``wsl.exe`` ends by itself: processes inside may survive one that is killed
(https://github.com/microsoft/WSL/issues/12159)."""


class BridgeError(OSError):
    """A child can't connect; ``why``: in its own words, or ours."""

    def __init__(self, why: Text | str) -> None:
        super().__init__(str(why))
        self.why = why


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


class Child:
    """A running program: ``sock`` leads to its stdio."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads may fill
        self._may_survive = argv[0].endswith("wsl.exe")
        self.used_at = time.monotonic()
        self.series = 0
        """Of those that start it, in which it was started."""
        try:
            self._process, self.sock = start(argv, self._words)
        except OSError as error:
            self._words.close()
            why = Text(
                "can't run {program} ({reason})",
                program=argv[0],
                reason=error.strerror or error,
            )
            raise BridgeError(why) from None

    @property
    def is_usable(self) -> bool:
        """It runs, and sends nothing that nobody has asked for, such as its end."""
        return self._process.poll() is None and self.sock.is_quiet()

    def meet(self, other_side: Callable[[Duplex], object]) -> None:
        """Wait until the *other_side* answers, so that no slow request keeps other children from
        starting.

        Raises:
            BridgeError: it does not.
        """
        self.sock.settimeout(_START_SECONDS)
        try:
            other_side(self.sock)
        except (OSError, EOFError, HTTPException) as error:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LAST_WORDS_SECONDS)
            why = self._said() or str(error) or type(error).__name__
            self.end()
            raise BridgeError(why) from None  # not what it comes from, which says less

    @property
    def answers_soon(self) -> bool:
        """Whether the shell that it is answers within a few seconds."""
        self.sock.settimeout(_SOON_SECONDS)
        with suppress(OSError, EOFError):
            shell(self.sock)
            return True
        return False

    def _said(self) -> str:
        """The end of what it wrote to its stderr."""
        self._words.seek(0)
        text = self._words.read()[-_WORDS_BYTES:]
        return text.decode("utf-16-le" if b"\0" in text else "utf-8", "replace").strip()

    def kill(self) -> None:
        """End it without waiting: a thread that waits for it gets an error."""
        self._process.kill()

    def end(self) -> None:
        """End it at once, even if it hangs."""
        self.sock.close()
        if self._may_survive:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_WSL_SECONDS)
        self._process.kill()
        self._process.wait()
        self._words.close()


def shell(program: Duplex, script: str = ":") -> str:
    """The output of *script* in the shell that *program* is; of a login, also what it said first.

    Raises:
        OSError, EOFError: it does not answer.
    """
    token = str(uuid4())
    program.sendall(f"{script}\necho {token}\n".encode())
    said = bytearray()
    while not said.rstrip().endswith(token.encode()):
        piece = bytearray(_WORDS_BYTES)
        if not (size := program.recv_into(piece)):
            raise EOFError
        said += piece[:size]
    return said.decode(errors="replace").rpartition(token)[0]
