"""What `build/dev.py generate` makes of declarations. That the generated files are up to date is a
matter of `check`."""

from typing import Any, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from generator import forms
from generator.pages import Tables, sections, written

Shade = Literal["light", "dark"]


class LampJson(TypedDict):
    """A lamp."""

    name: str
    """as printed
    on its box"""
    shade: Shade
    watts: float | None
    """`null` if it is broken"""
    twin: "LampJson | None"
    parts: list[str]
    notes: dict[str, Any]
    spare: NotRequired[bool]


class StreetLampJson(LampJson):
    """A lamp outside."""

    street: str
    """where it is"""


class LampRequest(BaseModel):
    """The request for a lamp.

    More about it.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    lamp_name: str
    """its name"""
    max_count: int = Field(default=1, ge=1)
    shades: tuple[Shade, ...] = ()


HERE = "tests.unit.test_generator"

PAGE = f"""\
# Lamps

## A lamp

<!-- generated: fields of {HERE}.LampJson -->
what was here before
<!-- end -->

### Shades

<!-- values of {HERE}.Shade -->

## Street lamp

<!-- generated: more fields of {HERE}.StreetLampJson -->
<!-- end -->

By hand.
"""

FILLED = f"""\
# Lamps

## A lamp

<!-- generated: fields of {HERE}.LampJson -->

| field | type | meaning |
|---|---|---|
| `name` | string | as printed on its box |
| `shade` | one of the [shades](#shades) | |
| `watts` | number or `null` | `null` if it is broken |
| `twin` | [a lamp](#a-lamp) or `null` | |
| `parts` | list: string | |
| `notes` | object | |
| `spare`? | boolean | |

<!-- end -->

### Shades

<!-- values of {HERE}.Shade -->

## Street lamp

<!-- generated: more fields of {HERE}.StreetLampJson -->

| field | type | meaning |
|---|---|---|
| `street` | string | where it is |

<!-- end -->

By hand.
"""


def filled(page: str) -> str:
    return written(page, Tables("lamps.md", sections({"lamps.md": page})))


def test_a_page_gets_its_tables_and_keeps_the_rest() -> None:
    assert filled(PAGE) == FILLED


def test_a_page_that_is_up_to_date_stays_as_it_is() -> None:
    assert filled(FILLED) == FILLED


def test_another_page_is_linked_by_its_name() -> None:
    other = f"<!-- generated: fields of {HERE}.LampJson -->\n<!-- end -->\n"
    tables = Tables("other.md", sections({"lamps.md": PAGE}))
    assert "| `twin` | [a lamp](lamps.md#a-lamp) or `null` | |" in written(other, tables)


def test_a_declaration_that_does_not_exist_is_named() -> None:
    with pytest.raises(AttributeError, match="NoLamp"):
        sections({"lamps.md": f"<!-- generated: fields of {HERE}.NoLamp -->\n"})


def test_a_request_has_the_names_and_defaults_of_the_wire() -> None:
    form = forms.form_of(LampRequest)
    assert form.name == "LampRequest"
    assert form.summary == "The request for a lamp."
    assert Tables("lamps.md", {}).fields(form.all_fields).splitlines()[2:] == [
        "| `lampName` | string | its name |",
        "| `maxCount`? | number; default `1` | |",
        "| `shades`? | list: `light`, `dark`; default `[]` | |",
    ]


def test_a_form_has_the_fields_of_its_bases() -> None:
    form = forms.form_of(StreetLampJson)
    assert [base.name for base in form.bases] == ["Lamp"]
    assert [field.name for field in form.fields] == ["street"]
    assert [field.name for field in form.all_fields][-2:] == ["spare", "street"]
