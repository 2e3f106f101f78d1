"""Masking of secrets in messages, log lines and JSON."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import CONTROL, CONTROL_BEGINS

MASK = "********"
"""Replaces a secret."""

_LEAST_CHARACTERS: Final = 6
"""Lines of a secret with several lines that are shorter than this are no secrets."""
_LEAST_ENCODED: Final = 4
"""Minimum bytes of a secret to search for its Base64: a shorter one matches everywhere."""
_ERRORS: Final = "surrogatepass"
"""A text may be of a file name that is no UTF-8."""


class Masker:
    """Replaces *secrets* in texts: in each form in which programs write them, and also where a
    control sequence, such as a colour, is within one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._pattern = _any_of({part for secret in secrets for part in _parts(secret)})

    def text(self, text: str) -> str:
        """*text* without secrets. If a control sequence is within one, all of them are removed."""
        masked = self._replaced(text)
        plain = without_controls(masked)
        return masked if plain is masked or not self._is_in(plain) else self._replaced(plain)

    def lines(self, lines: list[str]) -> list[str]:
        """*lines*, which have no line ends, without secrets."""
        # One search over all of them, because hardly any line has a secret.
        whole = "\n".join(lines)
        if self.text(whole) is whole:
            return lines
        return [self.text(line) for line in lines]

    def _is_in(self, text: str) -> bool:
        return bool(self._pattern and self._pattern.search(text.encode(errors=_ERRORS)))

    def _replaced(self, text: str) -> str:
        if not self._is_in(text):
            return text
        found = self._pattern.sub(MASK.encode(), text.encode(errors=_ERRORS))
        return str(found.decode(errors=_ERRORS))


def without_controls(text: str) -> str:
    """*text* without control sequences."""
    # Most texts have none, and to search for these few is much faster.
    return CONTROL.sub("", text) if any(one in text for one in CONTROL_BEGINS) else text


def _parts(secret: str) -> Iterator[str]:
    """*secret*, and its lines, which logs have one by one."""
    lines = secret.splitlines()
    if secret:
        yield secret
        yield from (one for one in lines if len(lines) == 1 or len(one) >= _LEAST_CHARACTERS)


def forms(secret: str) -> set[str]:
    """*secret* as programs write it in texts: as it is, in JSON, in an address, in a form."""
    from urllib.parse import quote, quote_plus  # noqa: PLC0415 - most commands mask nothing

    return {
        secret,
        *(json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)),
        # Each language lets other characters stand in an address.
        *(quote(secret, safe, errors=_ERRORS) for safe in ("", "/", "!'()*")),
        quote_plus(secret, errors=_ERRORS),
    }


def _encoded(secret: str) -> Iterator[str]:
    """The characters in Base64 that only *secret* decides, after any number of bytes before it, as
    in the header ``Basic``, which has a user's name there."""
    content = secret.encode(errors=_ERRORS)
    if len(content) < _LEAST_ENCODED:
        return
    for before, begin in ((0, 0), (1, 2), (2, 3)):
        whole = b64encode(bytes(before) + content).decode()
        part = whole[begin : (before + len(content)) * 8 // 6]
        yield part
        yield part.translate({ord("+"): "-", ord("/"): "_"})


def _any_of(secrets: Iterable[str]) -> Any:  # noqa: ANN401 - re2 has no types
    """The pattern of all *secrets* in all forms; None without any. Base64 is replaced as a
    whole."""
    literals = _alternatives(form for secret in secrets for form in forms(secret))
    if not literals:
        return None
    import re2  # noqa: PLC0415 - takes memory, and a new home has no secrets

    if encoded := _alternatives(part for secret in secrets for part in _encoded(secret)):
        literals += f"|[A-Za-z0-9+/_-]*(?:{encoded})[A-Za-z0-9+/_-]*=*"
    return re2.compile(literals.encode(errors=_ERRORS))


def _alternatives(literals: Iterable[str]) -> str:
    # Longest first, because one may be the beginning of another.
    return "|".join(map(re.escape, sorted(set(literals), key=len, reverse=True)))


def hide(value: Any, secrets: Iterable[str]) -> Any:  # noqa: ANN401 - JSON, or texts within it
    """*value* (text, `Text`, or JSON) with each of *secrets* replaced by `MASK`."""
    return with_texts(value, Masker(secrets).text)


def with_texts(value: Any, replace: Callable[[str], str]) -> Any:  # noqa: ANN401 - as for `hide`
    """*value* with each text in it, as *replace* returns it."""
    if isinstance(value, Text):
        return value.with_values(with_texts(value.values, replace))
    if isinstance(value, Mapping):
        return {with_texts(k, replace): with_texts(v, replace) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [with_texts(item, replace) for item in value]
    if value is None or isinstance(value, bool):
        return value
    replaced = replace(str(value))
    # Even a number may contain a secret. Values without a secret keep their type.
    return value if replaced == str(value) else replaced
