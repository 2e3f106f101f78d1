"""Log lines as 30 services write them, as many as wanted: for measurements of the log store."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from aiserver_tray.features.logs.line import Level, Line
from aiserver_tray.features.logs.store.store import LogStore

BEGIN = 1_764_000_000 * 10**9
STEP_NS = 333_000
"""3,000 lines a second."""
BATCH_LINES = 750

_PATHS = ("/rest/workflows", "/v1/chat/completions", "/healthz", "/api/datasets/{id}/documents")
_TRACE = (
    "Traceback (most recent call last):",
    '  File "/app/api/core/model_runtime/model_providers/openai/llm.py", line {n}, in _invoke',
    "    response = client.chat.completions.create(messages=messages, stream=stream)",
    "openai.RateLimitError: Error code: 429 - {{'error': {{'message': 'Rate limited, {id}'}}}}",
)
_FORMS: Sequence[tuple[Level, str]] = (
    (
        "info",
        '{{"level":30,"time":{ms},"pid":7,"hostname":"{host}","req":{{"id":"{id}","method":"GET",'
        '"url":"{path}"}},"res":{{"statusCode":{status}}},"responseTime":{n},"msg":"request '
        'completed"}}',
    ),
    (
        "info",
        '172.18.0.{octet} - - [27/Nov/2026:18:{minute:02}:{second:02} +0000] "POST {path} '
        'HTTP/1.1" {status} {n} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, '
        'like Gecko) Chrome/142.0.0.0 Safari/537.36"',
    ),
    (
        "info",
        "2026-11-27 18:{minute:02}:{second:02}.{n:04} UTC [{octet}] LOG:  duration: {n}.{octet} ms "
        " execute <unnamed>: SELECT id, tenant_id, name FROM documents WHERE dataset_id = '{id}' "
        "ORDER BY position LIMIT {octet}",
    ),
    (
        "warn",
        '{{"@timestamp":"2026-11-27T18:{minute:02}:{second:02}.{n:04}Z", "log.level": "WARN", '
        '"message":"high disk watermark [90%] exceeded on [{id}][{host}]", "ecs.version": "1.2.0",'
        '"service.name":"ES_ECS","event.dataset":"elasticsearch.server","process.thread.name":'
        '"elasticsearch[{host}][management][T#{octet}]"}}',
    ),
    (
        "debug",
        "2026-11-27 18:{minute:02}:{second:02},{n:04} DEBUG [worker-{octet}] "
        "[app.queue] task {id} took {n} ms, {octet} tasks wait",
    ),
)


def log_lines(seed: int = 0) -> Iterator[Line]:
    """Lines of 30 services without end, one in 200 with a trace of Python."""
    chance = random.Random(seed)
    time = BEGIN
    while True:
        service = chance.randrange(30)
        time += chance.randrange(2 * STEP_NS)
        module, name = f"module-{service // 4}", f"service-{service}"
        values = {
            "ms": time // 10**6,
            "host": f"{service:012x}",
            "id": f"{chance.getrandbits(64):016x}",
            "path": chance.choice(_PATHS),
            "status": chance.choice((200, 200, 200, 201, 304, 404, 500)),
            "n": chance.randrange(5000),
            "octet": chance.randrange(2, 30),
            "minute": time // 60_000_000_000 % 60,
            "second": time // 10**9 % 60,
        }
        level, form = _FORMS[service % len(_FORMS)]
        text = form.format_map(values)
        yield Line(time, module, name, "stdout", level, continues=False, text=text)
        if not chance.randrange(200):
            for number, text in enumerate(_TRACE):
                time += 1000
                yield Line(
                    time, module, name, "stderr", "error", number > 0, text.format_map(values)
                )


def fill(store: LogStore, count: int) -> None:
    """Store *count* lines. The texts of the first 100,000 come again with later times, since to
    make them takes longer than to store them."""
    made = list(islice(log_lines(), min(count, 100_000)))
    length = made[-1].time - BEGIN + STEP_NS
    stored = 0
    while stored < count:
        later, begin = stored // len(made) * length, stored % len(made)
        batch = made[begin : begin + min(BATCH_LINES, count - stored)]
        store.add([line._replace(time=line.time + later) for line in batch])
        stored += len(batch)


def repeat(path: Path, times: int) -> None:
    """Make a store *times* as long, by copies of its packed blocks with later times: 10,000,000
    lines in seconds. No writer may have it open."""
    with closing(sqlite3.connect(path)) as db, db:
        first, last, row, number = db.execute(
            'SELECT min(first), max(last), max(id), max("end") FROM block'
        ).fetchone()
        for copy in range(1, times):
            steps = {"row": copy * row, "time": copy * (last - first + STEP_NS)}
            db.execute(
                "INSERT INTO block SELECT id + :row, pile, size, first + :time, last + :time, "
                'lines, number + :number, "end" + :number, tags FROM block '
                "WHERE pile IS NULL AND id <= :last",
                {**steps, "number": copy * number, "last": row},
            )
            db.execute(
                "INSERT INTO data SELECT id + :row, columns, body FROM data "
                "WHERE id IN (SELECT id FROM block WHERE pile IS NULL AND id <= :last)",
                {"row": copy * row, "last": row},
            )
