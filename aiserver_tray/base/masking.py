"""Secrets taken out of what people and programs are told."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiserver_tray.base.i18n import Text

MASK = "********"
"""What is shown in place of a secret."""


def hide(value: Any, secrets: Iterable[str]) -> Any:  # noqa: ANN401 - JSON, or texts within it
    """*value* (text, `Text`, or JSON) with each of *secrets* replaced by `MASK`."""
    # Longest first: one secret may begin another.
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
    # A number may be a secret's, too; what holds none keeps its type and so its look.
    return value if masked == str(value) else masked
