"""Masking of secrets in many lines at once."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any
from urllib.parse import quote

from aiserver_tray.base.masking import MASK

_LEAST_CHARACTERS = 6
"""Lines of a secret with several lines that are shorter than this are no secrets."""

_CHECK_SECONDS = 0.2
"""Seconds between two checks whether the secrets have changed."""


class Masker:
    """Replaces *secrets* in lines, also in the forms that they have in JSON and in addresses."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first, because one may be the beginning of another.
        forms = sorted(set(_forms(secrets)), key=len, reverse=True)
        self._pattern = _any_of(forms) if forms else None

    def mask(self, texts: list[str]) -> list[str]:
        """*texts*, which have no line ends, without secrets."""
        # One search over all of them, because hardly any line has a secret.
        if self._pattern is None or not self._pattern.search("\n".join(texts).encode()):
            return texts
        substitute = self._pattern.sub
        mask = MASK.encode()
        return [substitute(mask, text.encode()).decode() for text in texts]


def _any_of(literals: Sequence[str]) -> Any:  # noqa: ANN401 - re2 has no types
    import re2  # noqa: PLC0415 - takes memory, and a new home has no secrets

    return re2.compile("|".join(map(re2.escape, literals)).encode())


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        lines = secret.splitlines()
        for line in lines:
            if line and (len(lines) == 1 or len(line) >= _LEAST_CHARACTERS):
                yield line
                yield json.dumps(line)[1:-1]
                yield json.dumps(line, ensure_ascii=False)[1:-1]
                yield quote(line, safe="")


class CurrentMasker:
    """The `Masker` of *secrets*, made again when *version*, which is cheap to ask for, changes."""

    def __init__(self, secrets: Callable[[], Iterable[str]], version: Callable[[], object]) -> None:
        self._secrets = secrets
        self._version = version
        self._lock = Lock()
        self._known: object = None
        self._checked_at = 0.0
        self._masker = Masker(())

    def __call__(self) -> Masker:
        """The masker. A secret that is new counts within a moment, before a service can use it."""
        with self._lock:
            now = time.monotonic()
            if now - self._checked_at >= _CHECK_SECONDS:
                version = (self._version(),)
                if version != self._known:
                    self._masker = Masker(self._secrets())
                    self._known = version
                self._checked_at = now
            return self._masker
