"""Waiting for what the engine or a container does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

import requests
from docker.models.containers import Container

from tests.support.waiting import pause

T = TypeVar("T")


def until(probe: Callable[[], T | None], container: Container, limit: float = 180.0) -> T:
    """The probe's first result that is true.

    Raises:
        AssertionError: There was none within the limit (seconds), or the container ended before;
            with the end of its log.
    """
    start = time.monotonic()
    while True:
        asked = time.monotonic()
        if found := probe():
            return found
        container.reload()
        running = container.status in ("created", "running")
        now = time.monotonic()
        if not running or now - start > limit:
            tail = container.logs(tail=30).decode(errors="replace")
            raise AssertionError(f"{container.image.tags}: {container.status}\n{tail}")
        time.sleep(pause(now - asked, now - start))


def logged(container: Container, text: str, limit: float = 180.0) -> None:
    """Waits until the container's log holds a text."""
    until(lambda: text.encode() in container.logs(), container, limit)


def address(container: Container, port: int) -> str:
    """Where a published port of the container is, as a URL."""
    container.reload()
    return f"http://127.0.0.1:{container.ports[f'{port}/tcp'][0]['HostPort']}"


def answer(url: str) -> requests.Response | None:
    """The response to a GET; None where nobody listens yet."""
    try:
        return requests.get(url, timeout=10, allow_redirects=False)
    except requests.RequestException:
        return None
