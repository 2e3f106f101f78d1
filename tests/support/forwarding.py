"""The lab's engine at another address, as if it were on another machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from tests.lab.place import Place


@contextmanager
def forwarded(lab: Place, address: str) -> Iterator[str]:
    """The address (as in ``DOCKER_HOST``) of a port on *address* that leads to the engine."""
    with closing(socket.create_server((address, 0))) as server:
        thread = threading.Thread(target=_serve, args=(server, str(lab.socket)))
        thread.start()
        try:
            yield f"tcp://{address}:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)  # ends accept
            thread.join()


def _serve(server: socket.socket, path: str) -> None:
    pairs: list[tuple[socket.socket, socket.socket]] = []
    threads: list[threading.Thread] = []
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            pairs.append((near, far))
            for one, two in ((near, far), (far, near)):
                threads.append(threading.Thread(target=_pass_on, args=(one, two)))
                threads[-1].start()
    for pair in pairs:
        for one in pair:
            with suppress(OSError):  # closed by its other end
                one.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for pair in pairs:
        for one in pair:
            one.close()


def _pass_on(one: socket.socket, two: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            two.sendall(data)
        two.shutdown(socket.SHUT_WR)
