"""Patterns, conditions on fields, and groups of errors."""

from collections.abc import Sequence
from math import inf

import pytest

from aiserver_tray.features.logs.line import Cursor, Line
from aiserver_tray.features.logs.parser import LineParser
from aiserver_tray.features.logs.query import FieldCondition, LogFilter, Operator
from aiserver_tray.features.logs.store import search as search_module
from aiserver_tray.features.logs.store.database import LogFilterError
from aiserver_tray.features.logs.store.reader import LogReader, fingerprint
from aiserver_tray.features.logs.store.search import Search, fulfils
from aiserver_tray.features.logs.store.store import LogStore

JSON = (
    '{"level":30,"status":500,"trace_id":"4bf92f3577b34da6","ok":true,"none":null,"a.b":1,'
    '"http":{"request":{"method":"GET"}},"big":12345678901234567890,"tags":["x"],"took":1.5e3}'
)
LOGFMT = 'time=2026-11-25T04:02:44Z level=INFO msg="it started" status=404'


def add(store: LogStore, texts: Sequence[str]) -> None:
    """Store lines as the collector does."""
    read = [*map(LineParser().parse, texts)]
    store.add(
        [
            Line(number, "m", "s", "stdout", parsed.level, parsed.continues, text)
            for number, (text, parsed) in enumerate(zip(texts, read, strict=True))
        ]
    )


def found(store: LogStore, wanted: LogFilter) -> list[str]:
    page = LogReader(store.path, inf).newer(wanted, Cursor(-1, 0))
    return [kept.line.text for kept in page.lines]


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ("status>=500", True),
        ("status = 500.0", True),
        ("status<499.5", False),
        ("status!=500", False),
        ("missing!=500", False),
        ("trace_id=4bf92f3577b34da6", True),
        ("trace_id=4BF92F3577B34DA6", False),
        ("ok=true", True),
        ("none=null", True),
        ("a.b=1", True),
        ("http.request.method=GET", True),
        ("http.request.method!=GET", False),
        ("big=12345678901234567891", False),
        ("took>1499", True),
        ("tags=x", False),
        ("http=x", False),
    ],
)
def test_a_condition_on_a_field_of_json(store: LogStore, condition: str, *, is_true: bool) -> None:
    add(store, ["before", JSON, "after"])
    wanted = LogFilter(fields=(FieldCondition.parse(condition),))
    assert found(store, wanted) == [JSON] * is_true


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        (LOGFMT, True),
        ("\x1b[32m" + LOGFMT + "\x1b[0m", True),
        ("a sentence with msg=it in it", False),
        ('{"msg": "it started"', False),
    ],
)
def test_a_condition_on_a_field_of_logfmt(text: str, *, is_true: bool) -> None:
    assert fulfils(text, FieldCondition("msg", "=", "it started")) is is_true


NUMBERS = ("499", "500", "500.0", "5e2", "-7", "1e3", "00501", "5000000000000000001", "5x", "")
BEGINS = ('"status":', '"status" : ', "status=", 'status="', "xstatus=", "\x1b[1mstatus\x1b[0m=")


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_a_condition_with_a_number_finds_what_the_parser_finds(operator: Operator) -> None:
    ends = ("", ",", "}", '"', '"}', " b=2", ',"b":2}')
    parts = [begin + number + end for begin in BEGINS for number in NUMBERS for end in ends]
    texts = [before + part for part in parts for before in ("", "{", "a=1 ", 'status=1 "')]
    condition = FieldCondition("status", operator, "500")
    wanted = [number for number, text in enumerate(texts) if fulfils(text, condition)]
    search = Search(LogFilter(fields=(condition,)))
    assert [number for number, _ in search.lines("\n".join(texts).encode())] == wanted
    assert wanted


def test_lines_with_other_numbers_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(text: str, _condition: FieldCondition) -> bool:
        parsed.append(text)
        return True

    monkeypatch.setattr(search_module, "fulfils", parse)
    texts = [f'{{"msg":"status","status":{number}}}' for number in range(1000)]
    body = "\n".join(texts).encode()
    [*Search(LogFilter(fields=(FieldCondition("status", ">=", "990"),))).lines(body)]
    assert parsed == texts[990:]


@pytest.mark.parametrize("condition", ["status", "=5", "status>=", "a b=5", "status~5"])
def test_a_condition_that_is_none_is_refused(condition: str) -> None:
    with pytest.raises(LogFilterError, match="is not a condition"):
        FieldCondition.parse(condition)


def test_text_pattern_and_fields_must_be_true_for_the_same_line(store: LogStore) -> None:
    add(store, [JSON, "GET x1", "get y2", "GET y3 500", '{"status":500,"msg":"Get y4"}'])
    assert found(store, LogFilter(text="get", pattern=r"y\d")) == [
        "get y2",
        "GET y3 500",
        '{"status":500,"msg":"Get y4"}',
    ]
    both = LogFilter(text="get", pattern=r"y\d", fields=(FieldCondition("status", "=", "500"),))
    assert found(store, both) == ['{"status":500,"msg":"Get y4"}']


def test_a_pattern_sees_one_line_at_a_time(store: LogStore) -> None:
    texts = ["one", "", "two", "  three"]
    add(store, texts)
    for pattern, expected in {
        r"^$": [""],
        r"e$": ["one", "  three"],
        r"^t": ["two"],
        r"e\s+t": [],
        r"one[^x]": [],
        r"(?s)one.*three": [],
        r"x*": texts,
    }.items():
        assert found(store, LogFilter(pattern=pattern)) == expected, pattern


@pytest.mark.parametrize(
    ("pattern", "reason", "at"),
    [
        ("ab(c", "missing", 0),
        ("ab**", "bad repetition operator", 2),
        (r"a\qb", "invalid escape sequence", 1),
        ("a[z-a]", "invalid character class range", 2),
        (r"(?=a)", "invalid perl operator", 0),
        (r"a\Ab", "is not supported", 1),
        (r"\\A\z", "is not supported", 3),
    ],
)
def test_a_wrong_pattern_is_refused_with_its_place(
    store: LogStore, capfd: pytest.CaptureFixture[str], pattern: str, reason: str, at: int
) -> None:
    with pytest.raises(LogFilterError, match=reason) as refused:
        LogReader(store.path).older(LogFilter(pattern=pattern))
    assert refused.value.data["at"] == at
    assert refused.value.data["fields"] == ["pattern"]
    assert capfd.readouterr().err == "", "RE2 writes to stderr by itself"


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ("took 12 ms", "took 1,234.5 ms", True),
        ('column "a" is missing', 'column "b c" is missing', True),
        ("can't open 'x'", "can't open 'y z'", True),
        ("user 4bf92f3577b34da6 left", "user 00f067aa0ba902b7 left", True),
        (
            "job 0b7c1e9a-52a5-4d35-9f6c-3f8a5c1d2e4b",
            "job 9b7c1e9a-52a5-4d35-9f6c-3f8a5c1d2e4f",
            True,
        ),
        ("at 2026-11-25T04:02:44.290Z", "at 2027-01-01 00:00:00", True),
        ("0x7fd9eadb25d0", "0x1", True),
        ("10.0.0.1:5432 refused", "172.18.0.30:80 refused", True),
        ("connection refused", "connection reset", False),
        ("KeyError in decade", "ValueError in decade", False),
        ("can't read and don't write", "can't open and don't write", False),
    ],
)
def test_messages_are_equal_but_for_numbers(one: str, other: str, *, is_equal: bool) -> None:
    assert (fingerprint(one) == fingerprint(other)) == is_equal
    assert fingerprint(one) != fingerprint("another error 12")


def test_errors_are_grouped_with_their_times(store: LogStore, reader: LogReader) -> None:
    trace = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    g()"]
    written = [
        *trace,
        "KeyError: 'x'",
        "2026-11-25 04:02:44,290 ERROR lost 5 rows",
        "2026-11-25 04:02:44,291 INFO ready",
        *trace,
        "KeyError: 'y'",
        "2026-11-25 04:02:44,292 INFO ready",
        *trace,
        "ValueError: bad",
        "2026-11-25 05:02:44,290 ERROR lost 7 rows",
    ]
    add(store, written)
    answer = reader.errors(LogFilter())
    assert [(g.message, g.count, g.first, g.last) for g in answer.groups] == [
        ("lost 7 rows", 2, 4, 15),
        ("ValueError: bad", 1, 11, 11),
        ("KeyError: 'y'", 2, 0, 6),
    ]
    assert answer.reached is None
