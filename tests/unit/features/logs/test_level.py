"""How severe a line is, in the forms that programs give it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.logs.line import is_at_least
from aiserver_tray.features.logs.parser import LineParser, Parsed
from aiserver_tray.features.logs.streams import Parsing, Source

CORPUS = Path(__file__).with_name("corpus.txt")
LABEL_WIDTH = 8


class Labelled(NamedTuple):
    """A line of the corpus, with what is expected and what was found."""

    line: str
    expected: tuple[str, bool]
    """the level, and whether it continues an entry"""
    found: tuple[str, bool]


def labelled() -> Iterator[Labelled]:
    """All lines of the corpus, as its head describes them."""
    parser, level = LineParser(), "unknown"
    for row in CORPUS.read_text(encoding="utf-8").splitlines():
        if row.startswith("== "):
            parser = LineParser("stderr" if " on stderr" in row else "stdout")
        elif row and not row.startswith("#"):
            label, line = row[:LABEL_WIDTH].strip(), row[LABEL_WIDTH:]
            level = level if label == "+" else label
            got = parser.parse(line.replace("␛", "\x1b").replace("␉", "\t"))
            yield Labelled(line, (level, label == "+"), (got.level, got.continues))


def parse(*lines: str) -> Parsed:
    """What the last of *lines* states."""
    parser = LineParser()
    return [parser.parse(line) for line in lines][-1]


def test_levels_of_a_corpus_are_right_and_none_is_called_an_error_that_is_none() -> None:
    lines = [*labelled()]
    wrong = [line for line in lines if line.found != line.expected]
    assert len(lines) > 550
    assert len(wrong) < 0.015 * len(lines), wrong
    assert [line for line in wrong if line.found[0] == "error" != line.expected[0]] == []


@pytest.mark.parametrize(
    ("line", "message", "fields"),
    [
        ('{"level":30,"msg":"<b>done</b>","ms":12}', "<b>done</b>",
         {"level": 30, "msg": "<b>done</b>", "ms": 12}),
        ('{"level":"INFO","fields":{"message":"x"}}', "x", None),
        (r'level=info msg="a \"b\" c" status=500 empty=', 'a "b" c',
         {"level": "info", "msg": 'a "b" c', "status": "500", "empty": ""}),
        ("2026-11-25 04:02:44.290 UTC [1] LOG:  ready", "ready", {}),
        ("[2026-11-25 04:02:44 +0000] [1] [INFO] Booting", "Booting", {}),
        ("\x1b[32mINFO\x1b[0m:     \u202eready\x1b[2J", "\u202eready\x1b[2J", {}),
        ("no level", "no level", {}),
    ],
)  # fmt: skip
def test_message_and_fields(line: str, message: str, fields: dict[str, object] | None) -> None:
    found = parse(line)
    assert found.message == message
    assert fields is None or found.fields == fields


def test_a_trace_is_as_severe_as_the_entry_above_it() -> None:
    trace = ["Traceback (most recent call last):", "  File 'a'", "KeyError: 'x'"]
    assert parse("WARNING: retrying", *trace)[:2] == ("warn", True)
    assert parse("INFO: unrelated", *trace)[:2] == ("error", True)
    assert parse("INFO: unrelated", trace[0])[:2] == ("error", False)
    assert parse("ERROR: lost", *trace, "done")[:2] == ("unknown", False)


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, ("warn", True)), (2, ("error", False))])
def test_a_trace_below_an_older_entry(seconds: float, expected: tuple[str, bool]) -> None:
    parser = LineParser()
    parser.parse("WARNING: retrying", 10**9)
    found = parser.parse("Traceback (most recent call last):", 10**9 + int(seconds * 10**9))
    assert found[:2] == expected


def test_a_line_of_the_other_output_does_not_part_an_entry() -> None:
    source = Source("web", "app", "ai-web-app")
    lines = [
        LogLine("stderr", None, "ERROR: lost"),
        LogLine("stdout", None, "INFO: served"),
        LogLine("stderr", None, "  at line 1"),
    ]
    found = [found for _, _, found in Parsing().parsed((source, line) for line in lines)]
    assert [(one.level, one.continues) for one in found] == [
        ("error", False), ("info", False), ("error", True),
    ]  # fmt: skip


def test_severity_is_ordered() -> None:
    assert is_at_least("error", "warn")
    assert is_at_least("warn", "warn")
    assert not is_at_least("info", "warn")
    assert is_at_least("unknown", "info")
    assert not is_at_least("unknown", "warn")


@given(st.lists(st.text() | st.sampled_from([line.line for line in labelled()])))
def test_any_line_has_a_level(lines: list[str]) -> None:
    parser = LineParser()
    assert {parser.parse(line).level for line in lines} <= {
        "debug", "info", "warn", "error", "unknown"
    }  # fmt: skip
