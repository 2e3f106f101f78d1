"""Variables in a string: ``$NAME``, ``${NAME}``, ``$$`` and the operators ``:-`` ``-`` ``:?`` ``?``
``:+`` ``+``, which can be nested.

Variables and their ends follow compose-go's ``template`` package, including its oddities: in
``${A:-…}`` the text extends to the closing brace, or, without one, to the last brace of the
line.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiserver_tray.base.errors.base import WordedError
from aiserver_tray.base.i18n import Text

Lookup = Callable[[str], str | None]
"""Returns the value of a variable. None if it isn't set."""
MAX_DEPTH = 20
"""Defaults within defaults."""
_DOLLAR = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<brace>\{))", re.ASCII
)
_BRACED = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\}|(?P<operator>:?[-+?])(?P<rest>.*)\})", re.ASCII
)


class TemplateError(WordedError):
    """The template can't be filled in; ``text`` says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable in a template: ``${name<operator><argument>}``."""

    name: str
    operator: str = ""
    argument: str = ""


def substitute(template: str, lookup: Lookup, depth: int = 0) -> str:
    """*template* with every variable replaced; one that isn't set is empty.

    Raises:
        TemplateError: a variable is malformed, or one that is required has no value.
    """
    if "$" not in template:
        return template
    if depth > MAX_DEPTH:
        raise TemplateError(Text("expected at most {limit} nested defaults", limit=MAX_DEPTH))
    parts = parse(template)
    return "".join(p if isinstance(p, str) else _value(p, lookup, depth) for p in parts)


def references(template: str, depth: int = 0) -> Iterator[Reference]:
    """Every variable in *template*, also those within the arguments of others.

    Raises:
        TemplateError: a variable is malformed.
    """
    for part in _variables(template, depth):
        yield part
        yield from references(part.argument, depth + 1)


def lacking(template: str, lookup: Lookup, depth: int = 0) -> Iterator[Reference]:
    """The variables that are empty or an error in *template*, since they have no value there.

    Raises:
        TemplateError: a variable is malformed.
    """
    for part in _variables(template, depth):
        if part.operator in ("", "?", ":?") and not lookup(part.name):
            yield part
        for inner in lacking(part.argument, lookup, depth + 1):
            # A required variable is required even in an argument that is not used.
            if inner.operator or _argument_counts(part, lookup):
                yield inner


def _variables(template: str, depth: int) -> Iterator[Reference]:
    """The references of *template* itself, at nesting level *depth*."""
    if "$" in template and depth <= MAX_DEPTH:
        yield from (part for part in parse(template) if isinstance(part, Reference))


def parse(template: str) -> Iterator[str | Reference]:
    """The literal texts and the variables of *template*, in order.

    Raises:
        TemplateError: a ``${`` that starts no variable.
    """
    done = 0
    while match := _DOLLAR.search(template, done):
        yield template[done : match.start()]
        done = match.end()
        if match["escaped"]:
            yield "$"
        elif match["name"]:
            yield Reference(match["name"])
        else:
            reference, done = _braced(template, match.start())
            yield reference
    yield template[done:]


def _braced(template: str, start: int) -> tuple[Reference, int]:
    match = _BRACED.match(template, start + 2)
    if not match:
        text = Text(
            "expected a variable such as ${{NAME}} or ${{NAME:-default}} in {template!r}. "
            "Write $$ for a literal dollar sign",
            template=template,
        )
        raise TemplateError(text)
    if not match["operator"]:
        return Reference(match["name"]), match.end()
    end = _closing_brace(template, start, match.end()) or match.end() - 1
    argument = template[match.start("rest") : end]
    return Reference(match["name"], match["operator"], argument), end + 1


def _closing_brace(template: str, start: int, stop: int) -> int | None:
    """The position that closes the brace opened before *start*. The character after an opening
    brace never counts, so ``${A:-{}}`` is the text ``{}``."""
    level, position = 0, start
    while position < stop:
        if template[position] == "}":
            level -= 1
            if level == 0:
                return position
        elif template[position] == "{":
            level += 1
            position += 1
        position += 1
    return None


def _value(reference: Reference, lookup: Lookup, depth: int) -> str:
    argument = substitute(reference.argument, lookup, depth + 1)
    if not _argument_counts(reference, lookup):
        return lookup(reference.name) or ""
    if reference.operator.endswith("?"):
        raise TemplateError(_missing(reference.name, argument))
    return argument


def _argument_counts(reference: Reference, lookup: Lookup) -> bool:
    """Whether the argument takes the place of the value."""
    value = lookup(reference.name)
    # After a colon, an empty value counts as unset.
    is_set = bool(value) if reference.operator.startswith(":") else value is not None
    return bool(reference.operator) and is_set == reference.operator.endswith("+")


def _missing(name: str, why: str) -> Text:
    if why:
        return Text("expected a value for {name}: {why}", name=name, why=why)
    return Text("expected a value for {name}, because it is required here", name=name)
