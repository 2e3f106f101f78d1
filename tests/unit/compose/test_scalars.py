"""Odd values and refusals. What Compose makes of the usual ones, tests/oracle compares with it:
`durations`, `sizes`, `booleans`, `numbers` and `scalars` in its corpus."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose import scalars


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1 s", "1d", "1s ", "-", ".s", "1m1", "9999999999h", None, True, 1.5]
)
def test_wrong_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as") as caught:
        scalars.parse_duration(text)
    assert isinstance(caught.value.args[0], Text)


@given(st.integers(-scalars.INT64_MAX, scalars.INT64_MAX))
def test_printed_duration_reads_back(nanoseconds: int) -> None:
    assert scalars.parse_duration(scalars.format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("parse", "value"), [(scalars.parse_whole_size, 1.5), (scalars.parse_size_text, 5)]
)
def test_size_of_the_wrong_kind_is_refused(
    parse: Callable[[object], object], value: object
) -> None:
    with pytest.raises(ValueError, match="a size such as"):
        parse(value)


@pytest.mark.parametrize("value", ["", "-1", "1x", "g", "1 2", "1.", ".5g", "9999999p", None, True])
def test_wrong_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"a size such as|64 bits"):
        scalars.parse_size(value)


@pytest.mark.parametrize(
    ("parse", "value", "number"),
    [
        (scalars.parse_integer, "+12", 12),
        (scalars.parse_integer, 2.0, 2),
        (scalars.truncate, 2.7, 2),
        (scalars.truncate, "5", 5),
        (scalars.truncate_number, -2.7, -2),
        (scalars.parse_whole_size, 5, 5),
        (scalars.parse_size_text, "5k", 5120),
        (scalars.parse_size, "1PB", 1024**5),
        (scalars.parse_size, 1.5, 0),
        (scalars.parse_float32, "0.123456789", 0.12345679),
        (scalars.parse_float32, 0.1, 0.1),
        (scalars.parse_float32, 16777217, 16777216.0),
    ],
)
def test_number_is_read(parse: Callable[[object], object], value: object, number: float) -> None:
    assert parse(value) == number


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (scalars.parse_integer, "1.5"),
        (scalars.parse_integer, "9" * 30),
        (scalars.parse_integer, True),
        (scalars.truncate, float("inf")),
        (scalars.whole_number, "5"),
        (scalars.whole_number, 2**63),
        (scalars.truncate_number, "5"),
        (scalars.not_negative, -1),
        (scalars.parse_float32, "nan"),
        (scalars.parse_float32, 1e300),
        (scalars.parse_flag, "maybe"),
        (scalars.parse_flag, 1),
        (scalars.text_of, []),
    ],
)
def test_wrong_number_or_word_is_refused(parse: Callable[[object], object], value: object) -> None:
    with pytest.raises(ValueError, match=r"number|true or false") as caught:
        parse(value)
    assert isinstance(caught.value.args[0], Text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (100000.0, "100000"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-2.5e21, "-2.5e+21"),
        (0.0, "0"),
        (float("-inf"), "-Inf"),
        ("x", "x"),
    ],
)
def test_scalar_prints_as_go_does(value: object, text: str) -> None:
    assert scalars.text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_float_is_the_same_number(number: float) -> None:
    assert float(scalars.text_of(number)) == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("   ", []),
        ("a '' \"b c\"", ["a", "", "b c"]),
        ("a\"b\"'c'd", ["abcd"]),
        (r"f\ g 'j\k' \d", ["f g", r"j\k", "d"]),
        ("$(x y) `k l`", ["$(x y)", "`k l`"]),
        ('`date "+%Y"`', ["`date +%Y`"]),
        ("echo a; echo b", ["echo", "a"]),
        ("a 2> b", ["a"]),
        ("a b> c", ["a", "b"]),
        ("a 'x;y'", ["a", "x;y"]),
        ("a)b)c", ["a)b)c"]),
    ],
)
def test_command_line_is_split(text: str, words: list[str]) -> None:
    assert scalars.split_command(text) == words


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a \\", "$(a", "a (b)", "a)", "`a", "$((1))"])
def test_unclosed_command_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quotes and brackets are closed"):
        scalars.split_command(text)


@given(st.text())
def test_any_command_line_gives_words_or_a_refusal(text: str) -> None:
    try:
        words = scalars.split_command(text)
    except ValueError as error:
        words = [str(error.args[0])]
    assert json.dumps(words)
