"""What a setting is, and which values it takes."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aiserver_tray.errors import SettingError
from aiserver_tray.i18n import Text

PLACEHOLDER = "change-me-"
"""``env.example`` holds ``change-me-<name>`` for a secret; it is never taken as a value."""

MASK = "********"

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>[kmgtp]?)i?b?", re.IGNORECASE)
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "1": "true"} | {
    "false": "false",
    "no": "false",
    "off": "false",
    "0": "false",
}

LocalText = dict[Literal["en", "zh"], str]
SettingType = Literal["port", "secret", "text", "choice", "boolean", "size"]
Generator = Literal["hex32", "base64url32", "alnum32"]
"""How a secret is made: 32 random bytes as 64 hexadecimal digits or as 43 unpadded base64url
characters, or 32 random characters of [A-Za-z0-9] (190 bits)."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(_Closed):
    """One answer to a choice: what it activates and what it needs."""

    title: str | LocalText | None = None
    profiles: tuple[str, ...] = Field(default=(), strict=False)
    requires: tuple[str, ...] = Field(default=(), strict=False)


class Setting(_Closed):
    """One declared setting of a module or of the app. Values are text, as Compose takes them."""

    type: SettingType = "text"
    default: Annotated[str, Field(strict=False, coerce_numbers_to_str=True)] | bool | None = None
    title: LocalText | None = None
    help: LocalText | None = None
    pattern: str | None = None
    generate: Generator | None = None
    keep: bool = False
    choices: Mapping[str, Choice] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> "Setting":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices, which go with type choice and only with it")
        if self.type != "secret" and (self.generate or self.keep):
            raise ValueError("generate and keep only with type secret")
        if self.type == "secret" and self.default is not None:
            raise ValueError("a secret without a default, since a published one protects nothing")
        return self

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown, logged or stored in the clear."""
        return self.type == "secret"

    @property
    def initial(self) -> str | None:
        """The declared default as text; None where a value has to be made or given."""
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        return self.default

    def parse(self, name: str, text: str) -> str:
        """*text* in its canonical form.

        Raises:
            SettingError: it is not a value of this setting; says what is expected, and never
                repeats a secret.
        """
        match self.type:
            case "port":
                value = self._port(name, text)
            case "boolean":
                value = _BOOLEANS.get(text.strip().lower(), "")
                if not value:
                    raise _refused(
                        name, Text("expected true or false, found {found!r}", found=text)
                    )
            case "choice":
                value = text.strip()
                if value not in self.choices:
                    raise _refused(
                        name,
                        Text(
                            "expected one of {choices}, found {found!r}",
                            choices=", ".join(self.choices),
                            found=text,
                        ),
                    )
            case "size":
                value = self._size(name, text)
            case "secret":
                value = self._secret(name, text)
            case "text":
                value = text
        return self._matching(name, value)

    def _port(self, name: str, text: str) -> str:
        if text.strip().isascii() and text.strip().isdigit() and 1 <= int(text[:9]) <= 65535:
            return str(int(text))
        raise _refused(name, Text("expected a port from 1 to 65535, found {found!r}", found=text))

    def _size(self, name: str, text: str) -> str:
        match = _SIZE.fullmatch(text.strip())
        if match and float(match["number"]) > 0:
            return match["number"] + match["unit"].lower()
        raise _refused(
            name, Text("expected a size such as 512m or 2g, found {found!r}", found=text)
        )

    def _secret(self, name: str, text: str) -> str:
        if text.startswith(PLACEHOLDER):
            raise _refused(
                name,
                Text("the placeholder of env.example is no secret; give a value of your own"),
            )
        if not text or any(ord(c) < 32 for c in text):
            raise _refused(name, Text("expected one line of text that is not empty"))
        return text

    def _matching(self, name: str, value: str) -> str:
        if "\0" in value or "\n" in value or "\r" in value:
            raise _refused(name, Text("expected one line of text"))
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise _refused(
                name, Text("expected a value of the form {pattern}", pattern=self.pattern)
            )
        return value


def _refused(name: str, why: Text) -> SettingError:
    return SettingError(name, why)
