"""Servers on the engine's machine that note who has reached them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread

from tests.support.ports import free_port

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 10
_ANSWERS = {
    "web": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nwell\n",
    "mail": b"220 hello\r\n",
    "any": b"hello\r\n",
}
_NO_SUCH_NAME = b"\x81\x83"
"""The flags of a name server's answer."""


@contextmanager
def listening(address: str) -> Iterator[tuple[set[str], int]]:
    """Servers for web pages, mail and names at *address*, and one at a port of all addresses of the
    machine. Yields the names of those that were reached, which may be emptied, and that port."""
    port, reached, is_over = free_port(), set[str](), Event()
    places = {"web": (address, 80), "mail": (address, 25), "any": ("", port)}
    with ExitStack() as stack, DefaultSelector() as selector:
        for name, place in places.items():
            server = stack.enter_context(socket.create_server(place))
            selector.register(server, EVENT_READ, name)
        names = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        names.bind((address, 53))
        selector.register(names, EVENT_READ, "names")

        def serve() -> None:
            while not is_over.is_set():
                for key, _ in selector.select(_POLL_SECONDS):
                    assert isinstance(key.fileobj, socket.socket)
                    _answer(key.fileobj, key.data, reached)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield reached, port
        finally:
            is_over.set()
            thread.join()


def _answer(server: socket.socket, name: str, reached: set[str]) -> None:
    if name == "names":
        question, sender = server.recvfrom(512)
        reached.add("resolver" if b"two" in question else name)
        answer = question[:2] + _NO_SUCH_NAME + question[4:6] + bytes(6) + question[12:]
        server.sendto(answer, sender)
        return
    connection, _ = server.accept()
    reached.add(name)
    connection.settimeout(_PATIENCE_SECONDS)
    with connection, suppress(OSError):  # it says nothing, or is gone
        if name == "web":
            connection.recv(4096)
        connection.sendall(_ANSWERS[name])
