"""Events with kept log lines for clients."""

import json
from collections.abc import Iterator
from contextlib import closing
from math import inf
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.carriers.local.wire import MAX_BYTES_FROM_OWNER
from aiserver_tray.features.logs.channels import KeptLogChannels
from aiserver_tray.features.logs.follow import BATCH_CHARACTERS, LogFollowChannels
from aiserver_tray.features.logs.kept import Policy
from aiserver_tray.features.logs.line import Gap, Level, Line
from aiserver_tray.features.logs.requests import HealthChecks
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.protocol.channel import Handlers, dispatch, handlers_of
from aiserver_tray.protocol.message import Caller, Envelope, Json, Peer
from tests.support.limits import LIMIT

BEGIN = 1_790_000_000
LEVELS: list[Level] = ["debug", "info", "warn", "error", "unknown"]


class Client:
    """A page with its own events."""

    def __init__(self, store: LogStore) -> None:
        reader = LogReader(store.path, inf)
        checks = HealthChecks(lambda: ())
        self._follow = LogFollowChannels(store.observe, reader, checks)
        policy = Policy(not_kept=frozenset({"db"}))
        keeping: Any = SimpleNamespace(policy=policy, behind={"web"})
        parts = [KeptLogChannels(reader, keeping, checks), self._follow]
        self._handlers: Handlers = handlers_of(parts)
        self.events: SimpleQueue[Json] = SimpleQueue()
        send = self.events.put
        self._peer = Peer("window", "en", lambda message: send(json.loads(message.payload)))

    def ask(self, channel: str, **payload: object) -> Envelope:
        caller = Caller(self._peer, "en")
        answer = dispatch(self._handlers, f"ai/logs/{channel}", payload, caller)
        json.dumps(answer, allow_nan=False)
        return answer

    def get(self, channel: str, **payload: object) -> Json:
        answer = self.ask(channel, **payload)
        assert answer["success"], answer
        data: Json = answer["data"]
        return data

    def lines(self, **filter: object) -> list[Json]:
        return list(self.get("lines", filter=filter)["lines"])

    def leave(self) -> None:
        self._follow.forget(self._peer)

    def close(self) -> None:
        self._follow.close()


@pytest.fixture
def client(store: LogStore) -> Iterator[Client]:
    with closing(Client(store)) as client:
        yield client


def line(number: int, text: str | None = None, **more: Any) -> Line:  # noqa: ANN401 - fields
    time, level = (BEGIN + number) * 10**9 + 123456789, LEVELS[number % 5]
    made = Line(time, "web", "app", "stdout", level, continues=False, text=text or f"line {number}")
    return made._replace(**more)


def texts(lines: list[Json]) -> list[str]:
    return [line["text"] for line in lines]


def test_pages_in_both_directions_have_every_line_once(store: LogStore, client: Client) -> None:
    store.add([line(number) for number in range(25)])

    def paged(begin: Json, direction: str) -> list[str]:
        page = client.get("lines", filter={}, limit=10, **begin)
        found = texts(page["lines"])
        while not page["isEnd"]:
            page = client.get("lines", filter={}, limit=10, **{direction: page["reached"]})
            found += texts(page["lines"])
        return found

    every = [f"line {number}" for number in range(25)]
    assert paged({"after": ""}, "after") == every
    assert paged({}, "before") == every[::-1]


def test_a_page_of_long_lines_is_shorter(store: LogStore, client: Client) -> None:
    store.add([line(number, "红" * (BATCH_CHARACTERS // 2)) for number in range(3)])
    page = client.get("lines", filter={})
    rest = client.get("lines", filter={}, before=page["reached"])
    assert (len(page["lines"]), page["isEnd"]) == (2, False)
    assert (len(rest["lines"]), rest["isEnd"]) == (1, True)
    assert len(client.get("around", cursor=page["lines"][1]["cursor"])["lines"]) == 2
    assert len(json.dumps(page)) < MAX_BYTES_FROM_OWNER


def test_a_line_has_all_that_is_known_of_it(store: LogStore, client: Client) -> None:
    store.add([line(3, "\x1b[31mlost", stream="stderr", continues=True)])
    (found,) = client.lines()
    assert found.pop("cursor")
    assert found == {
        "time": BEGIN + 3.123456789, "timestamp": "2026-09-21T14:13:23.123456789Z",
        "module": "web", "service": "app", "stream": "stderr", "level": "error",
        "continues": True, "text": "\x1b[31mlost", "isCheck": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"levels": ["error", "warn"]}, [12, 8, 7, 3, 2]),
        ({"since": BEGIN + 8.5, "until": BEGIN + 11}, [10, 9]),
        ({"text": "LINE 1"}, [12, 11, 10, 1]),
        ({"modules": ["none"]}, []),
        ({"services": ["web"]}, []),
        ({"modules": ["none"], "services": ["web/app"], "since": BEGIN + 12}, [12]),
        ({"services": ["web/app"], "levels": ["debug"]}, [10, 5, 0]),
        ({"streams": ["stderr"]}, []),
    ],
)
def test_the_filter_selects(
    store: LogStore, client: Client, wanted: Json, numbers: list[int]
) -> None:
    store.add([line(number) for number in range(13)])
    assert texts(client.lines(**wanted)) == [f"line {number}" for number in numbers]


@pytest.mark.parametrize(
    ("channel", "payload", "field"),
    [
        ("lines", {"filter": {"fields": ["status"]}}, "fields"),
        ("lines", {"filter": {}, "before": "nonsense"}, "before"),
        ("lines", {"filter": {}, "before": "1-1", "after": ""}, "after"),
        ("lines", {"filter": {"since": float("nan")}}, "filter.since"),
        ("histogram", {"filter": {}, "begin": 5, "end": 5}, "end"),
        ("entry", {"cursor": "1-1"}, "cursor"),
        ("follow", {"streamId": "s", "filter": {"levels": ["bad"]}}, "filter.levels.0"),
    ],
)
def test_a_wrong_request_is_refused_with_its_field(
    client: Client, channel: str, payload: Json, field: str
) -> None:
    answer = client.ask(channel, **payload)
    assert answer["code"] == "E_REQUEST"
    assert field in answer["data"]["fields"]


def test_gaps_come_with_the_lines_around_them(store: LogStore, client: Client) -> None:
    begin, end = BEGIN + 10, BEGIN + 12
    gap = Gap("web", "app", begin * 10**9, end * 10**9)
    store.add([line(number) for number in (*range(10), *range(13, 23))], gaps=[gap])
    newest = client.get("lines", filter={}, limit=5)
    beyond = client.get("lines", filter={}, before=newest["reached"], limit=10)
    oldest = client.get("lines", filter={}, after="", limit=5)
    assert (newest["gaps"], oldest["gaps"]) == ([], [])
    assert beyond["gaps"] == [{"module": "web", "service": "app", "begin": begin, "end": end}]


def test_the_histogram_counts_every_line(store: LogStore, client: Client) -> None:
    store.add([line(number, continues=number == 8) for number in range(10)])
    found = client.get("histogram", filter={}, begin=BEGIN, end=BEGIN + 10, buckets=2)
    assert [bucket["begin"] for bucket in found["buckets"]] == [BEGIN, BEGIN + 5]
    assert [bucket["error"] for bucket in found["buckets"]] == [1, 1]
    assert [bucket["entries"]["error"] for bucket in found["buckets"]] == [1, 0]
    assert found["byLevel"] == dict.fromkeys(LEVELS, 2)
    assert found["byModule"] == {"web": 10}
    assert found["reached"] is None


def test_an_entry_has_its_fields_and_its_stack(store: LogStore, client: Client) -> None:
    head = '{"level":50,"msg":"it failed","status":500,"ratio":NaN,"more":{"path":["a"]}}'
    written = [
        line(0, "before"),
        line(1, head),
        line(2, "other output", stream="stderr"),
        line(3, "  at one", continues=True),
        line(4, "other service", service="db"),
        line(5, "  at two", continues=True),
        line(6, "after"),
    ]
    store.add(written)
    lines = client.lines()[::-1]
    entry = client.get("entry", cursor=lines[3]["cursor"])
    around = client.get("around", cursor=lines[3]["cursor"], before=1, after=2)
    assert (entry["line"], entry["message"]) == (lines[1], "it failed")
    assert entry["fields"]["status"] == 500
    assert entry["fields"]["more"] == {"path": ["a"]}
    assert texts(entry["lines"]) == [head, "  at one", "  at two"]
    assert texts(around["lines"]) == ["other output", "  at one", "  at two", "after"]


def test_equal_errors_are_one_group(store: LogStore, client: Client) -> None:
    store.add([line(3, "ERROR lost"), line(8, "ERROR lost"), line(4, "fine")])
    (group,) = client.get("errors", filter={})["groups"]
    assert (group["count"], group["message"]) == (2, "lost")
    assert (int(group["first"]), int(group["last"])) == (BEGIN + 3, BEGIN + 8)
    assert group["cursor"] == client.lines()[0]["cursor"]


def test_bounds_are_of_all_that_is_kept(store: LogStore, client: Client) -> None:
    assert client.get("bounds")["first"] is None
    store.add([line(0), line(9)])
    found = client.get("bounds")
    assert (int(found["first"]), int(found["last"]), found["lines"]) == (BEGIN, BEGIN + 9, 2)
    assert found["bytes"] > 0
    assert (found["isKept"], found["notKept"], found["behind"]) == (True, ["db"], ["web"])


def test_a_stream_has_the_lines_after_its_beginning(store: LogStore, client: Client) -> None:
    store.add([line(5)])
    until = client.get("follow", streamId="s", filter={"text": "line"})["keptUntil"]
    store.add([line(1), line(2, "unwanted"), line(6)])
    event = client.events.get(timeout=LIMIT)
    before = client.get("lines", filter={}, after="", keptUntil=until)["lines"]
    after = client.get("lines", filter={}, after="", keptAfter=until)["lines"]
    assert texts(before) == ["line 5"]
    assert texts(event["lines"]) == ["line 1", "line 6"]
    assert texts(after) == ["line 1", "unwanted", "line 6"]
    assert (event["streamId"], event["dropped"], event["total"]) == ("s", 0, 2)


def test_a_stream_ends_when_its_client_leaves(store: LogStore, client: Client) -> None:
    other = Client(store)
    with closing(other):
        client.get("follow", streamId="s", filter={"text": "old"})
        client.get("follow", streamId="s", filter={"text": "new"})
        client.get("follow", streamId="t", filter={})
        client.get("unfollow", streamId="t")
        other.get("follow", streamId="s", filter={})
        store.add([line(1, "old"), line(2, "new")])
        assert texts(client.events.get(timeout=LIMIT)["lines"]) == ["new"]
        assert texts(other.events.get(timeout=LIMIT)["lines"]) == ["old", "new"]
        client.leave()
        store.add([line(3, "new")])
        assert texts(other.events.get(timeout=LIMIT)["lines"]) == ["new"]
        assert client.events.empty()
