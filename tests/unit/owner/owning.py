"""Processes and threads that own the core of an installation."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.owner.claim import Claim
from aiserver_tray.owner.owner import Owner
from tests.support.limits import LIMIT
from tests.support.surroundings import Recorded

ROOT = Path(__file__).parents[3]


def no_thread_is_left(before: Set[Thread]) -> bool:
    """Whether all threads end but those that there were *before*."""
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT)
    return set(threading.enumerate()) <= before


@contextmanager
def owned(app: App, process: Recorded) -> Iterator[Owner]:
    """While it lasts, this process owns the core, as *process*."""
    with Claim(app) as claim:
        claim.take()
        with Owner(app, process) as owner:
            yield owner


@contextmanager
def owned_until_given_up(app: App) -> Iterator[tuple[Owner, Recorded]]:
    """In another thread, a ``serve`` owns the core until it is asked for it, or until the end."""
    process, owners, is_owned = Recorded(kind="serve"), list[Owner](), Event()

    def serve() -> None:
        with owned(app, process) as owner:
            owners.append(owner)
            is_owned.set()
            assert process.given_up.wait(LIMIT)

    thread = Thread(target=serve)
    thread.start()
    try:
        assert is_owned.wait(LIMIT)
        yield owners[0], process
    finally:
        process.given_up.set()
        thread.join()


@contextmanager
def owning_process(app: App) -> Iterator["subprocess.Popen[str]"]:
    """Another process owns the core, and never gives it up."""
    place = app.identity_with(app.engine().host)
    words = ["-m", "tests.support.host_process", place["home"], *place["catalogs"], place["engine"]]
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hosting\n"
            yield process
        finally:
            process.kill()


def owner_of(app: App) -> int:
    """The process that owns the core."""
    with Client.connect(app.settings.home, "command") as client:
        return int(client.request("ai/app/about")["pid"])
