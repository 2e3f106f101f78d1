"""Masking of secrets in messages and JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiserver_tray.base.i18n import Text

MASK = "********"
"""Replaces a secret."""


def hide(value: Any, secrets: Iterable[str]) -> Any:  # noqa: ANN401 - JSON, or texts within it
    """*value* (text, `Text`, or JSON) with each of *secrets* replaced by `MASK`."""
    # Longest first, because one secret may be the beginning of another.
    return _hidden(value, sorted(filter(None, secrets), key=len, reverse=True))


def _hidden(value: Any, secrets: list[str]) -> Any:  # noqa: ANN401
    if isinstance(value, Text):
        return value.with_values(_hidden(value.values, secrets))
    if isinstance(value, Mapping):
        return {_hidden(k, secrets): _hidden(v, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item, secrets) for item in value]
    if value is None or isinstance(value, bool):
        return value
    masked = str(value)
    for secret in secrets:
        masked = masked.replace(secret, MASK)
    # Even a number may contain a secret. Values without a secret keep their type.
    return value if masked == str(value) else masked
