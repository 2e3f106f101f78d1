"""The root of the errors, and several of them at once."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypedDict, cast

from aiserver_tray.base.errors.remedies import Remedy, RemedyJson
from aiserver_tray.base.i18n import Language, Plural, Text, rendered
from aiserver_tray.base.masking import hide


class ErrorDataJson(TypedDict, total=False):
    """Details of an error for programs. Other fields depend on its code."""

    errors: "list[ErrorJson]"
    """each of several errors"""
    module: str
    """the module that it is about"""
    remedies: list[RemedyJson]
    """the next steps that it offers, the best first"""
    forbidden: bool
    """the Docker engine is there, and this user may not use it"""


class ErrorJson(TypedDict):
    """An error, as clients and programs get it."""

    code: str
    """one of the [error codes](errors.md)"""
    message: str
    """what happened, why, and what to do next"""
    data: ErrorDataJson
    """details for programs, which depend on its code"""


class AiServerError(Exception):
    """The base class. ``text`` is the message; ``brief`` is only its fact, for small places;
    *remedies* are the next steps, the best first; *data* holds details for programs: JSON that may
    contain texts."""

    code: ClassVar[str] = "E_RUNTIME"

    def __init__(
        self,
        text: Text,
        *,
        brief: Text | None = None,
        remedies: Sequence[Remedy] = (),
        **data: Any,  # noqa: ANN401 - JSON
    ) -> None:
        super().__init__(text)
        self.text = text
        self.brief = brief or text
        self._data: dict[str, Any] = data | ({"remedies": list(remedies)} if remedies else {})

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The next steps, the best first."""
        return tuple(self._data.get("remedies", ()))

    @property
    def data(self) -> dict[str, Any]:
        """The details for programs, with texts in English."""
        return self.data_in("en")

    def data_in(self, language: Language) -> dict[str, Any]:
        """The details for programs, with texts in *language*."""
        return dict(rendered(self._data, language))

    def render(self, language: Language = "en") -> str:
        """The message in *language*."""
        return self.text.render(language)

    def as_json(self, language: Language) -> ErrorJson:
        """Code, message and data, for a program."""
        message, data = self.render(language), self.data_in(language)
        return {"code": self.code, "message": message, "data": cast("ErrorDataJson", data)}

    def about(self, module: str) -> None:
        """Say that it is about *module*, unless it says so already."""
        self._data.setdefault("module", module)

    def hide(self, secrets: Sequence[str]) -> None:
        """Mask *secrets* in the message and the details, which may quote the engine and
        containers."""
        self.text, self.brief = hide(self.text, secrets), hide(self.brief, secrets)
        self._data = hide(self._data, secrets)
        self.args = (self.text,)
        # A traceback would still contain the original text.
        self.__cause__ = None
        self.__suppress_context__ = True

    def __str__(self) -> str:
        return self.render()


class JointError(AiServerError):
    """Several errors, found before anything was changed. ``code`` is that of the first one;
    ``data["errors"]`` has the code, message and data of each."""

    def __init__(self, errors: Sequence[AiServerError]) -> None:
        self.errors = tuple(one for error in errors for one in each(error))
        count = len(self.errors)
        super().__init__(Plural("Found {count} problem.", "Found {count} problems.", count=count))
        self.code = self.errors[0].code  # type: ignore[misc]

    def data_in(self, language: Language) -> dict[str, Any]:
        return {"errors": [error.as_json(language) for error in self.errors]}

    def render(self, language: Language = "en") -> str:
        return "\n".join(error.render(language) for error in self.errors)

    def hide(self, secrets: Sequence[str]) -> None:
        super().hide(secrets)
        for error in self.errors:
            error.hide(secrets)


def each(error: AiServerError) -> Sequence[AiServerError]:
    """The errors in *error*: itself, or those joined in it."""
    return error.errors if isinstance(error, JointError) else (error,)


def raise_all(errors: Sequence[AiServerError]) -> None:
    """Raise *errors*: none, the one, or `JointError`."""
    if len(errors) > 1:
        raise JointError(errors)
    if errors:
        raise errors[0]


class WordedError(ValueError):
    """Its *text* is the message, or a part of one."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


class UnfitError(WordedError):
    """Raised by a validator whose *text* is the whole message and names the found value."""
