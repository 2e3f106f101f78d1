"""A registry behind a slow line: what no registry on this machine is."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

_PIECE_BYTES = 32_768
_BEHIND_SECONDS = 2.0
"""It makes up for so many seconds in which a busy machine left it alone, as a real line does."""


class _Line:
    """Lets through *rate* bytes a second, of all connections together."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, count: int) -> None:
        """Until *count* more bytes may pass."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - _BEHIND_SECONDS) + count / self._rate
            until = self._free_at
        time.sleep(max(0.0, until - time.monotonic()))


@contextmanager
def throttled(registry: str, rate: float) -> Iterator[str]:
    """The address (``host:port``) of a port that leads to *registry*, with *rate* bytes a second
    from there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        line = _Line(rate)
        threading.Thread(target=_serve, args=(server, registry, line), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)  # ends accept


def _serve(server: socket.socket, registry: str, line: _Line) -> None:
    host, _, port = registry.partition(":")
    with suppress(OSError):
        while True:
            near = server.accept()[0]
            far = socket.create_connection((host, int(port)))
            for call in ((near, far, None), (far, near, line)):
                threading.Thread(target=_pass_on, args=call, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, line: _Line | None) -> None:
    with suppress(OSError):  # closed by its other end
        while data := source.recv(_PIECE_BYTES):
            if line:
                line.wait(len(data))
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
