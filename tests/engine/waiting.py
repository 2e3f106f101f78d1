"""Waiting for what the engine or a container does in its own time."""

from collections.abc import Callable
from typing import TypeVar

import pytest
import requests
from docker.models.containers import Container

from tests.support.limits import SECONDS
from tests.support.waiting import eventually

T = TypeVar("T")


def until(probe: Callable[[], T | None], container: Container, limit: float = SECONDS) -> T:
    """The probe's first result that is true.

    Raises:
        AssertionError: There was none within the limit (seconds), with the end of the log.
        pytest.fail.Exception: The container ended before; likewise.
    """

    def look() -> T | None:
        if found := probe():
            return found
        container.reload()
        if container.status not in ("created", "running"):
            pytest.fail(_last_words(container))
        return None

    try:
        return eventually(look, container.name, limit)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{_last_words(container)}") from None


def _last_words(container: Container) -> str:
    tail = container.logs(tail=30).decode(errors="replace")
    return f"{container.image.tags}: {container.status}\n{tail}"


def logged(container: Container, text: str, limit: float = SECONDS) -> None:
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
