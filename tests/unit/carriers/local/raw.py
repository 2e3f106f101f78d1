"""A client that may do wrong what it likes."""

import hmac
import json
import os
import secrets
import struct
from typing import Any, Self

from aiserver_tray.carriers.local.place import find_key, socket_address
from aiserver_tray.protocol.message import VERSION
from aiserver_tray.system.paths import Home
from aiserver_tray.system.pipes import connect, sever
from developer.machine import WINDOWS
from tests.support.limits import LIMIT


class Raw:
    """Frames and bytes as they are, on the socket of *home*'s host."""

    def __init__(self, home: Home) -> None:
        self._connection = connect(socket_address(home), LIMIT)

    def raw(self, content: bytes) -> None:
        """Bytes on a socket; a pipe of Windows has only whole frames."""
        os.write(self._connection.fileno(), content)

    def half_a_frame(self) -> None:
        """Begin a frame, and say no more. On Windows, say nothing."""
        if not WINDOWS:
            self.raw(struct.pack("!i", 1000) + b"{")

    def frame(self, content: bytes) -> None:
        self._connection.send_bytes(content)

    def send(self, value: object) -> None:
        self.frame(json.dumps(value).encode())

    def receive(self) -> Any:  # noqa: ANN401 - JSON
        """The next frame, of an event with its payload; None: it was disconnected."""
        try:
            if not self._connection.poll(LIMIT):
                raise TimeoutError
            head, _, payload = self._connection.recv_bytes().partition(b"\n")
            return json.loads(head) | ({"payload": json.loads(payload)} if payload else {})
        except TimeoutError:
            raise
        except (EOFError, OSError):  # OSError: closed by another thread, on Windows
            return None

    def all(self) -> list[Any]:
        """All frames until it is disconnected."""
        return list(iter(self.receive, None))

    def hello(self, key: bytes, **changes: object) -> Any:  # noqa: ANN401 - JSON
        """Answer the challenge; returns what comes then."""
        nonces = [self.receive()["nonce"], secrets.token_hex(16)]
        text = json.dumps(["client", *nonces]).encode()
        proof = hmac.digest(key, text, "sha256").hex()
        hello = {"type": "hello", "version": VERSION, "kind": "command", "language": "en"}
        self.send({**hello, "nonce": nonces[1], "proof": proof, **changes})
        return self.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def sever(self) -> None:
        """Close it also for threads that are blocked in it."""
        sever(self._connection)


def entered(home: Home) -> Raw:
    """One that has proved itself."""
    key = find_key(home)
    assert key
    raw = Raw(home)
    assert raw.hello(key)["type"] == "proof"
    assert raw.receive() == {"type": "welcome"}
    return raw
