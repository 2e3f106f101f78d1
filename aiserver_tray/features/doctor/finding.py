"""A result of a check by the doctor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict

from aiserver_tray.base.errors import AiServerError, CatalogError
from aiserver_tray.base.errors.remedies import RemedyJson
from aiserver_tray.base.i18n import Language, Text

Grade = Literal["ok", "fact", "note", "problem"]


class CheckJson(TypedDict):
    """A check of the doctor."""

    name: str
    """the checked thing, such as `key` or `ports`; several checks may share a name"""
    grade: Grade
    """`ok`: good; `fact`: neither good nor bad; `note`: worth knowing; `problem`: needs a fix"""
    message: str
    """the finding, and its fix"""
    remedies: list[RemedyJson]
    """the next steps that it offers, the best first"""


@dataclass(frozen=True)
class Finding:
    """The result of one check, with its grade. ``error``: its subject."""

    name: str
    grade: Grade
    text: Text
    error: AiServerError | None = None

    def as_json(self, language: Language) -> CheckJson:
        error = self.error.as_json(language)["data"] if self.error else {}
        return {
            "name": self.name,
            "grade": self.grade,
            "message": self.text.render(language),
            "remedies": error.get("remedies", []),
        }


def problems(name: str, errors: Iterable[AiServerError]) -> Iterator[Finding]:
    """A finding for each thing that *errors* say."""
    for error in errors:
        if isinstance(error, CatalogError):
            for problem in error.problems:
                text = Text("{place}: {why}", place=problem.place, why=problem.text)
                yield Finding(name, "problem", text)
        else:
            yield Finding(name, "problem", error.text, error)
