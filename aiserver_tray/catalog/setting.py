"""Declared settings and the values that they accept."""

import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import SchemaError

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.errors.base import UnfitError
from aiserver_tray.base.i18n import Language, Text, in_language
from aiserver_tray.base.masking import MASK
from aiserver_tray.base.strings import in_line
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.guessable import why_guessable

PLACEHOLDER = "change-me-"
"""Prefix of the placeholder ``change-me-<name>`` in ``env.example``; it is never accepted as a
secret."""
_PORT = re.compile(r"0*(?P<number>[1-9][0-9]{0,4})")
_SIZE = re.compile(
    r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,15})?) ?(?P<unit>[kmgtp]?)i?b?", re.IGNORECASE
)
_TIMEZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
"""A name of the IANA database. Only the containers have the list of all."""
_LEAST_BYTES = 6 * 1024**2
"""Docker's minimum memory for a container: a lower number without a unit can't mean bytes."""
_BOOLEANS: Mapping[str, str | Text] = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}


def _both_languages(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


def _with_size(text: str) -> str:
    parse_size(text)
    return text


Localized = Annotated[
    dict[Language, Annotated[str, AfterValidator(in_line)]], BeforeValidator(_both_languages)
]
"""A text of the catalog by language; one that is written once is for both."""
Size = Annotated[str, AfterValidator(_with_size)]
"""A size as in Compose (``512m``)."""
SettingType = Literal["port", "secret", "text", "choice", "boolean", "size", "timezone", "folder"]
Generator = Literal["hex32", "base64url32", "alnum32", "alnum20"]
"""Generators of secrets: 32 random bytes as 64 hexadecimal digits or as 43 unpadded base64url
characters; or 32 random characters of [A-Za-z0-9] (190 bits), or 20 of them (119 bits) for software
that accepts no more."""
Default = Annotated[str, Field(strict=False, coerce_numbers_to_str=True)] | bool | None
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class Closed(BaseModel):
    """A mapping of ``x-aiserver``: known keys only, with strict types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(Closed):
    """One option of a choice: the profiles that it activates, and what it requires."""

    title: Localized | None = None
    help: Localized | None = None
    value: str | None = None
    """What the variable has in the Compose file, if that is not the option's name."""
    profiles: Texts = ()
    requires: Texts = ()
    """Modules."""
    memory: Size | None = None
    """What the option needs in addition to the module's own `Needs`."""
    card: Literal["nvidia"] | None = None
    """The graphics card that it needs. Without one, a start chooses the setting's default."""


class DataFile(Closed):
    """A file in a volume of the module."""

    volume: str
    """Its key in the Compose file."""
    file: str
    """Its path in the volume."""


class Setting(Closed):
    """One declared setting of a module or of the app. Values are text."""

    type: SettingType = "text"
    title: Localized | None = None
    help: Localized | None = None
    group: Localized = Field(default_factory=dict)
    """The title of a section of advanced settings. Empty: the section follows from the type."""
    pattern: str | None = None
    generate: Generator | None = None
    keep: bool = False
    token_of: Literal["oneapi"] | None = None
    """The module that issues this access token; ``connect`` creates it."""
    shared: bool = False
    """Whether the modules that require this one may read the secret."""
    from_data: DataFile | None = None
    """The file with the value that existing data depends on. It is read once, at the first start
    that finds the data and no value."""
    user: int | None = None
    """The user ID in the container that reads and writes the folder."""
    choices: Mapping[str, Choice] = Field(default_factory=dict)
    # Last, because it is checked against the other fields.
    default: Default = None

    @model_validator(mode="after")
    def _consistent(self) -> "Setting":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError(Text("choices with type choice, and only with it"))
        if self.type != "secret" and (self.generate or self.keep or self.token_of or self.shared):
            raise ValueError(Text("generate, keep, token_of and shared only with type secret"))
        if self.token_of and (self.generate or self.keep):
            raise ValueError(Text("token_of without generate and keep"))
        if self.type != "folder" and self.user is not None:
            raise ValueError(Text("user only with type folder"))
        if self.type == "folder" and self.default is not None:
            raise ValueError(Text("type folder without a default, because users choose it"))
        if self.type == "secret" and self.from_data:
            raise ValueError(Text("from_data only with a type other than secret"))
        return self

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern and not compiles(pattern):
            raise ValueError(Text("a regular expression without look-around and back references"))
        return pattern

    @field_validator("default")
    @classmethod
    def _is_a_value(cls, default: Default, others: ValidationInfo) -> Default:
        if default is not None and {"type", "pattern", "choices"} <= others.data.keys():
            cls.model_construct(**others.data, default=default)._check_default()
        return default

    def _check_default(self) -> None:
        if self.type == "secret":
            raise UnfitError(
                Text("expected a secret without a default, because a published value is not secret")
            )
        # A text is used unchanged, with line breaks. Missing choices are reported as such.
        text = self.type == "text" and not self.pattern
        if text or (self.type == "choice" and not self.choices):
            return
        try:
            self.parse("default", self._default or "")
        except SettingError as error:
            raise UnfitError(error.why) from None

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown, logged or stored in the clear."""
        return self.type == "secret"

    @property
    def mask(self) -> str | None:
        """The mask for a secret without a value, as if it had one. None if there is none."""
        return MASK if self.is_secret else None

    def answers(self, language: Language) -> dict[str, str]:
        """The options of a choice, with their titles in *language*."""
        return {
            name: in_language(choice.title, language) or name
            for name, choice in self.choices.items()
        }

    @property
    def is_readable_by_users(self) -> bool:
        """Whether the modules that require its module may use it."""
        return self.shared or not self.is_secret

    def hides(self, _value: str) -> bool:
        """Whether the value must be masked in texts."""
        return self.is_secret

    @property
    def initial(self) -> str | None:
        """The declared default in its canonical form. None if a value must be generated or set."""
        if self._default is None or self.type == "text":
            return self._default
        return self.parse("default", self._default)

    @property
    def shown(self) -> str | None:
        """The default for display."""
        return self.initial

    @property
    def fallback(self) -> str | None:
        """The value while none is set. None if there is none."""
        return self.initial

    def in_file(self, value: str) -> str:
        """*value* as the variable of the Compose file has it."""
        choice = self.choices.get(value)
        return value if choice is None or choice.value is None else choice.value

    @property
    def _default(self) -> str | None:
        return str(self.default).lower() if isinstance(self.default, bool) else self.default

    def parse(self, name: str, text: str) -> str:
        """*text* in its canonical form, without surrounding white space for numbers and words.

        Raises:
            SettingError: it is not a value of the setting *name*; says what is expected, and
                never repeats a secret.
        """
        found = self._read(text)
        if isinstance(found, str):
            found = _one_line(found)
        if isinstance(found, str) and self.pattern and not matches(self.pattern, found):
            found = self._off_pattern(found)
        if isinstance(found, Text):
            raise SettingError(name, found)
        return found

    def _off_pattern(self, found: str) -> Text:
        if self.type == "secret":
            return Text("expected a value that matches {pattern}", pattern=self.pattern)
        return Text(
            "expected a value that matches {pattern}, found {found!r}",
            pattern=self.pattern,
            found=found,
        )

    def _read(self, text: str) -> str | Text:
        """The value, or why *text* is none."""
        return _choice(text, self.choices) if self.type == "choice" else _READERS[self.type](text)


def _choice(text: str, choices: Mapping[str, Choice]) -> str | Text:
    for name, choice in choices.items():
        if text.strip() in (name, choice.value):
            return name
    names = ", ".join(choices)
    return Text("expected one of {choices}, found {found!r}", choices=names, found=text)


def _port(text: str) -> str | Text:
    match = _PORT.fullmatch(text.strip())
    if match and int(match["number"]) <= 65535:
        return match["number"]
    return Text("expected a port from 1 to 65535, found {found!r}", found=text)


def _timezone(text: str) -> str | Text:
    if _TIMEZONE.fullmatch(text.strip()):
        return text.strip()
    return Text("expected a time zone such as Europe/Berlin, found {found!r}", found=text)


def _boolean(text: str) -> str | Text:
    why = Text("expected true or false, found {found!r}", found=text)
    return _BOOLEANS.get(text.strip().lower(), why)


def _size(text: str) -> str | Text:
    match = _SIZE.fullmatch(text.strip())
    size = match["number"] + match["unit"].lower() if match else ""
    with suppress(ValueError):  # no size at all, or more bytes than can be counted
        if parse_size(size) >= (_LEAST_BYTES if size[-1:].isdigit() else 1):
            return size
    return Text("expected a size such as 512m or 2g, found {found!r}", found=text)


def _folder(text: str) -> str | Text:
    """A full path, or none. Whether there is such a folder is another question."""
    path = text.strip()
    if not path:
        return path
    if not os.path.isabs(path):  # noqa: PTH117 - a text
        return Text("expected the full path of a folder, found {found!r}", found=text)
    # In `volumes`, a colon separates the folder from its place in the container.
    if ":" in os.path.splitdrive(path)[1]:
        return Text("expected a folder without a colon in its name, found {found!r}", found=text)
    return os.path.normpath(path)


def _secret(text: str) -> str | Text:
    if text.startswith(PLACEHOLDER):
        return Text("this is the placeholder of env.example. Set your own value")
    return why_mask(text) or why_guessable(text) or text


def why_mask(text: str) -> Text | None:
    """Why *text* is only a placeholder and no value."""
    if text == MASK:
        return Text("this is the mask that hides a secret. Set the secret itself")
    return None


def _one_line(text: str) -> str | Text:
    """*text*, unless an env file or a settings file can't contain it."""
    # Invalid Unicode arrives from a command line as lone surrogates.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return Text("expected one line of text without control characters")
    return text


_READERS: Mapping[SettingType, Callable[[str], str | Text]] = {
    "port": _port,
    "boolean": _boolean,
    "size": _size,
    "secret": _secret,
    "text": str,
    "timezone": _timezone,
    "folder": _folder,
}


@lru_cache(maxsize=256)
def compiles(pattern: str) -> bool:
    """Whether *pattern* is a regular expression that runs in linear time, so that no file can make
    a command hang: Rust's engine has no back references and no look-arounds, and does not
    backtrack."""
    try:
        _search(pattern)  # Compiled alone first, because "a)|(b" is valid only inside the group.
        _whole(pattern)
    except SchemaError:
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Whether the whole *text* matches *pattern*, which `compiles`."""
    try:
        _whole(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _whole(pattern: str) -> TypeAdapter[str]:
    return _search(f"^(?:{pattern})$")


def _search(pattern: str) -> TypeAdapter[str]:
    constraints = StringConstraints(pattern=pattern, strict=True)
    # Pydantic's default engine, named here because another one may backtrack.
    return TypeAdapter(Annotated[str, constraints], config={"regex_engine": "rust-regex"})
