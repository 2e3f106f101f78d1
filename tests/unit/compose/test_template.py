"""Odd templates and refusals; tests/oracle compares operators and nesting with Compose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiserver_tray.catalog.compose.template import Reference, TemplateError, references, substitute

ENV = {"A": "a", "EMPTY": "", "DOLLAR": "x$y"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("${UNSET:-{x}", "{x"),
        ("$1 $ $.", "$1 $ $."),
        ("${DOLLAR}", "x$y"),
        ("a\n$A\n", "a\na\n"),
    ],
)
def test_odd_text_around_variables_stays(template: str, text: str) -> None:
    assert substitute(template, ENV.get) == text


@pytest.mark.parametrize(
    "template",
    ["${", "${}", "${1}", "${A", "${A!}", "${A:}", "${ A}", "${A:-\n}", "x ${UNSET:-${}}"],
)
def test_wrong_variable_is_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="variable such as"):
        substitute(template, ENV.get)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("${UNSET?}", "UNSET, because it is required"),
        ("${UNSET?why}", "UNSET: why"),
        ("${EMPTY:?set ${A} or $$}", r"EMPTY: set a or \$"),
        ("${A:-${UNSET:?nested}}", "UNSET: nested"),
    ],
)
def test_a_required_variable_without_value_is_refused(template: str, why: str) -> None:
    with pytest.raises(TemplateError, match=why):
        substitute(template, ENV.get)


def test_defaults_within_each_other_have_a_limit() -> None:
    with pytest.raises(TemplateError, match="nested defaults"):
        substitute("${U:-" * 100 + "}" * 100, ENV.get)


def test_references_include_those_in_arguments() -> None:
    assert list(references("$A $$B ${C:-${D:?e $F}} ${G+h}")) == [
        Reference("A"),
        Reference("C", ":-", "${D:?e $F}"),
        Reference("D", ":?", "e $F"),
        Reference("F"),
        Reference("G", "+", "h"),
    ]


@given(st.text(max_size=40) | st.text(st.sampled_from("${}:-?+AB \nx"), max_size=40))
def test_doubled_dollars_give_back_any_text(text: str) -> None:
    assert substitute(text.replace("$", "$$"), ENV.get) == text


@given(st.text(st.sampled_from("${}:-?+AB \nx"), max_size=40))
def test_any_text_is_replaced_or_refused_with_a_reason(template: str) -> None:
    reason = "none"
    try:
        substitute(template, ENV.get)
    except TemplateError as error:
        reason = error.text.render()

    assert reason
