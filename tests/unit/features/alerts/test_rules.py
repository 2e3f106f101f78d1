"""Alert rules are changed, muted and kept, and alerts are sent to a web address."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any, Literal

import pytest

from aiserver_tray.base.masking import MASK
from aiserver_tray.core.app import App
from aiserver_tray.features.alerts import alerts, post, webhook
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.files import Mute, RuleFiles, RulesData, take_over
from aiserver_tray.features.alerts.kinds import built_in
from aiserver_tray.features.alerts.watch import RuleWatch, Surroundings
from aiserver_tray.features.alerts.webhook import Sender, Target
from aiserver_tray.protocol.message import Json
from aiserver_tray.settings.app_declared import APP_SETTINGS, WEBHOOK
from aiserver_tray.state.facts import (
    ContainerSeen,
    ContainersListed,
    DesiredChanged,
    ModulesChanged,
)
from aiserver_tray.state.store import Store
from tests.support.limits import LIMIT
from tests.support.made import UP, container, ended, model
from tests.unit.features.alerts.home import Rules
from tests.unit.tray.shown import alert


@pytest.fixture
def rules(app: App) -> Iterator[Rules]:
    with closing(Rules(app)) as found:
        yield found


def test_a_rule_is_changed_also_by_another_computers_and_reset(rules: Rules, app: App) -> None:
    before = rules.rule("memory")
    rules.given("set", id="memory", on=False, percent=75)
    text = "Memory over 75 % for 5 min"
    with closing(Rules(app)) as next_process:
        assert next_process.rule("memory") == before | {
            "on": False, "percent": 75, "changed": True, "text": text,
        }  # fmt: skip
    here = RuleFiles(app.home.folder, app.home.folder, []).read().model_copy(deep=True)
    moved = RulesData(changed={"memory": built_in()["memory"]}, mutes=[Mute(rule="ended")])
    for _ in range(2):
        take_over(here, moved)
        assert (here.changed, here.mutes) == (moved.changed, moved.mutes)
    rules.given("remove", id="memory")
    assert rules.rule("memory") == before
    assert len(rules.messages) == 2, "other clients read the rules again"


def test_an_earlier_file_is_read_and_alerts_are_forgotten_after_90_days(app: App) -> None:
    parameters = {"minutes": 5, "count": 3, "percent": 70, "gigabytes": 10, "level": None}
    stored = {"is_on": True, "module": None, "pattern": "", "cooldown": 60, **parameters}
    changed = {"memory": {"id": "memory", "kind": "memory", **stored}}
    own = [{"id": "mine", "kind": "line", **stored, "level": "error"}]
    content = {"version": 1, "changed": changed, "own": own, "mutes": []}
    app.home.folder.mkdir(parents=True, exist_ok=True)
    (app.home.folder / "rules.json").write_text(json.dumps(content))
    with closing(Rules(app)) as rules:
        assert rules.rule("memory")["text"] == "Memory over 70 % for 5 min"
        assert rules.rule("mine")["text"] == "A line of level error or higher"
        assert parameters.items() <= rules.rule("memory").items()
    assert app.settings.notices == []
    day, now = 86_400, time.time()
    ends = {"old": now - 91 * day, "new": now - 89 * day, "active": None}
    files = RuleFiles(app.home.folder, app.home.folder, [])
    files.keep([alert("ended", "", id=id, begun=1.0, ended=end) for id, end in ends.items()])
    again = RuleFiles(app.home.folder, app.home.folder, []).alerts()
    assert [one.id for one in again] == ["new", "active"]


@pytest.mark.parametrize(
    ("name", "asked", "code"),
    [
        ("set", {"id": "none", "on": True}, "E_UNKNOWN"),
        ("set", {"id": "cpu", "percent": 101}, "E_REQUEST"),
        ("remove", {"id": "none"}, "E_SETTING"),
        ("add", {"kind": "line", "pattern": "(a"}, "E_REQUEST"),
        ("add", {"kind": "line"}, "E_SETTING"),
        ("add", {"kind": "cpu", "module": "none"}, "E_UNKNOWN"),
        ("preview", {"kind": "cpu"}, "E_REQUEST"),
        ("mute", {"alert": "none", "span": "hour"}, "E_UNKNOWN"),
        ("test", {}, "E_SETTING"),
    ],
)
def test_wrong_rules_and_mutes_are_refused(
    rules: Rules, name: str, asked: dict[str, Any], code: str
) -> None:
    answer = rules.ask(name, **asked)
    assert not answer["success"]
    assert answer["code"] == code


def test_own_rules_come_and_go_and_rules_modules_and_all_are_muted(rules: Rules) -> None:
    added = rules.given("add", kind="line", pattern="refused", level="warn", module="web")
    (own,) = (rule for rule in added["rules"] if not rule["builtIn"])
    assert (own["text"], own["module"]) == ("A line matches “refused”", "web")
    rules.given("mute", rule=own["id"], span="forever")
    assert rules.rule(own["id"])["muted"] == {"rule": own["id"], "module": None, "until": None}
    assert len(rules.given("remove", id=own["id"])["rules"]) == len(added["rules"]) - 1
    (mute,) = rules.given("mute", module="web", span="tomorrow")["mutes"]
    assert mute["module"] == "web"
    assert rules.given("mute", module="web", span="off")["mutes"] == []
    muted = rules.given("mute", span="hour")
    assert (muted["mutes"], muted["muted"]["rule"]) == ([], None)
    assert rules.given("mute", span="off")["muted"] is None


class Hook:
    """A web address; ``statuses``: what it answers to each request, the last one to all others.
    With a word, it sends that part of its answer byte by byte, without an end. ``times``: when the
    requests came."""

    def __init__(self) -> None:
        self.statuses: list[int | Literal["head", "text"]] = [200]
        self.headers: dict[str, str] = {}
        self.got: SimpleQueue[tuple[str, Json]] = SimpleQueue()
        self.times: list[float] = []
        self.address = ""


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.times.append(time.time())
            found.got.put((self.path, json.loads(body)))
            statuses = found.statuses
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            if status != "head":
                self.send_response(200 if status == "text" else status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.end_headers()
            self.wfile.write(b"HTTP/1.0 200 " if status == "head" else b"thanks")
            with suppress(OSError):  # the client has gone
                while isinstance(status, str):
                    self.wfile.write(b"x")
                    time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_port}/a/secret-topic"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join(LIMIT)


@contextmanager
def sending(target: Target) -> Iterator[Sender]:
    with closing(Sender(lambda: target)) as sender:
        yield sender


def test_only_the_newest_waiting_messages_are_sent(hook: Hook) -> None:
    may_send = threading.Event()

    def target() -> Target:
        assert may_send.wait(LIMIT)
        return Target(hook.address, "json")

    with closing(Sender(target)) as sender:
        for number in range(1000):
            sender.put({"number": number})
        may_send.set()
        sent = [hook.got.get(timeout=LIMIT)[1]["number"]]
        while sent[-1] < 999:
            sent.append(hook.got.get(timeout=LIMIT)[1]["number"])
    assert len(sent) < 100


def test_a_test_shows_the_answer_and_never_the_address(
    rules: Rules, app: App, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    app.settings.change(APP_SETTINGS, {WEBHOOK: hook.address})
    assert rules.given("list")["webhook"]
    assert rules.given("test") == {"ok": True, "status": 200, "text": "thanks"}
    path, body = hook.got.get(timeout=LIMIT)
    assert (path, body["event"]) == ("/a/secret-topic", "test")
    hook.statuses = [403]
    assert rules.given("test") == {"ok": False, "status": 403, "text": "thanks"}
    app.settings.change(APP_SETTINGS, {WEBHOOK: "http://127.0.0.1:9/secret-topic"})
    answer = rules.given("test")
    assert answer == {"ok": False, "status": None, "text": "it can't be reached"}
    (entry,) = app.settings.entries({WEBHOOK: APP_SETTINGS[WEBHOOK]})
    assert entry.value == MASK
    assert "secret-topic" not in caplog.text
    assert "secret-topic" not in (app.home.folder / "settings.json").read_text()


def test_an_alert_is_sent_until_it_is_taken(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "_RETRY_SECONDS", (0.0, 0.0))
    hook.statuses = [503, 429, 200]
    news = News("raised", alert("ended", "n8n: exited with code 1"))
    with sending(Target(hook.address, "json")) as sender:
        sender.put(webhook.message(news, "en"))
        bodies = [hook.got.get(timeout=LIMIT)[1] for _ in range(3)]
    assert bodies == [bodies[0]] * 3
    assert {name: bodies[0][name] for name in ("event", "title", "text", "module")} == {
        "event": "raised",
        "title": "n8n stopped unexpectedly",
        "text": "n8n: exited with code 1",
        "module": "n8n",
    }
    assert "secret-topic" not in caplog.text


def test_a_redirect_is_neither_followed_nor_tried_again(hook: Hook, rules: Rules) -> None:
    rules.app.settings.change(APP_SETTINGS, {WEBHOOK: hook.address})
    hook.statuses, hook.headers = [302], {"Location": f"{hook.address}/other"}
    why = "it leads to another address. Set that one instead"
    assert rules.given("test") == {"ok": False, "status": 302, "text": why}
    with sending(Target(hook.address, "json")) as sender:
        sender.put({"id": "1"})
        sender.put({"id": "1", "event": "later"})
        sent = [hook.got.get(timeout=LIMIT) for _ in range(3)]
    assert [(path, body.get("event")) for path, body in sent] == [
        ("/a/secret-topic", "test"),
        ("/a/secret-topic", None),
        ("/a/secret-topic", "later"),
    ]


@pytest.mark.parametrize("is_date", [False, True])
def test_an_address_that_is_busy_says_when_to_try_again(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, *, is_date: bool
) -> None:
    monkeypatch.setattr(webhook, "_RETRY_SECONDS", (0.0,))
    date = int(time.time()) + 3
    retry_after = formatdate(date, usegmt=True) if is_date else "2"
    hook.statuses, hook.headers = [429, 200], {"Retry-After": retry_after}
    with sending(Target(hook.address, "json")) as sender:
        sender.put({"id": "1"})
        for _ in range(2):
            hook.got.get(timeout=LIMIT)
    first, second = hook.times
    assert second > (date if is_date else first + 2) - 0.1


def test_worse_alerts_and_mute_ends(app: App, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(alerts, "GATHER_SECONDS", 0.0)
    target = Target(hook.address, "json")
    published: SimpleQueue[News | None] = SimpleQueue()
    around = Surroundings(lambda: None, lambda: target, lambda: "en", published.put)
    files = RuleFiles(app.home.folder, app.home.folder, [])
    with closing(Store()) as store:
        watch = RuleWatch(store, files, around)
        for fact in (ContainersListed((container(),)), UP, ModulesChanged((model(),))):
            store.put(fact)
        store.put(DesiredChanged(frozenset({"web"})))
        watch.start()
        with closing(watch):
            bodies = []
            for seen in (ended(exit_code=137), ended(exit_code=137, oom_killed=True)):
                store.put(ContainerSeen(seen))
                bodies.append(hook.got.get(timeout=LIMIT)[1])
            mute = Mute(module="web", until=time.time() + 0.5)
            files.change(lambda data: data.mutes.append(mute))
            watch.refresh()
            told = [published.get(timeout=LIMIT) for _ in range(3)]
    assert [news and news.kind for news in told] == ["raised", "changed", None]
    assert [(body["event"], body["kind"]) for body in bodies] == [
        ("raised", "ended"),
        ("changed", "memory_out"),
    ]
    assert bodies[0]["id"] == bodies[1]["id"]


def test_a_slow_answer_is_given_up_and_other_alerts_are_sent_meanwhile(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(post, "SECONDS", 1.0)
    monkeypatch.setattr(webhook, "_RETRY_SECONDS", (1.0,))
    hook.statuses = ["head", "text", 200]
    with sending(Target(hook.address, "json")) as sender:
        for id, event in (("1", "raised"), ("1", "recovered"), ("2", "raised")):
            sender.put({"id": id, "event": event})
        got = [hook.got.get(timeout=LIMIT)[1] for _ in range(2)]
        monkeypatch.setattr(post, "SECONDS", LIMIT)  # the others are answered, however slowly
        got += [hook.got.get(timeout=LIMIT)[1] for _ in range(2)]
    sent = [f"{one['id']} {one['event']}" for one in got]
    assert sent == ["1 raised", "2 raised", "1 raised", "1 recovered"]
    assert [record.getMessage() for record in caplog.records] == [
        "the webhook did not take an alert: no answer within 1 s"
    ]


def test_ntfy_gets_title_priority_and_tags(hook: Hook) -> None:
    with sending(Target(hook.address, "ntfy")) as sender:
        for kind in ("changed", "recovered"):
            news = News(kind, alert("ended", "n8n: exited with code 1"))
            sender.put(webhook.message(news, "en"))
        assert hook.got.get(timeout=LIMIT) == (
            "/a",
            {
                "topic": "secret-topic",
                "title": "n8n stopped unexpectedly",
                "message": "n8n: exited with code 1",
                "priority": 4,
                "tags": ["warning", "n8n"],
            },
        )
        _, body = hook.got.get(timeout=LIMIT)
    assert (body["priority"], body["tags"]) == (3, ["white_check_mark", "n8n"])
