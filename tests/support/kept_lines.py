"""A scripted owner's kept lines, any number of them: each is made when it is asked for."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from aiserver_tray.features.logs.events import FOLLOWED
from aiserver_tray.protocol.message import Envelope, Json, Peer, answer
from tests.support.scripted import Scripted

SOURCES = (("dify", "api"), ("n8n", "n8n"), ("dify", "worker"), ("redis", "redis"))
LEVELS = ("info", "debug", "info", "warn", "info")
ODD = "\x1b[31mred\x1b[0m <b>bold</b> \u202etxt.exe"
"""What a terminal, a browser and a reader would each take for something else."""
TRACE = (
    "Traceback (most recent call last):",
    '  File "/app/api/tasks/indexing.py", line 84, in _index',
    "",
    '  File "/usr/lib/python3.12/site-packages/httpx/client.py", line 914, in send',
    "    raise error",
    '  File "/usr/lib/python3.12/site-packages/httpx/transport.py", line 50, in handle',
    "    yield",
    "httpx.ConnectTimeout: timed out",
)
NONE: Json = {"debug": 0, "info": 0, "warn": 0, "error": 0, "unknown": 0}


class KeptLines:
    """*count* lines until now, *step* seconds apart. Of 100, some are a trace, those before it say
    the same, and one of 1000 is odd. *budget*: the seconds that an answer takes at most.
    ``followed``: the filter with which new lines were last asked for."""

    def __init__(self, host: Scripted, count: int, step: float = 0.1, budget: float = 0.1) -> None:
        self.count = count
        self._budget = budget
        self._step = step
        self._begin = time.time() - count * step
        self.gaps: list[Json] = []
        self.checks = range(0)
        """The numbers of lines that are health checks."""
        self.followed: Json | None = None
        self.answered: list[str] = []
        for name in ("lines", "histogram", "errors", "around", "entry", "bounds", "follow"):
            host.handlers[f"ai/logs/{name}"] = getattr(self, f"_{name}")

    def line(self, number: int) -> Json:
        """The line of this number."""
        place = number % 100
        module, service = SOURCES[number % 4] if place < 90 else SOURCES[2]
        level, text = LEVELS[number % 5], f"request {number} status={200 + number % 7} ms={number}"
        if 80 <= place < 90:
            (module, service), level, text = SOURCES[1], "debug", "heartbeat ok"
        elif 90 <= place < 90 + len(TRACE):
            level, text = "error", TRACE[place - 90]
        elif number % 1000 == 7:
            text = ODD
        if number in self.checks:
            level, text = "info", f'127.0.0.1 - - "GET /healthz HTTP/1.1" 200 {number} "curl/8.5.0"'
        when = self.time(number)
        return {
            "cursor": f"{number:012}",
            "time": when,
            "timestamp": datetime.fromtimestamp(when, UTC).isoformat(),
            "module": module,
            "service": service,
            "stream": "stdout",
            "level": level,
            "continues": 90 < place < 90 + len(TRACE) and number not in self.checks,
            "text": text,
            "isCheck": number in self.checks,
        }

    def time(self, number: int) -> float:
        return self._begin + number * self._step

    def write(self, count: int, dropped: int = 0, late: Sequence[Json] = ()) -> None:
        """Write more lines, of which the first are *dropped* for who follows, and *late* ones."""
        followed = self.followed
        assert followed is not None, "nobody follows"
        begin, self.count = self.count, self.count + count
        lines = [self.line(number) for number in range(begin + dropped, begin + count)]
        lines = [*(line for line in lines if _matches(line, followed)), *late]
        sent = {"streamId": self._stream, "lines": lines, "dropped": dropped, "total": 0}
        self._peer.send(FOLLOWED.of_json(sent))

    def pour(self, per_second: int, seconds: float) -> Thread:
        """Write so many lines, ten times a second, in a thread."""

        def write() -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.write(per_second // 10)
                time.sleep(0.1)

        thread = Thread(target=write)
        thread.start()
        return thread

    # -- the channels --------------------------------------------------------------------------

    def _lines(self, asked: Json, _peer: Peer) -> Envelope:
        limit, after = asked.get("limit", 200), asked.get("after")
        numbers: Iterator[int] | range
        if after is not None:
            first = self._first(asked["filter"].get("since")) if after == "" else int(after) + 1
            numbers = range(first, self.count)
        else:
            numbers = range(self._last(asked), -1, -1)
        lines, reached = self._found(numbers, asked["filter"], limit)
        cursor = None if reached is None else f"{reached:012}"
        return answer(
            {"lines": lines, "reached": cursor, "isEnd": cursor is None, "gaps": self.gaps}
        )

    def _first(self, since: float | None) -> int:
        return 0 if since is None else max(0, int((since - self._begin) / self._step))

    def _last(self, asked: Json) -> int:
        if asked.get("before") is not None:
            return int(asked["before"]) - 1
        if asked.get("at") is not None:
            return min(self.count - 1, int((asked["at"] - self._begin) / self._step))
        return self.count - 1

    def _found(self, numbers: range, filter_: Json, limit: int) -> tuple[list[Json], int | None]:
        """Lines, and where to go on, as a store that has a limited time for each answer."""
        end = time.monotonic() + self._budget
        lines: list[Json] = []
        for number in numbers:
            line = self.line(number)
            if line["time"] < filter_.get("since", 0) and numbers.step < 0:
                return lines, None
            if _matches(line, filter_):
                lines.append(line)
            if len(lines) == limit or time.monotonic() > end:
                return lines, number
        return lines, None

    def _histogram(self, asked: Json, _peer: Peer) -> Envelope:
        begin, end, buckets = asked["begin"], asked["end"], asked.get("buckets", 120)
        each = (end - begin) / buckets
        counted: list[Json] = [
            NONE | {"begin": begin + i * each, "end": begin + (i + 1) * each, "entries": dict(NONE)}
            for i in range(buckets)
        ]
        whole, modules = dict(NONE), dict.fromkeys(dict(SOURCES), 0)
        first, last = self._first(begin), min(self.count, self._first(end))
        # Of millions, one of many stands for those beside it.
        stride = max(1, (last - first) // 5000)
        for number in range(first, last, stride):
            line = self.line(number)
            if _matches(line, asked["filter"]):
                bucket = counted[min(buckets - 1, int((line["time"] - begin) / each))]
                bucket[line["level"]] += stride
                bucket["entries"][line["level"]] += 0 if line["continues"] else stride
                whole[line["level"]] += stride
                modules[line["module"]] += stride
        return answer({"buckets": counted, "byLevel": whole, "byModule": modules, "reached": None})

    def _errors(self, asked: Json, _peer: Peer) -> Envelope:
        since = asked["filter"].get("since", 0)
        found = [n for n in range(self._first(since), self.count) if n % 100 == 90]
        group = {
            "fingerprint": "1", "message": TRACE[-1], "module": "dify", "service": "worker",
            "level": "error", "count": len(found), "first": self.time(found[0]),
            "last": self.time(found[-1]), "cursor": f"{found[-1]:012}",
        }  # fmt: skip
        return answer({"groups": [group], "reached": None})

    def _around(self, asked: Json, _peer: Peer) -> Envelope:
        place = int(asked["cursor"])
        return answer({"lines": [self.line(n) for n in range(place - 8, place + 8, 4)]})

    def _entry(self, asked: Json, _peer: Peer) -> Envelope:
        number = int(asked["cursor"])
        first = (
            self.line(number - number % 100 + 90) if 90 <= number % 100 < 98 else self.line(number)
        )
        lines = [first]
        if first["level"] == "error":
            lines = [self.line(int(first["cursor"]) + i) for i in range(len(TRACE))]
        fields: dict[str, Any] = {"status": 200 + number % 7, "ms": number, "trace_id": "b41f"}
        message = "\n".join(line["text"] for line in lines)
        return answer({"line": first, "message": message, "fields": fields, "lines": lines})

    def _bounds(self, _asked: Json, _peer: Peer) -> Envelope:
        last = self.time(self.count - 1) if self.count else None
        first = self._begin if self.count else None
        return answer({"first": first, "last": last, "lines": self.count, "bytes": 45 * self.count})

    def _follow(self, asked: Json, peer: Peer) -> Envelope:
        self._stream, self._peer, self.followed = asked["streamId"], peer, asked["filter"]
        return answer({})


def _matches(line: Json, asked: Json) -> bool:
    source = f"{line['module']}/{line['service']}"
    of = {*asked.get("modules", ()), *asked.get("services", ())}
    return (
        (not of or bool(of & {line["module"], source}))
        and (not asked.get("levels") or line["level"] in asked["levels"])
        and asked.get("since", 0) <= line["time"] < asked.get("until", 9e9)
        and asked.get("text", "").lower() in line["text"].lower()
        and all(condition in line["text"] for condition in asked.get("fields", ()))
    )
