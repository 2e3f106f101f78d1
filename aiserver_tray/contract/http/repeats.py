"""Requests that a page sends again, because it got no answer."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Final

from aiserver_tray.contract.contract import Envelope

MOST_ANSWERS: Final = 256
"""Answers that are kept. A page repeats a request within seconds."""


class Repeats:
    """Does each request once. A browser gives up its requests when the machine's network changes,
    as it does whenever a container starts, and the page can't know whether they were done."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Future[Envelope]] = {}
        self._lock = Lock()

    def answer(self, client: str, id: str, act: Callable[[], Envelope]) -> Envelope:
        """What *act* answers to the request *id* of *client*: from the first time on."""
        with self._lock:
            known = self._answers.get((client, id))
            answer = known or self._answers.setdefault((client, id), Future())
            if len(self._answers) > MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]
        if known is None:
            try:
                answer.set_result(act())
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()
