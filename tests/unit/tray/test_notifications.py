"""What the user is told, and what not: sequences of snapshots with their times."""

from dataclasses import replace

from aiserver_tray.base.errors import EngineDownError, JointError, NameConflictError
from aiserver_tray.base.i18n import Text
from aiserver_tray.model import EngineView, ModuleView, OperationView, Snapshot
from aiserver_tray.tray.notifications import (
    BATCH_SECONDS,
    QUIET_SECONDS,
    REPEAT_SECONDS,
    Notification,
    Notifier,
)
from tests.support.made import operation
from tests.unit.tray.shown import module, snapshot

N8N = module("n8n")
DIFY = module("dify")
DEAD = module("n8n", "error", "exited with code 137")
HURT = module("dify", "degraded", "unhealthy")
DOWN = EngineView(running=False, error=EngineDownError("unix:///run/docker.sock", "refused"))
LATER = QUIET_SECONDS + 1


def settled(*modules: ModuleView) -> Notifier:
    """A notifier that has seen *modules* until the quiet time was over."""
    notifier = Notifier(0.0, {"n8n": "n8n", "dify": "Dify"})
    assert not notifier.take(snapshot(*modules), 0.0)
    assert not notifier.take(snapshot(*modules), QUIET_SECONDS)
    return notifier


def told(found: tuple[Notification, ...]) -> list[str]:
    return [f"{n.title} | {n.body}" for n in found]


def after_gathering(notifier: Notifier, seen: Snapshot) -> list[str]:
    """What is told when the owner comes back at the time it was told to."""
    assert notifier.due is not None
    return told(notifier.take(seen, notifier.due))


def test_a_failure_and_a_recovery_are_reported_once_each() -> None:
    notifier = settled(N8N, DIFY)
    assert not notifier.take(snapshot(DEAD, DIFY), LATER)
    assert notifier.due == LATER + BATCH_SECONDS
    assert after_gathering(notifier, snapshot(DEAD, DIFY)) == ["n8n failed | exited with code 137"]
    assert not notifier.take(snapshot(DEAD, DIFY), LATER + 10)
    assert notifier.due is None
    assert not notifier.take(snapshot(N8N, DIFY), LATER + 20)
    assert after_gathering(notifier, snapshot(N8N, DIFY)) == [
        "n8n is running again | No action is needed."
    ]
    assert not notifier.take(snapshot(N8N, DIFY), LATER + 300)


def test_modules_that_fail_together_are_one_piece_of_news() -> None:
    notifier = settled(N8N, DIFY)
    notifier.take(snapshot(DEAD, DIFY), LATER)
    notifier.take(snapshot(DEAD, HURT), LATER + 1)
    assert after_gathering(notifier, snapshot(DEAD, HURT)) == [
        "2 modules failed | n8n: exited with code 137; Dify: unhealthy"
    ]
    notifier.take(snapshot(N8N, DIFY), LATER + 20)
    assert after_gathering(notifier, snapshot(N8N, DIFY)) == [
        "n8n, Dify are running again | No action is needed."
    ]


def test_who_heals_at_once_has_failed_all_the_same() -> None:
    notifier = settled(N8N)
    notifier.take(snapshot(DEAD), LATER)
    notifier.take(snapshot(N8N), LATER + 0.5)
    assert after_gathering(notifier, snapshot(N8N)) == ["n8n failed | exited with code 137"]
    assert after_gathering(notifier, snapshot(N8N)) == [
        "n8n is running again | No action is needed."
    ]


def test_who_fails_again_and_again_is_not_reported_each_time() -> None:
    notifier = settled(N8N)
    now, news = LATER, []
    for _ in range(20):
        for seen in (DEAD, DEAD, N8N, N8N):
            news += told(notifier.take(snapshot(seen), now))
            now += BATCH_SECONDS
    repeats = int((now - LATER) / REPEAT_SECONDS)
    assert len([line for line in news if "failed" in line]) == 1 + repeats


def test_a_repeated_failure_that_lasts_is_reported_in_the_end() -> None:
    notifier = settled(N8N)
    notifier.take(snapshot(DEAD), LATER)
    assert after_gathering(notifier, snapshot(DEAD))
    notifier.take(snapshot(N8N), LATER + 5)
    assert after_gathering(notifier, snapshot(N8N))
    notifier.take(snapshot(DEAD), LATER + 10)
    assert notifier.due == LATER + BATCH_SECONDS + REPEAT_SECONDS
    assert not after_gathering(notifier, snapshot(DEAD))
    assert after_gathering(notifier, snapshot(DEAD)) == ["n8n failed | exited with code 137"]


def test_the_first_seconds_are_quiet_and_what_they_end_with_is_no_news() -> None:
    notifier = Notifier(0.0, {})
    notifier.take(snapshot(N8N), 1)
    assert not notifier.take(snapshot(DEAD), 2)
    assert not notifier.take(snapshot(DEAD), QUIET_SECONDS)
    assert not notifier.take(snapshot(DEAD), QUIET_SECONDS + 60)


def test_sleep_is_followed_by_quiet_and_what_stayed_broken_is_reported() -> None:
    notifier = settled(N8N, DIFY)
    notifier.resume(1000)
    assert not notifier.take(snapshot(DEAD, HURT), 1001)
    assert not notifier.take(snapshot(N8N, HURT), 1005)
    assert notifier.due == 1000 + QUIET_SECONDS
    assert not after_gathering(notifier, snapshot(N8N, HURT))
    assert after_gathering(notifier, snapshot(N8N, HURT)) == ["Dify failed | unhealthy"]


def test_what_an_operation_does_is_not_reported_as_a_failure() -> None:
    notifier = settled(N8N)
    restart = operation("restart", ("stop", "n8n/n8n", "running"), modules=("n8n",))
    stopping = snapshot(DEAD, operations=(restart,))
    assert not notifier.take(stopping, LATER)
    over = replace(restart, status="failed")
    assert not notifier.take(snapshot(DEAD, operations=(over,)), LATER + 1)
    assert not notifier.take(snapshot(DEAD, operations=(over,)), LATER + 60)
    # Nor is its recovery by another one told as a recovery.
    again = replace(restart, id="2")
    assert not notifier.take(snapshot(N8N, operations=(over, again)), LATER + 70)
    assert not notifier.take(snapshot(N8N, operations=(over,)), LATER + 80)


def test_a_failure_while_images_are_got_is_none_of_the_operation_s() -> None:
    for kind in ("pull", "build"):
        notifier = settled(N8N)
        getting = operation(kind, modules=("n8n",))
        assert not notifier.take(snapshot(DEAD, operations=(getting,)), LATER)
        assert after_gathering(notifier, snapshot(DEAD, operations=(getting,))) == [
            "n8n failed | exited with code 137"
        ]


def test_what_fails_just_after_a_start_that_succeeded_is_reported() -> None:
    notifier = settled(module("n8n", "stopped"))
    start = operation("up", modules=("n8n",))
    notifier.take(snapshot(module("n8n", "starting"), operations=(start,)), LATER)
    done = replace(start, status="succeeded")
    assert not notifier.take(snapshot(N8N, operations=(done,)), LATER + 0.1)
    failed = snapshot(DEAD, operations=(done,))
    assert not notifier.take(failed, LATER + 0.2)
    assert not after_gathering(notifier, failed)
    assert after_gathering(notifier, failed) == ["n8n failed | exited with code 137"]


def test_what_only_looks_failed_while_a_restart_ends_is_not() -> None:
    notifier = settled(N8N)
    restart = operation("restart", modules=("n8n",))
    notifier.take(snapshot(DEAD, operations=(restart,)), LATER)
    done = replace(restart, status="succeeded")
    assert not notifier.take(snapshot(DEAD, operations=(done,)), LATER + 0.1)
    assert not after_gathering(notifier, snapshot(N8N, operations=(done,)))
    assert notifier.due is None


def test_a_failed_module_that_is_stopped_is_forgotten() -> None:
    notifier = settled(N8N)
    notifier.take(snapshot(DEAD), LATER)
    assert after_gathering(notifier, snapshot(DEAD))
    notifier.take(snapshot(module("n8n", "stopped")), LATER + 10)
    assert not notifier.take(snapshot(N8N), LATER + 20)
    assert notifier.due is None


def test_an_operation_begun_from_the_tray_is_reported_when_it_ends() -> None:
    notifier = settled(N8N)
    begun = operation("up", id="1", modules=("n8n", "dify"))
    other = operation("up", id="2", status="succeeded", modules=("n8n",))
    assert not notifier.take(snapshot(N8N, operations=(begun, other)), LATER)
    over = replace(begun, status="succeeded")
    notifier.ended(over)
    assert told(notifier.take(snapshot(N8N, operations=(over,)), LATER)) == ["Started | n8n, Dify"]
    assert not notifier.take(snapshot(N8N, operations=(over,)), LATER)


def test_of_two_operations_that_end_together_both_are_reported() -> None:
    notifier = settled(N8N, DIFY)
    both = [operation("up", id=id, status="failed", modules=(id,)) for id in ("n8n", "dify")]
    for one in both:
        notifier.ended(one)
    seen = snapshot(N8N, DIFY, operations=(both[1],))  # the state shows one that is over
    assert told(notifier.take(seen, LATER)) == ["Couldn't start | n8n", "Couldn't start | Dify"]
    assert not notifier.take(seen, LATER)


def test_a_failed_operation_says_why_and_a_cancelled_one_nothing() -> None:
    notifier = settled(N8N)
    notifier.ended(OperationView("1", "up", ("n8n",), "failed", error=DOWN.error))
    notifier.ended(OperationView("2", "up", ("n8n",), "cancelled"))
    (news,) = notifier.take(snapshot(N8N), LATER)
    assert str(news.title) == "Couldn't start"
    assert str(news.body) == str(DOWN.error)


def test_what_is_to_be_known_of_an_operation_is_reported_with_its_end() -> None:
    notifier = settled(N8N)
    notices = (Text("It may get slow."), Text("The network ai-n8n stays."))
    notifier.ended(OperationView("1", "up", ("n8n",), "succeeded", notices=notices))
    assert told(notifier.take(snapshot(N8N), LATER)) == [
        "Started | n8n; It may get slow.; The network ai-n8n stays."
    ]
    notifier.ended(OperationView("2", "down", (), "succeeded", notices=notices[1:]))
    assert told(notifier.take(snapshot(N8N), LATER)) == ["Removed | The network ai-n8n stays."]


def test_a_revival_that_fails_is_reported_with_all_that_hindered_it_also_in_the_quiet_time() -> (
    None
):
    notifier = Notifier(0.0, {})
    why = JointError([NameConflictError("volume", name, None) for name in ("data", "more")])
    ends = OperationView("1", "up", ("n8n",), "failed", error=why, is_revival=True)
    seen = snapshot(N8N, operations=(ends,))
    assert not notifier.take(snapshot(N8N, operations=(replace(ends, status="running"),)), 0.0)
    assert told(notifier.take(seen, 1.0)) == [
        f"Some modules couldn't start | {why.errors[0]}; {why.errors[1]}"
    ]
    assert not notifier.take(seen, 2.0)
    over = replace(ends, id="2", status="succeeded")
    assert not notifier.take(snapshot(N8N, operations=(over,)), 3.0)
    assert notifier.take(snapshot(N8N, operations=(replace(ends, id="3"),)), 4.0)
    gone = replace(ends, id="5", error=DOWN.error)
    assert not notifier.take(snapshot(N8N, operations=(gone,)), 4.5), "which is news of its own"
    by_hand = replace(ends, id="4", is_revival=False)
    assert not notifier.take(snapshot(N8N, operations=(by_hand,)), 5.0)


def test_the_engine_s_going_and_return_are_reported_and_not_what_comes_back_with_it() -> None:
    notifier = settled(N8N)
    down = snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down")
    assert told(notifier.take(down, LATER)) == [f"Docker is off | {DOWN.error}"]
    assert not notifier.take(down, LATER + 5)
    assert told(notifier.take(snapshot(DEAD), LATER + 10)) == [
        "Docker is running again | Your modules restart automatically."
    ]
    notifier.take(snapshot(N8N), LATER + 12)
    assert not notifier.take(snapshot(N8N), LATER + 60)
