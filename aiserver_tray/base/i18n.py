"""Texts for users, in English and Chinese. The English text is in the code and is the key of its
translation in ``locale/zh.po``, as in gettext. ``build/dev.py translate`` makes the table that is
read here."""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cache, reduce
from importlib.resources import files
from typing import Any, Literal, Self

Language = Literal["en", "zh"]

LocalText = dict[Language, str]
"""A text of the catalog, by language."""


def in_language(text: LocalText | None, language: Language) -> str:
    """*text* for a reader of *language*, else in another language; empty if there is none."""
    if not text:
        return ""
    return text[language] if language in text else next(iter(text.values()))


class Text:
    """A message template with its values, rendered in the reader's language when it is shown."""

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values: Mapping[str, object] = values

    def with_values(self, values: Mapping[str, object]) -> Self:
        """The same message with *values* instead of its own."""
        other = copy(self)
        other.values = values
        return other

    def render(self, language: Language = "en") -> str:
        """The message in *language*; in English if there is no translation."""
        chinese = _chinese().get(self.template) if language == "zh" else None
        values = {
            name: value.render(language) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return (chinese or self._english()).format_map(values)

    def _english(self) -> str:
        return self.template

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.render()!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._content() == other._content()

    def _content(self) -> tuple[object, ...]:
        return (self.template, self.values)

    def __hash__(self) -> int:
        return hash(self.template)


class Plural(Text):
    """A message with a ``count``, which in English reads differently for one and for several."""

    __slots__ = ("several",)

    def __init__(self, one: str, several: str, /, *, count: int, **values: object) -> None:
        super().__init__(one, count=count, **values)
        self.several = several

    def _english(self) -> str:
        return self.template if self.values["count"] == 1 else self.several

    def _content(self) -> tuple[object, ...]:
        return (*super()._content(), self.several)


class Given(Text):
    """A text that exists in each language already, such as the title of a module."""

    __slots__ = ("text",)

    def __init__(self, text: LocalText, /) -> None:
        super().__init__(in_language(text, "en"))
        self.text = text

    def render(self, language: Language = "en") -> str:
        return in_language(self.text, language)

    def _content(self) -> tuple[object, ...]:
        return (self.text,)


class Listed(Text):
    """Names as a list in a sentence, such as `Dify, n8n and OneAPI`."""

    __slots__ = ()

    def __init__(self, names: Iterable[str | LocalText | Text], /) -> None:
        known = [Given(name) if isinstance(name, dict) else name for name in names]
        super().__init__("", **{str(number): name for number, name in enumerate(known)})

    def render(self, language: Language = "en") -> str:
        *first, last = rendered([*self.values.values()], language) or [""]
        if not first:
            return str(last)
        names = Text(", ").render(language).join(first)
        return Text("{names} and {last}", names=names, last=last).render(language)


def chained(texts: Iterable[Text]) -> Text:
    """*texts*, at least one, one after the other with semicolons."""
    return reduce(lambda one, two: Text("{first}; {second}", first=one, second=two), texts)


def rendered(value: Any, language: Language = "en") -> Any:  # noqa: ANN401 - JSON
    """*value*, JSON that may contain texts, with these in *language*."""
    match value:
        case Text():
            return value.render(language)
        case Mapping():
            return {key: rendered(item, language) for key, item in value.items()}
        case list() | tuple():
            return [rendered(item, language) for item in value]
        case _:
            return value


@cache
def _chinese() -> dict[str, str]:
    table = files("aiserver_tray").joinpath("locale/zh.json").read_text(encoding="utf-8")
    return dict(json.loads(table))
