"""Masking of secrets in messages and JSON."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiserver_tray.base.i18n import Text

MASK = "********"
"""Replaces a secret."""


def hide(value: Any, secrets: Iterable[str]) -> Any:  # noqa: ANN401 - JSON, or texts within it
    """*value* (text, `Text`, or JSON) with each of *secrets* replaced by `MASK`."""
    # Longest first, because one secret may be the beginning of another.
    ordered = sorted(filter(None, secrets), key=len, reverse=True)

    def masked(text: str) -> str:
        for secret in ordered:
            text = text.replace(secret, MASK)
        return text

    return with_texts(value, masked)


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
