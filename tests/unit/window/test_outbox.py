"""What a page is told."""

import pytest
from aiserver_tray.contract.local.changes import OutOfStepError, applied, change
from aiserver_tray.window.outbox import LINES_KEPT, LOST_EVENT, Message, Outbox

from aiserver_tray.contract.contract import LOG_EVENT, PROGRESS_EVENT, SNAPSHOT_EVENT, Json
from tests.support import states


def numbered(seq: int, state: str = "running", **more: object) -> Json:
    snapshot = states.snapshot("running", states.module("n8n", state, **more))
    return {**snapshot, "seq": seq}


def heard(outbox: Outbox, old: Json | None, new: Json) -> None:
    payload = change(old, new)
    assert payload
    outbox.put(SNAPSHOT_EVENT, payload)


def following(page: Json | None, messages: list[Message]) -> Json | None:
    """What a page knows that knew *page* and was told *messages*."""
    for event, payload in messages:
        if event == SNAPSHOT_EVENT:
            page = applied(page, payload)
    return page


def test_of_many_snapshots_the_page_is_told_the_last_as_one_change() -> None:
    outbox, page = Outbox(), numbered(1)
    outbox.renew(page)
    outbox.page_knows(page)
    heard(outbox, numbered(1), numbered(2, "error"))
    heard(outbox, numbered(2, "error"), numbered(3, "stopping"))
    messages = outbox.take()
    assert [payload["base"] for _, payload in messages] == [1]
    assert following(page, messages) == numbered(3, "stopping")
    assert outbox.take() == []


def test_a_state_that_is_as_before_is_not_told_and_the_next_still_fits() -> None:
    outbox, page = Outbox(), numbered(1)
    outbox.renew(page)
    outbox.page_knows(page)
    heard(outbox, numbered(1), numbered(2, "error"))
    heard(outbox, numbered(2, "error"), numbered(3))
    assert outbox.take() == []
    heard(outbox, numbered(3), numbered(4, "error"))
    assert following(page, outbox.take()) == numbered(4, "error")


def test_a_page_that_knows_nothing_is_told_everything() -> None:
    outbox = Outbox()
    outbox.renew(numbered(5))
    outbox.page_knows(None)
    assert following(None, outbox.take()) == numbered(5)


def test_a_change_that_a_whole_state_overtook_is_left_out() -> None:
    outbox = Outbox()
    outbox.renew(numbered(3, "error"))
    heard(outbox, numbered(1), numbered(2, "stopping"))
    assert following(None, outbox.take()) == numbered(3, "error")


def test_a_page_that_knows_more_than_we_heard_is_told_nothing_old() -> None:
    outbox = Outbox()
    outbox.renew(numbered(1))
    outbox.page_knows(numbered(2, "error"))
    assert outbox.take() == []
    heard(outbox, numbered(1), numbered(2, "error"))
    assert outbox.take() == []
    heard(outbox, numbered(2, "error"), numbered(3))
    assert following(numbered(2, "error"), outbox.take()) == numbered(3)


def test_a_missed_change_is_noticed() -> None:
    outbox = Outbox()
    outbox.renew(numbered(1))
    with pytest.raises(OutOfStepError):
        heard(outbox, numbered(2), numbered(3, "error"))


def test_a_host_that_is_back_is_no_longer_said_to_be_lost() -> None:
    outbox = Outbox()
    outbox.renew(numbered(7))
    outbox.page_knows(numbered(7))
    outbox.renew(None)
    outbox.put(LOST_EVENT, {})
    outbox.renew(numbered(1))
    messages = outbox.take()
    assert [event for event, _ in messages] == [SNAPSHOT_EVENT]
    assert following(None, messages) == numbered(1)


def test_a_page_that_was_given_the_state_of_a_host_that_is_lost_hears_all_of_the_next() -> None:
    outbox = Outbox()
    outbox.renew(numbered(7))
    outbox.renew(None)
    outbox.put(LOST_EVENT, {})
    for _ in range(2):
        outbox.page_knows(numbered(7))  # it asked before the host was lost
        assert [event for event, _ in outbox.take()] == [LOST_EVENT]
    outbox.renew(numbered(3))
    assert [payload["base"] for _, payload in outbox.take()] == [None]


def test_of_each_operation_the_newest_progress_counts_and_of_logs_every_line() -> None:
    outbox = Outbox()
    for done in (1, 2):
        for name in ("a", "b"):
            outbox.put(PROGRESS_EVENT, {"operation": {"id": name, "done": done}})
            outbox.put(LOG_EVENT, {"chunk": f"{name}{done}"})
    told = outbox.take()
    assert [it["operation"]["done"] for event, it in told if event == PROGRESS_EVENT] == [2, 2]
    chunks = [it["chunk"] for event, it in told if event == LOG_EVENT]
    assert chunks == ["a1", "b1", "a2", "b2"]


def test_lines_that_nobody_takes_are_bounded() -> None:
    outbox = Outbox()
    for number in range(LINES_KEPT + 10):
        outbox.put(LOG_EVENT, {"chunk": number})
    told = outbox.take()
    assert (len(told), told[0][1]["chunk"]) == (LINES_KEPT, 10)
