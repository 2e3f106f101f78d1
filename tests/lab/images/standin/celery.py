#!/usr/bin/python3
"""What of Celery shows from outside, for the stand-in of Dify's API and workers.

A worker that is ready listens at the broker under its node's name; run as ``celery … inspect
ping -d celery@HOST``, this asks there and fails, as Celery does, where nobody listens. A scheduler
writes its schedule into the working folder when it starts, and again from time to time.
"""

import argparse
import os
import socket
import sys
import threading
import time
from pathlib import Path

import redis

SCHEDULE = Path("celerybeat-schedule")
PERIOD = 60.0
"""Seconds between two writings of the schedule; Celery's are 180 to 480."""
UNAVAILABLE = 69
"""Exit status where no node replied."""


def channel(node: str) -> str:
    """Where a node listens."""
    return f"standin.{node}"


def broker() -> redis.Redis:
    """A client of the broker."""
    return redis.from_url(os.environ["CELERY_BROKER_URL"], socket_connect_timeout=5)


def take_part(mode: str) -> None:
    """Does in the background what a worker or a scheduler does; nothing in other modes."""
    work = {"worker": listen, "beat": write_schedule}.get(mode)
    if work:
        threading.Thread(target=work, daemon=True).start()


def listen() -> None:
    """Listens at the broker, again where the connection breaks."""
    while True:
        try:
            listener = broker().pubsub()
            listener.subscribe(channel(f"celery@{socket.gethostname()}"))
            for _ in listener.listen():
                pass
        except redis.ConnectionError:
            time.sleep(0.2)


def write_schedule() -> None:
    """Keeps the schedule fresh."""
    while True:
        SCHEDULE.touch()
        time.sleep(PERIOD)


def main() -> None:
    """Asks one node; ends with 69 where it does not listen."""
    parser = argparse.ArgumentParser(prog="celery")
    parser.add_argument("-A", "--app", choices=["celery_healthcheck.celery"], required=True)
    parser.add_argument("command", choices=["inspect"])
    parser.add_argument("method", choices=["ping"])
    parser.add_argument("-t", "--timeout", type=float, default=1.0)
    parser.add_argument("-d", "--destination", required=True)
    given = parser.parse_args()
    if not broker().publish(channel(given.destination), "ping"):
        sys.stderr.write("Error: No nodes replied within time constraint\n")
        sys.exit(UNAVAILABLE)
    sys.stdout.write(f"->  {given.destination}: OK\n        pong\n")


if __name__ == "__main__":
    main()
