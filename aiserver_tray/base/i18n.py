"""Texts for people, in English and Chinese.

The English template stands where it is used and is the key of its translation in
``locale/zh.json``, as in gettext; a test holds the table complete.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Language = Literal["en", "zh"]


class Text:
    """A message template with its values, rendered in the reader's language when it is shown."""

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values: Mapping[str, object] = values

    def render(self, language: Language = "en") -> str:
        """The message in *language*; English where there is no translation."""
        template = self.template
        if language == "zh":
            template = _chinese().get(template, template)
        return template.format_map(
            {
                name: value.render(language) if isinstance(value, Text) else value
                for name, value in self.values.items()
            }
        )

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"Text({self.render()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and (self.template, self.values) == (
            other.template,
            other.values,
        )

    def __hash__(self) -> int:
        return hash(self.template)


def rendered(value: Any, language: Language = "en") -> Any:  # noqa: ANN401 - JSON
    """*value*, JSON in which texts may stand, with these in *language*."""
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
    table: dict[str, str] = json.loads(
        files("aiserver_tray").joinpath("locale/zh.json").read_text(encoding="utf-8")
    )
    return table
