"""A line to the engine that can go dead: what a sleep does to one over a network, which no test can
make happen otherwise."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self


class Relay:
    """Listens at the Unix socket *path*, and connects who comes to the one at *engine*."""

    def __init__(self, path: Path, engine: Path) -> None:
        self._engine = engine
        self._ends: list[socket.socket] = []
        self._dead: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # it may just have accepted one, which has to be closed, too
        for end in (self._listener, *self._ends):
            with suppress(OSError):  # its other side ended it already
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def fall_silent(self) -> None:
        """Nothing comes through any more on what is connected now, and no end of it either."""
        self._dead.update(self._ends)

    def _accept(self) -> None:
        with suppress(OSError):  # the end
            while True:
                near, far = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                self._ends += [near, far]
                try:
                    far.connect(str(self._engine))
                except OSError:  # the engine is down
                    near.close()
                    continue
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _see(self, data: bytes) -> None:
        """Called with all that one of them sends."""

    def _pass(self, source: socket.socket, drain: socket.socket) -> None:
        with suppress(OSError):  # one of them was closed
            while data := source.recv(65536):
                self._see(data)
                if drain not in self._dead:
                    drain.sendall(data)
            if drain not in self._dead:
                drain.shutdown(socket.SHUT_WR)
