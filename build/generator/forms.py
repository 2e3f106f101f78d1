"""Reads forms of JSON from their declarations: dataclasses, TypedDicts and pydantic models, whose
fields have their meanings as string literals below them."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from aiserver_tray.base.codec import sent_fields
from aiserver_tray.base.errors import AiServerError, ErrorJson
from aiserver_tray.base.i18n import LocalText, Text


@dataclass(frozen=True)
class Field:
    """A field in JSON. ``meaning`` is empty if the name is clear."""

    name: str
    type: Any
    meaning: str
    is_required: bool
    default: Any = None


@dataclass(frozen=True)
class Form:
    """``fields``: its own ones, in addition to those of its ``bases``."""

    declaration: type
    summary: str
    fields: tuple[Field, ...]
    bases: tuple["Form", ...] = ()

    @property
    def name(self) -> str:
        """Its name outside of Python."""
        return self.declaration.__name__.removesuffix("Json").removesuffix("View")

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Its fields with those of its bases."""
        return (*(field for base in self.bases for field in base.all_fields), *self.fields)


def is_form(type_: object) -> bool:
    """Whether *type_* declares a form."""
    return is_typeddict(type_) or is_dataclass(type_) or hasattr(type_, "__pydantic_fields__")


def form_of(declaration: type) -> Form:
    """The form that *declaration* declares."""
    summary = (inspect.getdoc(declaration) or "").partition("\n\n")[0].replace("\n", " ")
    if is_typeddict(declaration):
        fields, bases = _typed_dict(declaration)
        return Form(declaration, summary, fields, bases)
    if _is_request(declaration):
        fields = _with_more(declaration, _pydantic_fields(declaration), is_required=False)
        return Form(declaration, summary, fields)
    return _dataclass(declaration, summary)


def _with_more(
    declaration: Any,  # noqa: ANN401
    fields: Iterable[Field],
    *,
    is_required: bool,
) -> tuple[Field, ...]:
    """*fields*, and those that a function of *declaration* adds or describes, because they depend
    on other declarations."""
    found = {field.name: field for field in fields}
    for name, (type_, meaning) in getattr(declaration, "more_fields", dict)().items():
        required = found[name].is_required if name in found else is_required
        found[name] = Field(name, type_, meaning, required)
    return tuple(found.values())


def _is_request(declaration: Any) -> bool:  # noqa: ANN401
    """Requests have the names of their fields in JSON by pydantic; others by `base.codec`."""
    config = getattr(declaration, "model_config", None)
    return "alias_generator" in (config or getattr(declaration, "__pydantic_config__", None) or {})


def _dataclass(declaration: type, summary: str) -> Form:
    """A view of a stored value has its name, and its fields."""
    fields = _with_more(declaration, _sent_fields(declaration), is_required=True)
    form = Form(declaration, summary, fields)
    bases = [form_of(base) for base in declaration.__bases__ if is_dataclass(base)]
    stored = [field for base in bases if base.name == form.name for field in base.all_fields]
    others = tuple(base for base in bases if base.name != form.name)
    return Form(declaration, summary, (*stored, *form.fields), others)


def _sent_fields(declaration: type) -> Iterator[Field]:
    """The fields of a dataclass that it adds to those of its bases."""
    hints, meanings = _hints(declaration), _meanings(_class_node(declaration))
    for name, field in sent_fields(declaration).items():
        if field.name in meanings and "is_spread" not in field.metadata:
            yield Field(name, hints[field.name], meanings[field.name], is_required=True)


def _typed_dict(declaration: Any) -> tuple[tuple[Field, ...], tuple[Form, ...]]:  # noqa: ANN401
    node, hints = _class_node(declaration), _hints(declaration)
    fields = (
        Field(name, hints[name], meaning, name in declaration.__required_keys__)
        for name, meaning in _meanings(node).items()
    )
    # Python 3.11 keeps no bases of a TypedDict.
    names = (base.id for base in node.bases if isinstance(base, ast.Name))
    known = vars(sys.modules[declaration.__module__])
    bases = (form_of(known[name]) for name in names if is_typeddict(known[name]))
    return tuple(fields), tuple(bases)


def _pydantic_fields(declaration: Any) -> Iterator[Field]:  # noqa: ANN401
    hints, meanings = get_type_hints(declaration), {}
    for each in reversed(declaration.__mro__):
        if not each.__module__.startswith(("builtins", "pydantic")):
            meanings.update(_meanings(_class_node(each)))
    for name, info in declaration.__pydantic_fields__.items():
        wire_name = info.serialization_alias or info.alias or name
        is_required = info.is_required()
        default = None if is_required else info.get_default(call_default_factory=True)
        yield Field(wire_name, hints[name], meanings[name], is_required, default)


def _hints(declaration: type) -> dict[str, Any]:
    """The types in JSON of the fields of *declaration*."""
    hints = get_type_hints(declaration, include_extras=True)
    return {name: _in_json(hint) for name, hint in hints.items()}


_IN_JSON = {Text: str, LocalText: str, datetime: str, AiServerError: ErrorJson}


def _in_json(hint: Any) -> Any:  # noqa: ANN401 - a type
    """What `base.codec` makes of *hint*."""
    if hint in _IN_JSON:
        return _IN_JSON[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _in_json(args[0])
    if origin is Annotated:
        return _in_json(args[1] if is_form(args[1]) else args[0])
    if origin in (Union, UnionType):
        return Union[tuple(map(_in_json, args))]  # noqa: UP007 - of a list
    if item := item_type(hint):
        return list[_in_json(item)]  # type: ignore[misc]
    return hint


def _class_node(declaration: type) -> ast.ClassDef:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(declaration))).body
    assert isinstance(node, ast.ClassDef)
    return node


def _meanings(node: ast.ClassDef) -> dict[str, str]:
    """Name of each annotated field in the class -> the text below it, in one line."""
    found: dict[str, str] = {}
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = _text(following)
    return found


def _text(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
    return ""


# -- types -----------------------------------------------------------------------------------------

_LISTS = (list, tuple, set, frozenset)


def union_members(type_: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """The types in the union *type_*; *type_* itself if it is none."""
    return get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)


def item_type(type_: Any) -> Any:  # noqa: ANN401
    """The item type of a list *type_*. None if it is no list."""
    return get_args(type_)[0] if get_origin(type_) in _LISTS else None


def is_literal(type_: object) -> bool:
    """Whether *type_* is a choice of values."""
    return get_origin(type_) is Literal
