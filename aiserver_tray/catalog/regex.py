"""Regular expressions of a catalog. They run in linear time, so that no file can make a command
hang: Rust's engine has no back references and no look-arounds, and does not backtrack."""

from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError


def compiles(pattern: str) -> bool:
    """Whether *pattern* is a regular expression that runs in linear time."""
    try:
        _search(pattern)  # alone first: "a)|(b" must not match by the group around it
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
