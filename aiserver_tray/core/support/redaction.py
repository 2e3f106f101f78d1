"""Replacing secrets and the user's name in texts that leave the machine."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from aiserver_tray.base.masking import MASK, hide, with_texts
from aiserver_tray.catalog.guessable import why_guessable

_SHORTEST = 4
"""Minimum characters of a text to replace: a shorter one would be found everywhere."""

_LOGIN = re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)")
_HEADER = re.compile(r"(authorization[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key)[\w-]*[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;&]+",
    re.IGNORECASE,
)
"""What looks like a secret in a log. Its value may be none of ours: a program made it, or it was
changed since."""


class Redactor:
    """Replaces *secrets*, and the name of the folder *user_home*. *words* stay, even if one of them
    is somebody's password."""

    def __init__(self, secrets: Iterable[str], user_home: Path, words: Iterable[str] = ()) -> None:
        known = {form for secret in secrets for form in _forms(secret)} - {*words}
        self._guessable = _one_of(_whole_word(form) for form in known if why_guessable(form))
        self._secret = [form for form in known if not why_guessable(form)]
        self._home = _one_of(map(re.escape, _spellings(str(user_home))))
        name = re.escape(user_home.name) or "(?!)"  # of a root folder: nothing
        self._name = re.compile(rf"\b(home|Users)([\\/]+){name}(?![\w.-])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """*text* without secrets and the user's name."""
        text = self._guessable.sub(MASK, hide(text, self._secret))
        text = _LOGIN.sub(MASK, text)
        for pattern in (_HEADER, _BEARER, _NAMED):
            text = pattern.sub(rf"\1{MASK}", text)
        return self._name.sub(r"\1\2USER", self._home.sub("~", text))

    def data(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """*value* with the same replaced in each of its texts."""
        return with_texts(value, self.text)


def _forms(secret: str) -> Iterator[str]:
    """*secret* and its lines as programs print them: as they are, in JSON, in an address, and in
    Base64."""
    for text in {secret, *secret.splitlines()}:
        if len(text.strip()) < _SHORTEST:
            continue
        yield text
        yield json.dumps(text)[1:-1]
        yield from (quote(text, safe=""), quote_plus(text))
        if not why_guessable(text):
            yield base64.b64encode(text.encode()).decode()


def _whole_word(secret: str) -> str:
    """The pattern of a secret that may be a part of any word."""
    return rf"(?<!\w){re.escape(secret)}(?!\w)"


def _spellings(path: str) -> set[str]:
    return {path, path.replace("\\", "/"), path.replace("\\", "\\\\")} if len(path) > 1 else set()


def _one_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Any of *patterns*, the longest first, because one may be the beginning of another. Nothing
    matches if there are none."""
    ordered = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(ordered) or "(?!)")
