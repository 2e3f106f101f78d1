"""Content of files that is checked with pydantic.

The import of pydantic takes longer than the rest of a short command. So only the files that few
commands need are based on these models. For a `PlainContent`, a model is made only if the file is
not as we write it.
"""

import hashlib
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator

from aiserver_tray.settings.files import DamagedError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class FileModel(BaseModel):
    """The content of a file. A subclass narrows ``version`` to a ``Literal`` with a default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    is_sealed: ClassVar[bool] = False
    version: int

    @classmethod
    def read_plain(cls, _content: bytes) -> Self | None:
        """None: only the model knows."""
        return None

    @classmethod
    def validated(cls, raw: object) -> Self:
        """As `FileContent.validated`."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise _damage(error) from None

    def written(self) -> bytes:
        """As `FileContent.written`."""
        self.seal()
        return self.model_dump_json(indent=2).encode() + b"\n"

    def seal(self) -> None:
        """Called before the file is written."""


class SealedModel(FileModel):
    """The content of a file that no user edits."""

    is_sealed: ClassVar[bool] = True
    digest: str = ""

    def seal(self) -> None:
        self.digest = _digest(self.model_dump_json(exclude={"digest"}))

    @model_validator(mode="after")
    def _whole(self) -> "SealedModel":
        # The digest of the file's own content, which may lack newer fields. Empty if there is no
        # file.
        content = self.model_dump_json(exclude={"digest"}, exclude_unset=True)
        if self.model_fields_set and self.digest != _digest(content):
            raise ValueError("not what was written")
        return self


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def checked(content: type["DataclassInstance"], raw: object) -> dict[str, Any]:
    """*raw*, if it is what the fields of the dataclass *content* say.

    Raises:
        DamagedError: it is not.
    """
    try:
        return _model_of(content).model_validate(raw).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise _damage(error) from None


def _model_of(content: type["DataclassInstance"]) -> type[BaseModel]:
    """A model with the fields of *content*. For a dataclass, messages would name Python's terms."""
    hints = get_type_hints(content)
    names = [field.name for field in fields(content)]
    given: dict[str, Any] = {name: (_with_models(hints[name]), None) for name in names}
    config = ConfigDict(extra="forbid", strict=True)
    return create_model(content.__name__, __config__=config, **given)


def _with_models(hint: Any) -> Any:  # noqa: ANN401 - any type
    if is_dataclass(hint):
        return _model_of(cast("type[DataclassInstance]", hint))
    if get_origin(hint) is dict:
        return dict[str, _with_models(get_args(hint)[1])]  # type: ignore[misc]
    return hint


def _damage(error: ValidationError) -> DamagedError:
    """Its own text would repeat the values."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    why = first["msg"].removeprefix("Value error, ")
    return DamagedError(f"{place}: {why}" if place else why)
