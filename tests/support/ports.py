"""Ports of this machine."""

import os
import random
import socket

_NEVER_GIVEN_AWAY = range(20000, 32768)
"""Ports that no system gives a program that asks for any port, or for none, as a client does."""
_WORKERS = 8
"""Processes that run tests side by side, at most: each has ports of its own."""

_SHARE = len(_NEVER_GIVEN_AWAY) // _WORKERS

_choice = random.SystemRandom()
_given: set[int] = set()


def free_port(count: int = 1) -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now, and which a test can have later: the
    first one of *count* such ports in a row."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    own = _NEVER_GIVEN_AWAY[worker * _SHARE : (worker + 1) * _SHARE]
    while True:
        first = _choice.choice(own[: 1 - count or None])
        ports = {*range(first, first + count)}
        if ports.isdisjoint(_given) and all(map(_is_free, ports)):
            _given.update(ports)
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:  # in use
            return False
    return True
