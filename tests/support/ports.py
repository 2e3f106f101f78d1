"""Ports of this machine."""

import random
import socket

_NEVER_GIVEN_AWAY = range(20000, 32768)
"""Ports that no system gives a program that asks for any port, or for none, as a client does."""

_choice = random.SystemRandom()


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now, and which a test can have later."""
    while True:
        port = _choice.choice(_NEVER_GIVEN_AWAY)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:  # in use
                continue
            return port
