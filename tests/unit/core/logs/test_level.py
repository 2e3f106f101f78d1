"""How severe a line is, in the forms that programs give it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.core.logs.level import LevelReader, guess_level, is_at_least


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('2026-11-25 04:02:44.290 UTC [1] LOG:  listening on "/var/run"', "info"),
        ("2026-11-25 04:02:44.290 UTC [43] FATAL:  password authentication failed", "error"),
        ("2026-11-25 04:02:44.290 UTC [43] WARNING:  there is no transaction", "warn"),
        ("1:M 25 Nov 2026 04:02:44.290 * Ready to accept connections tcp", "info"),
        ("1:M 25 Nov 2026 04:02:44.290 # Memory overcommit must be enabled!", "warn"),
        ('{"level":"error","msg":"no"}', "error"),
        ('{"time":1,"level": 50,"msg":"no"}', "error"),
        ('{"level":30,"msg":"yes"}', "info"),
        ('{"severity": "WARNING", "msg": "x"}', "warn"),
        ('time="2026-11-25" level=debug msg="error in name only"', "debug"),
        ('ts=1 lvl=warn msg="x"', "warn"),
        ("2026/11/25 04:02:44 [error] 7#7: *1 open() failed", "error"),
        ("[2026-11-25 04:02:44 +0000] [1] [INFO] Starting gunicorn", "info"),
        ("INFO:     Uvicorn running on http://0.0.0.0:80", "info"),
        ("2026-11-25 04:02:44,290 - root - CRITICAL - broken", "error"),
        ("E1125 04:02:44.290 1 main.go:1] lost", "error"),
        ("\x1b[33mwarn\x1b[0m: slow", "warn"),
        ("error: something", "error"),
        ("Traceback (most recent call last):", "error"),
        ("sqlalchemy.exc.OperationalError: (psycopg2) no", "error"),
        ("[Server] [MY-010116] [Warning] deprecated", "warn"),
        ("an error is not expected here", None),
        ("GET /errors HTTP/1.1 200", None),
        ("", None),
    ],
)
def test_the_level_that_a_line_gives_itself(line: str, level: str | None) -> None:
    assert guess_level(line) == level


def test_a_stack_trace_is_as_severe_as_its_first_line() -> None:
    reader = LevelReader()
    lines = ["INFO: begin", "ERROR: lost", "  at main.js:1", "\tat x.js:2", "plain", "  indented"]
    assert [reader.level(line) for line in lines] == [
        "info", "error", "error", "error", "info", "info",
    ]  # fmt: skip


def test_severity_is_ordered() -> None:
    assert is_at_least("error", "warn")
    assert is_at_least("warn", "warn")
    assert not is_at_least("info", "warn")


@given(st.text())
def test_any_line_has_a_level(line: str) -> None:
    assert LevelReader().level(line) in ("debug", "info", "warn", "error")
