"""What a check of the doctor finds."""

from dataclasses import dataclass
from typing import Any, Literal

from aiserver_tray.i18n import Language, Text

Grade = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of one check: all is well, worth knowing, or to be mended."""

    name: str
    grade: Grade
    text: Text

    def as_data(self, language: Language) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "grade": self.grade, "message": self.text.render(language)}
