"""Texts of others can do nothing to a terminal, and columns are as wide as they look."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.cli.terminal import (
    harmless,
    harmless_in_colour,
    padded,
    takes,
    width,
    without_colour,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[2J\x1b[31mred", "␛[2J␛[31mred"),
        ("over\rwritten\x08", "over␍written␈"),
        ("\x9b31m\x7f", "\ufffd31m␡"),
        ("tab\there\nand line", "tab\there\nand line"),
        ("数据库", "数据库"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_colours_may_pass_and_end_with_the_line() -> None:
    assert harmless_in_colour("\x1b[1;31mred\x1b[2K") == "\x1b[1;31mred␛[2K\x1b[0m"
    assert harmless_in_colour("plain") == "plain"
    assert without_colour("\x1b[1;31mred\x1b[0m \x1b[5n") == "red ␛[5n"


@given(st.text())
def test_no_text_keeps_an_escape_that_is_no_colour(text: str) -> None:
    assert not set(harmless(text)) & {"\x1b", "\x07", "\r", "\x08", "\x9b", "\x7f"}
    rest = harmless_in_colour(text)
    assert without_colour(rest).count("\x1b") == 0


def test_wide_characters_take_two_columns() -> None:
    assert [width(text) for text in ("n8n", "状态", "é", "e\u0301", "")] == [3, 4, 1, 1, 0]
    assert padded("状态", 6) == "状态  "


def test_what_an_encoding_can_not_show_is_known_before() -> None:
    old = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    new = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert not takes(old, "✓")
    assert takes(old, "ok")
    assert takes(new, "✓")
