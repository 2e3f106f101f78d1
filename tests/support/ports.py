"""Ports of this machine."""

import os
import random
import socket

_NEVER_GIVEN_AWAY = range(20000, 32768)
"""Ports that no system gives a program that asks for any port, or for none, as a client does."""
_WORKERS = 8
"""Processes that run tests side by side, at most: each has ports of its own."""

_choice = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now, and which a test can have later."""
    while True:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
        port = _choice.choice(_NEVER_GIVEN_AWAY[worker::_WORKERS])
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:  # in use
                continue
            _given.add(port)
            return port
