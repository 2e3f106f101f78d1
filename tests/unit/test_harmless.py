"""Texts of others, before a terminal or a log shows them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.base.strings import harmless, in_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[2J\x1b[31mred", "␛[2J␛[31mred"),
        ("over\rwritten\x08", "over␍written␈"),
        ("\x9b31m\x7f", "\ufffd31m␡"),
        ("tab\there\nand line", "tab\there\nand line"),
        ("数据库", "数据库"),
        ("safe\u202egnp.exe", "safe\ufffdgnp.exe"),
        ("\u2066a\u2069\u200f\u061c", "\ufffda\ufffd\ufffd\ufffd"),
        ("one\u2028two", "one\u2424two"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_no_text_keeps_a_control_character_or_a_mark_of_direction(text: str) -> None:
    for shown in (harmless(text), in_line(text)):
        assert not {c for c in shown if unicodedata.category(c) == "Cc"} - {"\t", "\n"}
        assert not {c for c in shown if unicodedata.bidirectional(c) in _DIRECTIONS}
    assert len(in_line(text).splitlines()) <= 1
    assert in_line(harmless(text)) == harmless(in_line(harmless(text)))


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\r\n three\u2028four", "one two three four"),
        ("it said \x1b[31mno\x00", "it said [31mno"),
        ("\u202eabc", "abc"),
        ("数据库", "数据库"),
    ],
)
def test_one_line_has_only_what_can_be_printed(text: str, line: str) -> None:
    assert in_line(text) == line
