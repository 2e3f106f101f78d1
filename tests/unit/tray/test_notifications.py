"""What the user is told, and what not: sequences of snapshots with their times."""

from dataclasses import replace

import pytest

from aiserver_tray.base.errors import EngineDownError, JointError, NameConflictError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import News, NewsKind
from aiserver_tray.features.alerts.rules import KINDS
from aiserver_tray.state.views import EngineView, ModuleView, OperationView
from aiserver_tray.tray.actions import MuteAlert, OpenDashboard, Operate
from aiserver_tray.tray.notifications import QUIET_SECONDS, Notification, Notifier
from tests.support.made import operation
from tests.unit.tray.shown import alert, module, snapshot

N8N = module("n8n")
DIFY = module("dify")
DOWN = EngineView(running=False, error=EngineDownError("unix:///run/docker.sock", "refused"))
GONE = snapshot(module("n8n", "engine_down"), engine=DOWN, state="engine_down")
LATER = QUIET_SECONDS + 1


def settled(*modules: ModuleView) -> Notifier:
    """A notifier that has seen *modules* until the quiet time was over."""
    notifier = Notifier(0.0, {"n8n": "n8n", "dify": "Dify"})
    assert not notifier.take(snapshot(*modules), 0.0)
    assert not notifier.take(snapshot(*modules), QUIET_SECONDS)
    return notifier


def told(found: tuple[Notification, ...]) -> list[str]:
    return [f"{n.title} | {n.body}" for n in found]


def test_each_operation_that_ends_is_reported_once_though_the_state_shows_the_last_only() -> None:
    notifier = settled(N8N, DIFY)
    begun = operation("up", id="1", modules=("n8n", "dify"))
    other = operation("up", id="2", status="succeeded", modules=("n8n",))
    assert not notifier.take(snapshot(N8N, operations=(begun, other)), LATER)
    both = [operation("up", id=id, status="failed", modules=(id,)) for id in ("n8n", "dify")]
    for one in (replace(begun, status="succeeded"), *both):
        notifier.ended(one)
    seen = snapshot(N8N, DIFY, operations=(both[1],))
    assert told(notifier.take(seen, LATER)) == [
        "Started | n8n and Dify", "Couldn't start | n8n", "Couldn't start | Dify",
    ]  # fmt: skip
    assert not notifier.take(seen, LATER)


def test_a_failed_operation_says_why_and_where_and_a_cancelled_one_nothing() -> None:
    notifier = settled(N8N)
    notifier.ended(OperationView("1a", "up", ("n8n",), "failed", error=DOWN.error))
    notifier.ended(OperationView("2", "up", ("n8n",), "cancelled"))
    (news,) = found = notifier.take(snapshot(N8N), LATER)
    assert told(found) == [f"Couldn't start | {DOWN.error}"]
    assert news.page == "activity/1a"


def test_notices_of_an_operation_are_reported_with_its_end() -> None:
    notifier = settled(N8N)
    notices = (Text("It may get slow."), Text("The network ai-n8n stays."))
    notifier.ended(OperationView("1", "up", ("n8n",), "succeeded", notices=notices))
    assert told(notifier.take(snapshot(N8N), LATER)) == [
        "Started | n8n; It may get slow.; The network ai-n8n stays."
    ]
    notifier.ended(OperationView("2", "down", (), "succeeded", notices=notices[1:]))
    assert told(notifier.take(snapshot(N8N), LATER)) == ["Removed | The network ai-n8n stays."]


def test_a_failed_revival_is_reported_with_all_its_reasons_also_in_the_quiet_time() -> None:
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


def test_the_engine_s_going_and_return_are_reported_after_the_quiet_time() -> None:
    notifier = settled(N8N)
    is_off = [f"Docker is off | {DOWN.error}"]
    assert told(notifier.take(GONE, LATER)) == is_off
    assert not notifier.take(GONE, LATER + 5)
    assert told(notifier.take(snapshot(N8N), LATER + 10)) == [
        "Docker runs again | Your modules restart automatically."
    ]
    assert not notifier.take(snapshot(N8N), LATER + 60)
    notifier.resume(1000)
    assert not notifier.take(GONE, 1001)
    assert notifier.due == 1000 + QUIET_SECONDS
    assert told(notifier.take(GONE, notifier.due)) == is_off


def alerted(*news: News) -> tuple[Notification, ...]:
    """What is shown of *news* that come together."""
    notifier = settled(N8N)
    notifier.alerted(news)
    found = notifier.take(snapshot(N8N), LATER)
    assert not notifier.take(snapshot(N8N), LATER)
    return found


def test_alerts_that_come_together_are_one_notification() -> None:
    ended, dify = alert("ended", "n8n: exited with code 1"), alert("unhealthy", "api: sick", "dify")
    assert told(alerted(News("raised", ended), News("raised", dify))) == [
        "2 alerts | n8n stopped unexpectedly: n8n: exited with code 1; dify is unhealthy: api: sick"
    ]
    assert told(alerted(News("recovered", ended), News("recovered", dify))) == [
        "2 alerts are over | n8n runs again; dify runs again"
    ]


def test_services_of_a_module_that_fail_at_once_are_one_notification_and_one_message() -> None:
    dify = module("dify", "degraded")
    dify = replace(dify, services=dify.services * 9)
    api, worker = (
        alert("ended", "exited with code 1", "dify", service=name, group="both")
        for name in ("api", "worker")
    )
    news = News("raised", api, (worker,), dify)
    (shown,) = alerted(news)
    assert told((shown,)) == [
        f"2 of 9 services of {dify.title_in('en')} stopped unexpectedly | "
        "api: exited with code 1; worker: exited with code 1"
    ]
    assert (shown.page, shown.key) == ("modules/dify/services", "both")
    sent = webhook.message(news, "en")
    assert (sent["id"], sent["service"], sent["title"]) == ("both", None, str(shown.title))


WORDS = {
    "line": ("Log match in n8n", None),
    "ended": ("n8n stopped unexpectedly", "n8n runs again"),
    "memory_out": ("n8n ran out of memory", "n8n runs again"),
    "restarts": ("n8n keeps crashing", "n8n runs again"),
    "unhealthy": ("n8n is unhealthy", "n8n runs again"),
    "memory": ("n8n is almost out of memory", "n8n is back to normal"),
    "cpu": ("n8n keeps the CPU busy", "n8n is back to normal"),
    "disk": ("Docker's disk is almost full", "Docker has enough disk space again"),
    "home": (
        "The disk of AI-Server Tray's data is full",
        "AI-Server Tray's data has enough disk space again",
    ),
    "models": ("Models don't answer as they should", "Models answer again"),
    "address": ("The address of n8n has a problem", None),
    "backup": ("The last backup failed or is overdue", "There is a recent backup again"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_alert_has_its_words(kind: str) -> None:
    notifier, (begin, end) = settled(N8N), WORDS[kind]
    events: dict[NewsKind, str | None] = {"raised": begin, "changed": begin, "recovered": end}
    for event, title in events.items():
        if title is None:
            continue
        notifier.alerted([News(event, alert(kind, "why"))])
        (shown,) = notifier.take(snapshot(N8N), LATER)
        why = "No action is needed." if event == "recovered" else "why"
        assert (str(shown.title), str(shown.body)) == (title, why)
        assert shown.title.render("zh") != title


def test_an_alert_can_be_muted_and_a_crash_loop_which_takes_the_place_of_a_crash_stopped() -> None:
    (shown,) = alerted(News("raised", alert("ended", "n8n: exited with code 1")))
    message = shown.message("zh")
    assert (message.title, message.click) == ("n8n 意外停止", OpenDashboard("modules/n8n"))
    assert message.buttons == {"暂停通知 1 小时": MuteAlert("ended n8n")}
    assert not message.is_update
    (shown,) = alerted(News("changed", alert("restarts", "n8n: restarted 3 times")))
    buttons = [Operate("stop", ("n8n",)), MuteAlert("restarts n8n")]
    assert [action for _, action in shown.buttons] == buttons
    assert shown.is_update
    (over,) = alerted(News("recovered", alert("restarts", "n8n: restarted 3 times")))
    assert (over.buttons, over.key) == ((), shown.key)
