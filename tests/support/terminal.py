"""The command line on a terminal, as a person has it."""

import os
import re
import struct
import subprocess
import sys
import time
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from select import select

from tests.support.limits import LIMIT

_Decoder = getincrementaldecoder("utf-8")
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    """A process with a terminal of its own, of 80 columns. ``seen`` is all that it wrote."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = field(default="")
    _decoder: IncrementalDecoder = field(default_factory=lambda: _Decoder("replace"))
    """A piece may end within a character."""

    @property
    def text(self) -> str:
        """What it wrote, without colours and moves of the cursor."""
        return _SEQUENCE.sub("", self.seen).replace("\r", "")

    def wait_for(self, words: str) -> None:
        """Until it has written *words*. Raises ``AssertionError`` where it does not."""
        deadline = time.monotonic() + LIMIT
        while words not in self.text:
            assert self._read(deadline - time.monotonic()), self.text

    def type(self, keys: str) -> None:
        """Press *keys*; ``\\x03`` is Ctrl-C."""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Its exit status, when it has ended."""
        deadline = time.monotonic() + LIMIT
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(LIMIT)

    def _read(self, seconds: float) -> bool:
        """Whether there was something, which is taken."""
        if not select([self.master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            piece = os.read(self.master, 1 << 16)
        except OSError:  # Linux's way to say that nobody has the other end any more
            return False
        self.seen += self._decoder.decode(piece)
        return bool(piece)


def terminal(*words: str, **environment: str) -> AbstractContextManager[Terminal]:
    """``aiserver-tray`` with *words* on a new terminal; killed with the block if it still runs."""
    return on_terminal(sys.executable, "-m", "aiserver_tray", *words, **environment)


@contextmanager
def on_terminal(*command: str, **environment: str) -> Iterator[Terminal]:
    """The *command* on a new terminal; killed with the block if it still runs."""
    import fcntl  # noqa: PLC0415 - on Unix only, like the next two
    import pty  # noqa: PLC0415
    import termios  # noqa: PLC0415

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        command,
        env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        # By which Ctrl-C reaches it.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
