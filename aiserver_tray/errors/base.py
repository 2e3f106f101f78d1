"""The root of the errors, and several of them at once."""

from collections.abc import Sequence
from typing import Any, ClassVar

from aiserver_tray.i18n import Language, Text
from aiserver_tray.masking import hide


class AiServerError(Exception):
    """Root of the tree. ``text`` is the message, ``data`` what a program may want to know."""

    code: ClassVar[str] = "E_RUNTIME"

    def __init__(self, text: Text, **data: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(text)
        self.text = text
        self.data: dict[str, Any] = data

    def render(self, language: Language = "en") -> str:
        """The message in *language*."""
        return self.text.render(language)

    def hide(self, secrets: Sequence[str]) -> None:
        """Take *secrets* out of all that it says: what the engine and containers say is quoted."""
        self.text = hide(self.text, secrets)
        self.data = hide(self.data, secrets)
        self.args = (self.text,)
        # A traceback would tell what the text no longer does.
        self.__cause__ = None
        self.__suppress_context__ = True

    def __str__(self) -> str:
        return self.render()


class JointError(AiServerError):
    """More than one thing is wrong, found before anything was changed. ``code`` is the first's;
    ``data["errors"]`` has each one's code, message and data."""

    def __init__(self, errors: Sequence[AiServerError]) -> None:
        self.errors = tuple(errors)
        super().__init__(
            Text("{count} things are wrong.", count=len(self.errors)),
            errors=[{"code": e.code, "message": str(e), "data": e.data} for e in self.errors],
        )
        self.code = self.errors[0].code  # type: ignore[misc]

    def render(self, language: Language = "en") -> str:
        return "\n".join(error.render(language) for error in self.errors)

    def hide(self, secrets: Sequence[str]) -> None:
        super().hide(secrets)
        for error in self.errors:
            error.hide(secrets)


def raise_all(errors: Sequence[AiServerError]) -> None:
    """Raise *errors*: none, the one, or `JointError`."""
    if len(errors) > 1:
        raise JointError(errors)
    if errors:
        raise errors[0]
