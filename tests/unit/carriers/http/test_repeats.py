"""Requests that a page sends again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from aiserver_tray.carriers.http.browser import MOST_ANSWERS, Repeats


def test_a_repeat_waits_for_the_answer_to_the_first() -> None:
    repeats, may_end = Repeats(), Event()
    done: list[int] = []

    def act() -> dict[str, int]:
        done.append(1)
        assert may_end.wait(30)
        return {"number": len(done)}

    with ThreadPoolExecutor() as pool:
        both = [pool.submit(repeats.answer, "page", "1", act) for _ in range(2)]
        may_end.set()
        assert [each.result(30) for each in both] == [{"number": 1}] * 2


def test_a_repeat_of_what_failed_fails_the_same_way() -> None:
    repeats = Repeats()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            repeats.answer("page", "1", lambda: {"number": 1 // 0})


def test_only_the_last_answers_are_kept() -> None:
    repeats, done = Repeats(), list[int]()

    def act() -> dict[str, int]:
        done.append(1)
        return {}

    for number in (*range(MOST_ANSWERS + 1), 0):
        repeats.answer("page", str(number), act)
    assert len(done) == MOST_ANSWERS + 2
