"""Writes the tables of documentation pages, each between two comments:

    <!-- generated: fields of MODULE.DECLARATION -->
    <!-- end -->

``more fields of`` leaves out those of the form's bases. Types link to the section with the fields
of a form, or to one that says that it explains values: ``<!-- values of MODULE.DECLARATION -->``.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pkgutil import resolve_name
from types import MappingProxyType, NoneType
from typing import Any, get_args

from generator.forms import Field, form_of, is_form, is_literal, item_type, union_members

_MARKED = re.compile(r"(<!-- generated: (.+) -->\n)(?:(?!<!--)[^\n]*\n)*(<!-- end -->)")
_TARGET = re.compile(
    r"^(?:#+ (.+)|<!-- (?:generated: (?:more )?fields|values) of (.+) -->)$", re.MULTILINE
)
_WORDS = {
    str: "string",
    datetime: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    NoneType: "`null`",
}

Sections = dict[Any, tuple[str, str]]
"""What a section is about -> name of its page, and its heading."""


def sections(pages: Mapping[str, str]) -> Sections:
    """The sections of *pages*, which are texts by name."""
    found: Sections = {}
    for name, text in pages.items():
        heading = ""
        for match in _TARGET.finditer(text):
            heading = match[1] or heading
            if match[2]:
                found[resolve_name(match[2])] = name, heading
    return found


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    titles = list(titles)
    lines = (f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in (titles, *rows))
    head, *body = lines
    return f"{head}|{'---|' * len(titles)}\n{''.join(body)}"


class Tables:
    """Makes tables for the page with the name *page*, with links to *sections*."""

    def __init__(self, page: str, sections: Sections) -> None:
        self._page = page
        self._sections = sections

    def fields(self, fields: Iterable[Field]) -> str:
        """*fields* with their types and meanings."""
        return table(("field", "type", "meaning"), self.rows(fields))

    def rows(self, fields: Iterable[Field]) -> Iterator[tuple[str, str, str]]:
        """A row for each of *fields*."""
        for field in fields:
            yield _code(field), self._type(field.type) + _default(field), field.meaning

    def has_section(self, declaration: Any) -> bool:  # noqa: ANN401 - a type
        """Whether a section is about *declaration*."""
        return declaration in self._sections

    def names(self, declaration: type) -> str:
        """The names of a form's fields, or a link to them."""
        return self._link(declaration) or ", ".join(
            self._name(field) for field in form_of(declaration).all_fields
        )

    def _name(self, field: Field) -> str:
        """With the names of the fields in it, unless another section has them."""
        inner = item_type(field.type) or field.type
        for member in filter(is_form, union_members(inner)):
            link = self._link(member, _code(field))
            return link or f"{_code(field)} ({self.names(member)})"
        return _code(field)

    def _link(self, declaration: Any, text: str = "") -> str:  # noqa: ANN401 - a type
        if declaration not in self._sections:
            return ""
        page, heading = self._sections[declaration]
        anchor = re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
        return f"[{text or heading.lower()}]({'' if page == self._page else page}#{anchor})"

    def _type(self, type_: Any) -> str:  # noqa: ANN401 - a type
        if link := self._link(type_):
            return f"one of the {link}" if is_literal(type_) else link
        if type_ in _WORDS:
            return _WORDS[type_]
        if is_literal(type_):
            return ", ".join(f"`{value}`" for value in get_args(type_))
        members = union_members(type_)
        if len(members) > 1:
            return " or ".join(map(self._type, members))
        item = item_type(type_)
        return f"list: {self._type(item)}" if item else "object"


def written(text: str, tables: Tables, others: Mapping[str, str] = MappingProxyType({})) -> str:
    """The page *text* with every generated table in its place: of forms, and *others* by name."""

    def filled(found: re.Match[str]) -> str:
        kind, _, path = found[2].partition("fields of ")
        if path:
            form = form_of(resolve_name(path))
            table = tables.fields(form.fields if kind else form.all_fields)
        else:
            table = others[kind]
        return f"{found[1]}\n{table}\n{found[3]}"

    return _MARKED.sub(filled, text)


def _code(field: Field) -> str:
    return f"`{field.name}`{'' if field.is_required else '?'}"


def _default(field: Field) -> str:
    if field.is_required or field.default is None:
        return ""
    return f"; default `{json.dumps(field.default, default=list)}`"
