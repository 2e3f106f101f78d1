"""The time left that is shown: it never goes up by more than a quarter without a reason."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.run.progress import Estimate, Shown, TimeLeft
from aiserver_tray.state.views import StepView

N8N = StepView("wait", "ai-n8n", "n8n", "n8n")


def shown(estimates: Iterable[Estimate | None]) -> list[Shown]:
    """What is shown of *estimates*, one a second."""
    left = TimeLeft()
    return [left.show(one, float(second)) for second, one in enumerate(estimates)]


def rises(found: list[Shown]) -> list[tuple[int, str]]:
    """The seconds in which the time left rose by more than a quarter, with the reason."""
    lowest, risen = float("inf"), []
    for second, one in enumerate(found):
        if one.seconds is None:
            continue
        end = second + one.seconds
        if one.seconds > 1.251 * max(0.8, lowest - second):
            risen.append((second, str(one.reason or "")))
            lowest = end
        lowest = min(lowest, end)
    return risen


def test_it_counts_down_once_there_is_an_estimate_and_until_all_is_over() -> None:
    assert shown([None, None, Estimate(60.0)]) == [Shown(), Shown(), Shown(60.0)]
    found = shown(Estimate(60.0 - second) for second in range(50))
    assert [one.seconds for one in found] == pytest.approx([60.0 - n for n in range(50)])
    assert shown([Estimate(0.0)]) == [Shown(1.0)]
    # A short rise is kept below a quarter.
    found = shown(Estimate(300.0 if 20 <= second < 23 else 100.0 - second) for second in range(60))
    assert rises(found) == []
    assert not any(one.reason for one in found)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (Estimate(100.0, 4e6), Estimate(200.0, 2e6), "the download became slower"),
        (Estimate(100.0, 4e6, 10, 1), Estimate(200.0, 4e6, 20, 2), "a new image was found"),
        (
            Estimate(9.0, 4e6, 10),
            Estimate(99.0, 4e6, 20),
            "there is more to download than expected",
        ),
        (Estimate(5.0), Estimate(60.0, late=N8N), "n8n takes longer than expected"),
        (Estimate(5.0), Estimate(60.0), "it takes longer than expected"),
    ],
)
def test_a_lasting_rise_comes_with_its_reason_for_a_while(
    before: Estimate, after: Estimate, why: str
) -> None:
    first = (replace(before, seconds=before.seconds - second) for second in range(3))
    later = (replace(after, seconds=after.seconds - second * 0.9) for second in range(40))
    found = shown([*first, *later])
    ((second, reason),) = rises(found)
    assert (reason, second <= 8) == (why, True)
    assert not found[-1].reason


def test_without_an_estimate_the_reason_for_that_is_shown() -> None:
    left = TimeLeft()
    assert left.show(Estimate(60.0), 0.0).seconds == 60.0
    stalled = Text("the download is stalled")
    assert left.show(None, 10.0, stalled) == Shown(None, stalled)
    assert left.show(Estimate(55.0), 12.0).reason is None
