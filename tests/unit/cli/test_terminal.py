"""Texts of others can do nothing to a terminal, and columns are as wide as they look."""

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.cli.terminal import (
    harmless_in_colour,
    padded,
    takes,
    width,
    without_colour,
    wrapped,
)
from tests.support.command_line import CommandLine
from tests.support.systems import on_unix
from tests.support.terminal import terminal


def test_colours_may_pass_and_end_with_the_line() -> None:
    assert harmless_in_colour("\x1b[1;31mred\x1b[2K") == "\x1b[1;31mred␛[2K\x1b[0m"
    assert harmless_in_colour("plain") == "plain"
    assert without_colour("\x1b[1;31mred\x1b[0m \x1b[5n") == "red ␛[5n"


@given(st.text())
def test_no_text_keeps_an_escape_that_is_no_colour(text: str) -> None:
    rest = harmless_in_colour(text)
    assert without_colour(rest).count("\x1b") == 0


def test_wide_characters_take_two_columns_and_an_encoding_may_lack_some() -> None:
    assert [width(text) for text in ("n8n", "状态", "é", "e\u0301", "")] == [3, 4, 1, 1, 0]
    assert padded("状态", 6) == "状态  "
    old, new = (io.TextIOWrapper(io.BytesIO(), encoding=name) for name in ("cp1252", "utf-8"))
    assert (takes(old, "✓"), takes(old, "ok"), takes(new, "✓")) == (False, True, True)


ADDRESS = "unix:///run/user/1000/docker.sock"


def test_lines_are_broken_between_words_and_addresses_stay_whole() -> None:
    texts = {
        "one two three four": "one two three\nfour",
        "0123456789012345 next": "0123456789012345\nnext",
        # Two full lines and a column of a third, of the terminal's own breaking.
        f"It is {ADDRESS} not there but here": f"It is\n{ADDRESS} not there but\nhere",
        "why:\n  one two  three four\n": "why:\n  one two  three\n  four\n",
        "引擎 docker 没有响应": "引擎 docker\n没有响应",
        "请先启动它，然后重试一次。 现在": "请先启动它，然后重试一次。 现在",
    }
    assert {text: wrapped(text, 16) for text in texts} == texts


@given(st.text(), st.integers(1, 40))
def test_a_line_that_is_broken_keeps_every_word(text: str, room: int) -> None:
    assert "".join(wrapped(text, room).split()) == "".join(text.split())


@on_unix
def test_an_error_is_broken_between_words_on_a_terminal_alone(tmp_path: Path) -> None:
    words = ("config", "get", "n8n.N8N_HOST_PROT")
    cli = CommandLine(tmp_path, tmp_path, "")
    piped = cli.run(*words).failed("E_UNKNOWN")
    with terminal(*cli.options, *words) as shown:
        assert shown.end() == 1
    lines = shown.text.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert " ".join(lines) == piped.errors.removesuffix("\n")
    assert "\x1b[1mE_UNKNOWN\x1b[0m: There" in shown.seen
