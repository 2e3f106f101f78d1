"""Writes TypeScript declarations of forms."""

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, get_args, get_origin

from generator.forms import Field, Form, form_of, is_form, is_literal, item_type, union_members

_PRIMITIVES = {
    str: "string",
    datetime: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    NoneType: "null",
}

_OBJECTS = (dict, Mapping)
EMPTY = "Record<string, never>"


class Declarations:
    """Collects the declarations of all types that are used, each under its name."""

    def __init__(self) -> None:
        self._declared: dict[str, object] = {}
        self._texts: dict[str, str] = {}

    def __str__(self) -> str:
        return "\n".join(self._texts[name] for name in sorted(self._texts))

    def reference(self, declaration: type) -> str:
        """The name of the form that *declaration* declares."""
        form = form_of(declaration)
        if self._is_new(form.name, declaration):
            bases = ", ".join(self.reference(base.declaration) for base in form.bases)
            head = f"export interface {form.name}{' extends ' if bases else ''}{bases}"
            fields = "".join(self._field(form, field) for field in form.fields)
            self._texts[form.name] = f"{comment(form.summary)}{head} {{\n{fields}}}\n"
        return form.name

    def text(self, type_: Any, owner: type) -> str:  # noqa: ANN401
        """*type_* in TypeScript, for a field of *owner*."""
        members = union_members(type_)
        if len(members) > 1:
            return " | ".join(self.text(member, owner) for member in members)
        if is_form(type_):
            return self.reference(type_) if form_of(type_).all_fields else EMPTY
        if is_literal(type_):
            return self._literal(type_, owner)
        if item := item_type(type_):
            inner = self.text(item, owner)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        if get_origin(type_) in _OBJECTS:
            return f"Record<string, {self.text(get_args(type_)[1], owner)}>"
        return _PRIMITIVES.get(type_, "unknown")

    def _field(self, form: Form, field: Field) -> str:
        mark = "" if field.is_required else "?"
        type_ = self.text(field.type, form.declaration)
        return f"{comment(field.meaning, '  ')}  {field.name}{mark}: {type_};\n"

    def _literal(self, type_: Any, owner: type) -> str:  # noqa: ANN401
        """Under the name that *owner*'s module knows it by, if there is one."""
        values = " | ".join(json.dumps(value) for value in get_args(type_))
        known = (vars(sys.modules[each.__module__]) for each in owner.__mro__)
        for name, value in (item for names in known for item in names.items()):
            if is_literal(value) and get_args(value) == get_args(type_):
                if self._is_new(name, get_args(type_)):
                    self._texts[name] = f"export type {name} = {values};\n"
                return name
        return values

    def _is_new(self, name: str, declaration: object) -> bool:
        is_new = name not in self._declared
        if self._declared.setdefault(name, declaration) != declaration:
            raise ValueError(f"two declarations have the name {name} in TypeScript")
        return is_new


def comment(text: str, indent: str = "") -> str:
    """*text* as a comment of the declaration below it."""
    return f"{indent}/** {text} */\n" if text else ""


def interface(name: str, summary: str, members: Iterable[tuple[str, str, str]]) -> str:
    """An interface with *members*, each with its name, its type and its summary."""
    lines = (f'{comment(text, "  ")}  "{member}": {type_};\n' for member, type_, text in members)
    return f"{comment(summary)}export interface {name} {{\n{''.join(lines)}}}\n"
