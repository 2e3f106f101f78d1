"""A client that may do wrong what it likes."""

import hmac
import json
import secrets
import socket
import struct
from typing import Any, Self

from aiserver_tray.contract.contract import VERSION
from aiserver_tray.contract.local.instance import socket_address
from aiserver_tray.contract.local.key import find_key
from aiserver_tray.system.paths import Home


class Raw:
    """Frames and bytes as they are, on the socket of *home*'s host."""

    def __init__(self, home: Home) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(socket_address(home))

    def raw(self, content: bytes) -> None:
        self.socket.sendall(content)

    def frame(self, content: bytes) -> None:
        self.raw(struct.pack("!i", len(content)) + content)

    def send(self, value: object) -> None:
        self.frame(json.dumps(value).encode())

    def receive(self) -> Any:  # noqa: ANN401 - JSON
        """The next frame, of an event with its payload; None: it was disconnected."""
        try:
            (size,) = struct.unpack("!i", self._exactly(4))
            head, _, payload = self._exactly(size).partition(b"\n")
            return json.loads(head) | ({"payload": json.loads(payload)} if payload else {})
        except (EOFError, ConnectionError):
            return None

    def all(self) -> list[Any]:
        """All frames until it is disconnected."""
        return list(iter(self.receive, None))

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.socket.recv(size - len(found))
            if not more:
                raise EOFError
            found += more
        return found

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
        self.socket.close()


def entered(home: Home) -> Raw:
    """One that has proved itself."""
    key = find_key(home)
    assert key
    raw = Raw(home)
    assert raw.hello(key)["type"] == "proof"
    assert raw.receive() == {"type": "welcome"}
    return raw
