"""Problems of Compose files: collected, placed in the file that they come from, and worded."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.base.errors.base import UnfitError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.budget import Budget
from aiserver_tray.catalog.compose.keypath import KeyPath
from aiserver_tray.catalog.compose.reader import Document

T = TypeVar("T")

_MAX_FOUND = 60
_EXPECTED = {
    **dict.fromkeys(("string_type", "string_sub_type"), Text("text")),
    **dict.fromkeys(("bool_type", "bool_parsing"), Text("true or false")),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), Text("a whole number")),
    **dict.fromkeys(("float_type", "float_parsing"), Text("a number")),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), Text("a mapping")),
    **dict.fromkeys(("list_type", "tuple_type"), Text("a list")),
    "none_required": Text("nothing"),
}


class Problems:
    """The problems of the files being loaded, and the document of each path. ``files`` are all that
    were read. ``budget`` is that of the whole project, with included and extended files.

    Documents are layers: later ones override earlier ones. A layer may show only a part of its
    document at another path, as an extended service does.
    """

    def __init__(self, file: Path, budget: Budget | None = None) -> None:
        self._file = file
        self.budget = budget or Budget()
        self._layers: list[tuple[Document, KeyPath, KeyPath]] = []
        self._found: dict[tuple[Path, str], Problem] = {}
        self.files: set[Path] = set()

    def add(self, document: Document) -> None:
        """Add *document* as the top layer."""
        self.files.add(document.file)
        self._layers.append((document, (), ()))

    def add_below(self, document: Document, shown_at: KeyPath, part: KeyPath) -> None:
        """Add *document* as the bottom layer; its *part* appears at *shown_at*."""
        self.files.add(document.file)
        self._layers.insert(0, (document, shown_at, part))

    def adopt(self, included: "Problems") -> None:
        """Takes over the documents of an included project."""
        self.files |= included.files
        self._layers[:0] = included._layers

    def place(self, path: KeyPath) -> Place:
        """The place of *path* of the merged tree: in the layer that contains most of it."""
        best = Place(self._file, None, _dotted(path))
        most = -1
        for document, shown_at, part in self._layers:
            if path[: len(shown_at)] == shown_at:
                line, depth = document.locate(part + path[len(shown_at) :])
                if (held := depth - len(part) + len(shown_at)) >= most:
                    most, best = held, Place(document.file, line, _dotted(path))
        return best

    def report(self, path: KeyPath, text: Text) -> None:
        """Takes note of a problem; of several at one place the first stays."""
        self.extend([Problem(self.place(path), text)])

    def extend(self, problems: Iterable[Problem]) -> None:
        """Takes note of problems that have their place."""
        for problem in problems:
            self._found.setdefault((problem.place.file, problem.place.key), problem)

    def attempt(self, path: KeyPath, action: Callable[[], T]) -> T | None:
        """The result of *action*. None if it found problems, which are recorded. A problem without
        a line is placed at *path*.

        Raises:
            CatalogError: the budget is exceeded, so that no other attempt makes sense.
        """
        try:
            return action()
        except CatalogError as error:
            self.extend(
                problem if problem.place.line else Problem(self.place(path), problem.text)
                for problem in error.problems
            )
            if self.budget.is_exceeded:
                self.check()
            return None

    def check(self) -> None:
        """Raises:
        CatalogError: with the problems found so far, by file and line.
        """
        if self._found:
            order = {file: index for index, (file, _) in enumerate(reversed(self._found))}
            places = ((problem.place, problem) for problem in self._found.values())
            by_place = sorted(places, key=lambda p: (-order[p[0].file], p[0].line or 0))
            raise CatalogError([problem for _, problem in by_place])


def problems_of(
    error: ValidationError, place: Callable[[KeyPath], Place], prefix: KeyPath = ()
) -> list[Problem]:
    """pydantic's errors for a value at *prefix*, in our words, one problem per path."""
    found: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_without_types(detail["loc"]), []).append(detail)
    return [Problem(place(prefix + path), _worded(details)) for path, details in found.items()]


def _without_types(loc: tuple[str | int, ...]) -> KeyPath:
    """*loc* without the names of union branches (``str``, ``dict[…]``, ``function-plain[…]``)."""
    return tuple(part for part in loc if not (isinstance(part, str) and _is_type(part)))


def _is_type(part: str) -> bool:
    return part in ("str", "int", "float", "bool", "none", "constrained-str") or part.endswith("]")


def _worded(details: list[Any]) -> Text:
    detail = details[0]
    if isinstance(why := detail.get("ctx", {}).get("error"), UnfitError):
        return why.text
    match detail["type"]:
        case "missing":
            return Text("expected the key {key}, which is missing", key=detail["loc"][-1])
        case "extra_forbidden":
            return Text("expected a key that is allowed here, found {key!r}", key=detail["loc"][-1])
    expected = list({_expected(detail).render(): _expected(detail) for detail in details}.values())
    wanted = expected[0]
    for other in expected[1:]:
        wanted = Text("{one} or {other}", one=wanted, other=other)
    if detail["type"] == "value_error" and isinstance(detail["input"], dict | list | tuple):
        # It has the right type; the problem is inside.
        return Text("expected {expected}", expected=wanted)
    return Text("expected {expected}, found {found}", expected=wanted, found=found(detail["input"]))


def _expected(detail: Any) -> Text:  # noqa: ANN401
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind in ("literal_error", "enum"):
        return Text("one of {choices}", choices=context["expected"])
    if kind == "string_pattern_mismatch":
        return Text("text that matches {pattern}", pattern=context["pattern"])
    why = context.get("error")
    if isinstance(why, ValueError) and why.args:
        return why.args[0] if isinstance(why.args[0], Text) else Text("{what}", what=str(why))
    return Text("{what}", what=detail["msg"])


def found(value: object) -> Text:
    """The value in the file, for a message: short, and never the content of a mapping or list."""
    if value is None:
        return Text("nothing")
    if isinstance(value, dict):
        return Text("a mapping")
    if isinstance(value, list | tuple):
        return Text("a list")
    if isinstance(value, bool):
        return Text("{value}", value="true" if value else "false")
    if isinstance(value, str) and len(value) > _MAX_FOUND:
        return Text("a text of {length} characters", length=len(value))
    return Text("{value!r}", value=value)


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))
